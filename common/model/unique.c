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
 * First the rows of those that are kept, then the first of each row. */
EAR_CLONES static size_t keep(const struct ear_kept *kept, const uint32_t *indices, size_t count,
                              uint32_t *rows, uint32_t *places)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t index = indices[i];
        rows[found] = ear_kept_row(kept, index);
        places[found] = (uint32_t)i;
        found += ear_kept_has(kept, index);
    }
    return found;
}

#ifdef EAR_WIDE
/* The same sixteen at a time. Writes up to so many beyond what it found. */
EAR_WIDE static size_t keep_wide(const struct ear_kept *kept, const uint32_t *indices, size_t count,
                                 uint32_t *rows, uint32_t *places)
{
    const __m512i one = _mm512_set1_epi32(1), none = _mm512_setzero_si512();
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const int *bits_of = (const void *)kept->words, *rank_of = bits_of + 1;
    size_t found = 0;
    for (size_t i = 0; i < count; i += EAR_WIDE_LANES) {
        size_t left = count - i;
        __mmask16 some = (__mmask16)(left < EAR_WIDE_LANES ? (1U << left) - 1 : 0xFFFF);
        __m512i index = _mm512_maskz_loadu_epi32(some, indices + i);
        __m512i at = _mm512_slli_epi32(_mm512_srli_epi32(index, 5), 1);
        __m512i bits = _mm512_mask_i32gather_epi32(none, some, at, bits_of, 4);
        __m512i bit = _mm512_sllv_epi32(one, _mm512_and_epi32(index, _mm512_set1_epi32(31)));
        __mmask16 has = _mm512_mask_test_epi32_mask(some, bits, bit);
        __m512i rank = _mm512_mask_i32gather_epi32(none, has, at, rank_of, 4);
        __m512i before = _mm512_popcnt_epi32(_mm512_and_epi32(bits, _mm512_sub_epi32(bit, one)));
        __m512i place = _mm512_add_epi32(_mm512_set1_epi32((int)i), lane);
        _mm512_storeu_si512(rows + found,
                            _mm512_maskz_compress_epi32(has, _mm512_add_epi32(rank, before)));
        _mm512_storeu_si512(places + found, _mm512_maskz_compress_epi32(has, place));
        found += (unsigned)__builtin_popcount(has);
    }
    return found;
}
#endif

static size_t keep_all(const struct ear_kept *kept, const uint32_t *indices, size_t count,
                       uint32_t *rows, uint32_t *places)
{
#ifdef EAR_WIDE
    if (ear_is_wide()) return keep_wide(kept, indices, count, rows, places);
#endif
    return keep(kept, indices, count, rows, places);
}

/* The first of each row. */
static inline __attribute__((always_inline)) size_t find_rows(uint64_t *seen,
                                                              const struct ear_kept *kept,
                                                              size_t all, size_t width,
                                                              uint32_t *rows, uint32_t *places)
{
    size_t found = 0;
    const int8_t *weights = kept->weights;
    for (size_t i = 0; i < all; i++) {
        uint32_t row = rows[i];
        uint64_t mark = UINT64_C(1) << (row & 63), old = seen[row >> 6];
        for (size_t at = 0; at < width; at += LINE) __builtin_prefetch(weights + row * width + at);
        rows[found] = row;
        places[found] = places[i];
        found += !(old & mark);
        seen[row >> 6] = old | mark;
    }
    return found;
}

/* The shipped model has rows of half a line. */
EAR_CLONES static size_t first_rows(uint64_t *seen, const struct ear_kept *kept, size_t all,
                                    uint32_t *rows, uint32_t *places)
{
    if (kept->width == LINE / 2) return find_rows(seen, kept, all, LINE / 2, rows, places);
    return find_rows(seen, kept, all, kept->width, rows, places);
}

size_t ear_unique_rows(struct ear_unique *u, const struct ear_kept *kept, const uint32_t *indices,
                       size_t count, uint32_t *rows, uint32_t *places)
{
    EAR_CHECK(u->bound >= kept->count);
    size_t all = keep_all(kept, indices, count, rows, places);
    size_t found = first_rows(u->bits, kept, all, rows, places);
    clear(u, rows, found);
    return found;
}
