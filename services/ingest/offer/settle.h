/* settle: writes down what became of intake rows: deletes those that are over, many at a time, and
 * carries out the verdict on those that came back. Whatever fails is tried again; a row stays known
 * until its verdict is committed, so that it is not offered twice by the same process. */
#ifndef EAR_INGEST_SETTLE_H
#define EAR_INGEST_SETTLE_H

#include "offer/row.h"
#include "pg/pg.h"

struct ear_settler;

/* The row is no longer known: taken out of any index before it is freed. again: the database still
 * holds some of it, to be read anew. */
typedef void ear_row_over_fn(void *self, struct ear_row *row, bool again);

/* owner: whose rows are judged; what another has adopted is left alone. */
void ear_settler_new(struct ear_settler **out, struct ear_loop *loop, struct ear_pg *pg,
                     const struct ear_id *owner, ear_row_over_fn *over, void *self);
/* Rows under way are freed, without a call of over. */
void ear_settler_free(struct ear_settler **settler);
/* Takes a row that is over (ear_row_is_over). */
void ear_settler_judge(struct ear_settler *settler, struct ear_row **row);
bool ear_settler_idle(const struct ear_settler *settler);

#endif
