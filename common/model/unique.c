#include "model/unique.h"

#include "model/simd.h"
#include <stdlib.h>

#define LINE 64

void ear_unique_init(struct ear_unique *u, size_t bound)
{
    *u = (struct ear_unique){.bound = bound};
    u->bits = ear_alloc((bound / 64 + 1) * sizeof *u->bits);
}

void ear_unique_release(struct ear_unique *u)
{
    EAR_FREE(u->bits);
}

static void clear(struct ear_unique *u, const uint32_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) u->bits[numbers[i] >> 6] = 0;
}

size_t ear_unique_take(struct ear_unique *u, const uint32_t *numbers, size_t count, uint32_t *out,
                       uint32_t *places)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t *word = &u->bits[numbers[i] >> 6], bit = UINT64_C(1) << (numbers[i] & 63);
        out[found] = numbers[i];
        places[found] = (uint32_t)i;
        found += !(*word & bit);
        *word |= bit;
    }
    clear(u, out, found);
    return found;
}

/* Without branches: neither whether a feature is kept nor whether it came before can be foretold.
 * First those that are kept, for which little is to be known of each, then their rows. */
static inline __attribute__((always_inline)) size_t keep(const struct ear_kept *kept,
                                                         const uint32_t *indices, size_t count,
                                                         uint32_t *found_indices, uint32_t *places)
{
    size_t found = 0;
    const uint64_t *bits = kept->bits;
    for (size_t i = 0; i < count; i++) {
        uint32_t index = indices[i];
        found_indices[found] = index;
        places[found] = (uint32_t)i;
        found += bits[index >> 6] >> (index & 63) & 1;
    }
    return found;
}

static inline __attribute__((always_inline)) size_t find_rows(uint64_t *seen,
                                                              const struct ear_kept *kept,
                                                              const uint32_t *indices, size_t count,
                                                              size_t width, uint32_t *rows,
                                                              uint32_t *places)
{
    size_t found = 0, all = keep(kept, indices, count, rows, places);
    const int8_t *weights = kept->weights;
    for (size_t i = 0; i < all; i++) {
        uint32_t row = ear_kept_row(kept, rows[i]);
        uint64_t mark = UINT64_C(1) << (row & 63), old = seen[row >> 6];
        for (size_t at = 0; at < width; at += LINE) __builtin_prefetch(weights + row * width + at);
        rows[found] = row;
        places[found] = places[i];
        found += !(old & mark);
        seen[row >> 6] = old | mark;
    }
    return found;
}

/* Most models have rows of one line. */
EAR_CLONES static size_t first_rows(uint64_t *seen, const struct ear_kept *kept,
                                    const uint32_t *indices, size_t count, uint32_t *rows,
                                    uint32_t *places)
{
    if (kept->width == LINE) return find_rows(seen, kept, indices, count, LINE, rows, places);
    return find_rows(seen, kept, indices, count, kept->width, rows, places);
}

size_t ear_unique_rows(struct ear_unique *u, const struct ear_kept *kept, const uint32_t *indices,
                       size_t count, uint32_t *rows, uint32_t *places)
{
    EAR_CHECK(u->bound >= kept->count);
    size_t found = first_rows(u->bits, kept, indices, count, rows, places);
    clear(u, rows, found);
    return found;
}
