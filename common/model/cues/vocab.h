/* vocab: a fixed set of pieces of text, each with a number, made once and then only read. Keys
 * are our own tables, so the hash needs no secret; whatever is looked up, a probe is as long as
 * our own table makes it. The hash grows byte by byte: all prefixes of a word in one pass. */
#ifndef EAR_MODEL_VOCAB_H
#define EAR_MODEL_VOCAB_H

#include "base/base.h"

struct ear_vocab_entry {
    char *text; /* owned; NULL marks a free slot */
    uint32_t len;
    uint32_t hash;
    uint64_t value;
};

struct ear_vocab {
    struct ear_vocab_entry *slots;
    size_t slot_count, used;
};

#define EAR_VOCAB_SEED UINT32_C(2166136261)

static inline uint32_t ear_vocab_hash(uint32_t hash, char c)
{
    return (hash ^ (unsigned char)c) * UINT32_C(16777619); /* FNV-1a */
}

void ear_vocab_init(struct ear_vocab *vocab);
void ear_vocab_release(struct ear_vocab *vocab);
/* The value of a piece, added with 0 when it is new. The pointer holds until the next add. */
uint64_t *ear_vocab_add(struct ear_vocab *vocab, struct ear_str text);
/* NULL when absent; `hash` is that of `text`. */
const uint64_t *ear_vocab_find(const struct ear_vocab *vocab, uint32_t hash, struct ear_str text);
const uint64_t *ear_vocab_get(const struct ear_vocab *vocab, struct ear_str text);

#endif
