/* unique: the first of each number, remembered by a bit a number. Private to model. */
#ifndef EAR_MODEL_UNIQUE_H
#define EAR_MODEL_UNIQUE_H

#include "model/kept.h"

struct ear_unique {
    uint64_t *bits; /* owned; all clear between calls */
    size_t bound;
};

/* For numbers below bound. */
void ear_unique_init(struct ear_unique *u, size_t bound);
void ear_unique_release(struct ear_unique *u);
/* Copies each number once, in order of appearance, and the place where it appeared; returns how
 * many. */
size_t ear_unique_take(struct ear_unique *u, const uint32_t *numbers, size_t count, uint32_t *out,
                       uint32_t *places);
/* The same of the rows of those features that are kept. There is room for EAR_UNIQUE_BEYOND more
 * than count. */
#define EAR_UNIQUE_BEYOND 16
size_t ear_unique_rows(struct ear_unique *u, const struct ear_kept *kept, const uint32_t *indices,
                       size_t count, uint32_t *rows, uint32_t *places);

#endif
