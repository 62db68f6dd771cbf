/* script: text with many statements by the simple protocol, on a connection of its own that stays
 * open (so session settings and advisory locks hold from one script to the next). For tools. */
#include "pg/pool.h"

#include "pg/sqlstate.h"
#include <stdlib.h>

#define CONNECT_WAIT_MS  30000
#define CONNECT_PAUSE_MS 200
#define TURN_MS          100

struct ear_pg_script {
    struct ear_loop *loop;
    struct ear_pg_dial *dial;
    PGconn *pq; /* owned */
    struct ear_diag diag;
    bool dialed;
};

static void on_dialed(void *self, PGconn *pq, const struct ear_diag *diag)
{
    struct ear_pg_script *script = self;
    script->pq = pq;
    script->dialed = true;
    if (!pq) script->diag = *diag;
    ear_pg_dial_free(&script->dial);
}

static void dial_once(struct ear_pg_script *script, const struct ear_pg_target *target)
{
    script->dialed = false;
    ear_pg_dial_new(&script->dial, script->loop, target, on_dialed, script);
    while (!script->dialed) ear_loop_turn(script->loop, TURN_MS);
}

static void pause_ms(struct ear_loop *loop, int64_t wait_ms)
{
    int64_t until_ms = ear_clock_mono_ms() + wait_ms;
    while (ear_clock_mono_ms() < until_ms) ear_loop_turn(loop, 20);
}

static ear_err connect_script(struct ear_pg_script *script, const struct ear_pg_target *target,
                              struct ear_diag *diag)
{
    if (script->pq && PQstatus(script->pq) == CONNECTION_OK) return EAR_OK;
    if (script->pq) PQfinish(script->pq);
    script->pq = NULL;
    int64_t until_ms = ear_clock_mono_ms() + CONNECT_WAIT_MS;
    for (;;) {
        dial_once(script, target);
        if (script->pq) break;
        bool hopeless = script->diag.err == EAR_DENIED || ear_clock_mono_ms() >= until_ms;
        if (hopeless) return ear_fail(diag, script->diag.err, "%s", script->diag.text);
        pause_ms(script->loop, CONNECT_PAUSE_MS);
    }
    PQsetnonblocking(script->pq, 1);
    return EAR_OK;
}

/* The line of the script in which the server found the mistake; 0 when it does not say. */
static size_t error_line(const PGresult *result, struct ear_str sql)
{
    int64_t position = 0;
    const char *text = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    if (!text || ear_num_i64(ear_str_from(text), 1, INT32_MAX, &position) != EAR_OK) return 0;
    size_t line = 1;
    for (size_t at = 0; at < sql.len && position > 1; at++) {
        /* Positions count characters, not bytes. */
        if (((uint8_t)sql.ptr[at] & 0xc0) != 0x80) position--;
        line += sql.ptr[at] == '\n';
    }
    return line;
}

static void keep_error(const PGresult *result, struct ear_str sql, struct ear_diag *diag)
{
    bool drop;
    char where[48] = "the script";
    if (diag->err) return;
    size_t line = error_line(result, sql);
    if (line) snprintf(where, sizeof(where), "line %zu", line);
    ear_pg_explain(result, where, &drop, diag);
}

struct progress {
    PGconn *pq;
    struct ear_watch *watch;
    struct ear_str sql;
    struct ear_diag diag;
    bool over;
};

static void on_socket(void *self, unsigned events)
{
    struct progress *progress = self;
    (void)events;
    bool whole = PQconsumeInput(progress->pq) == 1;
    int left = PQflush(progress->pq);
    ear_watch_set(progress->watch, left > 0 ? EAR_READABLE | EAR_WRITABLE : EAR_READABLE);
    while (!progress->over && !PQisBusy(progress->pq)) {
        PGresult *result = PQgetResult(progress->pq);
        ExecStatusType status = PQresultStatus(result);
        progress->over = result == NULL;
        if (status == PGRES_FATAL_ERROR && result)
            keep_error(result, progress->sql, &progress->diag);
        if (status == PGRES_COPY_IN) PQputCopyEnd(progress->pq, "COPY is not supported here");
        PQclear(result);
    }
    if (whole && left >= 0) return;
    progress->over = true;
    if (!progress->diag.err) ear_pg_dial_explain(progress->pq, EAR_UNKNOWN_FATE, &progress->diag);
}

static ear_err run_text(struct ear_pg_script *script, const char *text, struct ear_diag *diag)
{
    struct progress progress = {.pq = script->pq, .sql = ear_str_from(text)};
    if (PQsendQuery(script->pq, text) != 1 ||
        ear_watch_new(&progress.watch, script->loop, PQsocket(script->pq), on_socket, &progress)) {
        ear_pg_dial_explain(script->pq, EAR_UNAVAILABLE, &progress.diag);
        return ear_fail(diag, EAR_UNAVAILABLE, "%s", progress.diag.text);
    }
    ear_watch_set(progress.watch, EAR_READABLE | EAR_WRITABLE);
    while (!progress.over) ear_loop_turn(script->loop, TURN_MS);
    ear_watch_free(&progress.watch);
    if (!progress.diag.err) return EAR_OK;
    return ear_fail(diag, progress.diag.err, "%s", progress.diag.text);
}

/* A script that began a transaction itself and failed in it leaves it open. */
static void close_transaction(struct ear_pg_script *script)
{
    if (PQstatus(script->pq) == CONNECTION_OK &&
        PQtransactionStatus(script->pq) == PQTRANS_INERROR &&
        run_text(script, "ROLLBACK", NULL) != EAR_OK) {
        PQfinish(script->pq);
        script->pq = NULL;
    }
}

static ear_err open_script(struct ear_pg *pg, struct ear_diag *diag)
{
    if (!pg->script) {
        pg->script = ear_alloc(sizeof(*pg->script));
        pg->script->loop = pg->loop;
    }
    return connect_script(pg->script, &pg->target, diag);
}

ear_err ear_pg_script(struct ear_pg *pg, struct ear_str sql, struct ear_diag *diag)
{
    struct ear_buf text;
    ear_buf_init(&text, (size_t)64 << 20);
    ear_err err = ear_buf_append_str(&text, sql);
    if (err) ear_fail(diag, err, "the script is too large");
    if (!err) err = open_script(pg, diag);
    if (!err) {
        err = run_text(pg->script, text.data, diag);
        if (err) close_transaction(pg->script);
    }
    ear_buf_release(&text);
    return err;
}

ear_err ear_pg_verifier(struct ear_pg *pg, struct ear_str password, struct ear_buf *out,
                        struct ear_diag *diag)
{
    if (memchr(password.ptr, '\0', password.len))
        return ear_fail(diag, EAR_INVALID, "a password cannot hold NUL");
    ear_err err = open_script(pg, diag);
    if (err) return err;
    char *plain = strndup(password.ptr, password.len);
    EAR_CHECK(plain);
    /* The role is of no matter to SCRAM. */
    char *verifier = PQencryptPasswordConn(pg->script->pq, plain, "", "scram-sha-256");
    ear_secret_wipe(plain, password.len);
    free(plain);
    if (!verifier) return ear_fail(diag, EAR_NO_MEMORY, "%s", PQerrorMessage(pg->script->pq));
    err = ear_buf_append_str(out, ear_str_from(verifier));
    PQfreemem(verifier);
    return err;
}

void ear_pg_script_free(struct ear_pg_script **ref)
{
    struct ear_pg_script *script = *ref;
    if (!script) return;
    *ref = NULL;
    ear_pg_dial_free(&script->dial);
    if (script->pq) PQfinish(script->pq);
    free(script);
}
