#include "intake/intake.h"
#include "events.h"
#include "intake/commit.h"
#include "intake/known.h"
#include "intake/months.h"
#include "intake/queue.h"
#include "web/feed_line.h"
#include <stdlib.h>

#define COMMIT_BYTES   (5u << 20)
#define COMMIT_SLICES  1024
#define BUSY_MS        2 /* until it is looked again whether a transaction may start */
#define UNDER_WAY_MAX  2 /* transactions at a time; back-fill gets one */
#define FAILURE_LOG_MS 10000
#define WARY_COMMITS   64 /* after a post that was known already */

struct ear_intake {
    struct ear_intake_opts opts;
    struct ear_id_key key;
    bool has_key;
    int64_t epoch;
    int64_t last_stored_us;
    unsigned wary; /* transactions that look whether their posts are known */
    struct ear_months months;
    struct ear_seen *seen;
    struct ear_queue queues[EAR_LANES];
    struct ear_commit *repairs; /* parts of what was refused or was too large, in order */
    bool repairing;             /* one of them is under way */
    struct ear_timer *timer;
    bool closing;    /* the pool is going away */
    size_t busy;     /* deliveries not told yet */
    ear_err failure; /* of the last transaction that failed */
    struct ear_log_gate failure_gate;
    struct ear_log_budget refused_lines;
};

static void pump(struct ear_intake *intake);

/* --- Deliveries --- */

/* What a post holds while it waits; measured: its JSON tree, and what is noted about it. */
static size_t bytes_of(const struct ear_post_in *post)
{
    return post->text.len + post->thread.len + post->external_id.len + post->author_id.len + 2048;
}

static void prepare(struct ear_intake *intake, struct ear_delivery *delivery)
{
    int64_t now_us = ear_clock_wall_us();
    delivery->err = EAR_OK;
    delivery->cursor_moved = false;
    delivery->answered_before = false;
    delivery->next = NULL;
    delivery->slices = 0;
    delivery->bytes = 0;
    delivery->received_at_us = now_us;
    delivery->results = ear_alloc((delivery->count + 1) * sizeof(*delivery->results));
    delivery->known = ear_alloc((delivery->count + 1) * sizeof(*delivery->known));
    ear_buf_init(&delivery->answer, 1u << 20);
    for (size_t i = 0; i < delivery->count; i++) {
        struct ear_diag diag = {0};
        delivery->bytes += bytes_of(&delivery->posts[i]);
        if (delivery->checked || ear_post_in_check(&delivery->posts[i], now_us, &diag) == EAR_OK) {
            delivery->known[i] =
                ear_post_known_of(&intake->key, intake->opts.care, delivery, &delivery->posts[i]);
            delivery->results[i].post_id = delivery->known[i].post_id;
            continue;
        }
        delivery->results[i].kind = EAR_RESULT_REFUSED;
        delivery->results[i].why = "breaks a limit";
        uint64_t suppressed;
        if (ear_log_budget_spend(&intake->refused_lines, ear_clock_mono_ms(), &suppressed))
            ear_log(&EV_INGEST_POST_REFUSED, kv_str("account", delivery->account), kv_diag(&diag),
                    kv_int("suppressed", suppressed));
    }
}

static void tell(struct ear_intake *intake, struct ear_delivery *delivery)
{
    struct ear_post_result *results = delivery->results;
    struct ear_post_known *known = delivery->known;
    ear_delivery_measure(delivery);
    intake->busy--;
    /* The route may give its delivery up in done. */
    struct ear_buf answer = delivery->answer;
    delivery->done(delivery);
    free(results);
    free(known);
    ear_buf_release(&answer);
}

static void slice_over(struct ear_intake *intake, struct ear_delivery *delivery, ear_err err)
{
    if (err != EAR_OK && delivery->err == EAR_OK) delivery->err = err;
    if (--delivery->slices == 0) tell(intake, delivery);
}

/* --- One transaction --- */

static struct ear_commit_env env_of(struct ear_intake *intake)
{
    /* Never the same twice, also when the wall clock stands still or steps back. */
    int64_t now = ear_clock_wall_us();
    if (now <= intake->last_stored_us) now = intake->last_stored_us + 1;
    intake->last_stored_us = now;
    return (struct ear_commit_env){.owner = intake->opts.owner,
                                   .epoch = intake->epoch,
                                   .seen = intake->seen,
                                   .stored_at_us = now,
                                   .looks = intake->wary > 0};
}

static void over(struct ear_commit *commit, ear_err err)
{
    struct ear_intake *intake = commit->home;
    if (commit->repair) intake->repairing = false;
    for (size_t i = 0; i < commit->slice_count; i++)
        slice_over(intake, commit->slices[i].delivery, err);
    ear_commit_free(&commit);
}

static void release_lane(struct ear_intake *intake, const struct ear_commit *commit)
{
    intake->queues[commit->lane].under_way--;
    intake->queues[commit->lane].coming -= ear_commit_posts(commit);
}

static void start(struct ear_intake *intake, struct ear_commit *commit);
static void split(struct ear_intake *intake, struct ear_commit *commit);

static void on_followed(void *self, ear_err err, const struct ear_pg_result *const *results,
                        size_t count, const struct ear_diag *diag)
{
    (void)results, (void)count;
    struct ear_commit *commit = self;
    struct ear_intake *intake = commit->home;
    intake->closing |= err == EAR_CLOSED;
    if (err != EAR_OK && err != EAR_CLOSED && err != EAR_UNAVAILABLE)
        ear_log(&EV_INGEST_STORE_FAILED, kv_text("statement", "follow_up"), kv_diag(diag));
    over(commit, EAR_OK); /* the posts are committed whatever became of this */
    pump(intake);
}

static void committed(struct ear_intake *intake, struct ear_commit *commit,
                      const struct ear_pg_result *const *results, size_t count)
{
    const struct ear_commit_env env = {.owner = intake->opts.owner, .seen = intake->seen};
    (void)ear_fault("ingest.after_commit");
    ear_metric_observe(&M_COMMIT_SECONDS,
                       (double)(ear_clock_mono_ms() - commit->began_ms) / 1000.0);
    ear_commit_read(commit, &env, results, count);
    if (commit->repeats) intake->wary = WARY_COMMITS;
    ear_commit_offer(commit, intake->opts.offer);
    struct ear_pg_batch *batch = ear_commit_follow_up(commit);
    if (batch) {
        ear_pg_run(intake->opts.pg, &batch, on_followed, commit);
    } else {
        over(commit, EAR_OK);
    }
}

static void failed(struct ear_intake *intake, struct ear_commit *commit, ear_err err,
                   const struct ear_diag *diag)
{
    uint64_t suppressed;
    ear_metric_add(&M_COMMIT_FAILURES, 1, ear_err_name(err));
    /* While a disk is full every transaction fails, for the same reason. */
    if (intake->failure != err) intake->failure_gate = (struct ear_log_gate){0};
    intake->failure = err;
    if (err != EAR_UNAVAILABLE && /* which the pool has said */
        ear_log_gate_open(&intake->failure_gate, ear_clock_mono_ms(), FAILURE_LOG_MS, &suppressed))
        ear_log(&EV_INGEST_COMMIT_FAILED, kv_diag(diag), kv_int("posts", ear_commit_posts(commit)),
                kv_int("suppressed", suppressed));
    /* It may be there: then its intake row is found in the database. */
    intake->closing |= err == EAR_CLOSED;
    if (err == EAR_UNKNOWN_FATE) ear_offer_behind(intake->opts.offer, commit->lane);
    if (err == EAR_UNKNOWN_FATE || err == EAR_UNAVAILABLE) ear_seen_forget(intake->seen);
    over(commit, err);
}

static void on_written(void *self, ear_err err, const struct ear_pg_result *const *results,
                       size_t count, const struct ear_diag *diag)
{
    struct ear_commit *commit = self;
    struct ear_intake *intake = commit->home;
    release_lane(intake, commit);
    if (err == EAR_DATA) ear_months_forget(&intake->months); /* one may have been dropped */
    if (err == EAR_OK) {
        committed(intake, commit, results, count);
    } else if (err == EAR_DATA && !commit->looks) {
        intake->wary = WARY_COMMITS; /* most likely one of them is known */
        start(intake, commit);
    } else if (err == EAR_DATA && !commit->again) {
        commit->again = true; /* somebody may have stored the same post at the same moment */
        start(intake, commit);
    } else if (err == EAR_DATA || err == EAR_TOO_LARGE) {
        split(intake, commit);
    } else {
        failed(intake, commit, err, diag);
    }
    pump(intake);
}

static void write_posts(struct ear_intake *intake, struct ear_commit *commit)
{
    const struct ear_commit_env env = env_of(intake);
    if (intake->wary > 0) intake->wary--;
    struct ear_pg_batch *batch = ear_commit_build(commit, &env);
    (void)ear_fault("ingest.before_commit");
    if (batch) {
        ear_pg_run(intake->opts.pg, &batch, on_written, commit);
    } else {
        release_lane(intake, commit);
        split(intake, commit);
    }
}

static void on_months(void *self, ear_err err, const struct ear_pg_result *const *results,
                      size_t count, const struct ear_diag *diag)
{
    (void)results, (void)count;
    struct ear_commit *commit = self;
    struct ear_intake *intake = commit->home;
    if (err == EAR_OK) ear_commit_note_months(commit, &intake->months);
    if (err == EAR_OK || err == EAR_DATA) {
        write_posts(intake, commit); /* a month that cannot be made refuses its posts there */
    } else {
        release_lane(intake, commit);
        failed(intake, commit, err, diag);
    }
    pump(intake);
}

static void start(struct ear_intake *intake, struct ear_commit *commit)
{
    commit->home = intake;
    intake->queues[commit->lane].under_way++;
    intake->queues[commit->lane].coming += ear_commit_posts(commit);
    struct ear_pg_batch *months = ear_commit_months(commit, &intake->months);
    if (months) {
        ear_pg_run(intake->opts.pg, &months, on_months, commit);
    } else {
        write_posts(intake, commit);
    }
}

/* --- What was refused for its content, or cannot be stored together --- */

static void put_first(struct ear_intake *intake, ear_lane lane, const struct ear_slice *slices,
                      size_t count)
{
    struct ear_slice *copy = ear_alloc((count + 1) * sizeof(*copy));
    memcpy(copy, slices, count * sizeof(*copy));
    struct ear_commit *commit = ear_commit_new(lane, copy, count);
    commit->home = intake;
    commit->next = intake->repairs;
    intake->repairs = commit;
}

static void refuse(const struct ear_slice *slice)
{
    struct ear_post_result *result = &slice->delivery->results[slice->from];
    result->kind = EAR_RESULT_REFUSED;
    result->why = "refused by the database because of its content";
    ear_log(&EV_INGEST_POST_REFUSED, kv_id("post", &result->post_id), kv_err(EAR_DATA),
            kv_text("why", result->why));
}

/* Halves run one after the other, so a cursor moves only after everything before it is stored. */
static void split(struct ear_intake *intake, struct ear_commit *commit)
{
    size_t posts = ear_commit_posts(commit);
    struct ear_slice only = commit->slices[0];
    if (commit->slice_count > 1) {
        size_t half = commit->slice_count / 2;
        put_first(intake, commit->lane, commit->slices + half, commit->slice_count - half);
        put_first(intake, commit->lane, commit->slices, half);
    } else if (posts > 1) {
        struct ear_slice first = only, second = only;
        first.to = second.from = only.from + posts / 2;
        first.tail = false;
        only.delivery->slices++;
        put_first(intake, commit->lane, &second, 1);
        put_first(intake, commit->lane, &first, 1);
    } else if (posts == 1) {
        refuse(&only);
        only.from = only.to;
        put_first(intake, commit->lane, &only, 1); /* what is left of it: cursor, receipt */
    } else {
        slice_over(intake, only.delivery, EAR_DATA);
    }
    if (commit->repair) intake->repairing = false;
    ear_commit_free(&commit);
}

static void repair(struct ear_intake *intake)
{
    while (intake->repairs && !intake->repairing) {
        struct ear_commit *commit = intake->repairs;
        intake->repairs = commit->next;
        commit->repair = true;
        intake->repairing = true;
        if (ear_commit_is_vain(commit)) {
            over(commit, commit->slices[0].delivery->err);
        } else {
            start(intake, commit);
        }
    }
}

/* --- Queues --- */

/* What is larger than a transaction goes in parts, in order. */
static void cut_up(struct ear_intake *intake, struct ear_delivery *delivery)
{
    struct ear_commit **end = &intake->repairs;
    while (*end) end = &(*end)->next;
    for (size_t from = 0; from < delivery->count;) {
        size_t to = from, bytes = 0;
        while (to < delivery->count && to - from < EAR_COMMIT_POSTS && bytes < COMMIT_BYTES) {
            bytes += bytes_of(&delivery->posts[to++]);
        }
        struct ear_slice *slice = ear_alloc(sizeof(*slice));
        *slice = (struct ear_slice){delivery, from, to, to == delivery->count};
        delivery->slices++;
        *end = ear_commit_new(delivery->lane, slice, 1);
        (*end)->home = intake;
        end = &(*end)->next;
        from = to;
    }
}

static struct ear_commit *collect(struct ear_intake *intake, ear_lane lane)
{
    struct ear_queue *queue = &intake->queues[lane];
    struct ear_slice *slices = ear_alloc(COMMIT_SLICES * sizeof(*slices));
    size_t count = 0, posts = 0, bytes = 0;
    while (queue->first && count < COMMIT_SLICES) {
        struct ear_delivery *delivery = queue->first;
        bool alone = delivery->count > EAR_COMMIT_POSTS || delivery->bytes > COMMIT_BYTES;
        bool fits =
            posts + delivery->count <= EAR_COMMIT_POSTS && bytes + delivery->bytes <= COMMIT_BYTES;
        if (count > 0 && (alone || !fits)) break;
        (void)ear_queue_shift(queue);
        if (alone) {
            cut_up(intake, delivery);
            break;
        }
        delivery->slices = 1;
        slices[count++] = (struct ear_slice){delivery, 0, delivery->count, true};
        posts += delivery->count;
        bytes += delivery->bytes;
    }
    if (count > 0) {
        ear_queue_note(queue, count, posts);
        return ear_commit_new(lane, slices, count);
    }
    free(slices);
    return NULL;
}

static bool may_start(const struct ear_intake *intake, ear_lane lane)
{
    const struct ear_queue *live = &intake->queues[EAR_LANE_LIVE];
    const struct ear_queue *bulk = &intake->queues[EAR_LANE_BACKFILL];
    if (!intake->queues[lane].first || !ear_pg_is_up(intake->opts.pg)) return false;
    if (ear_queue_gathers_ms(&intake->queues[lane]) > 0) return false;
    if (lane == EAR_LANE_LIVE && ear_queue_holds(&intake->queues[lane], intake->opts.offer, lane))
        return false;
    if (lane == EAR_LANE_LIVE) return live->under_way < UNDER_WAY_MAX;
    return bulk->under_way == 0 && !live->first && live->under_way < UNDER_WAY_MAX;
}

static void show_queues(const struct ear_intake *intake)
{
    for (unsigned lane = 0; lane < EAR_LANES; lane++)
        ear_metric_set(&M_QUEUE_POSTS, (double)intake->queues[lane].posts, ear_lane_name(lane));
}

/* When one of them has gathered. What is ripe already is held, or all transactions are busy. */
static void look_again(struct ear_intake *intake)
{
    int64_t least_ms = INT64_MAX;
    for (ear_lane lane = 0; lane < EAR_LANES; lane++) {
        if (!intake->queues[lane].first) continue;
        int64_t ms = ear_queue_gathers_ms(&intake->queues[lane]);
        if (ms == 0) ms = BUSY_MS;
        if (ms < least_ms) least_ms = ms;
    }
    if (least_ms < INT64_MAX) ear_timer_start(intake->timer, least_ms, 0);
}

static void pump(struct ear_intake *intake)
{
    if (intake->closing) return;
    repair(intake);
    for (ear_lane lane = 0; lane < EAR_LANES; lane++) {
        while (may_start(intake, lane)) {
            struct ear_commit *commit = collect(intake, lane);
            if (commit) start(intake, commit);
            repair(intake);
        }
    }
    look_again(intake);
    show_queues(intake);
}

static void on_timer(void *self)
{
    ear_intake_wake(self);
}

static void give_up_waiting(struct ear_intake *intake, ear_err err)
{
    for (ear_lane lane = 0; lane < EAR_LANES; lane++) {
        while (intake->queues[lane].first) {
            struct ear_delivery *delivery = ear_queue_shift(&intake->queues[lane]);
            delivery->slices = 1;
            slice_over(intake, delivery, err);
        }
    }
}

void ear_intake_wake(struct ear_intake *intake)
{
    if (!ear_pg_is_up(intake->opts.pg)) {
        /* Nobody waits for a database that is away: routes try again. */
        ear_seen_forget(intake->seen);
        give_up_waiting(intake, EAR_UNAVAILABLE);
    }
    pump(intake);
}

ear_err ear_intake_take(struct ear_intake *intake, struct ear_delivery *delivery)
{
    struct ear_queue *queue = &intake->queues[delivery->lane];
    if (!intake->has_key || intake->epoch == 0 || !ear_care_loaded(intake->opts.care) ||
        !ear_pg_is_up(intake->opts.pg)) {
        return EAR_UNAVAILABLE;
    }
    if (queue->posts >= (size_t)intake->opts.queue_posts ||
        queue->bytes >= (size_t)intake->opts.queue_bytes) {
        return EAR_AGAIN;
    }
    prepare(intake, delivery);
    ear_queue_push(queue, delivery);
    intake->busy++;
    int64_t gathers_ms = ear_queue_gathers_ms(queue);
    if (gathers_ms == 0 || !ear_timer_active(intake->timer))
        ear_timer_start(intake->timer, gathers_ms, 0);
    show_queues(intake);
    return EAR_OK;
}

/* --- Its life --- */

void ear_intake_new(struct ear_intake **out, const struct ear_intake_opts *opts)
{
    struct ear_intake *intake = ear_alloc(sizeof(*intake));
    intake->opts = *opts;
    intake->seen = ear_seen_new();
    ear_timer_new(&intake->timer, opts->loop, on_timer, intake);
    *out = intake;
}

void ear_intake_free(struct ear_intake **intake_ptr)
{
    struct ear_intake *intake = *intake_ptr;
    if (!intake) return;
    give_up_waiting(intake, EAR_CLOSED);
    while (intake->repairs) {
        struct ear_commit *commit = intake->repairs;
        intake->repairs = commit->next;
        over(commit, EAR_CLOSED);
    }
    ear_seen_free(&intake->seen);
    ear_timer_free(&intake->timer);
    EAR_FREE(*intake_ptr);
}

void ear_intake_set_key(struct ear_intake *intake, const struct ear_id_key *key)
{
    intake->key = *key;
    intake->has_key = true;
}

void ear_intake_set_epoch(struct ear_intake *intake, int64_t epoch)
{
    intake->epoch = epoch;
}

size_t ear_intake_busy(const struct ear_intake *intake)
{
    return intake->busy;
}

size_t ear_intake_queued(const struct ear_intake *intake, ear_lane lane)
{
    return intake->queues[lane].posts;
}
