/* num: numbers out of text, whole and in range or not at all. */
#ifndef EAR_BASE_NUM_H
#define EAR_BASE_NUM_H

#include "base/err.h"
#include "base/str.h"
#include <endian.h>
#include <stdint.h>
#include <string.h>

/* All of s is one decimal integer within [min, max]; EAR_INVALID otherwise. No spaces, no '+'. */
ear_err ear_num_i64(struct ear_str s, int64_t min, int64_t max, int64_t *out) EAR_MUST_CHECK;
ear_err ear_num_u64(struct ear_str s, uint64_t max, uint64_t *out) EAR_MUST_CHECK;

/* "250ms", "15s", "10m", "2h", "3d" or a bare number of milliseconds. */
ear_err ear_num_duration_ms(struct ear_str s, int64_t min, int64_t max,
                            int64_t *out) EAR_MUST_CHECK;

/* "4096", "64KiB", "4MiB", "1GiB". */
ear_err ear_num_size(struct ear_str s, int64_t min, int64_t max, int64_t *out) EAR_MUST_CHECK;

/* Big-endian (network order) loads and stores, of 1 to 8 bytes. Compilers make one instruction of
 * the usual widths only where they are said so. */
static inline void ear_put_be(uint8_t *dst, uint64_t value, size_t bytes)
{
    uint64_t all = htobe64(value);
    uint32_t half = htobe32((uint32_t)value);
    if (bytes == sizeof(all))
        memcpy(dst, &all, sizeof(all));
    else if (bytes == sizeof(half))
        memcpy(dst, &half, sizeof(half));
    else
        for (size_t i = bytes; i > 0; i--, value >>= 8) dst[i - 1] = (uint8_t)value;
}
static inline uint64_t ear_get_be(const uint8_t *src, size_t bytes)
{
    uint64_t all = 0;
    uint32_t half;
    if (bytes == sizeof(all)) {
        memcpy(&all, src, sizeof(all));
        return be64toh(all);
    }
    if (bytes == sizeof(half)) {
        memcpy(&half, src, sizeof(half));
        return be32toh(half);
    }
    for (size_t i = 0; i < bytes; i++) all = all << 8 | src[i];
    return all;
}

#endif
