#include "split.h"

#include "base/base.h"

#define HASH_START UINT64_C(14695981039346656037)
#define HASH_STEP  UINT64_C(1099511628211)

static uint64_t hash_on(uint64_t hash, struct ear_str s)
{
    for (size_t i = 0; i < s.len; i++) hash = (hash ^ (unsigned char)s.ptr[i]) * HASH_STEP;
    return (hash ^ 0x20) * HASH_STEP;
}

uint64_t ear_split_key(struct ear_text *work, struct ear_str text)
{
    uint64_t hash = HASH_START;
    size_t words = 0;
    ear_err err = ear_text_normalise(work, text, EAR_STR_NONE);
    EAR_CHECK(err != EAR_NO_MEMORY); /* its copies would get another key, without a word */
    if (!err) {
        struct ear_str rest = ear_buf_str(&work->text);
        struct ear_token token;
        while (ear_text_next(&rest, &token)) {
            if (token.kind != EAR_TOKEN_WORD && token.kind != EAR_TOKEN_TAG) continue;
            hash = hash_on(hash, token.text);
            words++;
        }
    }
    return words ? hash : hash_on(HASH_START, text);
}

/* The finaliser of splitmix64: every bit of key and seed moves every bit of the result. */
unsigned ear_split_fold(uint64_t key, uint64_t seed, unsigned count)
{
    uint64_t x = key + seed * UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return (unsigned)((x ^ x >> 31) % count);
}
