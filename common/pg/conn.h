/* conn: one connection that comes back by itself: dial, set up, run one pipeline at a time.
 * Private to pg.
 *
 * A job is a run of commands behind one Sync. Its owner queues the commands with libpq's PQsend…
 * functions and calls ear_pg_conn_run; results come one a command, then done once: EAR_OK when the
 * Sync came back, EAR_UNAVAILABLE when the connection broke. A COPY has no place in a pipeline, so
 * there is another kind of job, ear_pg_conn_copy, that leaves it and is back in it at its end. No
 * callback comes from inside a call of this room, but for ear_pg_conn_drop, which reports `down`.
 */
#ifndef EAR_PG_CONN_H
#define EAR_PG_CONN_H

#include "pg/dial.h"

struct ear_pg_conn;

struct ear_pg_conn_ops {
    /* Connected and in pipeline mode: queue the set-up and run it; at its end call
     * ear_pg_conn_usable or ear_pg_conn_drop. */
    void (*setup)(void *self, struct ear_pg_conn *conn);
    /* It could not be made or is lost; tried again by itself. After the job's done. */
    void (*down)(void *self, struct ear_pg_conn *conn, const struct ear_diag *why);
    /* A notice on a channel; NULL: ignored. */
    void (*notify)(void *self, struct ear_str channel, struct ear_str payload);
};

struct ear_pg_job {
    void (*result)(void *self, size_t at, PGresult *result); /* takes result */
    void (*done)(void *self, ear_err err, const struct ear_diag *diag);
    /* Of ear_pg_conn_copy: what command `at` is to read; borrowed. */
    struct ear_str (*rows)(void *self, size_t at);
    void *self;
};

struct ear_pg_session;

/* Borrows target and ops. Dials at once. patience_ms: a job without a byte from the server for so
 * long ends with its connection. */
void ear_pg_conn_new(struct ear_pg_conn **out, struct ear_loop *loop,
                     const struct ear_pg_target *target, int64_t patience_ms,
                     const struct ear_pg_conn_ops *ops, void *self);
/* A job under way is forgotten, its done does not come. */
void ear_pg_conn_free(struct ear_pg_conn **conn);
PGconn *ear_pg_conn_pq(struct ear_pg_conn *conn);
/* `sent` says whether all commands could be queued. */
void ear_pg_conn_run(struct ear_pg_conn *conn, const struct ear_pg_job *job, bool sent);
/* Runs the commands in sql, of which some are COPY … FROM STDIN, by the simple protocol. NULL where
 * there was no memory for it. */
void ear_pg_conn_copy(struct ear_pg_conn *conn, const struct ear_pg_job *job, const char *sql);
void ear_pg_conn_usable(struct ear_pg_conn *conn);
void ear_pg_conn_drop(struct ear_pg_conn *conn, const struct ear_diag *why);
/* Usable and without a job. */
bool ear_pg_conn_idle(const struct ear_pg_conn *conn);
bool ear_pg_conn_is_usable(const struct ear_pg_conn *conn);
/* True when a transaction is open after the last job. */
bool ear_pg_conn_in_transaction(struct ear_pg_conn *conn);

#endif
