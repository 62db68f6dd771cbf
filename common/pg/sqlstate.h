/* sqlstate: what PostgreSQL's error codes mean to a caller. Pure. Private to pg.
 * Source: PostgreSQL 15, appendix A. */
#ifndef EAR_PG_SQLSTATE_H
#define EAR_PG_SQLSTATE_H

#include "base/base.h"

struct ear_pg_verdict {
    ear_err err;
    bool drop; /* the connection is of no more use */
};

/* state NULL: no answer of the server, the connection broke. */
struct ear_pg_verdict ear_pg_judge(const char *state);
/* True for reasons of a failed connect that no waiting mends: password, role, database. The text is
 * all that libpq tells; servers that do not speak English are simply tried longer. */
bool ear_pg_is_refusal(const char *text);

#endif
