/* batch: statements and their parameters, in PostgreSQL's binary format, waiting to be sent.
 * Private view; the building functions are in pg.h. */
#ifndef EAR_PG_BATCH_H
#define EAR_PG_BATCH_H

#include "pg/types.h"

#define EAR_PG_PARAMETERS_MAX 64

struct ear_pg_parameter {
    ear_pg_type type;
    bool null;
    size_t at, len;             /* in the batch's bytes */
    struct ear_pg_array *array; /* instead of at and len */
};

struct ear_pg_step {
    unsigned statement;
    size_t first, count; /* parameters */
    bool copies;         /* its only one is what COPY reads */
};

struct ear_pg_batch {
    ear_err err; /* first mistake of the building: too large, no memory */
    size_t max_bytes, used_bytes;
    struct ear_buf bytes;
    struct ear_pg_step *steps; /* owned */
    size_t step_count, step_room;
    struct ear_pg_parameter *parameters; /* owned */
    size_t parameter_count, parameter_room;
    struct ear_pg_array *arrays; /* owned, linked */
    bool no_wait;
};

/* Completes the arrays; what is wrong with the batch as a whole comes back. */
ear_err ear_pg_batch_seal(struct ear_pg_batch *batch) EAR_MUST_CHECK;
/* Says in a sealed array of rows which type they have: the server knows that number only. */
void ear_pg_array_of_rows(struct ear_pg_array *array, uint32_t row_oid);
/* Borrowed from the batch; ptr NULL: SQL NULL. */
struct ear_str ear_pg_parameter_bytes(const struct ear_pg_batch *batch,
                                      const struct ear_pg_parameter *parameter);

#endif
