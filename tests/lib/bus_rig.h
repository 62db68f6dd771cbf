/* bus_rig: sources and sinks that play a service each, on one loop. For tests of the bus and of
 * what stands between two buses. */
#ifndef TEST_LIB_BUS_RIG_H
#define TEST_LIB_BUS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/bus.h"
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define BEAT_MS 200 /* three of them outlast what a busy machine does to a test of one process */
#define WAIT_MS 20000

/* Who is measured by the clock, or plays with several processes, takes a longer one for a while. */
static int64_t rig_beat_ms = BEAT_MS;

/* Turns the loop until the condition holds, or fails. */
#define WAIT(loop, cond)                                                                \
    do {                                                                                \
        int64_t until_ = ear_clock_mono_ms() + WAIT_MS;                                 \
        while (!(cond)) {                                                               \
            ear_loop_turn((loop), 10);                                                  \
            if (ear_clock_mono_ms() > until_) fail_msg("waited in vain for %s", #cond); \
        }                                                                               \
    } while (0)

static inline void turn_for(struct ear_loop *loop, int64_t ms)
{
    for (int64_t until = ear_clock_mono_ms() + ms; ear_clock_mono_ms() < until;)
        ear_loop_turn(loop, 5);
}

static inline struct ear_bus *open_bus(struct ear_loop *loop, const char *service)
{
    struct ear_bus *bus;
    struct ear_diag diag;
    struct ear_bus_opts opts = {.service = service, .beat_ms = rig_beat_ms, .resolve_ms = 200};
    if (ear_bus_new(&bus, loop, &opts, &diag)) fail_msg("%s", diag.text);
    return bus;
}

/* --- a source with work to give away --- */

#define JOBS_MAX 4096

struct job {
    struct ear_id id;
    size_t count;
    ear_lane lane;
    bool out; /* in flight */
    unsigned settled, lost, returned, failed;
};

struct giver {
    struct ear_bus *bus;
    struct ear_source *source;
    struct job jobs[JOBS_MAX];
    size_t count, next, finished, in_flight;
    unsigned lost, rooms;
    bool keep_lost;                                   /* do not offer lost ones again */
    struct ear_str (*item_of)(size_t job, size_t at); /* NULL: any bytes */
    void (*on_settled)(size_t job, const struct ear_settle *settle); /* may be NULL */
};

static inline struct job *giver_job(struct giver *giver, const struct ear_id *id)
{
    for (size_t i = 0; i < giver->count; i++)
        if (ear_id_cmp(&giver->jobs[i].id, id) == 0) return &giver->jobs[i];
    fail_msg("a batch that was never offered");
    return NULL;
}

static inline ear_err giver_offer(struct giver *giver, struct job *job)
{
    struct ear_str items[EAR_BATCH_POSTS_MAX];
    for (size_t i = 0; i < job->count; i++)
        items[i] = giver->item_of ? giver->item_of((size_t)(job - giver->jobs), i)
                                  : EAR_STR("a post of some length, or nearly");
    struct ear_batch batch = {
        .id = job->id, .lane = job->lane, .items = items, .count = job->count};
    ear_err err = ear_source_offer(giver->source, &batch);
    if (!err) {
        job->out = true;
        giver->in_flight++;
    }
    return err;
}

/* Offers what is not out and not settled, until there is no credit. */
static inline void giver_room(void *self)
{
    struct giver *giver = self;
    giver->rooms++;
    for (; giver->next < giver->count; giver->next++) {
        struct job *job = &giver->jobs[giver->next];
        if (job->out || job->settled || (job->lost && giver->keep_lost)) continue;
        if (giver_offer(giver, job)) return;
    }
}

static inline void giver_settled(void *self, const struct ear_settle *settle)
{
    struct giver *giver = self;
    struct job *job = giver_job(giver, &settle->batch_id);
    assert_true(job->out);
    assert_int_equal(settle->count, job->count);
    if (giver->on_settled) giver->on_settled((size_t)(job - giver->jobs), settle);
    job->out = false;
    giver->in_flight--;
    if (settle->fates[0] == EAR_ITEM_RETURNED) {
        job->returned++;
        giver->next = 0;
        return;
    }
    job->settled++;
    if (settle->fates[0] == EAR_ITEM_FAILED) job->failed++;
    giver->finished++;
}

static inline void giver_lost(void *self, const struct ear_id *id)
{
    struct giver *giver = self;
    struct job *job = giver_job(giver, id);
    assert_true(job->out);
    job->out = false;
    job->lost++;
    giver->lost++;
    giver->in_flight--;
    giver->next = 0;
}

static inline void giver_open_at(struct giver *giver, struct ear_loop *loop, const char *endpoint)
{
    static const struct ear_source_ops ops = {giver_room, giver_settled, giver_lost};
    struct ear_diag diag;
    giver->bus = open_bus(loop, "ingest");
    if (ear_source_new(&giver->source, giver->bus, endpoint, &ops, giver, &diag))
        fail_msg("%s", diag.text);
}

static inline struct giver *giver_new(struct ear_loop *loop, const char *endpoint, size_t jobs,
                                      size_t batch_posts)
{
    struct giver *giver = ear_alloc(sizeof(*giver));
    giver->count = jobs;
    for (size_t i = 0; i < jobs; i++)
        giver->jobs[i] = (struct job){.id = ear_id_new(ear_clock_wall_us()),
                                      .count = batch_posts ? batch_posts : 1 + i % 200,
                                      .lane = i % 3 == 2 ? EAR_LANE_BACKFILL : EAR_LANE_LIVE};
    giver_open_at(giver, loop, endpoint);
    return giver;
}

static inline void giver_close(struct giver *giver)
{
    ear_source_free(&giver->source);
    ear_bus_free(&giver->bus);
}

static inline void giver_free(struct giver **giver)
{
    giver_close(*giver);
    EAR_FREE(*giver);
}

/* --- a sink that works some of it off --- */

struct basket {
    struct ear_id id;
    size_t count;
};

struct taker {
    struct ear_loop *loop;
    struct ear_bus *bus;
    struct ear_sink *sink;
    struct ear_timer *timer;
    struct basket held[JOBS_MAX];
    size_t count, batches, orphaned, quiet;
    int64_t posts[EAR_LANES], most[EAR_LANES]; /* unsettled now, and at most ever */
    bool lazy;                                 /* settle nothing by yourself */
    ear_fate fate;
    void (*on_batch)(const struct ear_batch *batch); /* may be NULL */
};

static inline void taker_settle(struct taker *taker, size_t at)
{
    uint8_t fates[EAR_BATCH_POSTS_MAX];
    struct basket basket = taker->held[at];
    taker->held[at] = taker->held[--taker->count];
    memset(fates, (int)taker->fate, sizeof(fates));
    ear_sink_settle(taker->sink, &(struct ear_settle){basket.id, fates, basket.count});
}

static inline void taker_work(void *self)
{
    struct taker *taker = self;
    if (taker->lazy) return;
    for (size_t n = 0; n < 8 && taker->count; n++)
        taker_settle(taker, (size_t)ear_random_below(taker->count));
}

static inline void taker_batch(void *self, const struct ear_batch *batch)
{
    struct taker *taker = self;
    assert_in_range(batch->count, 1, EAR_BATCH_POSTS_MAX);
    assert_true(taker->count < JOBS_MAX);
    taker->held[taker->count++] = (struct basket){batch->id, batch->count};
    taker->batches++;
    if (taker->on_batch) taker->on_batch(batch);
    if (!taker->lazy && !ear_timer_active(taker->timer)) ear_timer_start(taker->timer, 0, 1);
}

static inline void taker_orphaned(void *self, const struct ear_id *id)
{
    struct taker *taker = self;
    taker->orphaned++;
    for (size_t i = 0; i < taker->count; i++)
        if (ear_id_cmp(&taker->held[i].id, id) == 0) {
            taker->held[i] = taker->held[--taker->count];
            return;
        }
    fail_msg("orphaned, but not held");
}

static inline void taker_quiet(void *self)
{
    struct taker *taker = self;
    taker->quiet++;
}

static inline void taker_open_with(struct taker *taker, struct ear_bus *bus, const char *sources,
                                   int64_t window_posts)
{
    static const struct ear_sink_ops ops = {
        .batch = taker_batch, .orphaned = taker_orphaned, .quiet = taker_quiet};
    struct ear_sink_opts opts = {.sources = sources,
                                 .source_service = "ingest",
                                 .window_posts = {window_posts, window_posts}};
    struct ear_diag diag;
    taker->bus = bus;
    ear_timer_new(&taker->timer, taker->loop, taker_work, taker);
    if (ear_sink_new(&taker->sink, bus, &opts, &ops, taker, &diag)) fail_msg("%s", diag.text);
}

static inline struct taker *taker_new(struct ear_loop *loop, const char *sources,
                                      int64_t window_posts)
{
    struct taker *taker = ear_alloc(sizeof(*taker));
    taker->loop = loop;
    taker_open_with(taker, open_bus(loop, "classifier"), sources, window_posts);
    return taker;
}

static inline void taker_free(struct taker **taker)
{
    ear_timer_free(&(*taker)->timer);
    ear_sink_free(&(*taker)->sink);
    ear_bus_free(&(*taker)->bus);
    EAR_FREE(*taker);
}

static inline const char *at_port(char text[64], const char *host, uint16_t port)
{
    snprintf(text, 64, "%s:%u", host, (unsigned)port);
    return text;
}

/* --- a loop for each test --- */

/* What a failed test leaves on the loop would end the program at the loop's end, before cmocka says
 * which assertion it was: so it ends at the assertion, and says it. */
static inline void rig_show_failures(void)
{
    setenv("CMOCKA_TEST_ABORT", "1", 0);
}

static inline int rig_set_up(void **state)
{
    rig_beat_ms = BEAT_MS;
    struct ear_loop *loop;
    rig_show_failures();
    ear_crypt_start();
    if (ear_loop_new(&loop)) return -1;
    *state = loop;
    return 0;
}

static inline int rig_tear_down(void **state)
{
    struct ear_loop *loop = *state;
    ear_loop_free(&loop);
    return 0;
}

#define RIG_TEST(function) cmocka_unit_test_setup_teardown(function, rig_set_up, rig_tear_down)

#endif
