/* orders: a command's form: read from the bus and checked, its result packed and repeated, its own
 * rows written. What it does to a case is decided in engine/act. */
#ifndef EAR_ASSIGNMENT_ORDERS_H
#define EAR_ASSIGNMENT_ORDERS_H

#include "engine/act.h"
#include "pg/pg.h"

struct ear_order {
    const Earshot__V1__Command *command; /* in the arena; never NULL after ear_order_read */
    struct ear_id command_id;
    struct ear_id case_id;  /* nil: of no case */
    struct ear_id reply_id; /* of an outcome */
};

/* peer: the service that asks, by its key ("" without CURVE). Copies the request into the arena.
 * EAR_INVALID, EAR_DENIED or EAR_NO_MEMORY with why; the order can be answered in any case. */
ear_err ear_order_read(struct ear_str request, struct ear_arena *arena, const char *peer,
                       struct ear_order *order, const char **why) EAR_MUST_CHECK;

/* Appends the packed CommandResult. */
void ear_order_pack(const struct ear_order *order, const struct ear_answer *answer,
                    struct ear_buf *out);
/* The same with repeated set. */
ear_err ear_order_repeat(struct ear_str recorded, struct ear_arena *arena,
                         struct ear_buf *out) EAR_MUST_CHECK;

/* Rows that the answer asks for besides the book's: reply, note, outcome, presence. */
void ear_order_write(struct ear_pg_batch *batch, const struct ear_book *book,
                     const struct ear_order *order, const struct ear_answer *answer);

#endif
