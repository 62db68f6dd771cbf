/* result: what one statement of a batch gave back. Private view; the readers are in pg.h. */
#ifndef EAR_PG_RESULT_H
#define EAR_PG_RESULT_H

#include "pg/types.h"

struct ear_pg_result {
    PGresult *pq; /* owned by the set, as types */
    /* As libpq says them, asked once: */
    Oid *types; /* of the columns */
    size_t rows, columns;
};

/* The results of one batch, one a statement. */
struct ear_pg_set {
    size_t count;
    const struct ear_pg_result **shown; /* owned: pointers to items */
    struct ear_pg_result *items;        /* owned */
};

struct ear_pg_set *ear_pg_set_new(size_t count);
/* Takes the result, in place of what is there. */
void ear_pg_set_put(struct ear_pg_set *set, size_t at, PGresult *pq);
void ear_pg_set_free(struct ear_pg_set **set);

#endif
