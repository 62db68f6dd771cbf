/* cues: the signals that a normalised post raises: phrases of its language and of all languages,
 * whom it speaks to, its signs and its shape. Pure. Owns its workspace; one thread at a time. */
#ifndef EAR_MODEL_CUES_H
#define EAR_MODEL_CUES_H

#include "model/cues/lexicon.h"
#include "model/cues/signals.h"

#define EAR_CUES_WORDS 2000 /* of more the first count */

struct ear_rules;

struct ear_cues {
    struct ear_rules *rules; /* owned */
    struct ear_word *words;  /* owned; of the text last read */
    size_t word_count;
    struct ear_signals signals;
};

/* Borrowed for the call. */
struct ear_cue_post {
    struct ear_str raw, text; /* as written; normalised */
    struct ear_str account;   /* the firm's handle, may be empty */
    bool direct, reply;
};

/* Told of each phrase found and what it raises; the phrase is static text. */
typedef void ear_cue_fn(void *self, ear_signal signal, float by, struct ear_str phrase);

void ear_cues_init(struct ear_cues *cues);
void ear_cues_release(struct ear_cues *cues);
/* Cuts the words, which language rules may want to see before ear_cues_raise. */
void ear_cues_cut(struct ear_cues *cues, struct ear_str text);
/* Fills signals from the words cut last. `language` is ISO 639-1: the likeliest, also where it is
 * unsure, since a wrong one raises little; "und" reads English cues. False where the language has
 * no cues or there were no words. `found` may be NULL. */
bool ear_cues_raise(struct ear_cues *cues, const struct ear_cue_post *post, const char *language,
                    ear_cue_fn *found, void *self);

#endif
