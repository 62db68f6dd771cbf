#include "assignment.h"

#include "commands.h"
#include "engine/facts.h"
#include "events.h"
#include "outbox.h"
#include "queue.h"
#include "store_sql.h"
#include "timers.h"
#include "work.h"
#include <stdlib.h>

#define KEEP_MS   (INT64_C(3600) * 1000)
#define SETTLE_MS 20
/* What this build reads and writes; later migrations only add to it. */
#define SCHEMA_LEAST 13

struct ear_assignment_settings ear_assignment_settings;

/* Everything is owned. */
struct assignment {
    struct ear_svc *svc;
    struct ear_bus *bus;
    struct ear_pg *pg;
    struct ear_care_cache *care;
    struct ear_leases *leases;
    struct ear_models *models;
    struct ear_work *work;
    struct ear_commands *commands;
    struct ear_outbox *outbox;
    struct ear_timers *timers;
    struct ear_queue *queue;
    struct ear_timer *keep;  /* housekeeping */
    struct ear_timer *drain; /* looks whether all is quiet */
};

static const char *const lease_names[] = {
    [EAR_LEASE_REPLIES] = "reply_due",
    [EAR_LEASE_QUEUE] = "queue",
    [EAR_LEASE_TIMERS] = "timer/0",
    "timer/1",
    "timer/2",
    "timer/3",
    "timer/4",
    "timer/5",
    "timer/6",
    "timer/7",
    "timer/8",
    "timer/9",
    "timer/10",
    "timer/11",
    "timer/12",
    "timer/13",
    "timer/14",
    "timer/15",
};
_Static_assert(EAR_COUNT(lease_names) == EAR_LEASE_TIMERS + EAR_TIMER_BUCKETS, "a lease a bucket");

/* ---- wiring ---- */

static void on_connected(void *self)
{
    struct assignment *a = self;
    if (a->models) ear_models_forget(a->models);
}

static void on_room(void *self)
{
    struct assignment *a = self;
    if (a->queue) ear_queue_kick(a->queue);
}

static void on_care(void *self)
{
    struct assignment *a = self;
    if (a->queue) ear_queue_sweep(a->queue);
}

static void on_reply(void *self)
{
    struct assignment *a = self;
    if (a->outbox) ear_outbox_kick(a->outbox);
}

static void on_leases(void *self)
{
    struct assignment *a = self;
    if (a->timers) ear_timers_kick(a->timers);
    on_care(a);
    on_reply(a);
}

static void on_kept(void *self, ear_err err, const struct ear_pg_result *const *results,
                    size_t count, const struct ear_diag *diag)
{
    struct assignment *a = self;
    (void)results, (void)count;
    if (err == EAR_CLOSED) return;
    if (err) ear_log(&EV_KEEP_FAILED, kv_diag(diag));
    ear_timer_start(a->keep, err ? KEEP_MS / 60 : KEEP_MS, 0);
}

static void keep(void *self)
{
    struct assignment *a = self;
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_ENSURE_MONTH);
    if (ear_leases_held(a->leases, EAR_LEASE_QUEUE)) ear_pg_batch_add(batch, STORE_FORGET_COMMANDS);
    ear_pg_run(a->pg, &batch, on_kept, a);
}

static ear_err open_pg(struct assignment *a, struct ear_loop *loop, struct ear_diag *diag)
{
    const struct ear_assignment_settings *set = &ear_assignment_settings;
    char name[sizeof(EAR_LEASE_APPLICATION) + EAR_ID_TEXT_BYTES] = EAR_LEASE_APPLICATION;
    ear_id_format(ear_svc_instance(a->svc), name + sizeof(EAR_LEASE_APPLICATION) - 1);
    struct ear_pg_opts opts = {.conninfo = set->pg,
                               .password = set->pg_password[0] ? set->pg_password : NULL,
                               .application = name,
                               .statements = store_statements,
                               .statement_count = STORE_SQL_COUNT,
                               .role = "earshot_assignment",
                               .schema_least = SCHEMA_LEAST,
                               .keyed = true,
                               .planned_once = true,
                               /* Batches must never keep commands and clocks waiting. */
                               .connections = (unsigned)set->at_once + 3,
                               .max_waiting = 4096,
                               .connected = on_connected,
                               .self = a};
    ear_err err = ear_pg_new(&a->pg, loop, &opts, diag);
    return err ? ear_fail_in(diag, err, "EAR_PG") : EAR_OK;
}

static ear_err open_bus(struct assignment *a, struct ear_loop *loop, struct ear_diag *diag)
{
    const struct ear_assignment_settings *set = &ear_assignment_settings;
    struct ear_bus_opts opts = {
        .service = "assignment",
        .key_file = set->bus_key_file[0] ? set->bus_key_file : NULL,
        .peers_file = set->bus_peers_file[0] ? set->bus_peers_file : NULL,
    };
    return ear_bus_new(&a->bus, loop, &opts, diag);
}

static ear_err open_rooms(struct assignment *a, struct ear_loop *loop, struct ear_diag *diag)
{
    const struct ear_assignment_settings *set = &ear_assignment_settings;
    ear_err err = ear_care_cache_new(&a->care, loop, a->pg, on_care, a);
    if (err) return ear_fail(diag, err, "changes of care.yaml cannot be listened for");
    ear_models_new(&a->models, a->pg);
    ear_leases_new(&a->leases, loop, a->pg, ear_svc_instance(a->svc), lease_names,
                   EAR_COUNT(lease_names), on_leases, a);
    struct ear_ground ground = {
        .loop = loop, .pg = a->pg, .care = a->care, .leases = a->leases, .models = a->models};
    struct ear_work_opts work = {.classifiers = set->classifiers,
                                 .at_once = (unsigned)set->at_once};
    struct ear_commands_opts commands = {
        .endpoint = set->commands, .room = on_room, .reply = on_reply, .self = a};
    err = ear_outbox_new(&a->outbox, &ground, a->bus, set->bus, diag);
    if (err) return ear_fail_in(diag, err, "EAR_ASSIGNMENT_BUS");
    err = ear_commands_new(&a->commands, &ground, a->bus, &commands, diag);
    if (err) return ear_fail_in(diag, err, "EAR_ASSIGNMENT_COMMANDS");
    ear_outbox_wire(a->outbox, a->commands);
    err = ear_work_new(&a->work, &ground, a->bus, &work, diag);
    if (err) return ear_fail_in(diag, err, "EAR_ASSIGNMENT_CLASSIFIERS");
    ear_timers_new(&a->timers, &ground);
    ear_queue_new(&a->queue, &ground);
    return EAR_OK;
}

static void quiet(void *self);

ear_err ear_assignment_start(struct ear_svc *svc, void **self, struct ear_diag *diag)
{
    struct ear_loop *loop = ear_svc_loop(svc);
    struct assignment *a = ear_alloc(sizeof(*a));
    a->svc = svc;
    ear_timer_new(&a->keep, loop, keep, a);
    ear_timer_new(&a->drain, loop, quiet, a);
    ear_err err = open_pg(a, loop, diag);
    if (!err) err = open_bus(a, loop, diag);
    if (!err) err = open_rooms(a, loop, diag);
    if (err) {
        ear_assignment_stop(a);
        return err;
    }
    ear_timer_start(a->keep, KEEP_MS, 0);
    *self = a;
    return EAR_OK;
}

/* ---- health ---- */

ear_err ear_assignment_reload(void *self, struct ear_diag *diag)
{
    struct assignment *a = self;
    return ear_bus_reload(a->bus, diag);
}

bool ear_assignment_ready(void *self, struct ear_diag *why)
{
    struct assignment *a = self;
    if (!ear_pg_works(a->pg, why)) return false;
    if (!ear_care_cache_is_loaded(a->care)) {
        ear_fail(why, EAR_AGAIN, "teams and policies have not been read yet");
        return false;
    }
    if (ear_care_cache_schema(a->care) < SCHEMA_LEAST) {
        ear_fail(why, EAR_UNSUPPORTED,
                 "the schema is older than migration %d: run earshotctl migrate", SCHEMA_LEAST);
        return false;
    }
    if (!ear_work_reaches(a->work, why)) {
        ear_fail_in(why, EAR_UNAVAILABLE, "EAR_ASSIGNMENT_CLASSIFIERS");
        return false;
    }
    return true;
}

void ear_assignment_describe(void *self, struct ear_buf *json)
{
    struct assignment *a = self;
    size_t held = 0;
    for (size_t i = 0; i < EAR_COUNT(lease_names); i++) held += ear_leases_held(a->leases, i);
    struct ear_work_backlog backlog = ear_work_backlog(a->work);
    struct ear_outbox_stats outbox = ear_outbox_stats(a->outbox);
    ear_err err = ear_buf_printf(
        json,
        "\"database\":%lld,\"database_least\":%d,\"classifiers\":%zu,\"responders\":%zu,"
        "\"lag_s\":%.3f,\"backlog\":{\"live\":%zu,\"backfill\":%zu,\"replies\":%zu},"
        "\"credit\":{\"replies\":%lld},"
        "\"waiting_batches\":%zu,\"commands_active\":%zu,\"leases\":%zu,\"alone\":%s",
        (long long)ear_care_cache_schema(a->care), SCHEMA_LEAST, ear_work_sources(a->work),
        outbox.responders, (double)backlog.oldest_ms / 1000, backlog.posts[EAR_LANE_LIVE],
        backlog.posts[EAR_LANE_BACKFILL], outbox.offered, (long long)outbox.credit,
        ear_work_waiting(a->work), ear_commands_active(a->commands), held,
        ear_leases_alone(a->leases) ? "true" : "false");
    (void)err; /* what does not fit is left out */
}

/* ---- the end ---- */

static bool all_idle(const struct assignment *a)
{
    return ear_work_is_idle(a->work) && ear_commands_active(a->commands) == 0 &&
           ear_outbox_is_idle(a->outbox) && ear_timers_is_idle(a->timers) &&
           ear_queue_is_idle(a->queue);
}

static void quiet(void *self)
{
    struct assignment *a = self;
    bool more = !ear_work_is_quiet(a->work);
    if (!more && all_idle(a)) ear_leases_drain(a->leases);
    /* Without the database nothing can be finished: stop hands everything back. */
    if (!more && (ear_leases_drained(a->leases) || !ear_pg_is_up(a->pg)))
        ear_svc_drained(a->svc);
    else
        ear_timer_start(a->drain, SETTLE_MS, 0);
}

void ear_assignment_drain(void *self)
{
    struct assignment *a = self;
    ear_timer_stop(a->keep);
    ear_work_drain(a->work);
    ear_commands_drain(a->commands);
    ear_outbox_drain(a->outbox);
    ear_timers_drain(a->timers);
    ear_queue_drain(a->queue);
    quiet(a);
}

void ear_assignment_stop(void *self)
{
    struct assignment *a = self;
    /* First: it ends what is under way, and that still needs the rooms. */
    ear_pg_free(&a->pg);
    ear_queue_free(&a->queue);
    ear_timers_free(&a->timers);
    ear_work_free(&a->work);
    ear_commands_free(&a->commands);
    ear_outbox_free(&a->outbox);
    ear_leases_free(&a->leases);
    ear_models_free(&a->models);
    ear_care_cache_free(&a->care);
    ear_bus_free(&a->bus);
    ear_timer_free(&a->drain);
    ear_timer_free(&a->keep);
    free(a);
}
