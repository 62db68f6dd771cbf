#include "queue.h"

#include "engine/routing.h"
#include "events.h"
#include "metrics.h"
#include "sitting.h"
#include "store_sql.h"
#include <stdlib.h>

#define PAGE     64
#define ROUND_MS 1000
#define QUIET_MS 4000 /* while nobody waits */
#define AGAIN_MS 500

/* One round goes through the teams; in each through its queue, page by page, while somebody of the
 * team has room. */
struct ear_queue {
    struct ear_ground ground;
    struct ear_timer *wake;        /* owned */
    struct ear_care_version *care; /* held during a round */
    size_t team;
    bool busy;
    bool kicked; /* while busy: another round follows */
    bool sweep;  /* the next round looks for strays first */
    bool waits;  /* somebody does, this round saw */
    bool draining;
    int64_t late_us;  /* how far past its deadline the first of a queue is, at worst this round */
    int64_t after_us; /* last deadline and case of the page before */
    struct ear_id after_case;
    size_t count;
    struct ear_id people[PAGE];
    struct ear_id cases[PAGE];
    size_t given;
};

static void read_page(struct ear_queue *queue);
static void read_strays(struct ear_queue *queue);

/* ---- rounds ---- */

static void end_round(struct ear_queue *queue, int64_t next_ms)
{
    queue->busy = false;
    ear_care_let_go(&queue->care);
    if (queue->draining) return;
    ear_timer_start(queue->wake, queue->kicked ? 0 : next_ms, 0);
    queue->kicked = false;
}

static void stumble(struct ear_queue *queue, ear_err err, const struct ear_diag *diag)
{
    if (err == EAR_CLOSED) {
        ear_care_let_go(&queue->care);
        return;
    }
    ear_log(&EV_QUEUE_RETRY, kv_diag(diag));
    end_round(queue, AGAIN_MS);
}

static void open_team(struct ear_queue *queue, size_t team)
{
    queue->team = team;
    queue->after_us = 0;
    queue->after_case = (struct ear_id){{0}};
    if (!queue->draining && team < ear_care_of(queue->care)->team_count) {
        read_page(queue);
        return;
    }
    ear_metric_set(&M_QUEUE_LATE, (double)queue->late_us / EAR_US_PER_S);
    end_round(queue, queue->waits ? ROUND_MS : QUIET_MS);
}

static void begin_round(void *self)
{
    struct ear_queue *queue = self;
    if (queue->busy) return;
    if (!ear_pg_is_up(queue->ground.pg) || !ear_care_cache_is_loaded(queue->ground.care) ||
        !ear_leases_held(queue->ground.leases, EAR_LEASE_QUEUE)) {
        ear_metric_set(&M_QUEUE_LATE, 0); /* another replica's to tell */
        end_round(queue, AGAIN_MS);
        return;
    }
    queue->busy = true;
    queue->waits = false;
    queue->late_us = 0;
    queue->care = ear_care_hold(queue->ground.care);
    if (queue->sweep)
        read_strays(queue);
    else
        open_team(queue, 0);
}

/* ---- a page under the customers' locks ---- */

static size_t cases_of(const struct ear_queue *queue, const struct ear_book *book,
                       struct ear_case **cases)
{
    size_t count = 0;
    for (size_t i = 0; i < queue->count; i++) {
        struct ear_case *c = ear_book_case(book, &queue->cases[i]);
        if (c) cases[count++] = c;
    }
    return count;
}

static ear_err decide(void *self, struct ear_book *book, const struct ear_pg_result *const *extra)
{
    struct ear_queue *queue = self;
    struct ear_case *queued[PAGE];
    (void)extra;
    queue->given = ear_route_queued(book, queued, cases_of(queue, book, queued));
    return EAR_OK;
}

static void tell(const struct ear_book *book)
{
    for (const struct ear_entry *e = book->entries; e; e = e->next)
        ear_log(&EV_CASE_ASSIGNED, kv_id("case", &e->of->case_id), kv_text("agent", e->agent),
                kv_text("team", e->of->team));
}

static void given(void *self, ear_err err, const struct ear_book *book, const struct ear_diag *diag)
{
    struct ear_queue *queue = self;
    if (err && err != EAR_DATA) {
        stumble(queue, err, diag);
        return;
    }
    if (err) { /* a page that the database refuses is passed over, so that it stops no other */
        ear_log(&EV_QUEUE_RETRY, kv_diag(diag));
        queue->given = 0;
    } else {
        tell(book);
    }
    if (queue->given) {
        ear_metric_add(&M_GIVEN, (double)queue->given);
        ear_log(&EV_QUEUE_GIVEN, kv_int("cases", queue->given));
    }
    if (queue->count == PAGE && !queue->draining)
        read_page(queue); /* what is left of the page is passed over in this round */
    else
        open_team(queue, queue->team + 1);
}

static void sit(struct ear_queue *queue, const struct ear_sitting_ops *ops)
{
    struct ear_wants wants = {.customers = queue->people,
                              .customer_count = queue->count,
                              .cases = queue->cases,
                              .case_count = queue->count};
    ear_sitting_open(&queue->ground, &wants, ops, queue);
}

static void give_page(struct ear_queue *queue)
{
    static const struct ear_sitting_ops ops = {.decide = decide, .done = given};
    sit(queue, &ops);
}

/* ---- looking ---- */

static bool team_has_room(const struct ear_queue *queue, const struct ear_pg_result *seats)
{
    const struct ear_care *care = ear_care_of(queue->care);
    char id[256];
    for (size_t row = 0; row < ear_pg_rows(seats); row++) {
        if (!ear_str_copy(id, sizeof(id), ear_pg_get_str(seats, row, 0))) continue;
        const struct ear_agent *agent = ear_care_agent(care, id);
        if (agent && strcmp(agent->team, care->teams[queue->team].id) == 0 &&
            ear_pg_get_i64(seats, row, 1) < agent->capacity)
            return true;
    }
    return false;
}

static void take_page(struct ear_queue *queue, const struct ear_pg_result *page)
{
    queue->count = ear_pg_rows(page) < PAGE ? ear_pg_rows(page) : PAGE;
    for (size_t i = 0; i < queue->count; i++) {
        queue->cases[i] = ear_pg_get_id(page, i, 0);
        queue->people[i] = ear_pg_get_id(page, i, 1);
    }
}

static void note_late(struct ear_queue *queue, int64_t due_us)
{
    int64_t late_us = ear_clock_wall_us() - due_us;
    if (late_us > queue->late_us) queue->late_us = late_us;
}

static void on_page(void *self, ear_err err, const struct ear_pg_result *const *results,
                    size_t count, const struct ear_diag *diag)
{
    struct ear_queue *queue = self;
    (void)count;
    if (err) {
        stumble(queue, err, diag);
        return;
    }
    take_page(queue, results[1]);
    queue->waits |= queue->count > 0;
    if (queue->count) {
        note_late(queue, ear_pg_get_time(results[1], 0, 2));
        queue->after_case = queue->cases[queue->count - 1];
        queue->after_us = ear_pg_get_time(results[1], queue->count - 1, 2);
    }
    if (queue->count == 0 || queue->draining || !team_has_room(queue, results[0]))
        open_team(queue, queue->team + 1);
    else
        give_page(queue);
}

static void read_page(struct ear_queue *queue)
{
    const struct ear_care *care = ear_care_of(queue->care);
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_READ_SEATS);
    ear_pg_batch_add(batch, STORE_READ_QUEUE);
    ear_pg_text(batch, ear_str_from(care->teams[queue->team].id));
    ear_pg_time(batch, queue->after_us);
    ear_pg_id(batch, &queue->after_case);
    ear_pg_i32(batch, PAGE);
    ear_pg_run(queue->ground.pg, &batch, on_page, queue);
}

/* ---- strays ---- */

static ear_err take_back(void *self, struct ear_book *book,
                         const struct ear_pg_result *const *extra)
{
    struct ear_queue *queue = self;
    struct ear_case *strays[PAGE];
    (void)extra;
    queue->given = ear_route_strays(book, strays, cases_of(queue, book, strays));
    return EAR_OK;
}

static void taken_back(void *self, ear_err err, const struct ear_book *book,
                       const struct ear_diag *diag)
{
    struct ear_queue *queue = self;
    if (err) {
        stumble(queue, err, diag);
        return;
    }
    for (const struct ear_entry *e = book->entries; e; e = e->next)
        ear_log(&EV_CASE_REQUEUED, kv_id("case", &e->of->case_id), kv_text("why", e->code),
                kv_text("team", e->of->team));
    queue->sweep = queue->given > 0; /* there may be more of them */
    if (queue->sweep && !queue->draining)
        read_strays(queue);
    else
        open_team(queue, 0);
}

static void on_strays(void *self, ear_err err, const struct ear_pg_result *const *results,
                      size_t count, const struct ear_diag *diag)
{
    static const struct ear_sitting_ops ops = {.decide = take_back, .done = taken_back};
    struct ear_queue *queue = self;
    (void)count;
    if (err) {
        stumble(queue, err, diag);
        return;
    }
    take_page(queue, results[0]);
    if (queue->count && !queue->draining) {
        sit(queue, &ops);
    } else {
        queue->sweep = false;
        open_team(queue, 0);
    }
}

static void read_strays(struct ear_queue *queue)
{
    const struct ear_care *care = ear_care_of(queue->care);
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_READ_STRAYS);
    struct ear_pg_array *agents = ear_pg_array(batch, EAR_PG_TEXT);
    struct ear_pg_array *teams = ear_pg_array(batch, EAR_PG_TEXT);
    for (size_t i = 0; i < care->agent_count; i++)
        if (care->agents[i].active) ear_pg_push_text(agents, ear_str_from(care->agents[i].id));
    for (size_t i = 0; i < care->team_count; i++)
        ear_pg_push_text(teams, ear_str_from(care->teams[i].id));
    ear_pg_i32(batch, PAGE);
    ear_pg_run(queue->ground.pg, &batch, on_strays, queue);
}

void ear_queue_new(struct ear_queue **out, const struct ear_ground *ground)
{
    struct ear_queue *queue = ear_alloc(sizeof(*queue));
    queue->ground = *ground;
    queue->sweep = true;
    ear_timer_new(&queue->wake, ground->loop, begin_round, queue);
    ear_timer_start(queue->wake, AGAIN_MS, 0);
    *out = queue;
}

void ear_queue_free(struct ear_queue **queue)
{
    if (!*queue) return;
    ear_timer_free(&(*queue)->wake);
    ear_care_let_go(&(*queue)->care);
    EAR_FREE(*queue);
}

void ear_queue_kick(struct ear_queue *queue)
{
    if (queue->draining) return;
    if (queue->busy)
        queue->kicked = true;
    else
        ear_timer_start(queue->wake, 0, 0);
}

void ear_queue_sweep(struct ear_queue *queue)
{
    queue->sweep = true;
    ear_queue_kick(queue);
}

void ear_queue_drain(struct ear_queue *queue)
{
    queue->draining = true;
    ear_timer_stop(queue->wake);
}

bool ear_queue_is_idle(const struct ear_queue *queue)
{
    return !queue->busy;
}
