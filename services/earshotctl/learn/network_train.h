/* network_train: a network learned from posts and what is to be said of them (goals): epochs over
 * all posts in shuffled order, a step every few posts, words and responses left out at random so
 * that none is relied upon. The same posts, options and seed give the same parameters. */
#ifndef EAR_LEARN_NETWORK_TRAIN_H
#define EAR_LEARN_NETWORK_TRAIN_H

#include "goals.h"
#include "layers.h"

/* Owned. */
struct ear_network_learned {
    struct ear_layers layers;
    struct ear_packed packed;
    uint32_t *places; /* of each word of the vocabulary its vector */
};

/* From the rows that `use` marks. */
void ear_network_learn(const struct ear_goals *goals, const bool *use,
                       struct ear_network_learned *out);
void ear_network_learned_release(struct ear_network_learned *network);
/* The scores of all columns for a row of the corpus; `pass` is scratch. */
void ear_network_hear(const struct ear_network_learned *network, const struct ear_corpus *corpus,
                      uint32_t row, struct ear_pass *pass, float *scores);

#endif
