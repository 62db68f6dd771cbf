/* flight: one batch through one connection, and what became of it. */
#include "pg/pool.h"

#include "pg/events.h"
#include "pg/rights.h"
#include "pg/sqlstate.h"
#include <stdlib.h>

#define SQL_BYTES 16384 /* of consecutive COPY statements */
#define AWAY      "PostgreSQL is away"

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
        ear_pg_refuse(flight, err,
                      err == EAR_TOO_LARGE ? "the batch is larger than its ceiling"
                                           : ear_err_text(err));
    else if (pg->waiting > pg->max_waiting)
        ear_pg_refuse(flight, EAR_AGAIN, "too many transactions wait for PostgreSQL");
    else if (flight->batch->no_wait && !ear_pg_is_up(pg))
        ear_pg_refuse(flight, EAR_UNAVAILABLE, AWAY);
    return flight;
}

void ear_pg_refuse_waiting(struct ear_pg *pg)
{
    struct ear_pg_flight *flight;
    TAILQ_FOREACH(flight, &pg->flights, link)
    if (flight->phase == EAR_PG_WAITING && flight->batch->no_wait)
        ear_pg_refuse(flight, EAR_UNAVAILABLE, AWAY);
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
    if (ok && flight->wrote && (flight->commits || !flight->session))
        ear_pg_pace_note(&pg->pace, ear_loop_now_ms(pg->loop),
                         ear_loop_now_ms(pg->loop) - flight->begun_ms, flight->batch->used_bytes);
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

/* Commands are numbered: BEGIN, the statements, COMMIT. */
static size_t command_count(const struct ear_pg_flight *flight)
{
    return flight->opens + flight->batch->step_count + flight->commits;
}

/* NULL: it is BEGIN or COMMIT. */
static const struct ear_pg_step *step_of(const struct ear_pg_flight *flight, size_t command)
{
    size_t at = command - flight->opens;
    bool is_step = command >= flight->opens && at < flight->batch->step_count;
    return is_step ? &flight->batch->steps[at] : NULL;
}

static const struct ear_pg_statement *statement_of(const struct ear_pg_flight *flight,
                                                   size_t command)
{
    static const struct ear_pg_statement begin = {"BEGIN", "BEGIN"}, commit = {"COMMIT", "COMMIT"};
    const struct ear_pg_step *step = step_of(flight, command);
    if (step) return &flight->pg->statements.items[step->statement];
    return command < flight->opens ? &begin : &commit;
}

/* A connection that breaks while COMMIT is answered leaves its fate open; before that the server's
 * own last words prove that nothing happened. */
static void keep_error(struct ear_pg_flight *flight, size_t command, const PGresult *result)
{
    if (flight->err || !PQresultErrorField(result, PG_DIAG_SQLSTATE)) return;
    bool at_commit = command >= flight->opens + flight->batch->step_count;
    const struct ear_pg_step *step = step_of(flight, command);
    flight->err =
        ear_pg_explain(result, statement_of(flight, command)->name, &flight->drop, &flight->diag);
    if (flight->err == EAR_DENIED && step)
        ear_pg_rights_missing(flight->pg, step->statement, &flight->diag);
    if (flight->err == EAR_UNAVAILABLE && at_commit)
        flight->err = flight->diag.err = EAR_UNKNOWN_FATE;
}

/* WITH … SELECT that writes does not say so: others of the same transaction do. */
static bool has_written(PGresult *result)
{
    const char *status = PQcmdStatus(result);
    return strncmp(status, "SELECT", 6) != 0 && *PQcmdTuples(result) > '0';
}

static void on_result(void *self, size_t at, PGresult *result)
{
    struct ear_pg_flight *flight = ((struct ear_pg_slot *)self)->flight;
    size_t command = flight->sent_before + at;
    const struct ear_pg_step *step = step_of(flight, command);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_FATAL_ERROR) keep_error(flight, command, result);
    if (step && (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)) {
        ear_pg_set_put(flight->set, command - flight->opens, result);
        flight->wrote = flight->wrote || has_written(result);
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

static struct ear_str rows_of(void *self, size_t at)
{
    struct ear_pg_flight *flight = ((struct ear_pg_slot *)self)->flight;
    const struct ear_pg_step *step = step_of(flight, flight->sent_before + at);
    EAR_CHECK(step && step->copies);
    return ear_pg_parameter_bytes(flight->batch, &flight->batch->parameters[step->first]);
}

static bool is_copy(const struct ear_pg_flight *flight, size_t command)
{
    const struct ear_pg_step *step = step_of(flight, command);
    return step && step->copies;
}

/* All until the next COPY. */
static void send_piped(struct ear_pg_flight *flight, const struct ear_pg_job *job)
{
    PGconn *pq = ear_pg_conn_pq(flight->slot->conn);
    size_t count = command_count(flight);
    bool sent = true;
    for (; sent && flight->sent < count && !is_copy(flight, flight->sent); flight->sent++) {
        const struct ear_pg_step *step = step_of(flight, flight->sent);
        sent = step ? send_step(pq, flight, step)
                    : send_plain(pq, statement_of(flight, flight->sent)->sql);
    }
    ear_pg_conn_run(flight->slot->conn, job, sent);
}

/* One COPY or more, with BEGIN or COMMIT where these stand beside it. */
static void send_copies(struct ear_pg_flight *flight, const struct ear_pg_job *job)
{
    struct ear_buf sql;
    size_t count = command_count(flight);
    ear_buf_init(&sql, SQL_BYTES);
    ear_err err = EAR_OK;
    do {
        err = ear_buf_printf(&sql, "%s;", statement_of(flight, flight->sent++)->sql);
    } while (!err && flight->sent < count &&
             (is_copy(flight, flight->sent) || !step_of(flight, flight->sent)));
    ear_pg_conn_copy(flight->slot->conn, job, err ? NULL : sql.data);
    ear_buf_release(&sql);
}

static void on_done(void *self, ear_err err, const struct ear_diag *diag);

static void send_next(struct ear_pg_flight *flight)
{
    const struct ear_pg_job job = {
        .result = on_result, .done = on_done, .rows = rows_of, .self = flight->slot};
    flight->sent_before = flight->sent;
    bool begins = flight->sent < flight->opens;
    if (is_copy(flight, flight->sent + begins))
        send_copies(flight, &job);
    else
        send_piped(flight, &job);
}

static void on_done(void *self, ear_err err, const struct ear_diag *diag)
{
    struct ear_pg_slot *slot = self;
    struct ear_pg_flight *flight = slot->flight;
    bool all_sent = flight->sent == command_count(flight);
    if (!err && !flight->err && !all_sent) {
        send_next(flight);
        return;
    }
    slot->flight = NULL;
    flight->slot = NULL;
    flight->phase = EAR_PG_OVER;
    if (err && !flight->err) {
        flight->err = flight->commits && all_sent ? EAR_UNKNOWN_FATE : EAR_UNAVAILABLE;
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
    flight->pg->waiting--;
    flight->begun_ms = ear_loop_now_ms(flight->pg->loop);
    flight->phase = EAR_PG_RUNNING;
    flight->slot = slot;
    flight->set = ear_pg_set_new(flight->batch->step_count);
    slot->flight = flight;
    slot->session = flight->session;
    if (flight->session) flight->session->slot = slot;
    send_next(flight);
}
