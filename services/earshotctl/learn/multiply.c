#include "multiply.h"

#include <stdlib.h>

/* The words that have vectors, in the order of these. */
static struct ear_str *words_of(const struct ear_network_learned *network,
                                const struct ear_vocabulary *vocabulary)
{
    size_t count = network->layers.shape.words;
    struct ear_str *words = ear_alloc((count + 1) * sizeof *words);
    for (size_t i = 0; i < vocabulary->word_count; i++)
        if (network->places[i] < count) words[network->places[i]] = vocabulary->words[i];
    return words;
}

ear_err ear_multiply(const struct ear_network_learned *network,
                     const struct ear_vocabulary *vocabulary, struct ear_buf *out)
{
    const struct ear_layers *layers = &network->layers;
    const struct ear_layers_shape *s = &layers->shape;
    size_t row = EAR_NETWORK_PLACES * s->filters;
    float *rows = ear_alloc((s->words + 2) * row * sizeof *rows);
    struct ear_str *words = words_of(network, vocabulary);
    ear_layers_project(layers, &network->packed, layers->vectors, s->words + 2, rows);
    struct ear_network_parts parts = {.words = words,
                                      .word_count = s->words,
                                      .filters = s->filters,
                                      .rows = rows,
                                      .unknown = rows + ear_layers_unknown(s) * row,
                                      .negated = rows + ear_layers_negated(s) * row,
                                      .bias = layers->bias};
    ear_err err = ear_network_write(&parts, out);
    free(rows);
    free(words);
    return err;
}
