/* skipgram: vectors of words from the company that they keep, of posts without labels (Mikolov et
 * al.: "Distributed representations of words and phrases", 2013, with negative sampling). A network
 * begins with them and knows words that its labelled posts lack. The same posts and seed give the
 * same vectors. */
#ifndef EAR_LEARN_SKIPGRAM_H
#define EAR_LEARN_SKIPGRAM_H

#include "vocabulary.h"

struct ear_skipgram_options {
    size_t words; /* at most: the most frequent ones */
    size_t dims;  /* a multiple of 16 */
    unsigned epochs;
    float rate; /* at first */
    uint64_t seed;
};

/* Owned. Zero: none. */
struct ear_word_vectors {
    size_t count, dims;
    uint32_t *places; /* of each word of the vocabulary; `count`: it has none */
    float *vectors;   /* [place × dims + dim] */
};

void ear_skipgram(const struct ear_vocabulary *vocabulary, const uint32_t *posts, size_t post_count,
                  const struct ear_skipgram_options *options, struct ear_word_vectors *out);
void ear_word_vectors_release(struct ear_word_vectors *vectors);

#endif
