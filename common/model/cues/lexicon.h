/* lexicon: the cues of one language, compiled to be looked for all at once.
 *
 * A cue is a phrase of words; "word*" stands for all words that begin so, "_" for any one word.
 * Phrases do not cross the end of a sentence or a comma. Of several that begin at a word the
 * longest counts; one that lies within a longer one does not. Matching takes time linear in the
 * text, whatever the text. Owned by its maker, read-only afterwards. */
#ifndef EAR_MODEL_LEXICON_H
#define EAR_MODEL_LEXICON_H

#include "base/base.h"
#include "model/cues/signals.h"
#include "text/text.h"

struct ear_raise {
    ear_signal signal;
    float by;
};

#define EAR_CUE_RAISES 4
/* Phrases that mean the same, separated by '|'. */
struct ear_cue {
    const char *phrases;
    struct ear_raise raises[EAR_CUE_RAISES]; /* ends where `by` is 0 */
};

/* A word of the text as phrases see it. */
struct ear_word {
    struct ear_str text; /* borrowed */
    uint32_t hash;       /* ear_word_hash of it */
    bool breaks;         /* a sentence or clause ended before it */
};
uint32_t ear_word_hash(struct ear_str text);

/* Fills words with at most max words of normalised text; returns how many. */
size_t ear_words_of(struct ear_str text, struct ear_word *words, size_t max);

struct ear_match {
    const struct ear_cue *cue;
    struct ear_str phrase; /* static text: why */
    size_t first, count;   /* words */
};

struct ear_lexicon;

/* Copies nothing: `cues` must be static. Aborts on a malformed table, which is our own bug. */
struct ear_lexicon *ear_lexicon_new(const struct ear_cue *cues, size_t count);
void ear_lexicon_free(struct ear_lexicon **lexicon);

typedef void ear_match_fn(void *self, const struct ear_match *match);
void ear_lexicon_scan(const struct ear_lexicon *lexicon, const struct ear_word *words, size_t count,
                      ear_match_fn *found, void *self);

#endif
