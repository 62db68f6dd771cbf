/* features: the one extractor of trainer and service, from a post to the features that heads have
 * weights for.
 *
 * Sparse features are binary: each is present or not, within its group, and all of a group have
 * the same value, weight / sqrt(number of n-grams of the group in the post). A feature's index is
 * its hash in [0, 2^hash_bits). Dense inputs are small numbers; those of the network come last.
 * docs/classifier.md has a worked example. Owned and used again by one thread. */
#ifndef EAR_MODEL_FEATURES_H
#define EAR_MODEL_FEATURES_H

#include "base/base.h"
#include "model/language.h"
#include "model/model.h"
#include "model/network.h"
#include "model/scores.h"

#define EAR_FEATURE_VERSION 1 /* of normaliser and extractor: rises when either says otherwise */

typedef enum ear_feature_group {
    EAR_FEATURE_WORDS, /* word n-grams, parts of hashtags, words under negation */
    EAR_FEATURE_CHARS, /* character n-grams of the text, blanks among them, a mask is one */
    EAR_FEATURE_CUES,  /* cue signals, list scores, shape and language, in steps */
    EAR_FEATURE_GROUPS
} ear_feature_group;

struct ear_feature_spec {
    uint32_t seed;
    uint8_t hash_bits;                /* 14 to 24 */
    uint8_t word_max;                 /* 1 to 3 */
    uint8_t char_min, char_max;       /* 1 to 8 */
    float weight[EAR_FEATURE_GROUPS]; /* 0: leave the group out */
};

/* Word 1-2-grams .5, characters 2-6 1.0, cues .5, 2^20 */
struct ear_feature_spec ear_feature_spec_default(void);
bool ear_feature_spec_valid(const struct ear_feature_spec *spec);

/* What the extractor looks into; each may be zero. Borrowed. */
struct ear_feature_tables {
    struct ear_language language;
    struct ear_scores scores;
    struct ear_network network;
};

/* The indices that carry weights; of others only the number counts. Private to model; NULL for a
 * trainer. */
struct ear_kept;

/* Of the last post; valid until the next. */
struct ear_features {
    const uint32_t *index;           /* grouped, without repeats within a group; of kept
                                      * features the row, else the hash index */
    size_t end[EAR_FEATURE_GROUPS];  /* where each group ends in index */
    float value[EAR_FEATURE_GROUPS]; /* of each feature of the group */
    const float *dense;              /* ear_dense_count of them */
    struct ear_language_guess language;
};

struct ear_extractor;

struct ear_extractor *ear_extractor_new(const struct ear_feature_spec *spec,
                                        const struct ear_feature_tables *tables,
                                        const struct ear_kept *kept);
void ear_extractor_free(struct ear_extractor **x);
const struct ear_features *ear_extract(struct ear_extractor *x, const struct ear_model_post *post);

/* Where each feature of a group of the last post stands, the first time if more than once: in the
 * order of index. */
struct ear_feature_place {
    struct ear_str text;    /* of the normalised text; else static text; of cues none */
    size_t input;           /* of cues the dense input they come from; SIZE_MAX for others */
    uint16_t first, behind; /* the tokens that it touches, from first on; none: alike */
};
void ear_extract_places(const struct ear_extractor *x, ear_feature_group group,
                        struct ear_feature_place *places);
/* Puts the weights of the character n-grams, in the order of index, to the tokens that they touch,
 * an even share to each: rise[i] says how much more token i has than the one before it, in parts
 * of which none waits for the other. There is one more than there are tokens. */
#define EAR_FEATURE_RISES 2
void ear_extract_share(const struct ear_extractor *x, const float *restrict weight,
                       float (*restrict rise)[EAR_FEATURE_RISES]);
/* The normalised text and tokens of the last post. */
const struct ear_normal *ear_extractor_normal(const struct ear_extractor *x);

/* Dense inputs: cue signals, list scores, shape, then what the network answers. */
size_t ear_dense_count(const struct ear_feature_tables *tables);
const char *ear_dense_name(size_t at); /* "blame", "glad words", "network" … */

#endif
