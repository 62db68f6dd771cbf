#include "model/scores.h"

#include "model/bytes.h"
#include <stdlib.h>

/* Sections: a head, then what it counts, all in the order and size of these structs. */
struct table_head {
    uint32_t slots; /* a power of two, at least double of what is in them */
    uint32_t reserved[3];
};
struct ear_score_slot {
    uint32_t hash; /* 0: free */
    int8_t channel[EAR_SCORE_CHANNELS];
    uint8_t spare;
    uint16_t reserved; /* all ones */
};
_Static_assert(sizeof(struct ear_score_slot) == 12, "as in the file");

static uint64_t seed_of(const char *language)
{
    return ear_token_hash(0, ear_str_from(language));
}

static uint32_t hash_of(struct ear_str word, const char *language)
{
    return ear_token_folded(ear_token_hash(seed_of(language), word));
}

static size_t slot_of(const struct ear_score_slot *slots, size_t count, uint32_t hash)
{
    size_t at = ear_token_slot(hash, count);
    while (slots[at].hash && slots[at].hash != hash) at = (at + 1) & (count - 1);
    return at;
}

static struct ear_score_slot slot_from(const struct ear_score *score, uint32_t hash)
{
    struct ear_score_slot slot = {.hash = hash, .reserved = UINT16_MAX};
    memcpy(slot.channel, score->channel, sizeof slot.channel);
    return slot;
}

ear_err ear_scores_write(const struct ear_score *scores, size_t count, struct ear_buf *out)
{
    if (count > EAR_SCORES_MAX) return EAR_TOO_LARGE;
    struct table_head head = {.slots = 64};
    while (head.slots < count * 2) head.slots *= 2;
    struct ear_score_slot *slots = ear_alloc(head.slots * sizeof *slots);
    for (size_t i = 0; i < count; i++) {
        uint32_t hash = hash_of(scores[i].word, scores[i].language);
        slots[slot_of(slots, head.slots, hash)] = slot_from(&scores[i], hash);
    }
    ear_err err = ear_buf_append(out, &head, sizeof head);
    if (!err) err = ear_buf_append(out, slots, head.slots * sizeof *slots);
    free(slots);
    return err;
}

ear_err ear_scores_open(struct ear_str section, struct ear_scores *out, struct ear_diag *diag)
{
    struct table_head head;
    *out = (struct ear_scores){0};
    if (section.len < sizeof head) return ear_fail(diag, EAR_INVALID, "word scores: too short");
    memcpy(&head, section.ptr, sizeof head);
    const struct ear_score_slot *slots = (const void *)(section.ptr + sizeof head);
    bool sized = head.slots >= 64 && head.slots <= EAR_SCORES_MAX * 4 &&
                 (head.slots & (head.slots - 1)) == 0 &&
                 section.len == sizeof head + head.slots * sizeof *slots;
    if (!sized) return ear_fail(diag, EAR_INVALID, "word scores: size does not fit the count");
    size_t used = 0, run = 0, longest = 0;
    for (size_t i = 0; i < head.slots; i++) {
        used += slots[i].hash != 0;
        run = slots[i].hash ? run + 1 : 0;
        if (run > longest) longest = run;
    }
    if (used * 2 > head.slots || longest > EAR_TOKEN_RUN)
        return ear_fail(diag, EAR_INVALID, "word scores: overfull");
    *out = (struct ear_scores){slots, head.slots};
    return EAR_OK;
}

struct ear_score_key ear_scores_key(const struct ear_scores *scores, struct ear_str word,
                                    const char *language)
{
    struct ear_score_key key = {0};
    if (!scores->slots) return key;
    /* ear_token_hash of both in one walk: neither waits for the other. */
    uint64_t own = seed_of(language) ^ EAR_TOKEN_BASIS, any = seed_of("") ^ EAR_TOKEN_BASIS;
    for (size_t i = 0; i < word.len; i++) {
        own = (own ^ (unsigned char)word.ptr[i]) * EAR_TOKEN_PRIME;
        any = (any ^ (unsigned char)word.ptr[i]) * EAR_TOKEN_PRIME;
    }
    key = (struct ear_score_key){ear_token_folded(own), ear_token_folded(any)};
    __builtin_prefetch(&scores->slots[ear_token_slot(key.own, scores->slot_count)]);
    __builtin_prefetch(&scores->slots[ear_token_slot(key.any, scores->slot_count)]);
    return key;
}

bool ear_scores_look(const struct ear_scores *scores, struct ear_score_key key,
                     struct ear_score_found *out)
{
    if (!scores->slots) return false;
    size_t at = slot_of(scores->slots, scores->slot_count, key.own);
    if (!scores->slots[at].hash) at = slot_of(scores->slots, scores->slot_count, key.any);
    if (!scores->slots[at].hash) return false;
    memcpy(out->channel, scores->slots[at].channel, sizeof out->channel);
    return true;
}

bool ear_scores_find(const struct ear_scores *scores, struct ear_str word, const char *language,
                     struct ear_score_found *out)
{
    return ear_scores_look(scores, ear_scores_key(scores, word, language), out);
}
