/* scores: what lists say of words: how glad or bitter they sound, how rude, how common. A section
 * of the model file, so that lists stay data of whoever trains: a hash table of words as the
 * normaliser leaves them, of one language or of any. Views borrow the section. */
#ifndef EAR_MODEL_SCORES_H
#define EAR_MODEL_SCORES_H

#include "base/base.h"

/* Channels are in [-127, 127]; 0 says nothing. */
typedef enum ear_score_channel {
    EAR_SCORE_VALENCE, /* a first list of glad (> 0) and bitter (< 0) words */
    EAR_SCORE_MOOD,    /* a second one, made otherwise */
    EAR_SCORE_RUDE,    /* profanity, 127 surely */
    EAR_SCORE_SPARE,
    EAR_SCORE_COMMON, /* 1 rare … 127 most common: cuts hashtags into words */
    EAR_SCORE_CHANNELS
} ear_score_channel;

#define EAR_SCORES_MAX 65536 /* words */

struct ear_score {
    struct ear_str word; /* one token as the normaliser leaves it */
    char language[4];    /* "" for any */
    int8_t channel[EAR_SCORE_CHANNELS];
};

struct ear_score_slot; /* private */

/* Zero: no list. */
struct ear_scores {
    const struct ear_score_slot *slots;
    size_t slot_count;
};

struct ear_score_found {
    int8_t channel[EAR_SCORE_CHANNELS];
};

/* Appends the section; a word may come once a language. */
ear_err ear_scores_write(const struct ear_score *scores, size_t count,
                         struct ear_buf *out) EAR_MUST_CHECK;
ear_err ear_scores_open(struct ear_str section, struct ear_scores *out,
                        struct ear_diag *diag) EAR_MUST_CHECK;
/* The word of that language, else of any; false where no list has it. */
bool ear_scores_find(const struct ear_scores *scores, struct ear_str word, const char *language,
                     struct ear_score_found *out);

/* The same in two steps, so that the first can be done for many words before the second waits for
 * memory. */
struct ear_score_key {
    uint32_t own, any; /* hashes of the word in its language and in any */
};
struct ear_score_key ear_scores_key(const struct ear_scores *scores, struct ear_str word,
                                    const char *language);
bool ear_scores_look(const struct ear_scores *scores, struct ear_score_key key,
                     struct ear_score_found *out);

#endif
