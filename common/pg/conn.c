#include "pg/conn.h"

#include "pg/events.h"
#include <stdlib.h>

#define RETRY_FLOOR_MS 100
#define RETRY_CAP_MS   5000
#define PIECE_BYTES    ((size_t)120 << 10) /* of a COPY; from 128 on malloc asks the system */

typedef enum conn_state { WAITING, DIALING, SETUP, USABLE, STATES } conn_state;

struct ear_pg_conn {
    struct ear_loop *loop;
    const struct ear_pg_target *target;
    const struct ear_pg_conn_ops *ops;
    void *self;
    conn_state state;
    struct ear_pg_dial *dial;
    PGconn *pq;
    struct ear_watch *watch;
    struct ear_timer *timer;    /* WAITING: until the next dial; else reports a broken send */
    struct ear_timer *deadline; /* while busy: how long the server may be silent */
    int64_t patience_ms;
    unsigned tries;
    struct ear_pg_job job;
    bool busy;   /* job is under way */
    bool copies; /* it is one of ear_pg_conn_copy: not in pipeline mode */
    size_t at;   /* its command whose results come now */
};

static void set_state(struct ear_pg_conn *conn, conn_state next)
{
    static const bool legal[STATES][STATES] = {
        [WAITING] = {[DIALING] = true},
        [DIALING] = {[WAITING] = true, [SETUP] = true},
        [SETUP] = {[WAITING] = true, [USABLE] = true},
        [USABLE] = {[WAITING] = true},
    };
    static const char *const names[] = {"waiting", "dialing", "setup", "usable"};
    EAR_CHECK(legal[conn->state][next]);
    ear_log(&EV_PG_STATE, kv_text("from", names[conn->state]), kv_text("to", names[next]));
    conn->state = next;
}

static void ignore_notice(void *self, const PGresult *result)
{
    (void)self;
    ear_log(&EV_PG_NOTICE, kv_text("sqlstate", PQresultErrorField(result, PG_DIAG_SQLSTATE)),
            kv_text("text", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
}

/* Back to the beginning; the job and the owner hear of it last, since they may start anew. */
static void lose(struct ear_pg_conn *conn, const struct ear_diag *why)
{
    struct ear_pg_job job = conn->job;
    bool busy = conn->busy;
    conn->busy = conn->copies = false;
    ear_timer_stop(conn->deadline);
    ear_pg_dial_free(&conn->dial);
    ear_watch_free(&conn->watch);
    if (conn->pq) PQfinish(conn->pq);
    conn->pq = NULL;
    set_state(conn, WAITING);
    int64_t wait_ms =
        ear_backoff_ms(conn->tries, RETRY_FLOOR_MS, RETRY_CAP_MS, ear_random_below(UINT64_MAX));
    if (conn->tries < 32) conn->tries++;
    ear_timer_start(conn->timer, wait_ms, 0);
    if (busy) job.done(job.self, EAR_UNAVAILABLE, why);
    conn->ops->down(conn->self, conn, why);
}

static void lose_broken(struct ear_pg_conn *conn)
{
    struct ear_diag why;
    ear_pg_dial_explain(conn->pq, EAR_UNAVAILABLE, &why);
    lose(conn, &why);
}

static void take_notices(struct ear_pg_conn *conn)
{
    PGnotify *notice;
    while (conn->pq && conn->ops->notify && (notice = PQnotifies(conn->pq)) != NULL) {
        conn->ops->notify(conn->self, ear_str_from(notice->relname), ear_str_from(notice->extra));
        PQfreemem(notice);
    }
}

/* Writes what waits; false when the connection is broken. */
static bool flush(struct ear_pg_conn *conn)
{
    int left = PQflush(conn->pq);
    if (left < 0) return false;
    ear_watch_set(conn->watch, left ? EAR_READABLE | EAR_WRITABLE : EAR_READABLE);
    return true;
}

static void finish_job(struct ear_pg_conn *conn)
{
    conn->busy = conn->copies = false;
    ear_timer_stop(conn->deadline);
    conn->job.done(conn->job.self, EAR_OK, NULL);
}

/* A result of a pipeline: those of one command end with NULL, and all with that of Sync. */
static void take_piped(struct ear_pg_conn *conn, PGresult *result)
{
    if (!result) {
        conn->at++;
    } else if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
        conn->job.result(conn->job.self, conn->at, result);
    } else {
        PQclear(result);
        finish_job(conn);
    }
}

/* What it is to read is all there, so it never waits for us. In pieces that the server has room for
 * as it is: a large one would take fresh memory there, page by page, and give it back. */
static bool send_rows(struct ear_pg_conn *conn)
{
    struct ear_str rows = conn->job.rows(conn->job.self, conn->at);
    while (rows.len > 0) {
        struct ear_str piece = {rows.ptr, rows.len < PIECE_BYTES ? rows.len : PIECE_BYTES};
        if (PQputCopyData(conn->pq, piece.ptr, (int)piece.len) != 1) return false;
        rows = (struct ear_str){rows.ptr + piece.len, rows.len - piece.len};
    }
    return PQputCopyEnd(conn->pq, NULL) == 1 && flush(conn);
}

/* A result of the simple protocol: one a command, and NULL behind the last. False when the
 * connection is of no more use. */
static bool take_simple(struct ear_pg_conn *conn, PGresult *result)
{
    if (!result) {
        if (PQenterPipelineMode(conn->pq) != 1) return false;
        finish_job(conn);
    } else if (PQresultStatus(result) == PGRES_COPY_IN) {
        PQclear(result);
        return send_rows(conn);
    } else {
        conn->job.result(conn->job.self, conn->at++, result);
    }
    return true;
}

/* Reads as long as nothing blocks; false when the connection is broken. */
static bool take_results(struct ear_pg_conn *conn)
{
    while (conn->busy && !PQisBusy(conn->pq)) {
        PGresult *result = PQgetResult(conn->pq);
        if (!result && PQstatus(conn->pq) == CONNECTION_BAD) return false;
        if (!conn->copies)
            take_piped(conn, result);
        else if (!take_simple(conn, result))
            return false;
        if (!conn->pq) return true; /* dropped, and told of */
    }
    return true;
}

/* A backend that stands still, or a network that swallows all, ends nothing by itself. */
static void on_deadline(void *self)
{
    struct ear_pg_conn *conn = self;
    struct ear_diag why;
    ear_fail(&why, EAR_TIMEOUT, "no answer within %lld ms", (long long)conn->patience_ms);
    lose(conn, &why);
}

static void expect_answer(struct ear_pg_conn *conn)
{
    ear_timer_start(conn->deadline, conn->patience_ms, 0);
}

/* A broken connection may still hold the server's last words: they are read before it is lost. */
static void on_socket(void *self, unsigned events)
{
    struct ear_pg_conn *conn = self;
    (void)events;
    bool whole = PQconsumeInput(conn->pq) && flush(conn);
    whole = take_results(conn) && whole;
    take_notices(conn);
    bool broken = conn->pq && (!whole || PQstatus(conn->pq) == CONNECTION_BAD);
    if (broken)
        lose_broken(conn);
    else if (conn->busy)
        expect_answer(conn);
}

static void on_dialed(void *self, PGconn *pq, const struct ear_diag *diag)
{
    struct ear_pg_conn *conn = self;
    if (!pq) {
        lose(conn, diag);
        return;
    }
    ear_pg_dial_free(&conn->dial);
    conn->pq = pq;
    PQsetNoticeReceiver(pq, ignore_notice, NULL);
    set_state(conn, SETUP);
    bool ready = PQsetnonblocking(pq, 1) == 0 && PQenterPipelineMode(pq) == 1 &&
                 ear_watch_new(&conn->watch, conn->loop, PQsocket(pq), on_socket, conn) == EAR_OK;
    if (!ready) {
        lose_broken(conn);
        return;
    }
    ear_watch_set(conn->watch, EAR_READABLE);
    conn->ops->setup(conn->self, conn);
}

static void on_timer(void *self)
{
    struct ear_pg_conn *conn = self;
    if (conn->state != WAITING) {
        lose_broken(conn);
        return;
    }
    set_state(conn, DIALING);
    ear_pg_dial_new(&conn->dial, conn->loop, conn->target, on_dialed, conn);
}

void ear_pg_conn_new(struct ear_pg_conn **out, struct ear_loop *loop,
                     const struct ear_pg_target *target, int64_t patience_ms,
                     const struct ear_pg_conn_ops *ops, void *self)
{
    struct ear_pg_conn *conn = ear_alloc(sizeof(*conn));
    *conn = (struct ear_pg_conn){
        .loop = loop, .target = target, .patience_ms = patience_ms, .ops = ops, .self = self};
    *out = conn;
    ear_timer_new(&conn->timer, loop, on_timer, conn);
    ear_timer_new(&conn->deadline, loop, on_deadline, conn);
    ear_timer_start(conn->timer, 0, 0);
}

void ear_pg_conn_free(struct ear_pg_conn **ref)
{
    struct ear_pg_conn *conn = *ref;
    if (!conn) return;
    *ref = NULL;
    ear_pg_dial_free(&conn->dial);
    ear_watch_free(&conn->watch);
    ear_timer_free(&conn->timer);
    ear_timer_free(&conn->deadline);
    if (conn->pq) PQfinish(conn->pq);
    free(conn);
}

PGconn *ear_pg_conn_pq(struct ear_pg_conn *conn)
{
    return conn->pq;
}

static void begin_job(struct ear_pg_conn *conn, const struct ear_pg_job *job, bool copies)
{
    EAR_CHECK(conn->pq && !conn->busy);
    conn->job = *job;
    conn->busy = true;
    conn->copies = copies;
    conn->at = 0;
    expect_answer(conn);
}

void ear_pg_conn_run(struct ear_pg_conn *conn, const struct ear_pg_job *job, bool sent)
{
    begin_job(conn, job, false);
    if (!sent || !PQpipelineSync(conn->pq) || !flush(conn)) ear_timer_start(conn->timer, 0, 0);
}

void ear_pg_conn_copy(struct ear_pg_conn *conn, const struct ear_pg_job *job, const char *sql)
{
    begin_job(conn, job, true);
    if (!sql || !PQexitPipelineMode(conn->pq) || !PQsendQuery(conn->pq, sql) || !flush(conn))
        ear_timer_start(conn->timer, 0, 0);
}

void ear_pg_conn_usable(struct ear_pg_conn *conn)
{
    set_state(conn, USABLE);
    conn->tries = 0;
}

void ear_pg_conn_drop(struct ear_pg_conn *conn, const struct ear_diag *why)
{
    lose(conn, why);
}

bool ear_pg_conn_idle(const struct ear_pg_conn *conn)
{
    return conn->state == USABLE && !conn->busy;
}

bool ear_pg_conn_is_usable(const struct ear_pg_conn *conn)
{
    return conn->state == USABLE;
}

bool ear_pg_conn_in_transaction(struct ear_pg_conn *conn)
{
    PGTransactionStatusType status = PQtransactionStatus(conn->pq);
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}
