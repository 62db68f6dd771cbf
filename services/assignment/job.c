#include "job.h"

#include "heard.h"
#include <stdlib.h>

/* What a batch says, some pointers a post and a few retries. */
#define JOB_BYTES_MAX ((size_t)64 << 20)

static void *take(struct ear_job *job, size_t count, size_t size_bytes)
{
    void *p = ear_arena_try(job->arena, (count + 1) * size_bytes);
    EAR_CHECK(p); /* a batch is held to EAR_BATCH_BYTES_MAX by the bus */
    return p;
}

/* Want of memory is no fault of the post: its fate stays as it is. */
static void note_unread(struct ear_job *job, size_t at, ear_err err)
{
    if (err == EAR_NO_MEMORY) {
        job->unread.starved++;
    } else {
        job->fates[at] = EAR_ITEM_FAILED;
        job->unread.malformed++;
    }
}

static void read_items(struct ear_job *job, const struct ear_str *items)
{
    struct ear_heard *heard = take(job, job->count, sizeof(*heard));
    const struct ear_heard *before = NULL;
    job->heard = take(job, job->count, sizeof(struct ear_heard *));
    for (size_t i = 0; i < job->count; i++) {
        ear_err err = ear_heard_read(items[i], before, job->arena, &heard[i]);
        if (err) {
            note_unread(job, i, err);
            continue;
        }
        heard[i].trace = job->own.trace;
        job->heard[i] = before = &heard[i];
    }
}

struct ear_job *ear_job_new(const struct ear_batch *batch, void *owner)
{
    struct ear_job *job = ear_alloc(sizeof(*job));
    job->owner = owner;
    job->lane = batch->lane;
    job->since_ms = ear_clock_mono_ms();
    job->arena = ear_arena_new(JOB_BYTES_MAX);
    job->count = batch->count;
    job->own = (struct ear_origin){.batch_id = batch->id,
                                   .trace = ear_arena_copy(job->arena, batch->trace),
                                   .count = batch->count};
    job->origins = &job->own;
    job->origin_count = 1;
    TAILQ_INIT(&job->joined);
    job->fates = take(job, job->count, sizeof(*job->fates));
    memset(job->fates, EAR_ITEM_RETURNED, job->count);
    read_items(job, batch->items);
    return job;
}

bool ear_job_join(struct ear_job *job, struct ear_job *other, size_t room)
{
    if (job->count + other->count > room) return false;
    TAILQ_INSERT_TAIL(&job->joined, other, link);
    job->count += other->count;
    job->origin_count++;
    if (other->since_ms < job->since_ms) job->since_ms = other->since_ms;
    return true;
}

/* All batches, one behind the other. */
struct row {
    struct ear_origin *origins;
    const struct ear_heard **heard;
    uint8_t *fates;
    size_t origin_count, count;
};

static void put_behind(struct row *row, const struct ear_job *from)
{
    size_t count = from->own.count;
    row->origins[row->origin_count] = from->own;
    row->origins[row->origin_count++].from = row->count;
    memcpy(row->heard + row->count, from->heard, count * sizeof(struct ear_heard *));
    memcpy(row->fates + row->count, from->fates, count);
    row->count += count;
}

/* Its own batch and the joined ones. */
static void gather_all(struct ear_job *job)
{
    struct row row = {.origins = take(job, job->origin_count, sizeof(struct ear_origin)),
                      .heard = take(job, job->count, sizeof(struct ear_heard *)),
                      .fates = take(job, job->count, sizeof(*row.fates))};
    const struct ear_job *other;
    put_behind(&row, job);
    TAILQ_FOREACH(other, &job->joined, link) put_behind(&row, other);
    job->origins = row.origins;
    job->heard = row.heard;
    job->fates = row.fates;
}

void ear_job_free(struct ear_job **job)
{
    struct ear_job *other;
    if (!*job) return;
    while ((other = TAILQ_FIRST(&(*job)->joined))) {
        TAILQ_REMOVE(&(*job)->joined, other, link);
        ear_job_free(&other);
    }
    ear_timer_free(&(*job)->pause);
    ear_arena_free(&(*job)->arena);
    EAR_FREE(*job);
}

void ear_job_begin(struct ear_job *job)
{
    if (job->origin_count > 1) gather_all(job);
    job->posts = take(job, job->count, sizeof(struct ear_heard *));
    job->people = take(job, 4 * job->count, sizeof(*job->people));
    job->parts[0] = (struct ear_part){0, job->count, 0};
    job->part_count = 1;
}

struct ear_part *ear_job_part(struct ear_job *job)
{
    while (job->part_count > 0) {
        struct ear_part *part = &job->parts[job->part_count - 1];
        job->post_count = 0;
        for (size_t i = part->from; i < part->to; i++)
            if (job->heard[i]) job->posts[job->post_count++] = job->heard[i];
        if (job->post_count > 0) return part;
        job->part_count--;
    }
    return NULL;
}

bool ear_job_looks(const struct ear_job *job)
{
    if (job->looks || job->parts[job->part_count - 1].tries > 0) return true;
    for (size_t i = 0; i < job->post_count; i++)
        if (job->posts[i]->mention_count > 0) return true;
    return false;
}

void ear_job_settle_part(struct ear_job *job, ear_fate fate)
{
    const struct ear_part *part = &job->parts[--job->part_count];
    for (size_t i = part->from; i < part->to; i++)
        if (job->heard[i]) job->fates[i] = (uint8_t)fate;
}

void ear_job_halve(struct ear_job *job)
{
    struct ear_part *part = &job->parts[job->part_count - 1];
    size_t middle = part->from + (part->to - part->from) / 2;
    EAR_CHECK(middle > part->from && job->part_count < EAR_JOB_PARTS_MAX);
    job->parts[job->part_count++] = (struct ear_part){part->from, middle, 0};
    *part = (struct ear_part){middle, part->to, 0};
}

static void add_ref(struct ear_id *refs, size_t *count, const struct ear_id *ref)
{
    if (!ear_id_is_nil(ref)) refs[(*count)++] = *ref;
}

size_t ear_job_refs(const struct ear_job *job, struct ear_id *refs)
{
    size_t count = 0;
    for (size_t i = 0; i < job->post_count; i++) {
        const struct ear_heard *heard = job->posts[i];
        if (heard->own) add_ref(refs, &count, &heard->self_ref);
        add_ref(refs, &count, &heard->reply_ref);
        add_ref(refs, &count, &heard->conversation_ref);
    }
    return count;
}

bool ear_job_has_refs(const struct ear_job *job)
{
    for (size_t i = 0; i < job->post_count; i++) {
        const struct ear_heard *heard = job->posts[i];
        if (heard->own || !ear_id_is_nil(&heard->reply_ref) ||
            !ear_id_is_nil(&heard->conversation_ref))
            return true;
    }
    return false;
}

static int by_id(const void *a, const void *b)
{
    return ear_id_cmp(a, b);
}

void ear_job_note_links(struct ear_job *job, const struct ear_link *links, size_t count)
{
    EAR_CHECK(count <= 3 * job->count);
    if (count && !job->links) job->links = take(job, 3 * job->count, sizeof(*job->links));
    if (count) memcpy(job->links, links, count * sizeof(*links));
    job->link_count = count;
    size_t all = 0;
    for (size_t i = 0; i < job->post_count; i++) job->people[all++] = job->posts[i]->customer_id;
    for (size_t i = 0; i < count; i++) job->people[all++] = links[i].customer_id;
    qsort(job->people, all, sizeof(*job->people), by_id);
    job->people_count = 0;
    for (size_t i = 0; i < all; i++)
        if (i == 0 || ear_id_cmp(&job->people[i], &job->people[i - 1]) != 0)
            job->people[job->people_count++] = job->people[i];
}

bool ear_job_locks(const struct ear_job *job, const struct ear_id *customer_id)
{
    return bsearch(customer_id, job->people, job->people_count, sizeof(*job->people), by_id);
}
