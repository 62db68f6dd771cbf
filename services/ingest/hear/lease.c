#include "hear/lease.h"
#include "events.h"
#include "store_sql.h"
#include <stdlib.h>

struct lease {
    struct lease *next; /* in the order of names: two instances lock rows alike */
    char *name;
    bool held;
    int64_t epoch;
    int64_t until_ms; /* monotonic */
};

struct ear_leases {
    struct ear_lease_opts opts;
    struct lease *list;
    struct ear_timer *beat;
    int64_t asked_ms;
    bool asking;
    bool ended;
    unsigned releasing; /* statements under way */
    ear_loop_fn *done;
    void *done_self;
};

static void release(struct ear_leases *leases, const char *only);

static struct lease *find(const struct ear_leases *leases, struct ear_str name)
{
    struct lease *lease = leases->list;
    while (lease && !ear_str_eq(ear_str_from(lease->name), name)) lease = lease->next;
    return lease;
}

static void set_held(struct ear_leases *leases, struct lease *lease, bool held)
{
    if (lease->held == held) return;
    lease->held = held;
    leases->opts.changed(leases->opts.self, lease->name, held);
}

/* changed may drop leases: start over after each call. */
static void expire(struct ear_leases *leases)
{
    int64_t now = ear_clock_mono_ms();
    bool again = true;
    while (again) {
        again = false;
        for (struct lease *lease = leases->list; lease && !again; lease = lease->next) {
            if (lease->held && lease->until_ms <= now) {
                set_held(leases, lease, false);
                again = true;
            }
        }
    }
}

static void on_taken(void *self, ear_err err, const struct ear_pg_result *const *results,
                     size_t count, const struct ear_diag *diag)
{
    struct ear_leases *leases = self;
    leases->asking = false;
    if (leases->ended) {
        release(leases, NULL);
        return;
    }
    if (err == EAR_CLOSED) return;
    if (err != EAR_OK || count != 1) {
        ear_log(&EV_INGEST_LEASE_FAILED, kv_diag(diag));
        expire(leases);
        return;
    }
    int64_t until = leases->asked_ms + leases->opts.lease_ms - leases->opts.lease_ms / 6;
    for (size_t row = 0; row < ear_pg_rows(results[0]); row++) {
        struct lease *lease = find(leases, ear_pg_get_str(results[0], row, 0));
        if (!lease) continue;
        int64_t epoch = ear_pg_get_i64(results[0], row, 1);
        /* Somebody else had it in between: what was built on the old epoch must go. */
        if (lease->held && lease->epoch != epoch) set_held(leases, lease, false);
        lease->epoch = epoch;
        lease->until_ms = until;
        set_held(leases, lease, true);
    }
    expire(leases);
}

void ear_leases_renew(struct ear_leases *leases)
{
    if (leases->asking || leases->ended || !leases->list || !ear_pg_is_up(leases->opts.pg)) return;
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_TAKE_LEASES);
    struct ear_pg_array *names = ear_pg_array(batch, EAR_PG_TEXT);
    for (const struct lease *lease = leases->list; lease; lease = lease->next) {
        ear_pg_push_text(names, ear_str_from(lease->name));
    }
    ear_pg_id(batch, &leases->opts.owner);
    ear_pg_i64(batch, leases->opts.lease_ms);
    leases->asking = true;
    leases->asked_ms = ear_clock_mono_ms();
    ear_pg_run(leases->opts.pg, &batch, on_taken, leases);
}

static void on_beat(void *self)
{
    struct ear_leases *leases = self;
    expire(leases);
    ear_leases_renew(leases);
}

void ear_leases_new(struct ear_leases **out, const struct ear_lease_opts *opts)
{
    struct ear_leases *leases = ear_alloc(sizeof(*leases));
    leases->opts = *opts;
    ear_timer_new(&leases->beat, opts->loop, on_beat, leases);
    ear_timer_start(leases->beat, opts->lease_ms / 6, opts->lease_ms / 6);
    *out = leases;
}

void ear_leases_free(struct ear_leases **leases_ptr)
{
    struct ear_leases *leases = *leases_ptr;
    if (!leases) return;
    while (leases->list) {
        struct lease *lease = leases->list;
        leases->list = lease->next;
        free(lease->name);
        free(lease);
    }
    ear_timer_free(&leases->beat);
    EAR_FREE(*leases_ptr);
}

void ear_leases_want(struct ear_leases *leases, const char *name)
{
    struct lease **at = &leases->list;
    while (*at && strcmp((*at)->name, name) < 0) at = &(*at)->next;
    if (*at && strcmp((*at)->name, name) == 0) return;
    struct lease *lease = ear_alloc(sizeof(*lease));
    lease->name = ear_strdup(name);
    lease->next = *at;
    *at = lease;
}

/* Tells that all is given back, once. */
static void finish(struct ear_leases *leases)
{
    ear_loop_fn *done = leases->done;
    if (leases->releasing > 0 || leases->asking || !done) return;
    leases->done = NULL;
    done(leases->done_self);
}

static void on_released(void *self, ear_err err, const struct ear_pg_result *const *results,
                        size_t count, const struct ear_diag *diag)
{
    (void)results;
    (void)count;
    struct ear_leases *leases = self;
    /* Not given back, they run out by themselves. */
    if (err != EAR_OK && err != EAR_CLOSED) ear_log(&EV_INGEST_LEASE_FAILED, kv_diag(diag));
    leases->releasing--;
    finish(leases);
}

static void release(struct ear_leases *leases, const char *only)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_RELEASE_LEASES);
    struct ear_pg_array *names = ear_pg_array(batch, EAR_PG_TEXT);
    for (const struct lease *lease = leases->list; lease; lease = lease->next) {
        if (!only || strcmp(lease->name, only) == 0) {
            ear_pg_push_text(names, ear_str_from(lease->name));
        }
    }
    ear_pg_id(batch, &leases->opts.owner);
    leases->releasing++;
    ear_pg_run(leases->opts.pg, &batch, on_released, leases);
}

void ear_leases_drop(struct ear_leases *leases, const char *name)
{
    struct lease **at = &leases->list;
    while (*at && strcmp((*at)->name, name) != 0) at = &(*at)->next;
    if (!*at) return;
    if ((*at)->held && !leases->ended) release(leases, name);
    struct lease *lease = *at;
    *at = lease->next;
    free(lease->name);
    free(lease);
}

bool ear_leases_held(const struct ear_leases *leases, const char *name, int64_t *epoch)
{
    const struct lease *lease = find(leases, ear_str_from(name));
    if (!lease || !lease->held || lease->until_ms <= ear_clock_mono_ms()) return false;
    if (epoch) *epoch = lease->epoch;
    return true;
}

size_t ear_leases_count(const struct ear_leases *leases)
{
    size_t held = 0;
    for (const struct lease *lease = leases->list; lease; lease = lease->next) held += lease->held;
    return held;
}

void ear_leases_end(struct ear_leases *leases, ear_loop_fn *done, void *self)
{
    leases->ended = true;
    leases->done = done;
    leases->done_self = self;
    ear_timer_stop(leases->beat);
    if (!leases->asking) release(leases, NULL); /* else when the answer is there */
}
