/* bytes: little-endian numbers in a file, and the hash of a token. Private to model. */
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

#endif
