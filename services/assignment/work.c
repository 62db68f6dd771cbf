#include "work.h"

#include "engine/decide.h"
#include "events.h"
#include "job.h"
#include "metrics.h"
#include "sitting.h"
#include "store_sql.h"
#include "tell.h"
#include <stdlib.h>

#define WINDOW_POSTS 4096 /* a full transaction under way, and one that gathers */
/* For each transaction that may be under way. A larger one takes the room of others: together they
 * lock no more customers than docs/availability.md counts on. */
#define POSTS_AT_ONCE  1024
#define PAUSE_FLOOR_MS 20
#define PAUSE_CAP_MS   5000
/* A post that stands alone: once more, since another replica may have taken it meanwhile. */
#define ALONE_TRIES 2
/* What fails again may be too much at once (locks, time): smaller, but not so small that the rest
 * of a long night is spent on commits. */
#define SMALL_TRIES 2
#define SMALL_PART  128
/* How long posts wait for others to share a transaction with. */
#define GATHER_POSTS_A_MS 8
#define GATHER_BUSY_MS    20
#define GATHER_MOST_MS    100

TAILQ_HEAD(job_list, ear_job);

struct ear_work {
    struct ear_ground ground;
    struct ear_sink *sink; /* owned */
    struct job_list waiting[EAR_LANES];
    struct job_list running;
    size_t waiting_count;
    struct ear_timer *gather; /* owned; who waited for company goes on */
    size_t last_posts;        /* in the transaction begun last; falls by half at most */
    unsigned running_count;
    size_t running_posts; /* of these */
    unsigned at_once;
    bool draining;
    struct ear_map *strangers; /* accounts that care.yaml does not know, said once each */
    struct ear_log_budget starved_lines;
};

static void try_part(void *self);
static void start_more(struct ear_work *work);

/* ---- the end of a batch ---- */

static void settle(struct ear_job *job)
{
    struct ear_work *work = job->owner;
    for (size_t i = 0; i < job->origin_count; i++) {
        const struct ear_origin *origin = &job->origins[i];
        struct ear_settle settled = {.batch_id = origin->batch_id,
                                     .fates = job->fates + origin->from,
                                     .count = origin->count};
        ear_sink_settle(work->sink, &settled);
    }
}

static void stop_running(struct ear_work *work, struct ear_job *job)
{
    TAILQ_REMOVE(&work->running, job, link);
    work->running_count--;
    work->running_posts -= job->count;
    ear_job_free(&job);
}

static void finish(struct ear_job *job)
{
    struct ear_work *work = job->owner;
    settle(job);
    ear_metric_observe(&M_BATCH_SECONDS, (double)(ear_clock_mono_ms() - job->since_ms) / 1000,
                       ear_lane_name(job->lane));
    stop_running(work, job);
    start_more(work);
}

/* ---- what went wrong ---- */

static void pause_part(struct ear_job *job, ear_err err, const struct ear_diag *diag)
{
    struct ear_work *work = job->owner;
    struct ear_part *part = &job->parts[job->part_count - 1];
    if (work->draining) {
        finish(job); /* what is not done is handed back */
        return;
    }
    int64_t ms =
        ear_backoff_ms(part->tries++, PAUSE_FLOOR_MS, PAUSE_CAP_MS, ear_random_below(UINT64_MAX));
    if (err == EAR_AGAIN && part->tries >= SMALL_TRIES && part->to - part->from > SMALL_PART) {
        job->looks = true;
        ear_job_halve(job);
    }
    ear_metric_add(&M_RETRIES, 1, ear_err_name(err));
    /* Being asked to try again is the ordinary course between replicas. */
    if (err == EAR_INVALID || err == EAR_DENIED)
        ear_log(&EV_BATCH_REFUSED, kv_id("batch", &job->origins[0].batch_id), kv_diag(diag));
    else
        ear_log(&EV_BATCH_RETRY, kv_id("batch", &job->origins[0].batch_id), kv_diag(diag),
                kv_int("ms", ms));
    if (!job->pause) ear_timer_new(&job->pause, work->ground.loop, try_part, job);
    ear_timer_start(job->pause, ms, 0);
}

static void refuse_part(struct ear_job *job, const struct ear_diag *diag)
{
    struct ear_part *part = &job->parts[job->part_count - 1];
    if (!ear_job_looks(job)) {
        job->looks = true; /* most likely one of them was decided before */
    } else if (part->to - part->from > 1) {
        ear_job_halve(job);
    } else if (++part->tries >= ALONE_TRIES) {
        ear_log(&EV_POST_FAILED, kv_id("post", &job->posts[0]->post_id), kv_diag(diag),
                kv_text("trace", job->posts[0]->trace));
        ear_metric_add(&M_POSTS, 1, "failed");
        ear_job_settle_part(job, EAR_ITEM_FAILED);
    }
    try_part(job);
}

/* The pool is closed: what is not done is handed back. */
static void abandon(struct ear_job *job)
{
    struct ear_work *work = job->owner;
    settle(job);
    stop_running(work, job);
}

static void fail_part(struct ear_job *job, ear_err err, const struct ear_diag *diag)
{
    if (err == EAR_CLOSED)
        abandon(job);
    else if (err == EAR_DATA || err == EAR_TOO_LARGE)
        refuse_part(job, diag);
    else
        pause_part(job, err, diag);
}

/* ---- one part: read links, then sit ---- */

static ear_err decide(void *self, struct ear_book *book, const struct ear_pg_result *const *extra)
{
    struct ear_job *job = self;
    (void)extra;
    /* A link that appeared since leads to a customer who is not locked: begin again with them. */
    for (const struct ear_link *link = book->links; link; link = link->next)
        if (!ear_job_locks(job, &link->customer_id)) return EAR_AGAIN;
    size_t decided = ear_decide(book, job->posts, job->post_count);
    ear_metric_add(&M_POSTS, (double)(job->post_count - decided), "duplicate");
    return EAR_OK;
}

static void decided(void *self, ear_err err, const struct ear_book *book,
                    const struct ear_diag *diag)
{
    struct ear_job *job = self;
    const struct ear_work *work = job->owner;
    if (err) {
        fail_part(job, err, diag);
        return;
    }
    (void)ear_fault("assignment.committed");
    ear_tell_decided(job, book, work->strangers);
    ear_job_settle_part(job, EAR_ITEM_DONE);
    try_part(job);
}

static void sit(struct ear_job *job)
{
    static const struct ear_sitting_ops ops = {.decide = decide, .done = decided};
    struct ear_work *work = job->owner;
    size_t n = job->post_count;
    struct ear_id *ids = ear_alloc((5 * n + job->link_count + 1) * sizeof(*ids));
    struct ear_id *refs = ids + 2 * n;
    struct ear_id *cases = ids + 5 * n;
    for (size_t i = 0; i < n; i++) {
        ids[i] = job->posts[i]->post_id;
        ids[n + i] = job->posts[i]->customer_id;
    }
    for (size_t i = 0; i < job->link_count; i++) cases[i] = job->links[i].case_id;
    struct ear_wants wants = {.customers = job->people,
                              .customer_count = job->people_count,
                              .cases = cases,
                              .case_count = job->link_count,
                              .refs = refs,
                              .ref_count = ear_job_refs(job, refs),
                              .posts = ids,
                              .post_owners = ids + n,
                              .post_count = ear_job_looks(job) ? n : 0};
    ear_sitting_open(&work->ground, &wants, &ops, job);
    free(ids);
}

static void on_links(void *self, ear_err err, const struct ear_pg_result *const *results,
                     size_t count, const struct ear_diag *diag)
{
    struct ear_job *job = self;
    (void)count;
    if (err) {
        fail_part(job, err, diag);
        return;
    }
    size_t rows = ear_pg_rows(results[0]);
    struct ear_link *links = ear_alloc((rows + 1) * sizeof(*links));
    for (size_t row = 0; row < rows; row++)
        links[row] = (struct ear_link){.ref = ear_pg_get_id(results[0], row, 0),
                                       .customer_id = ear_pg_get_id(results[0], row, 1),
                                       .case_id = ear_pg_get_id(results[0], row, 2)};
    ear_job_note_links(job, links, rows);
    free(links);
    sit(job);
}

static void read_links(struct ear_job *job)
{
    struct ear_work *work = job->owner;
    struct ear_id *refs = ear_alloc((3 * job->post_count + 1) * sizeof(*refs));
    size_t count = ear_job_refs(job, refs);
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_READ_LINKS);
    struct ear_pg_array *array = ear_pg_array(batch, EAR_PG_ID);
    for (size_t i = 0; i < count; i++) ear_pg_push_id(array, &refs[i]);
    free(refs);
    ear_pg_run(work->ground.pg, &batch, on_links, job);
}

static void try_part(void *self)
{
    struct ear_job *job = self;
    struct ear_work *work = job->owner;
    if (!ear_job_part(job)) {
        finish(job);
    } else if (!ear_care_cache_is_loaded(work->ground.care)) {
        struct ear_diag diag;
        ear_fail(&diag, EAR_UNAVAILABLE, "teams and policies have not been read yet");
        pause_part(job, EAR_UNAVAILABLE, &diag);
    } else if (ear_job_has_refs(job)) {
        read_links(job);
    } else {
        ear_job_note_links(job, NULL, 0);
        sit(job);
    }
}

/* ---- batches ---- */

static void tell_unread(struct ear_work *work, const struct ear_job *job)
{
    uint64_t suppressed;
    const struct ear_origin *first = &job->own;
    const struct ear_job_unread *unread = &job->unread;
    if (unread->malformed) {
        ear_log(&EV_BATCH_MALFORMED, kv_id("batch", &first->batch_id),
                kv_int("posts", unread->malformed), kv_text("trace", first->trace));
        ear_metric_add(&M_POSTS, (double)unread->malformed, "failed");
    }
    if (unread->starved &&
        ear_log_budget_spend(&work->starved_lines, ear_clock_mono_ms(), &suppressed))
        ear_log(&EV_BATCH_NO_MEMORY, kv_id("batch", &first->batch_id),
                kv_int("posts", unread->starved), kv_int("suppressed", suppressed));
}

static void start(struct ear_work *work, struct ear_job *job)
{
    TAILQ_INSERT_TAIL(&work->running, job, link);
    work->running_count++;
    work->running_posts += job->count;
    ear_job_begin(job);
    try_part(job);
}

static void count_waiting(struct ear_work *work, int more)
{
    work->waiting_count += (size_t)more;
    ear_metric_set(&M_WAITING, (double)work->waiting_count);
}

/* NULL: nobody waits, or who does has more posts than there is room for. */
static struct ear_job *take_waiting(struct ear_work *work, size_t room)
{
    for (size_t lane = 0; lane < EAR_LANES; lane++) {
        struct ear_job *job = TAILQ_FIRST(&work->waiting[lane]);
        if (!job) continue;
        if (job->count > room) return NULL;
        TAILQ_REMOVE(&work->waiting[lane], job, link);
        count_waiting(work, -1);
        return job;
    }
    return NULL;
}

/* Posts that another transaction may have now. */
static size_t room(const struct ear_work *work)
{
    size_t most = (size_t)work->at_once * POSTS_AT_ONCE;
    size_t left = most > work->running_posts ? most - work->running_posts : 0;
    return left < EAR_JOB_POSTS_MAX ? left : EAR_JOB_POSTS_MAX;
}

/* Batches that had to wait share a transaction. */
static void join_waiting(struct ear_work *work, struct ear_job *job)
{
    struct job_list *list = &work->waiting[job->lane];
    struct ear_job *next;
    while ((next = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, next, link);
        if (!ear_job_join(job, next, room(work))) {
            TAILQ_INSERT_HEAD(list, next, link);
            return;
        }
        count_waiting(work, -1);
    }
}

/* Where many posts come, more are soon there, and one transaction costs less than two: so a part of
 * a full one waits, not for long, and longer while another is under way. */
static int64_t gather_ms(const struct ear_work *work)
{
    int64_t ms = (int64_t)work->last_posts / GATHER_POSTS_A_MS;
    if (work->running_count > 0 && ms < GATHER_BUSY_MS) ms = GATHER_BUSY_MS;
    return ms < GATHER_MOST_MS ? ms : GATHER_MOST_MS;
}

static bool gathers(struct ear_work *work)
{
    const struct job_list *list = &work->waiting[EAR_LANE_LIVE];
    const struct ear_job *job = TAILQ_FIRST(list);
    size_t posts = 0;
    if (!job || work->draining) return false;
    int64_t left_ms = job->since_ms + gather_ms(work) - ear_clock_mono_ms();
    for (; job && posts < EAR_JOB_POSTS_MAX; job = TAILQ_NEXT(job, link)) posts += job->count;
    if (posts >= EAR_JOB_POSTS_MAX || left_ms <= 0) return false;
    ear_timer_start(work->gather, left_ms, 0);
    return true;
}

static void start_more(struct ear_work *work)
{
    while (work->running_count < work->at_once && !gathers(work)) {
        struct ear_job *job = take_waiting(work, room(work));
        if (!job) return;
        join_waiting(work, job);
        size_t half = work->last_posts / 2;
        work->last_posts = job->count > half ? job->count : half;
        start(work, job);
    }
}

static void on_gathered(void *self)
{
    start_more(self);
}

static void on_batch(void *self, const struct ear_batch *batch)
{
    struct ear_work *work = self;
    struct ear_job *job = ear_job_new(batch, work);
    tell_unread(work, job);
    if (work->draining) {
        settle(job);
        ear_job_free(&job);
        return;
    }
    TAILQ_INSERT_TAIL(&work->waiting[job->lane], job, link);
    count_waiting(work, 1);
    start_more(work);
}

/* Nobody waits for it any more; whoever is alive offers it again. */
static void on_orphaned(void *self, const struct ear_id *batch_id)
{
    struct ear_work *work = self;
    for (size_t lane = 0; lane < EAR_LANES; lane++) {
        struct ear_job *job;
        TAILQ_FOREACH(job, &work->waiting[lane], link)
        {
            if (ear_id_cmp(&job->origins[0].batch_id, batch_id) != 0) continue;
            TAILQ_REMOVE(&work->waiting[lane], job, link);
            count_waiting(work, -1);
            ear_job_free(&job);
            return;
        }
    }
}

ear_err ear_work_new(struct ear_work **out, const struct ear_ground *ground, struct ear_bus *bus,
                     const struct ear_work_opts *opts, struct ear_diag *diag)
{
    static const struct ear_sink_ops ops = {.batch = on_batch, .orphaned = on_orphaned};
    struct ear_sink_opts sink = {.sources = opts->classifiers,
                                 .source_service = "classifier",
                                 .window_posts = {WINDOW_POSTS}};
    struct ear_work *work = ear_alloc(sizeof(*work));
    work->ground = *ground;
    for (size_t lane = 0; lane < EAR_LANES; lane++) TAILQ_INIT(&work->waiting[lane]);
    TAILQ_INIT(&work->running);
    work->at_once = opts->at_once;
    ear_timer_new(&work->gather, ground->loop, on_gathered, work);
    work->strangers = ear_map_new();
    ear_err err = ear_sink_new(&work->sink, bus, &sink, &ops, work, diag);
    *out = work;
    return err;
}

/* What is not done is handed back. */
static void free_all(struct job_list *list)
{
    struct ear_job *job;
    while ((job = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, job, link);
        settle(job);
        ear_job_free(&job);
    }
}

void ear_work_free(struct ear_work **work)
{
    if (!*work) return;
    for (size_t lane = 0; lane < EAR_LANES; lane++) free_all(&(*work)->waiting[lane]);
    free_all(&(*work)->running);
    ear_sink_free(&(*work)->sink);
    ear_timer_free(&(*work)->gather);
    ear_map_free(&(*work)->strangers, NULL);
    EAR_FREE(*work);
}

void ear_work_drain(struct ear_work *work)
{
    struct ear_job *job;
    work->draining = true;
    ear_sink_drain(work->sink);
    while ((job = take_waiting(work, SIZE_MAX))) {
        settle(job);
        ear_job_free(&job);
    }
}

bool ear_work_is_idle(const struct ear_work *work)
{
    return work->running_count == 0 && work->waiting_count == 0;
}

bool ear_work_is_quiet(const struct ear_work *work)
{
    return ear_sink_is_quiet(work->sink);
}

size_t ear_work_sources(const struct ear_work *work)
{
    return ear_sink_sources(work->sink);
}

bool ear_work_reaches(const struct ear_work *work, struct ear_diag *why)
{
    return ear_sink_reaches(work->sink, why);
}

size_t ear_work_waiting(const struct ear_work *work)
{
    return work->waiting_count;
}

static void count_backlog(const struct job_list *list, int64_t now_ms,
                          struct ear_work_backlog *backlog)
{
    const struct ear_job *job;
    TAILQ_FOREACH(job, list, link)
    {
        backlog->posts[job->lane] += job->count;
        if (now_ms - job->since_ms > backlog->oldest_ms)
            backlog->oldest_ms = now_ms - job->since_ms;
    }
}

struct ear_work_backlog ear_work_backlog(const struct ear_work *work)
{
    struct ear_work_backlog backlog = {0};
    int64_t now_ms = ear_clock_mono_ms();
    for (size_t lane = 0; lane < EAR_LANES; lane++)
        count_backlog(&work->waiting[lane], now_ms, &backlog);
    count_backlog(&work->running, now_ms, &backlog);
    return backlog;
}
