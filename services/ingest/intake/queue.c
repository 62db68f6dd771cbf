#include "intake/queue.h"

#define HOLD_MS    2000
#define HOLD_POSTS 8192

#define GATHER_LEAST_MS 2
#define GATHER_MOST_MS  10
#define GATHER_LARGE_MS 25 /* where the last transaction was a large one, or one is under way */
#define LARGE_POSTS     256

void ear_queue_push(struct ear_queue *queue, struct ear_delivery *delivery)
{
    if (queue->last) {
        queue->last->next = delivery;
    } else {
        queue->first = delivery;
    }
    queue->last = delivery;
    queue->deliveries++;
    queue->posts += delivery->count;
    queue->bytes += delivery->bytes;
}

struct ear_delivery *ear_queue_shift(struct ear_queue *queue)
{
    struct ear_delivery *delivery = queue->first;
    queue->first = delivery->next;
    if (!queue->first) queue->last = NULL;
    queue->deliveries--;
    queue->posts -= delivery->count;
    queue->bytes -= delivery->bytes;
    delivery->next = NULL;
    return delivery;
}

void ear_queue_note(struct ear_queue *queue, size_t deliveries, size_t posts)
{
    queue->company = deliveries - 1;
    queue->last_posts = posts;
    /* A quarter of those that stayed away is forgotten: who was late once may be there again. */
    size_t away = queue->expected > deliveries ? queue->expected - deliveries : 0;
    queue->expected = deliveries + away * 3 / 4;
}

static bool all_are_here(const struct ear_queue *queue)
{
    return queue->last_posts >= LARGE_POSTS && queue->deliveries >= queue->expected;
}

int64_t ear_queue_gathers_ms(const struct ear_queue *queue)
{
    if (!queue->first || queue->posts >= EAR_COMMIT_POSTS || all_are_here(queue)) return 0;
    int64_t most_ms = queue->last_posts < LARGE_POSTS ? GATHER_MOST_MS : GATHER_LARGE_MS;
    int64_t gather_ms = GATHER_LEAST_MS + (int64_t)queue->company;
    if (gather_ms > most_ms) gather_ms = most_ms;
    if (queue->coming >= LARGE_POSTS) gather_ms = GATHER_LARGE_MS;
    int64_t waited_ms = (ear_clock_wall_us() - queue->first->received_at_us) / EAR_US_PER_MS;
    return waited_ms >= 0 && waited_ms < gather_ms ? gather_ms - waited_ms : 0;
}

bool ear_queue_holds(const struct ear_queue *queue, const struct ear_offer *offer, ear_lane lane)
{
    struct ear_offer_stats stats;
    size_t next = queue->posts < EAR_COMMIT_POSTS ? queue->posts : EAR_COMMIT_POSTS;
    if (!queue->first || queue->posts > HOLD_POSTS) return false;
    int64_t waited_us = ear_clock_wall_us() - queue->first->received_at_us;
    if (waited_us < 0 || waited_us > HOLD_MS * EAR_US_PER_MS) return false;
    ear_offer_stats(offer, &stats);
    return !stats.behind[lane] && stats.in_flight[lane] > 0 &&
           stats.source.credit_posts[lane] < (int64_t)(queue->coming + next);
}
