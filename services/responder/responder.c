#include "responder.h"

#include "account.h"
#include "catalogue.h"
#include "inbox.h"
#include "lease.h"
#include "outcome.h"
#include "sender.h"
#include "store_sql.h"
#include "wire/wire.h"
#include <stdlib.h>

#define BEAT_MS     5000
#define CONNECTIONS 4
#define WAITING_MAX 1024
/* What this build reads and writes; later migrations only add to it. */
#define SCHEMA_LEAST 5

struct ear_responder_settings ear_responder_settings;

/* ---- figures ---- */

static void on_stats(void *self, ear_err err, const struct ear_pg_result *const *results,
                     size_t count, const struct ear_diag *diag)
{
    struct ear_responder *core = self;
    (void)diag;
    if (err || !count) return;
    core->figures.queue = ear_pg_get_real(results[0], 0, 0);
    core->figures.lag_s = ear_pg_get_real(results[0], 0, 1);
    core->figures.outcomes_due = ear_pg_get_real(results[0], 0, 2);
    ear_metric_set(&M_QUEUE, core->figures.queue);
    ear_metric_set(&M_LAG_SECONDS, core->figures.lag_s);
    ear_metric_set(&M_OUTCOMES_DUE, core->figures.outcomes_due);
    ear_metric_set(&M_OUTCOME_LAG_SECONDS, ear_pg_get_real(results[0], 0, 3));
}

static void ask_key(struct ear_responder *core);

static void on_beat(void *self)
{
    struct ear_responder *core = self;
    if (!ear_pg_is_up(core->pg)) return;
    if (!core->keyed) ask_key(core);
    if (core->accounts->failed) ear_accounts_read(core->accounts);
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_QUEUE_STATS);
    ear_pg_run(core->pg, &batch, on_stats, core);
}

/* ---- PostgreSQL comes and goes ---- */

static void on_key(void *self, ear_err err, const struct ear_pg_result *const *results,
                   size_t count, const struct ear_diag *diag)
{
    struct ear_responder *core = self;
    core->asking_key = false;
    if (err == EAR_CLOSED) return;
    struct ear_str key = {NULL, 0};
    if (!err && count && ear_pg_rows(results[0])) key = ear_pg_get_str(results[0], 0, 0);
    if (ear_id_key_init(&core->key, key) != EAR_OK) {
        ear_log(&EV_READ_FAILED, kv_text("what", "id_key"), kv_err(err),
                kv_text("why", err ? diag->text : "no key: run earshotctl migrate"));
        return;
    }
    core->keyed = true;
    ear_accounts_read(core->accounts);
    ear_outcomes_wake(core->outcomes);
}

static void ask_key(struct ear_responder *core)
{
    if (core->keyed || core->asking_key) return;
    core->asking_key = true;
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_READ_ID_KEY);
    ear_pg_run(core->pg, &batch, on_key, core);
}

static void on_up(void *self)
{
    struct ear_responder *core = self;
    if (!core->keyed)
        ask_key(core);
    else
        ear_leases_hurry(core->leases);
}

static void on_care(void *self, struct ear_str payload)
{
    struct ear_responder *core = self;
    (void)payload;
    if (core->keyed) ear_accounts_renew(core->accounts);
}

static bool wake_one(void *self, struct ear_str key, void *value)
{
    (void)self;
    (void)key;
    ear_sender_wake(value);
    return true;
}

/* Another responder stored replies of an account, which may be ours, or be unheard of here: that
 * responder may be gone by now. Without a name notices may have been missed. */
static void on_sending(void *self, struct ear_str payload)
{
    struct ear_responder *core = self;
    if (!core->keyed) return;
    struct ear_account *account = ear_accounts_find(core->accounts, payload);
    if (account)
        ear_sender_wake(account);
    else if (payload.len)
        ear_accounts_read(core->accounts);
    else
        ear_map_each(core->accounts->by_id, wake_one, NULL);
}

/* ---- start and stop ---- */

static ear_err open_pg(struct ear_responder *core, struct ear_diag *diag)
{
    struct ear_pg_opts opts = {.conninfo = core->settings->pg,
                               .password = core->settings->pg_password,
                               .application = "earshot-responder",
                               .statements = store_statements,
                               .statement_count = STORE_SQL_COUNT,
                               .role = "earshot_responder",
                               .schema_least = SCHEMA_LEAST,
                               .connections = CONNECTIONS,
                               .max_waiting = WAITING_MAX,
                               .up = on_up,
                               .self = core};
    ear_err err = ear_pg_new(&core->pg, core->loop, &opts, diag);
    if (err) return ear_fail_in(diag, err, "EAR_PG");
    err = ear_pg_listen(core->pg, "earshot_care", on_care, core);
    return err ? err : ear_pg_listen(core->pg, "earshot_sending", on_sending, core);
}

static ear_err open_bus(struct ear_responder *core, struct ear_diag *diag)
{
    const struct ear_responder_settings *settings = core->settings;
    struct ear_bus_opts opts = {
        .service = "responder",
        .key_file = settings->bus_key_file[0] ? settings->bus_key_file : NULL,
        .peers_file = settings->bus_peers_file[0] ? settings->bus_peers_file : NULL};
    return ear_bus_new(&core->bus, core->loop, &opts, diag);
}

static void fill_limits(struct ear_responder *core)
{
    const struct ear_responder_settings *settings = core->settings;
    core->limits = (struct ear_reply_limits){.tries_max = settings->tries_max,
                                             .age_max_ms = settings->age_max_ms,
                                             .backoff_floor_ms = settings->backoff_floor_ms,
                                             .backoff_cap_ms = settings->backoff_cap_ms};
}

ear_err ear_responder_start(struct ear_svc *svc, void **self, struct ear_diag *diag)
{
    struct ear_responder *core = ear_alloc(sizeof(*core));
    core->settings = &ear_responder_settings;
    core->svc = svc;
    core->loop = ear_svc_loop(svc);
    core->instance = *ear_svc_instance(svc);
    fill_limits(core);
    ear_accounts_new(&core->accounts, core);
    ear_leases_new(&core->leases, core);
    ear_timer_new(&core->beat, core->loop, on_beat, core);
    ear_err err = ear_fetch_new(&core->fetch, core->loop, "Earshot/" EAR_VERSION);
    if (!err) err = open_bus(core, diag);
    if (!err) err = open_pg(core, diag);
    if (!err) err = ear_outcomes_new(&core->outcomes, core, diag);
    if (!err) err = ear_inbox_new(&core->inbox, core, diag);
    if (err) {
        ear_responder_stop(core);
        return err;
    }
    ear_timer_start(core->beat, BEAT_MS, BEAT_MS);
    *self = core;
    return EAR_OK;
}

ear_err ear_responder_reload(void *self, struct ear_diag *diag)
{
    struct ear_responder *core = self;
    return ear_bus_reload(core->bus, diag);
}

bool ear_responder_ready(void *self, struct ear_diag *why)
{
    struct ear_responder *core = self;
    if (!ear_pg_works(core->pg, why)) return false;
    if (!core->keyed || !core->accounts->read_once) {
        ear_fail(why, EAR_AGAIN, "accounts are being read");
        return false;
    }
    if (!ear_inbox_reaches(core->inbox, why)) {
        ear_fail_in(why, EAR_UNAVAILABLE, "EAR_RESPONDER_ASSIGNMENTS");
        return false;
    }
    if (!ear_outcomes_reach(core->outcomes, why)) {
        ear_fail_in(why, EAR_UNAVAILABLE, "EAR_RESPONDER_COMMANDS");
        return false;
    }
    return true;
}

void ear_responder_describe(void *self, struct ear_buf *json)
{
    struct ear_responder *core = self;
    ear_err err = ear_buf_printf(
        json,
        "\"versions\":[%u,%u],\"database\":%lld,\"database_least\":%d,"
        "\"assignments\":%zu,\"accounts\":%zu,"
        "\"lag_s\":%.3f,\"backlog\":{\"replies\":%.0f,\"outcomes\":%.0f},"
        "\"credit\":{\"replies\":%zu},\"under_way\":%zu,",
        ear_wire_reads().least, ear_wire_reads().greatest, (long long)ear_pg_schema(core->pg),
        SCHEMA_LEAST, ear_inbox_sources(core->inbox), ear_map_count(core->accounts->by_id),
        core->figures.lag_s, core->figures.queue, core->figures.outcomes_due,
        ear_inbox_room(core->inbox), ear_accounts_under_way(core->accounts));
    if (!err) err = ear_accounts_describe(core->accounts, json);
    if (err) ear_buf_reset(json);
}

void ear_responder_drain(void *self)
{
    struct ear_responder *core = self;
    core->draining = true;
    ear_inbox_drain(core->inbox);
    ear_responder_check_drained(core);
}

/* Replies that wait are in the database; only what is under way is waited for. */
void ear_responder_check_drained(struct ear_responder *core)
{
    if (!ear_inbox_is_drained(core->inbox) || ear_accounts_under_way(core->accounts)) return;
    if (!ear_pg_is_up(core->pg)) {
        ear_svc_drained(core->svc);
        return;
    }
    if (ear_outcomes_under_way(core->outcomes)) return;
    if (ear_leases_released(core->leases))
        ear_svc_drained(core->svc);
    else
        ear_leases_release(core->leases);
}

void ear_responder_stop(void *self)
{
    struct ear_responder *core = self;
    /* First, since it calls back into all the others. */
    if (core->pg) ear_pg_free(&core->pg);
    ear_inbox_free(&core->inbox);
    ear_outcomes_free(&core->outcomes);
    ear_accounts_free(&core->accounts);
    ear_leases_free(&core->leases);
    ear_timer_free(&core->beat);
    if (core->bus) ear_bus_free(&core->bus);
    if (core->fetch) ear_fetch_free(&core->fetch);
    free(core);
}
