#include "timers.h"

#include "engine/clock.h"
#include "events.h"
#include "metrics.h"
#include "sitting.h"
#include "store_sql.h"
#include <stdlib.h>

#define PAGE     256
#define AGAIN_MS 500
/* However short the policies are, and however long: other replicas set clocks too. */
#define SLEEP_LEAST_MS 1000
#define SLEEP_MOST_MS  5000

struct ear_timers {
    struct ear_ground ground;
    struct ear_timer *wake; /* owned */
    bool busy;
    bool draining;
    size_t count; /* of the page */
    struct ear_due page[PAGE];
    /* Where the next page begins. Back at the beginning after each sweep, since a clock may be set
     * to a time that has passed. */
    int64_t from_us;
    struct ear_id from_case;
};

static void look(void *self);

/* A quarter of the least time that a new clock takes to fire, within bounds. */
static int64_t longest_sleep_ms(const struct ear_timers *timers)
{
    if (!ear_care_cache_is_loaded(timers->ground.care)) return SLEEP_LEAST_MS;
    struct ear_care_version *version = ear_care_hold(timers->ground.care);
    int64_t ms = ear_care_least_s(ear_care_of(version)) * 1000 / 4;
    ear_care_let_go(&version);
    if (ms < SLEEP_LEAST_MS) return SLEEP_LEAST_MS;
    return ms < SLEEP_MOST_MS ? ms : SLEEP_MOST_MS;
}

static void sleep_for(struct ear_timers *timers, int64_t ms)
{
    timers->busy = false;
    if (timers->draining) return;
    int64_t most_ms = longest_sleep_ms(timers);
    ear_timer_start(timers->wake, ms < most_ms ? ms : most_ms, 0);
}

static void stumble(struct ear_timers *timers, ear_err err, const struct ear_diag *diag)
{
    if (err == EAR_CLOSED) return;
    ear_log(&EV_TIMERS_RETRY, kv_diag(diag));
    sleep_for(timers, AGAIN_MS);
}

/* ---- a page under the customers' locks ---- */

static void ask(void *self, struct ear_pg_batch *batch)
{
    const struct ear_timers *timers = self;
    ear_pg_batch_add(batch, STORE_READ_TIMERS);
    struct ear_pg_array *cases = ear_pg_array(batch, EAR_PG_ID);
    struct ear_pg_array *kinds = ear_pg_array(batch, EAR_PG_I16);
    struct ear_pg_array *clocks = ear_pg_array(batch, EAR_PG_I32);
    for (size_t i = 0; i < timers->count; i++) {
        ear_pg_push_id(cases, &timers->page[i].case_id);
        ear_pg_push_int(kinds, timers->page[i].kind);
        ear_pg_push_int(clocks, timers->page[i].clock_no);
    }
}

static const struct ear_due *on_page(const struct ear_timers *timers, const struct ear_pg_result *r,
                                     size_t row)
{
    struct ear_id case_id = ear_pg_get_id(r, row, 0);
    for (size_t i = 0; i < timers->count; i++) {
        const struct ear_due *due = &timers->page[i];
        if (due->kind == (ear_due_kind)ear_pg_get_i64(r, row, 1) &&
            due->clock_no == (int32_t)ear_pg_get_i64(r, row, 2) &&
            ear_id_cmp(&due->case_id, &case_id) == 0)
            return due;
    }
    return NULL;
}

static ear_err decide(void *self, struct ear_book *book, const struct ear_pg_result *const *extra)
{
    const struct ear_timers *timers = self;
    for (size_t row = 0; row < ear_pg_rows(extra[0]); row++) {
        const struct ear_due *due = on_page(timers, extra[0], row);
        if (!due) continue;
        struct ear_due now = *due;
        now.then_us = ear_pg_get_time(extra[0], row, 3); /* it may have been moved meanwhile */
        ear_clock_fire(book, ear_book_case(book, &now.case_id), &now);
    }
    return EAR_OK;
}

static void tell(const struct ear_book *book)
{
    for (const struct ear_entry *e = book->entries; e; e = e->next) {
        const char *kind = ear_entry_has(e, EAR_KIND_CLOCK_BREACHED) ? "breach" : "warn";
        ear_metric_add(&M_CLOCKS, 1, kind);
        ear_log(&EV_CLOCK_FIRED, kv_id("case", &e->of->case_id), kv_text("kind", kind),
                kv_int("clock", e->clock_no), kv_text("team", e->of->team),
                kv_text("agent", e->of->agent ? e->of->agent : ""));
    }
}

static void fired(void *self, ear_err err, const struct ear_book *book, const struct ear_diag *diag)
{
    struct ear_timers *timers = self;
    if (err) {
        stumble(timers, err, diag);
        return;
    }
    tell(book);
    for (size_t i = 0; i < timers->count; i++)
        ear_metric_observe(&M_CLOCK_LAG,
                           (double)(book->now_us - timers->page[i].due_at_us) / EAR_US_PER_S);
    timers->busy = false;
    look(timers);
}

static void fire_page(struct ear_timers *timers)
{
    static const struct ear_sitting_ops ops = {.ask = ask, .decide = decide, .done = fired};
    struct ear_id people[PAGE];
    struct ear_id cases[PAGE];
    for (size_t i = 0; i < timers->count; i++) {
        people[i] = timers->page[i].customer_id;
        cases[i] = timers->page[i].case_id;
    }
    struct ear_wants wants = {.customers = people,
                              .customer_count = timers->count,
                              .cases = cases,
                              .case_count = timers->count};
    ear_sitting_open(&timers->ground, &wants, &ops, timers);
}

/* ---- looking ---- */

static void take_page(struct ear_timers *timers, const struct ear_pg_result *r)
{
    timers->count = ear_pg_rows(r) < PAGE ? ear_pg_rows(r) : PAGE;
    for (size_t i = 0; i < timers->count; i++)
        timers->page[i] = (struct ear_due){.due_at_us = ear_pg_get_time(r, i, 0),
                                           .case_id = ear_pg_get_id(r, i, 1),
                                           .customer_id = ear_pg_get_id(r, i, 2),
                                           .kind = (ear_due_kind)ear_pg_get_i64(r, i, 3),
                                           .clock_no = (int32_t)ear_pg_get_i64(r, i, 4),
                                           .then_us = ear_pg_get_time(r, i, 5)};
    bool more = timers->count == PAGE;
    timers->from_us = more ? timers->page[PAGE - 1].due_at_us : 0;
    timers->from_case = more ? timers->page[PAGE - 1].case_id : (struct ear_id){{0}};
}

static void on_due(void *self, ear_err err, const struct ear_pg_result *const *results,
                   size_t count, const struct ear_diag *diag)
{
    struct ear_timers *timers = self;
    (void)count;
    if (err) {
        stumble(timers, err, diag);
        return;
    }
    take_page(timers, results[0]);
    if (timers->count > 0 && !timers->draining)
        fire_page(timers);
    else
        sleep_for(timers,
                  ear_pg_rows(results[1]) ? ear_pg_get_i64(results[1], 0, 0) : SLEEP_MOST_MS);
}

static size_t push_buckets(const struct ear_timers *timers, struct ear_pg_batch *batch)
{
    struct ear_pg_array *buckets = ear_pg_array(batch, EAR_PG_I16);
    size_t held = 0;
    for (size_t i = 0; i < EAR_TIMER_BUCKETS; i++) {
        if (!ear_leases_held(timers->ground.leases, EAR_LEASE_TIMERS + i)) continue;
        ear_pg_push_int(buckets, (int64_t)i);
        held++;
    }
    return held;
}

static void look(void *self)
{
    struct ear_timers *timers = self;
    if (timers->busy) return;
    if (timers->draining || !ear_pg_is_up(timers->ground.pg) ||
        !ear_care_cache_is_loaded(timers->ground.care)) {
        sleep_for(timers, AGAIN_MS);
        return;
    }
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_READ_DUE_TIMERS);
    size_t held = push_buckets(timers, batch);
    ear_pg_time(batch, timers->from_us);
    ear_pg_id(batch, &timers->from_case);
    ear_pg_i32(batch, PAGE);
    ear_pg_batch_add(batch, STORE_READ_NEXT_TIMER);
    push_buckets(timers, batch);
    if (held == 0) {
        ear_pg_batch_free(&batch);
        sleep_for(timers, SLEEP_LEAST_MS);
        return;
    }
    timers->busy = true;
    ear_pg_run(timers->ground.pg, &batch, on_due, timers);
}

void ear_timers_new(struct ear_timers **out, const struct ear_ground *ground)
{
    struct ear_timers *timers = ear_alloc(sizeof(*timers));
    timers->ground = *ground;
    ear_timer_new(&timers->wake, ground->loop, look, timers);
    ear_timer_start(timers->wake, AGAIN_MS, 0);
    ear_metric_add(&M_CLOCKS, 0, "breach"); /* an alert sees what comes as a change */
    *out = timers;
}

void ear_timers_free(struct ear_timers **timers)
{
    if (!*timers) return;
    ear_timer_free(&(*timers)->wake);
    EAR_FREE(*timers);
}

void ear_timers_kick(struct ear_timers *timers)
{
    look(timers);
}

void ear_timers_drain(struct ear_timers *timers)
{
    timers->draining = true;
    ear_timer_stop(timers->wake);
}

bool ear_timers_is_idle(const struct ear_timers *timers)
{
    return !timers->busy;
}
