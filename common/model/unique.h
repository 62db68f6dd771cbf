/* unique: the first of each number. A hash set that is emptied by counting a generation up, and as
 * large for each list as the list needs, so that short posts stay within the first-level cache.
 * Private to model. */
#ifndef EAR_MODEL_UNIQUE_H
#define EAR_MODEL_UNIQUE_H

#include "base/base.h"

struct ear_unique_slot {
    uint32_t number, generation;
};

struct ear_unique {
    struct ear_unique_slot *slots; /* owned */
    uint32_t generation;
    unsigned bits; /* 2^bits slots */
};

void ear_unique_init(struct ear_unique *u, size_t max);
void ear_unique_release(struct ear_unique *u);
/* Copies each number once, in order of appearance; returns how many. count <= max. */
size_t ear_unique_take(struct ear_unique *u, const uint32_t *numbers, size_t count, uint32_t *out);

#endif
