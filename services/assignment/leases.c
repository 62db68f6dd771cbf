#include "leases.h"

#include "events.h"
#include "store_sql.h"
#include <stdlib.h>

/* Held for TTL after the question went out, so never longer than the database thinks. */
#define TTL_MS   10000
#define RENEW_MS 3000
#define LOOK_MS  1000 /* while another has some: it may be killed */
#define RETRY_MS 500

/* Results of a renewal. */
enum { NAMES_AT, PEERS_AT };

struct lease {
    const char *name;
    int64_t until_ms;
};

struct ear_leases {
    struct ear_loop *loop;
    struct ear_pg *pg;
    struct ear_id owner;
    struct ear_timer *renew; /* owned */
    struct lease *all;       /* owned */
    size_t count;
    ear_loop_fn *taken;
    void *self;
    int64_t asked_ms;
    bool asking, alone;
    bool draining;
    bool dropped;
};

static void push_names(struct ear_pg_batch *batch, const struct ear_leases *leases)
{
    struct ear_pg_array *names = ear_pg_array(batch, EAR_PG_TEXT);
    for (size_t i = 0; i < leases->count; i++)
        ear_pg_push_text(names, ear_str_from(leases->all[i].name));
}

/* True when it was not held before. */
static bool extend(struct ear_leases *leases, struct ear_str name)
{
    for (size_t i = 0; i < leases->count; i++) {
        if (!ear_str_eq(ear_str_from(leases->all[i].name), name)) continue;
        bool fresh = !ear_leases_held(leases, i);
        leases->all[i].until_ms = leases->asked_ms + TTL_MS;
        if (fresh) ear_log(&EV_LEASE_TAKEN, kv_str("lease", name));
        return fresh;
    }
    return false;
}

static void on_dropped(void *self, ear_err err, const struct ear_pg_result *const *results,
                       size_t count, const struct ear_diag *diag)
{
    struct ear_leases *leases = self;
    (void)results, (void)count, (void)diag;
    if (err == EAR_CLOSED) return;
    leases->asking = false;
    leases->dropped = true;
}

static void drop(struct ear_leases *leases)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    leases->asking = true;
    for (size_t i = 0; i < leases->count; i++) leases->all[i].until_ms = 0;
    ear_pg_batch_add(batch, STORE_DROP_LEASES);
    ear_pg_id(batch, &leases->owner);
    push_names(batch, leases);
    ear_pg_run(leases->pg, &batch, on_dropped, leases);
}

static bool holds_all(const struct ear_leases *leases)
{
    for (size_t i = 0; i < leases->count; i++)
        if (!ear_leases_held(leases, i)) return false;
    return true;
}

static void on_taken(void *self, ear_err err, const struct ear_pg_result *const *results,
                     size_t count, const struct ear_diag *diag)
{
    struct ear_leases *leases = self;
    (void)count, (void)diag;
    if (err == EAR_CLOSED) return;
    leases->asking = false;
    leases->alone = !err && !ear_pg_get_bool(results[PEERS_AT], 0, 0);
    if (leases->draining) {
        drop(leases);
        return;
    }
    bool fresh = false;
    for (size_t row = 0; !err && row < ear_pg_rows(results[NAMES_AT]); row++)
        if (extend(leases, ear_pg_get_str(results[NAMES_AT], row, 0))) fresh = true;
    ear_timer_start(leases->renew, err ? RETRY_MS : holds_all(leases) ? RENEW_MS : LOOK_MS, 0);
    if (fresh) leases->taken(leases->self);
}

static void renew(void *self)
{
    struct ear_leases *leases = self;
    if (leases->asking || leases->draining) return;
    if (!ear_pg_is_up(leases->pg)) {
        ear_timer_start(leases->renew, RETRY_MS, 0);
        return;
    }
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    leases->asking = true;
    leases->asked_ms = ear_clock_mono_ms();
    ear_pg_batch_add(batch, STORE_TAKE_LEASES);
    push_names(batch, leases);
    ear_pg_id(batch, &leases->owner);
    ear_pg_i64(batch, TTL_MS);
    ear_pg_text(batch, EAR_STR(EAR_LEASE_APPLICATION));
    ear_pg_batch_add(batch, STORE_READ_PEERS);
    ear_pg_text(batch, EAR_STR(EAR_LEASE_APPLICATION));
    ear_pg_id(batch, &leases->owner);
    ear_pg_run(leases->pg, &batch, on_taken, leases);
}

void ear_leases_new(struct ear_leases **out, struct ear_loop *loop, struct ear_pg *pg,
                    const struct ear_id *owner, const char *const *names, size_t count,
                    ear_loop_fn *taken, void *self)
{
    struct ear_leases *leases = ear_alloc(sizeof(*leases));
    leases->loop = loop;
    leases->pg = pg;
    leases->owner = *owner;
    leases->all = ear_alloc(count * sizeof(*leases->all));
    leases->count = count;
    for (size_t i = 0; i < count; i++) leases->all[i].name = names[i];
    leases->taken = taken;
    leases->self = self;
    ear_timer_new(&leases->renew, loop, renew, leases);
    ear_timer_start(leases->renew, 0, 0);
    *out = leases;
}

void ear_leases_free(struct ear_leases **leases)
{
    if (!*leases) return;
    ear_timer_free(&(*leases)->renew);
    free((*leases)->all);
    EAR_FREE(*leases);
}

bool ear_leases_held(const struct ear_leases *leases, size_t which)
{
    return leases->all[which].until_ms > ear_clock_mono_ms();
}

bool ear_leases_alone(const struct ear_leases *leases)
{
    return leases->alone;
}

void ear_leases_drain(struct ear_leases *leases)
{
    if (leases->draining) return;
    leases->draining = true;
    ear_timer_stop(leases->renew);
    if (!ear_pg_is_up(leases->pg))
        leases->dropped = true; /* they run out by themselves */
    else if (!leases->asking)
        drop(leases);
}

bool ear_leases_drained(const struct ear_leases *leases)
{
    return leases->dropped;
}
