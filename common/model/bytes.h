/* bytes: little-endian numbers in a file, the hash of a token, and where tables of words have it.
 * Private to model. */
#ifndef EAR_MODEL_BYTES_H
#define EAR_MODEL_BYTES_H

#include "base/base.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "model files are mapped, not converted");

/* FNV-1a over 64 bits. */
#define EAR_TOKEN_BASIS UINT64_C(0xCBF29CE484222325)
#define EAR_TOKEN_PRIME UINT64_C(0x100000001B3)
static inline uint64_t ear_token_hash(uint64_t seed, struct ear_str s)
{
    uint64_t hash = seed ^ EAR_TOKEN_BASIS;
    for (size_t i = 0; i < s.len; i++) hash = (hash ^ (unsigned char)s.ptr[i]) * EAR_TOKEN_PRIME;
    return hash;
}

/* As tables of words have it, where 0 is a free slot. */
static inline uint32_t ear_token_folded(uint64_t hash)
{
    uint32_t low = (uint32_t)(hash ^ hash >> 32);
    return low ? low : 1;
}

/* Used slots in a row: more than any table that is half free has by chance, few enough that no file
 * makes readers search for long. */
#define EAR_TOKEN_RUN 1024

/* The slot, of a power of two, from which on a word is looked for. */
static inline size_t ear_token_slot(uint32_t folded, size_t slots)
{
    return (folded ^ folded >> 15) & (slots - 1);
}

#endif
