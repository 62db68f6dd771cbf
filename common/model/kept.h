/* kept: which of the 2^hash_bits features carry weights, as a bitmap with counts, so that a
 * feature without weights costs one look and no row. Private to model. Borrows the section. */
#ifndef EAR_MODEL_KEPT_H
#define EAR_MODEL_KEPT_H

#include "base/base.h"

struct ear_kept {
    const uint64_t *bits;  /* one a feature */
    const uint32_t *ranks; /* features kept before each word of bits */
    size_t count;
    unsigned hash_bits;
    /* Rows are asked for when they are found, long before they are added up. */
    const int8_t *weights;
    size_t width;
};

static inline bool ear_kept_has(const struct ear_kept *kept, uint32_t index)
{
    return kept->bits[index >> 6] >> (index & 63) & 1;
}

static inline uint32_t ear_kept_row(const struct ear_kept *kept, uint32_t index)
{
    uint64_t before = kept->bits[index >> 6] & ((UINT64_C(1) << (index & 63)) - 1);
    return kept->ranks[index >> 6] + (uint32_t)__builtin_popcountll(before);
}

ear_err ear_kept_write(const uint32_t *indices, size_t count, unsigned hash_bits,
                       struct ear_buf *out) EAR_MUST_CHECK;
ear_err ear_kept_open(struct ear_str section, unsigned hash_bits, size_t count,
                      struct ear_kept *out, struct ear_diag *diag) EAR_MUST_CHECK;

#endif
