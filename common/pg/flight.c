/* flight: one batch through one connection, and what became of it. */
#include "pg/pool.h"

#include "pg/events.h"
#include "pg/rights.h"
#include "pg/sqlstate.h"
#include <stdlib.h>

struct ear_pg_flight *ear_pg_enqueue(struct ear_pg *pg, struct ear_pg_batch **batch, ear_pg_fn *fn,
                                     void *self)
{
    struct ear_pg_flight *flight = ear_alloc(sizeof(*flight));
    *flight = (struct ear_pg_flight){
        .pg = pg, .batch = *batch, .fn = fn, .self = self, .since_ms = ear_loop_now_ms(pg->loop)};
    *batch = NULL;
    TAILQ_INSERT_TAIL(&pg->flights, flight, link);
    pg->flight_count++;
    pg->waiting++;
    ear_err err = ear_pg_batch_seal(flight->batch);
    if (err)
        ear_pg_refuse(flight, err, "the batch is larger than its ceiling");
    else if (pg->waiting > pg->max_waiting)
        ear_pg_refuse(flight, EAR_AGAIN, "too many transactions wait for PostgreSQL");
    return flight;
}

void ear_pg_refuse(struct ear_pg_flight *flight, ear_err err, const char *why)
{
    if (flight->phase == EAR_PG_WAITING) flight->pg->waiting--;
    flight->phase = EAR_PG_OVER;
    flight->err = err;
    ear_fail(&flight->diag, err, "%s", why);
    ear_pg_kick(flight->pg);
}

void ear_pg_finish(struct ear_pg_flight *flight)
{
    struct ear_pg *pg = flight->pg;
    TAILQ_REMOVE(&pg->flights, flight, link);
    pg->flight_count--;
    if (flight->phase == EAR_PG_WAITING) pg->waiting--;
    if (flight->session) flight->session->flight = NULL;
    bool ok = flight->err == EAR_OK;
    if (!ok && !flight->diag.text[0]) ear_fail(&flight->diag, flight->err, "%s", "");
    ear_metric_add(&M_PG_BATCHES_TOTAL, 1, ear_err_name(flight->err));
    ear_metric_observe(&M_PG_BATCH_SECONDS,
                       (double)(ear_loop_now_ms(pg->loop) - flight->since_ms) / 1000.0);
    bool outer = pg->calling;
    pg->calling = true;
    flight->fn(flight->self, flight->err, ok ? flight->set->shown : NULL,
               ok ? flight->set->count : 0, &flight->diag);
    pg->calling = outer;
    if (ok && flight->keep) {
        *flight->keep = flight->set;
        flight->set = NULL;
    }
    ear_pg_set_free(&flight->set);
    ear_pg_batch_free(&flight->batch);
    free(flight);
}

static bool send_step(PGconn *pq, const struct ear_pg_flight *flight,
                      const struct ear_pg_step *step)
{
    const char *values[EAR_PG_PARAMETERS_MAX];
    int lengths[EAR_PG_PARAMETERS_MAX];
    int formats[EAR_PG_PARAMETERS_MAX];
    for (size_t i = 0; i < step->count; i++) {
        struct ear_str bytes =
            ear_pg_parameter_bytes(flight->batch, &flight->batch->parameters[step->first + i]);
        values[i] = bytes.ptr;
        lengths[i] = (int)bytes.len;
        formats[i] = 1;
    }
    const char *name = flight->pg->statements.items[step->statement].name;
    return PQsendQueryPrepared(pq, name, (int)step->count, values, lengths, formats, 1) == 1;
}

static bool send_plain(PGconn *pq, const char *sql)
{
    return PQsendQueryParams(pq, sql, 0, NULL, NULL, NULL, NULL, 1) == 1;
}

/* The name of the command whose result comes. */
static const char *command_name(const struct ear_pg_flight *flight, size_t at)
{
    size_t first = flight->opens ? 1 : 0;
    if (at < first) return "BEGIN";
    if (at - first >= flight->batch->step_count) return "COMMIT";
    return flight->pg->statements.items[flight->batch->steps[at - first].statement].name;
}

/* A connection that breaks while COMMIT is answered leaves its fate open; before that the server's
 * own last words prove that nothing happened. */
static void keep_error(struct ear_pg_flight *flight, size_t at, const PGresult *result)
{
    if (flight->err || !PQresultErrorField(result, PG_DIAG_SQLSTATE)) return;
    bool at_commit = at >= flight->batch->step_count + (flight->opens ? 1 : 0);
    flight->err = ear_pg_explain(result, command_name(flight, at), &flight->drop, &flight->diag);
    size_t step = at - (flight->opens ? 1 : 0);
    if (flight->err == EAR_DENIED && step < flight->batch->step_count)
        ear_pg_rights_missing(flight->pg, flight->batch->steps[step].statement, &flight->diag);
    if (flight->err == EAR_UNAVAILABLE && at_commit)
        flight->err = flight->diag.err = EAR_UNKNOWN_FATE;
}

static void on_result(void *self, size_t at, PGresult *result)
{
    struct ear_pg_flight *flight = ((struct ear_pg_slot *)self)->flight;
    size_t first = flight->opens ? 1 : 0;
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_FATAL_ERROR) keep_error(flight, at, result);
    bool is_step = at >= first && at - first < flight->batch->step_count;
    if (is_step && (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)) {
        struct ear_pg_result *item = &flight->set->items[at - first];
        PQclear(item->pq);
        item->pq = result;
        return;
    }
    PQclear(result);
}

/* The session is over with its commit or first error. */
static void end_session(struct ear_pg_flight *flight, struct ear_pg_slot *slot)
{
    struct ear_pg_session *session = flight->session;
    if (session) {
        session->slot = NULL;
        session->err = flight->err ? flight->err : EAR_CLOSED;
    }
    slot->session = NULL;
}

static void on_done(void *self, ear_err err, const struct ear_diag *diag)
{
    struct ear_pg_slot *slot = self;
    struct ear_pg_flight *flight = slot->flight;
    slot->flight = NULL;
    flight->slot = NULL;
    flight->phase = EAR_PG_OVER;
    if (err && !flight->err) {
        flight->err = flight->commits ? EAR_UNKNOWN_FATE : EAR_UNAVAILABLE;
        flight->diag = *diag;
        flight->diag.err = flight->err;
    }
    if (flight->err || flight->commits || !flight->session) end_session(flight, slot);
    if (flight->drop && !err)
        ear_pg_conn_drop(slot->conn, &flight->diag);
    else
        ear_pg_release_slot(slot);
    ear_pg_finish(flight);
}

void ear_pg_launch(struct ear_pg_flight *flight, struct ear_pg_slot *slot)
{
    struct ear_diag diag;
    if (ear_pg_setup_check(&flight->pg->statements, flight->batch, &diag) != EAR_OK) {
        ear_pg_refuse(flight, EAR_INVALID, diag.text);
        if (flight->session) flight->session->err = EAR_INVALID;
        return;
    }
    PGconn *pq = ear_pg_conn_pq(slot->conn);
    flight->pg->waiting--;
    flight->phase = EAR_PG_RUNNING;
    flight->slot = slot;
    flight->set = ear_pg_set_new(flight->batch->step_count);
    slot->flight = flight;
    slot->session = flight->session;
    if (flight->session) flight->session->slot = slot;
    bool sent = !flight->opens || send_plain(pq, "BEGIN");
    for (size_t i = 0; i < flight->batch->step_count && sent; i++)
        sent = send_step(pq, flight, &flight->batch->steps[i]);
    if (sent && flight->commits) sent = send_plain(pq, "COMMIT");
    struct ear_pg_job job = {.result = on_result, .done = on_done, .self = slot};
    ear_pg_conn_run(slot->conn, &job, sent);
}
