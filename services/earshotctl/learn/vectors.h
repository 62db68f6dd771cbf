/* vectors: words as points, near where they are used alike: skip-gram with negative sampling
 * (Mikolov et al. 2013), learned from the very texts at hand. Common words are made short, so that
 * the mean of a post's words tells what it is about (Arora et al. 2017). One thread and a seed:
 * the same texts give the same bytes. Owned by its maker. */
#ifndef EAR_LEARN_VECTORS_H
#define EAR_LEARN_VECTORS_H

#include "lists.h"
#include "model/normal.h"

struct ear_vector_options {
    unsigned dims; /* a multiple of 16, at most EAR_VECTOR_DIMS; 0: none */
    unsigned epochs;
    unsigned count_min; /* of a word */
    uint64_t seed;
};

struct ear_vector_texts {
    struct ear_normal normal;
    struct ear_map *words; /* to their numbers + 1 */
    struct ear_str *names; /* borrowed from the map's owner: copies */
    uint32_t *counts;
    size_t word_count, word_room;
    uint32_t *tokens; /* UINT32_MAX ends a text */
    size_t token_count, token_room;
};

void ear_vector_texts_init(struct ear_vector_texts *texts);
void ear_vector_texts_release(struct ear_vector_texts *texts);
void ear_vector_texts_add(struct ear_vector_texts *texts, struct ear_str text);
/* Learns, appends the section, and gives the words of the lists their vectors' numbers. */
ear_err ear_vectors_learn(const struct ear_vector_texts *texts,
                          const struct ear_vector_options *options, struct ear_lists *lists,
                          struct ear_buf *section, struct ear_diag *diag) EAR_MUST_CHECK;

#endif
