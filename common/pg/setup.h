/* setup: what every new connection is told first: limits, and the service's whole table of
 * statements, prepared and described in one pipeline. Private to pg. */
#ifndef EAR_PG_SETUP_H
#define EAR_PG_SETUP_H

#include "pg/batch.h"

/* The parameters that the server found in a statement. */
struct ear_pg_shape {
    size_t count;
    Oid types[EAR_PG_PARAMETERS_MAX];
};

/* A composite type of the schema, and the type of its arrays. */
struct ear_pg_row_type {
    Oid array, row;
};
#define EAR_PG_ROW_TYPES_MAX 32

struct ear_pg_statements {
    const struct ear_pg_statement *items; /* borrowed */
    struct ear_pg_shape *shapes;          /* owned; of the newest connection */
    size_t count;
    struct ear_pg_row_type row_types[EAR_PG_ROW_TYPES_MAX]; /* of the newest connection */
    size_t row_type_count;
    char timeout[24];  /* statement_timeout in ms, as text */
    const char *scans; /* "off": plans by key only */
    const char *plans; /* plan_cache_mode */
    const char *role;  /* borrowed; NULL: neither role nor schema is asked for */
    int64_t schema_least;
    int64_t schema; /* the newest connection found it at this migration */
};

struct ear_pg_setup {
    struct ear_pg_statements *statements;
    const char *user;     /* who we are, as libpq says; borrowed from the connection */
    int64_t schema;       /* the migration it is at; 0: not known */
    struct ear_diag diag; /* err: the first mistake */
};

/* Queues the commands; false when libpq could not. */
bool ear_pg_setup_send(struct ear_pg_setup *setup, PGconn *pq);
void ear_pg_setup_result(struct ear_pg_setup *setup, size_t at, PGresult *result);
/* Compares a sealed batch with the shapes and says in arrays of rows which type these have; diag
 * names statement and parameter. */
ear_err ear_pg_setup_check(const struct ear_pg_statements *statements, struct ear_pg_batch *batch,
                           struct ear_diag *diag) EAR_MUST_CHECK;
/* Whether it is a COPY; into: table and columns as it names them, may be NULL. */
bool ear_pg_copies(const struct ear_pg_statement *statement, struct ear_str *into);
/* Appends a command that plans the statement with any parameters, and so asks for its rights. */
ear_err ear_pg_plan_sql(const struct ear_pg_statements *statements, size_t at,
                        struct ear_buf *sql) EAR_MUST_CHECK;
/* What the server said, without values of the data: those are customers' words. */
ear_err ear_pg_explain(const PGresult *result, const char *statement, bool *drop,
                       struct ear_diag *diag);

#endif
