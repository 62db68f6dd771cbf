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
 * Of one that is not kept the row is that of the next that is, at most one beyond the last. */
EAR_CLONES static size_t first_rows(uint64_t *seen, const struct ear_kept *kept,
                                    const uint32_t *indices, size_t count, uint32_t *rows,
                                    uint32_t *places)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t index = indices[i];
        uint64_t bits = kept->bits[index >> 6], one = bits >> (index & 63) & 1;
        uint64_t before = bits & ((UINT64_C(1) << (index & 63)) - 1);
        uint32_t row = kept->ranks[index >> 6] + (uint32_t)__builtin_popcountll(before);
        uint64_t mark = one << (row & 63), old = seen[row >> 6];
        const int8_t *weights = kept->weights + (row * kept->width & (0 - one));
        __builtin_prefetch(weights);
        __builtin_prefetch(weights + LINE);
        rows[found] = row;
        places[found] = (uint32_t)i;
        found += (mark & ~old) != 0;
        seen[row >> 6] = old | mark;
    }
    return found;
}

size_t ear_unique_rows(struct ear_unique *u, const struct ear_kept *kept, const uint32_t *indices,
                       size_t count, uint32_t *rows, uint32_t *places)
{
    EAR_CHECK(u->bound >= kept->count);
    size_t found = first_rows(u->bits, kept, indices, count, rows, places);
    clear(u, rows, found);
    return found;
}
