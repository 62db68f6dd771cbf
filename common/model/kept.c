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

/* The words of 64 features as in the file, each as two. */
static void put_words(const uint64_t *bits, const uint32_t *ranks, size_t count, uint64_t *words)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t low = bits[i] & UINT32_MAX, high = bits[i] >> 32;
        words[2 * i] = (uint64_t)ranks[i] << 32 | low;
        words[2 * i + 1] = (ranks[i] + (uint64_t)__builtin_popcountll(low)) << 32 | high;
    }
}

ear_err ear_kept_open(struct ear_str section, unsigned hash_bits, size_t count,
                      struct ear_kept *out, struct ear_diag *diag)
{
    size_t words = (size_t)1 << (hash_bits - 6);
    *out = (struct ear_kept){.count = count, .hash_bits = hash_bits};
    if (section.len != words * (sizeof(uint64_t) + sizeof(uint32_t)))
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
    out->words = ear_alloc(2 * words * sizeof *out->words);
    put_words(bits, ranks, words, out->words);
    return EAR_OK;
}

void ear_kept_close(struct ear_kept *kept)
{
    EAR_FREE(kept->words);
}
