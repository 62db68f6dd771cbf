#include "model/cues/vocab.h"

#include <stdlib.h>

#define FIRST_SLOTS ((size_t)64)

void ear_vocab_init(struct ear_vocab *vocab)
{
    *vocab = (struct ear_vocab){.slot_count = FIRST_SLOTS};
    vocab->slots = ear_alloc(FIRST_SLOTS * sizeof *vocab->slots);
}

void ear_vocab_release(struct ear_vocab *vocab)
{
    for (size_t i = 0; i < vocab->slot_count; i++) free(vocab->slots[i].text);
    EAR_FREE(vocab->slots);
    vocab->slot_count = vocab->used = 0;
}

static uint32_t hash_of(struct ear_str text)
{
    uint32_t hash = EAR_VOCAB_SEED;
    for (size_t i = 0; i < text.len; i++) hash = ear_vocab_hash(hash, text.ptr[i]);
    return hash;
}

/* Where the piece is or would be; half of the slots at least stay free. */
static struct ear_vocab_entry *slot_of(const struct ear_vocab *vocab, uint32_t hash,
                                       struct ear_str text)
{
    size_t mask = vocab->slot_count - 1;
    for (size_t at = (hash ^ hash >> 16) & mask;; at = (at + 1) & mask) {
        struct ear_vocab_entry *e = &vocab->slots[at];
        if (!e->text) return e;
        if (e->hash == hash && e->len == text.len && memcmp(e->text, text.ptr, text.len) == 0)
            return e;
    }
}

static void grow(struct ear_vocab *vocab)
{
    struct ear_vocab old = *vocab;
    vocab->slot_count = old.slot_count * 2;
    vocab->slots = ear_alloc(vocab->slot_count * sizeof *vocab->slots);
    for (size_t i = 0; i < old.slot_count; i++) {
        struct ear_str text = {old.slots[i].text, old.slots[i].len};
        if (text.ptr) *slot_of(vocab, old.slots[i].hash, text) = old.slots[i];
    }
    free(old.slots);
}

uint64_t *ear_vocab_add(struct ear_vocab *vocab, struct ear_str text)
{
    if (vocab->used * 2 >= vocab->slot_count) grow(vocab);
    uint32_t hash = hash_of(text);
    struct ear_vocab_entry *e = slot_of(vocab, hash, text);
    if (!e->text) {
        EAR_CHECK(text.len <= UINT32_MAX);
        e->text = ear_alloc(text.len + 1);
        memcpy(e->text, text.ptr, text.len);
        e->len = (uint32_t)text.len;
        e->hash = hash;
        vocab->used++;
    }
    return &e->value;
}

const uint64_t *ear_vocab_find(const struct ear_vocab *vocab, uint32_t hash, struct ear_str text)
{
    const struct ear_vocab_entry *e = slot_of(vocab, hash, text);
    return e->text ? &e->value : NULL;
}

const uint64_t *ear_vocab_get(const struct ear_vocab *vocab, struct ear_str text)
{
    return ear_vocab_find(vocab, hash_of(text), text);
}
