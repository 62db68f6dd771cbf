/* dial: one attempt at a connection, without ever blocking: look-up, connect, authenticate.
 * Private to pg. The owner frees the dial, also from inside fn. */
#ifndef EAR_PG_DIAL_H
#define EAR_PG_DIAL_H

#include "loop/loop.h"
#include "pg/target.h"

struct ear_pg_dial;

/* Exactly once. pq is the caller's then; NULL and a reason when there is no connection. */
typedef void ear_pg_dial_fn(void *self, PGconn *pq, const struct ear_diag *diag);

/* Borrows target until freed. */
void ear_pg_dial_new(struct ear_pg_dial **out, struct ear_loop *loop,
                     const struct ear_pg_target *target, ear_pg_dial_fn *fn, void *self);
void ear_pg_dial_free(struct ear_pg_dial **dial);
/* libpq's last words about pq as one clause, with err. */
void ear_pg_dial_explain(const PGconn *pq, ear_err err, struct ear_diag *diag);

#endif
