#include "pg/pool.h"

#include "pg/events.h"
#include "pg/rights.h"
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_CONNECTIONS 2
#define DEFAULT_WAITING     256
#define DEFAULT_TIMEOUT_MS  30000
#define DEFAULT_MARGIN_MS   5000
#define UNREACHABLE_LOG_MS  60000

void ear_pg_kick(struct ear_pg *pg)
{
    if (!ear_timer_active(pg->kick)) ear_timer_start(pg->kick, 0, 0);
}

static struct ear_pg_flight *first_in(struct ear_pg *pg, ear_pg_phase phase)
{
    struct ear_pg_flight *flight;
    TAILQ_FOREACH(flight, &pg->flights, link)
    if (flight->phase == phase) return flight;
    return NULL;
}

static void dispatch(struct ear_pg *pg)
{
    for (size_t i = 0; i < pg->slot_count; i++) {
        struct ear_pg_slot *slot = &pg->slots[i];
        while (!slot->session && ear_pg_conn_idle(slot->conn)) {
            struct ear_pg_flight *flight = first_in(pg, EAR_PG_WAITING);
            if (!flight) return;
            ear_pg_launch(flight, slot);
        }
    }
}

/* Delivers what was over when the turn began: a caller that fails again at once waits a turn. */
static void on_kick(void *self)
{
    struct ear_pg *pg = self;
    size_t over = 0;
    struct ear_pg_flight *flight;
    TAILQ_FOREACH(flight, &pg->flights, link)
    over += flight->phase == EAR_PG_OVER;
    while (over-- && (flight = first_in(pg, EAR_PG_OVER)) != NULL) ear_pg_finish(flight);
    dispatch(pg);
    ear_metric_set(&M_PG_WAITING, (double)pg->waiting);
}

static void ignore_result(void *self, size_t at, PGresult *result)
{
    (void)self;
    (void)at;
    PQclear(result);
}

static void on_rolled_back(void *self, ear_err err, const struct ear_diag *diag)
{
    struct ear_pg_slot *slot = self;
    (void)diag;
    if (!err) ear_pg_kick(slot->pg);
}

void ear_pg_release_slot(struct ear_pg_slot *slot)
{
    if (slot->session || !ear_pg_conn_idle(slot->conn)) return;
    if (!ear_pg_conn_in_transaction(slot->conn)) {
        ear_pg_kick(slot->pg);
        return;
    }
    PGconn *pq = ear_pg_conn_pq(slot->conn);
    bool sent = PQsendQueryParams(pq, "ROLLBACK", 0, NULL, NULL, NULL, NULL, 1) == 1;
    struct ear_pg_job job = {.result = ignore_result, .done = on_rolled_back, .self = slot};
    ear_pg_conn_run(slot->conn, &job, sent);
}

static void count_usable(struct ear_pg_slot *slot, bool usable)
{
    struct ear_pg *pg = slot->pg;
    if (slot->counted == usable) return;
    slot->counted = usable;
    pg->usable = usable ? pg->usable + 1 : pg->usable - 1;
    ear_metric_set(&M_PG_CONNECTIONS, (double)pg->usable);
    if (usable && pg->usable == 1) {
        ear_log(&EV_PG_UP);
        pg->why = (struct ear_diag){0};
        if (pg->up) pg->up(pg->self);
    } else if (!usable && pg->usable == 0) {
        ear_log(&EV_PG_DOWN, kv_diag(&pg->why));
        ear_pg_refuse_waiting(pg);
        if (pg->down) pg->down(pg->self);
    }
}

static void on_setup_result(void *self, size_t at, PGresult *result)
{
    ear_pg_setup_result(&((struct ear_pg_slot *)self)->setup, at, result);
}

static void on_setup_done(void *self, ear_err err, const struct ear_diag *diag)
{
    struct ear_pg_slot *slot = self;
    (void)diag;
    if (err) return;
    if (slot->setup.diag.err) {
        ear_pg_conn_drop(slot->conn, &slot->setup.diag);
        return;
    }
    ear_pg_conn_usable(slot->conn);
    count_usable(slot, true);
    if (slot->pg->connected) slot->pg->connected(slot->pg->self);
    ear_pg_kick(slot->pg);
}

static void on_setup(void *self, struct ear_pg_conn *conn)
{
    struct ear_pg_slot *slot = self;
    slot->setup = (struct ear_pg_setup){.statements = &slot->pg->statements};
    struct ear_pg_job job = {.result = on_setup_result, .done = on_setup_done, .self = slot};
    ear_pg_conn_run(conn, &job, ear_pg_setup_send(&slot->setup, ear_pg_conn_pq(conn)));
}

static void on_down(void *self, struct ear_pg_conn *conn, const struct ear_diag *why)
{
    struct ear_pg_slot *slot = self;
    struct ear_pg *pg = slot->pg;
    uint64_t suppressed;
    (void)conn;
    if (slot->session) {
        slot->session->slot = NULL;
        slot->session->err = EAR_UNAVAILABLE;
        slot->session = NULL;
    }
    if (pg->why.err != why->err) pg->gate = (struct ear_log_gate){0};
    pg->why = *why;
    bool was = slot->counted;
    count_usable(slot, false);
    if (!was && !pg->usable && !pg->quiet &&
        ear_log_gate_open(&pg->gate, ear_loop_now_ms(pg->loop), UNREACHABLE_LOG_MS, &suppressed))
        ear_log(&EV_PG_UNREACHABLE, kv_diag(why), kv_int("suppressed", suppressed));
}

static void open_slots(struct ear_pg *pg, unsigned connections)
{
    static const struct ear_pg_conn_ops ops = {.setup = on_setup, .down = on_down};
    pg->slot_count = connections ? connections : DEFAULT_CONNECTIONS;
    pg->slots = ear_alloc(pg->slot_count * sizeof(*pg->slots));
    for (size_t i = 0; i < pg->slot_count; i++) {
        pg->slots[i].pg = pg;
        ear_pg_conn_new(&pg->slots[i].conn, pg->loop, &pg->target, pg->patience_ms, &ops,
                        &pg->slots[i]);
    }
}

ear_err ear_pg_new(struct ear_pg **out, struct ear_loop *loop, const struct ear_pg_opts *opts,
                   struct ear_diag *diag)
{
    struct ear_pg *pg = ear_alloc(sizeof(*pg));
    ear_err err =
        ear_pg_target_init(&pg->target, opts->conninfo, opts->password, opts->application, diag);
    if (err) {
        free(pg);
        return err;
    }
    int64_t timeout_ms =
        opts->statement_timeout_ms ? opts->statement_timeout_ms : DEFAULT_TIMEOUT_MS;
    pg->loop = loop;
    pg->statements.items = opts->statements;
    pg->statements.count = opts->statement_count;
    pg->statements.shapes = ear_alloc(opts->statement_count * sizeof(*pg->statements.shapes));
    snprintf(pg->statements.timeout, sizeof(pg->statements.timeout), "%lld", (long long)timeout_ms);
    pg->patience_ms =
        timeout_ms + (opts->answer_margin_ms ? opts->answer_margin_ms : DEFAULT_MARGIN_MS);
    pg->statements.scans = opts->keyed ? "off" : "on";
    pg->statements.plans = opts->planned_once ? "force_generic_plan" : "auto";
    pg->statements.role = opts->role;
    pg->statements.schema_least = opts->schema_least;
    pg->quiet = opts->quiet;
    pg->max_waiting = opts->max_waiting ? opts->max_waiting : DEFAULT_WAITING;
    pg->up = opts->up;
    pg->down = opts->down;
    pg->connected = opts->connected;
    pg->self = opts->self;
    ear_fail(&pg->why, EAR_UNAVAILABLE, "not connected yet");
    TAILQ_INIT(&pg->flights);
    ear_timer_new(&pg->kick, loop, on_kick, pg);
    open_slots(pg, opts->connections);
    if (opts->role) ear_pg_rights_watch(pg);
    *out = pg;
    return EAR_OK;
}

void ear_pg_free(struct ear_pg **ref)
{
    struct ear_pg *pg = *ref;
    if (!pg) return;
    EAR_CHECK(!pg->calling);
    *ref = NULL;
    ear_pg_listener_free(&pg->listener);
    ear_pg_script_free(&pg->script);
    for (size_t i = 0; i < pg->slot_count; i++) {
        ear_pg_conn_free(&pg->slots[i].conn);
        if (!pg->slots[i].session) continue;
        pg->slots[i].session->slot = NULL;
        pg->slots[i].session->err = EAR_CLOSED;
    }
    struct ear_pg_flight *flight;
    while ((flight = TAILQ_FIRST(&pg->flights)) != NULL) {
        flight->err = EAR_CLOSED;
        ear_fail(&flight->diag, EAR_CLOSED, "stopping");
        ear_pg_finish(flight);
    }
    ear_timer_free(&pg->kick);
    ear_timer_free(&pg->rights.timer);
    ear_pg_target_release(&pg->target);
    free(pg->statements.shapes);
    free(pg->slots);
    free(pg);
}

bool ear_pg_is_up(const struct ear_pg *pg)
{
    return pg->usable > 0;
}

const char *ear_pg_why_down(const struct ear_pg *pg)
{
    return pg->usable ? "" : pg->why.text;
}

ear_err ear_pg_down_err(const struct ear_pg *pg)
{
    return pg->usable ? EAR_OK : pg->why.err;
}

int64_t ear_pg_schema(const struct ear_pg *pg)
{
    return pg->statements.schema;
}

size_t ear_pg_busy(const struct ear_pg *pg)
{
    return pg->flight_count;
}

void ear_pg_run(struct ear_pg *pg, struct ear_pg_batch **batch, ear_pg_fn *fn, void *self)
{
    struct ear_pg_flight *flight = ear_pg_enqueue(pg, batch, fn, self);
    flight->opens = true;
    flight->commits = true;
    ear_pg_kick(pg);
}
