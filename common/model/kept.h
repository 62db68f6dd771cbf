/* kept: which of the 2^hash_bits features carry weights. In the file a bitmap with counts; in
 * memory a word for 32 features, their bits below and the number of those kept before them above,
 * so that one look says both whether a feature has a row and which. Private to model. */
#ifndef EAR_MODEL_KEPT_H
#define EAR_MODEL_KEPT_H

#include "base/base.h"

struct ear_kept {
    uint64_t *words; /* owned */
    size_t count;
    unsigned hash_bits;
    /* Rows are asked for when they are found, long before they are added up. Borrowed. */
    const int8_t *weights;
    size_t width;
};

static inline bool ear_kept_has(const struct ear_kept *kept, uint32_t index)
{
    return kept->words[index >> 5] >> (index & 31) & 1;
}

/* Of one that is not kept the row of the next that is. */
static inline uint32_t ear_kept_row(const struct ear_kept *kept, uint32_t index)
{
    uint64_t word = kept->words[index >> 5];
    uint32_t before = (uint32_t)word & ((UINT32_C(1) << (index & 31)) - 1);
    return (uint32_t)(word >> 32) + (uint32_t)__builtin_popcount(before);
}

ear_err ear_kept_write(const uint32_t *indices, size_t count, unsigned hash_bits,
                       struct ear_buf *out) EAR_MUST_CHECK;
/* Fills out, also where it fails. */
ear_err ear_kept_open(struct ear_str section, unsigned hash_bits, size_t count,
                      struct ear_kept *out, struct ear_diag *diag) EAR_MUST_CHECK;
void ear_kept_close(struct ear_kept *kept);

#endif
