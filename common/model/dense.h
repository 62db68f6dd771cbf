/* dense: the few dozen small numbers that a post comes to: its cue signals, what word lists say of
 * it, its shape, about within [-1, 1] each, and what the network answers. Private to model. */
#ifndef EAR_MODEL_DENSE_H
#define EAR_MODEL_DENSE_H

#include "model/cues/signals.h"
#include "model/features.h"

/* Behind the signals. Names are what people read in a reason.  */
#define EAR_DENSE_TABLE(X)                                 \
    X(GLAD, "glad words")                                  \
    X(BITTER, "bitter words")                              \
    X(GLADDEST, "the gladdest word")                       \
    X(BITTEREST, "the bitterest word")                     \
    X(LAST_TONE, "the tone of the last word that has any") \
    X(MOOD_UP, "words of good mood")                       \
    X(MOOD_DOWN, "words of bad mood")                      \
    X(MOOD_HIGHEST, "the word of best mood")               \
    X(MOOD_LOWEST, "the word of worst mood")               \
    X(LAST_MOOD, "the mood of the last word that has any") \
    X(RUDE, "rude words")                                  \
    X(CAPITALS, "capitals")                                \
    X(STRETCHED, "stretched letters")                      \
    X(EXCLAMATIONS, "exclamation marks")                   \
    X(QUESTIONS, "question marks")                         \
    X(DOTS, "dots")                                        \
    X(LINES, "lines")                                      \
    X(LENGTH, "length")                                    \
    X(NUMBERS, "numbers")                                  \
    X(FACES, "emoji and emoticons")                        \
    X(TAGS, "hashtags")                                    \
    X(FIRM, "names the firm")                              \
    X(USERS, "names others")                               \
    X(LINKS, "links")                                      \
    X(NEGATED, "words under negation")                     \
    X(DIRECT, "written to the firm alone")                 \
    X(REPLY, "answers a post")

typedef enum ear_dense {
    EAR_DENSE_BEFORE = EAR_SIGNAL_COUNT - 1,
#define X(name, text) EAR_DENSE_##name,
    EAR_DENSE_TABLE(X)
#undef X
        EAR_DENSE_NETWORK /* where the outputs of the network begin */
} ear_dense;

#define EAR_DENSE_MAX (EAR_DENSE_NETWORK + EAR_NETWORK_WIDTHS * EAR_NETWORK_FILTERS)

/* Fills dense[0 .. ear_dense_count). */
void ear_dense_fill(const struct ear_feature_tables *tables, const struct ear_normal *normal,
                    const struct ear_signals *signals, const struct ear_model_post *post,
                    const char *language, float *dense);

#endif
