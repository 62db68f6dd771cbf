/* store: facts out of PostgreSQL into a book, and a book's changes back, in sets: one statement a
 * table whatever the size of the batch. Layer: the service's driver side. Borrows everything for
 * the length of the call. */
#ifndef EAR_ASSIGNMENT_STORE_H
#define EAR_ASSIGNMENT_STORE_H

#include "engine/book.h"
#include "models.h"
#include "pg/pg.h"

extern const struct ear_pg_statement *const ear_store_statements;
extern const size_t ear_store_statement_count;

/* What a sitting (see sitting.h) must know. */
struct ear_wants {
    const struct ear_id *customers; /* whose locks it takes; no order, doubles allowed */
    size_t customer_count;
    const struct ear_id *cases; /* named ones, of these customers */
    size_t case_count;
    const struct ear_id *refs;
    size_t ref_count;
    const struct ear_id *posts; /* post_owners[i] is the customer of posts[i] */
    const struct ear_id *post_owners;
    size_t post_count;
};

#define EAR_STORE_DETAIL_BYTES_MAX 65536

/* What is read of it, in this order. Where there is no key to look for, nothing is asked. */
typedef enum ear_fact {
    EAR_FACT_TURN, /* no facts, but the locks, and always the first */
    EAR_FACT_LOCKS,
    EAR_FACT_DECIDED,
    EAR_FACT_LINKS,
    EAR_FACT_CASES,
    EAR_FACT_LOADS,
    EAR_FACT_HEADS,
    EAR_FACT_SHIFTS,
    EAR_FACTS
} ear_fact;

struct ear_asked {
    size_t count;         /* of statements */
    size_t at[EAR_FACTS]; /* which of them it is; 0: not asked */
};

/* Adds the locks and then the reads. alone: there is no other replica, for all we know, so that
 * many customers are locked as a whole; that it is so is for speed only. Who is on shift is read
 * with `shifts` only. */
struct ear_asked ear_store_ask(struct ear_pg_batch *batch, const struct ear_wants *wants,
                               bool alone, bool shifts);
/* NULL: not asked. */
static inline const struct ear_pg_result *ear_store_answer(
    const struct ear_asked *asked, ear_fact fact, const struct ear_pg_result *const *results)
{
    return asked->at[fact] ? results[asked->at[fact]] : NULL;
}
/* Their results but the shifts, which belong to the care and must be noted before. An agent that
 * care does not know yet has no seat. */
void ear_store_fill(struct ear_book *book, const struct ear_asked *asked,
                    const struct ear_pg_result *const *results);

/* Adds the verdicts; by COPY where there are many. */
ear_err ear_store_write_verdicts(struct ear_pg_batch *batch, const struct ear_book *book,
                                 struct ear_models *models) EAR_MUST_CHECK;

bool ear_store_is_clean(const struct ear_book *book); /* nothing to write */
/* Adds the book's changes; agent_load last. EAR_TOO_LARGE, EAR_NO_MEMORY. */
ear_err ear_store_write(struct ear_pg_batch *batch, struct ear_book *book,
                        struct ear_models *models) EAR_MUST_CHECK;
/* The last statement of a transaction. */
void ear_store_write_loads(struct ear_pg_batch *batch, const struct ear_book *book);

/* NULL where the column is. */
char *ear_store_text(struct ear_book *book, const struct ear_pg_result *result, size_t row,
                     size_t column);

#endif
