#include "model/kept.h"

#include <stdlib.h>

ear_err ear_kept_write(const uint32_t *indices, size_t count, unsigned hash_bits,
                       struct ear_buf *out)
{
    size_t words = (size_t)1 << (hash_bits - 6);
    uint64_t *bits = ear_alloc(words * sizeof *bits);
    uint32_t *ranks = ear_alloc(words * sizeof *ranks);
    for (size_t i = 0; i < count; i++) bits[indices[i] >> 6] |= UINT64_C(1) << (indices[i] & 63);
    for (size_t i = 1; i < words; i++)
        ranks[i] = ranks[i - 1] + (uint32_t)__builtin_popcountll(bits[i - 1]);
    ear_err err = ear_buf_append(out, bits, words * sizeof *bits);
    if (!err) err = ear_buf_append(out, ranks, words * sizeof *ranks);
    free(bits);
    free(ranks);
    return err;
}

ear_err ear_kept_open(struct ear_str section, unsigned hash_bits, size_t count,
                      struct ear_kept *out, struct ear_diag *diag)
{
    size_t words = (size_t)1 << (hash_bits - 6);
    if (section.len != words * (sizeof *out->bits + sizeof *out->ranks))
        return ear_fail(diag, EAR_INVALID, "kept features: size does not fit the hash bits");
    const uint64_t *bits = (const void *)section.ptr;
    const uint32_t *ranks = (const void *)(bits + words);
    uint64_t before = 0;
    for (size_t i = 0; i < words; i++) {
        if (ranks[i] != before)
            return ear_fail(diag, EAR_INVALID, "kept features: wrong count at %zu", i);
        before += (unsigned)__builtin_popcountll(bits[i]);
    }
    if (before != count)
        return ear_fail(diag, EAR_INVALID, "kept features: %llu, rows: %zu",
                        (unsigned long long)before, count);
    *out = (struct ear_kept){.bits = bits, .ranks = ranks, .count = count, .hash_bits = hash_bits};
    return EAR_OK;
}
