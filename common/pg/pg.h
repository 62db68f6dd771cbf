/* pg: PostgreSQL on the loop: libpq in pipeline mode, a small pool, prepared statements only.
 * Layer 3, stands on base and loop. Loop thread only.
 *
 * All SQL of a program is one table (see ear_embed_sql in CMakeLists.txt) prepared on every
 * connection. Work is a `struct ear_pg_batch`: statements with binary parameters, sent in one
 * pipeline with one Sync (rows for COPY before, after or between), as one transaction. Connections
 * come back by themselves with back-off; host names are resolved before connecting. Of several
 * hosts each address is tried in turn, 5 s each (connect_timeout), for one that takes writes
 * (target_session_attrs). Batches that wait while PostgreSQL is away are bounded (EAR_AGAIN past
 * the ceiling). */
#ifndef EAR_PG_H
#define EAR_PG_H

#include "base/base.h"
#include "loop/loop.h"

struct ear_pg;
struct ear_pg_batch;
struct ear_pg_array;
struct ear_pg_session;
struct ear_pg_result;

struct ear_pg_statement {
    const char *name;
    const char *sql;
};

struct ear_pg_opts {
    const char *conninfo;    /* "host=… dbname=…" or URI; password may come separately */
    const char *password;    /* NULL: from conninfo */
    const char *application; /* application_name */
    const struct ear_pg_statement *statements;
    size_t statement_count;
    /* The database role whose rights the work needs; whoever connects must be it or a member of it,
     * and the schema must be at migration schema_least or later. NULL: neither is asked. */
    const char *role;
    int64_t schema_least;
    bool quiet; /* the caller says why there is no connection: pg.unreachable is not logged */
    unsigned connections;         /* 0: 2 */
    unsigned max_waiting;         /* batches that wait for a connection; 0: 256 */
    int64_t statement_timeout_ms; /* 0: 30 s */
    /* A batch without any answer for statement_timeout and this more loses its connection, as if it
     * had broken: a backend that stands still holds a connection no longer than that. 0: 5 s. */
    int64_t answer_margin_ms;
    /* Every statement finds its rows by key: no plan reads a table from end to end, not even one
     * that was made, and is kept, while the table was empty. */
    bool keyed;
    /* Each statement is planned once a connection, whatever its parameters: the planner takes
     * longer than a small transaction does. It must then be written so that its plan is good for a
     * table of any size, since it may be made while that is empty (tests/lint/sql.sh looks). */
    bool planned_once;
    ear_loop_fn *up;   /* called when the first connection is usable, and after each outage */
    ear_loop_fn *down; /* called when no connection is usable any more */
    /* Called whenever one is, after up, also beside others: it may be to another server than these,
     * one that was promoted and knows less, while they hang without a word. */
    ear_loop_fn *connected;
    void *self;
};

/* Starts connecting; never waits. EAR_INVALID for a conninfo that cannot be parsed. */
ear_err ear_pg_new(struct ear_pg **out, struct ear_loop *loop, const struct ear_pg_opts *opts,
                   struct ear_diag *diag) EAR_MUST_CHECK;
/* Fails everything that waits or is under way with EAR_CLOSED, in the order it was given. */
void ear_pg_free(struct ear_pg **pg); /* not from inside a callback of a batch */
bool ear_pg_is_up(const struct ear_pg *pg);
/* Why there is no connection, for /readyz and logs; "" when up. */
const char *ear_pg_why_down(const struct ear_pg *pg);
/* What kind of trouble that is: what is not retryable, waiting does not mend; EAR_DENIED: we are
 * refused. EAR_OK when up. */
ear_err ear_pg_down_err(const struct ear_pg *pg);
/* True when there is a connection and, where a role was named, no statement is known to lack a
 * right: one may be revoked while we are connected. Otherwise why says what is the matter, for
 * /readyz. */
bool ear_pg_works(const struct ear_pg *pg, struct ear_diag *why);
/* The migration the database is at, as asked at the last connect; 0: not known. */
int64_t ear_pg_schema(const struct ear_pg *pg);
size_t ear_pg_busy(const struct ear_pg *pg); /* batches waiting or under way */

/* --- Building work ------------------------------------------------------------------------- */

/* Statements run in the order added; `statement` is an index into the table. After
 * ear_pg_batch_add come its parameters in order, one call each. A batch over max_bytes (0: 16 MiB)
 * fails with EAR_TOO_LARGE when it is run. */
struct ear_pg_batch *ear_pg_batch_new(size_t max_bytes);
void ear_pg_batch_free(struct ear_pg_batch **batch);
/* Fails with EAR_UNAVAILABLE instead of waiting for a PostgreSQL that is away, or goes away while
 * it waits for a connection. */
void ear_pg_batch_no_wait(struct ear_pg_batch *batch);
/* What belongs into it could not be made: it fails with err when it is run. */
void ear_pg_batch_fail(struct ear_pg_batch *batch, ear_err err);
void ear_pg_batch_add(struct ear_pg_batch *batch, unsigned statement);
void ear_pg_null(struct ear_pg_batch *batch);
void ear_pg_bool(struct ear_pg_batch *batch, bool value);
void ear_pg_i16(struct ear_pg_batch *batch, int16_t value);
void ear_pg_i32(struct ear_pg_batch *batch, int32_t value);
void ear_pg_i64(struct ear_pg_batch *batch, int64_t value);
void ear_pg_text(struct ear_pg_batch *batch, struct ear_str value); /* ptr NULL: SQL NULL */
void ear_pg_bytes(struct ear_pg_batch *batch, struct ear_str value);
void ear_pg_id(struct ear_pg_batch *batch, const struct ear_id *value); /* NULL: SQL NULL */
void ear_pg_time(struct ear_pg_batch *batch, int64_t at_us);            /* timestamptz */

/* Array parameters: the columns of a set, for unnest(). The batch owns the array, which is filled
 * at any time before the batch is run: several arrays of one statement may be filled row by row. */
typedef enum ear_pg_type {
    EAR_PG_BOOL,
    EAR_PG_I16,
    EAR_PG_I32,
    EAR_PG_I64,
    EAR_PG_TEXT,
    EAR_PG_BYTES,
    EAR_PG_ID,
    EAR_PG_TIME,
    EAR_PG_FLOAT,
    EAR_PG_TID,   /* where a row lies (ctid), as it was read: six bytes */
    EAR_PG_ROWS,  /* of ear_pg_rows_array */
    EAR_PG_COPY,  /* of ear_pg_copy */
    EAR_PG_TEXTS, /* text[], as a column */
    EAR_PG_JSONB,
} ear_pg_type;
struct ear_pg_array *ear_pg_array(struct ear_pg_batch *batch, ear_pg_type element);
/* One array of rows instead of one array a column, for unnest($1::some_row[]), where some_row is a
 * composite type of the schema with these columns in this order: an array a column costs the server
 * a fifth of what storing the row does. Values are pushed row by row, column by column. Borrows
 * `columns`. */
struct ear_pg_array *ear_pg_rows_array(struct ear_pg_batch *batch, const ear_pg_type *columns,
                                       size_t count);
/* The rows of a statement "COPY table (column, …) FROM STDIN (FORMAT binary)", which has no
 * parameter besides. Values are pushed as into an array of rows; the types must be those of the
 * columns. Writes several rows with one record of the log (a tenth of it is saved), and needs no
 * type of the schema; but it takes a round trip more, and another one where it begins amid other
 * statements: worth it from some dozens of rows on, and best as the first statements of a batch. A
 * duplicate key fails the transaction. ear_pg_affected tells how many rows it wrote. */
struct ear_pg_array *ear_pg_copy(struct ear_pg_batch *batch, const ear_pg_type *columns,
                                 size_t count);
void ear_pg_push_null(struct ear_pg_array *array);
void ear_pg_push_bool(struct ear_pg_array *array, bool value);
void ear_pg_push_int(struct ear_pg_array *array, int64_t value); /* I16, I32, I64 and TIME (µs) */
void ear_pg_push_float(struct ear_pg_array *array, float value);
/* TEXT, BYTES, TID, JSONB; ptr NULL: SQL NULL */
void ear_pg_push_text(struct ear_pg_array *array, struct ear_str value);
/* TEXTS, of a text with separators between them; an empty one is SQL NULL. */
void ear_pg_push_texts(struct ear_pg_array *array, struct ear_str joined, char separator);
void ear_pg_push_id(struct ear_pg_array *array, const struct ear_id *value); /* NULL: SQL NULL */

/* --- Running it ---------------------------------------------------------------------------- */

/* err: EAR_OK: committed. EAR_DATA: refused because of its content (SQLSTATE 22, 23). EAR_AGAIN:
 * serialisation, deadlock, lock or queue ceiling: try again. EAR_UNAVAILABLE: connection lost
 * before COMMIT was sent: nothing happened. EAR_UNKNOWN_FATE: lost, or silent for too long, after
 * COMMIT was sent. EAR_DENIED: a right is missing. EAR_INVALID: a bug in our SQL. results has one
 * entry a statement (BEGIN and COMMIT are not shown), valid during the call; count is 0 on error.
 * diag is never NULL.
 */
typedef void ear_pg_fn(void *self, ear_err err, const struct ear_pg_result *const *results,
                       size_t count, const struct ear_diag *diag);

/* Runs the batch as one transaction on any connection. Takes the batch. fn comes exactly once,
 * never from inside this call. */
void ear_pg_run(struct ear_pg *pg, struct ear_pg_batch **batch, ear_pg_fn *fn, void *self);

/* A session keeps one connection for a transaction of more than one round trip: BEGIN goes out
 * with the first batch, COMMIT with the one run with `commit`. One batch at a time. The session
 * ends with commit, with ear_pg_session_end (ROLLBACK), or with the first error, after which it is
 * dead; memory goes with ear_pg_session_end in any case. */
void ear_pg_session_new(struct ear_pg_session **out, struct ear_pg *pg);
void ear_pg_session_run(struct ear_pg_session *session, struct ear_pg_batch **batch, bool commit,
                        ear_pg_fn *fn, void *self);
void ear_pg_session_end(struct ear_pg_session **session);

/* Calls fn for each NOTIFY on the channel (payload borrowed), and once with an empty payload after
 * each (re)connect, since notices may have been missed. Uses a connection of its own. */
typedef void ear_pg_notify_fn(void *self, struct ear_str payload);
ear_err ear_pg_listen(struct ear_pg *pg, const char *channel, ear_pg_notify_fn *fn,
                      void *self) EAR_MUST_CHECK;

/* For tools and migrations: turns the loop until done. `_wait` gives a result set that the caller
 * frees; `_script` runs text with many statements by the simple protocol, in one transaction
 * unless it says otherwise. */
struct ear_pg_results {
    const struct ear_pg_result *const *items;
    size_t count;
    void *owned;
};
ear_err ear_pg_wait(struct ear_pg *pg, struct ear_pg_batch **batch, struct ear_pg_results *out,
                    struct ear_diag *diag) EAR_MUST_CHECK;
void ear_pg_results_release(struct ear_pg_results *results);
ear_err ear_pg_script(struct ear_pg *pg, struct ear_str sql, struct ear_diag *diag) EAR_MUST_CHECK;

/* Appends what a server keeps instead of a password (SCRAM-SHA-256, RFC 5803), for ALTER ROLE …
 * PASSWORD: the password itself never leaves the process. Printable ASCII without quotes. Connects
 * like ear_pg_script. EAR_INVALID for a password with NUL. */
ear_err ear_pg_verifier(struct ear_pg *pg, struct ear_str password, struct ear_buf *out,
                        struct ear_diag *diag) EAR_MUST_CHECK;

/* --- Reading results (binary, checked) ----------------------------------------------------- */

size_t ear_pg_rows(const struct ear_pg_result *result);     /* rows returned */
size_t ear_pg_affected(const struct ear_pg_result *result); /* rows written */
bool ear_pg_is_null(const struct ear_pg_result *result, size_t row, size_t column);
/* int2, int4, int8, bool, timestamptz (µs since 1970); 0 when null. */
int64_t ear_pg_get_i64(const struct ear_pg_result *result, size_t row, size_t column);
double ear_pg_get_real(const struct ear_pg_result *result, size_t row, size_t column);
bool ear_pg_get_bool(const struct ear_pg_result *result, size_t row, size_t column);
struct ear_id ear_pg_get_id(const struct ear_pg_result *result, size_t row, size_t column);
struct ear_str ear_pg_get_str(const struct ear_pg_result *result, size_t row, size_t column);
int64_t ear_pg_get_time(const struct ear_pg_result *result, size_t row, size_t column);

/* Checks every statement of the table against the connected database (used by tests). */
ear_err ear_pg_check_statements(struct ear_pg *pg, struct ear_diag *diag) EAR_MUST_CHECK;

#endif
