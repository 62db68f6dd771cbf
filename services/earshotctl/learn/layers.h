/* layers: a small network over the words of a post (Kim: "Convolutional neural networks for
 * sentence classification", 2014). Each word is a vector; filters look at one, two and three words
 * in a row, and of each its strongest response in the post counts; these and the post's dense
 * inputs are what every column's score is a weighted sum of. Columns have weights that all examples
 * share and own ones on top, of examples at home (see solver.h).
 *
 * What the reader of a model makes of it stands in model/network.h.
 *
 * Forward for one post, and backward: what a change of each score would change in each parameter.
 * Pure; sums are taken in the same order each time. One thread a pass. */
#ifndef EAR_LEARN_LAYERS_H
#define EAR_LEARN_LAYERS_H

#include "model/network.h"

#define EAR_LAYERS_LANE 16

struct ear_layers_shape {
    size_t words;         /* behind their vectors stand those of `unknown` and `negated` */
    size_t dims, filters; /* multiples of EAR_LAYERS_LANE */
    size_t dense, columns;
};

static inline size_t ear_layers_responses(const struct ear_layers_shape *shape)
{
    return EAR_NETWORK_WIDTHS * shape->filters;
}
/* Of a column; the rest of a lane is 0. */
static inline size_t ear_layers_inputs(const struct ear_layers_shape *shape)
{
    size_t inputs = ear_layers_responses(shape) + shape->dense;
    return (inputs + EAR_LAYERS_LANE - 1) / EAR_LAYERS_LANE * EAR_LAYERS_LANE;
}
static inline uint32_t ear_layers_unknown(const struct ear_layers_shape *shape)
{
    return (uint32_t)shape->words;
}
static inline uint32_t ear_layers_negated(const struct ear_layers_shape *shape)
{
    return (uint32_t)shape->words + 1;
}

/* Parameters, or something that there is of each parameter, such as its gradient. Owned. */
struct ear_layers {
    struct ear_layers_shape shape;
    size_t count;   /* of all parameters, which lie in one block in this order */
    float *vectors; /* [word × dims + dim] */
    float *filters; /* by width: [(filter × places + place) × dims + dim] */
    float *bias;    /* [width × filters + filter] */
    float *shared;  /* [column × inputs + input] */
    float *offsets; /* [column] */
    float *own;     /* as shared */
};

void ear_layers_init(struct ear_layers *layers, const struct ear_layers_shape *shape);
void ear_layers_release(struct ear_layers *layers);

/* The filters in the order in which a forward pass wants them. Owned. */
struct ear_packed {
    float *filters;
};
void ear_packed_init(struct ear_packed *packed, const struct ear_layers_shape *shape);
void ear_packed_release(struct ear_packed *packed);
/* Anew after each change of the filters. */
void ear_packed_fill(struct ear_packed *packed, const struct ear_layers *layers);

/* What `count` vectors add to each filter at each place of its window:
 * [vector × PLACES × filters], a width behind the other, its places in the order of words. */
void ear_layers_project(const struct ear_layers *layers, const struct ear_packed *packed,
                        const float *vectors, size_t count, float *out);

/* One post on its way. Owned, used again. */
struct ear_pass {
    size_t length;     /* words, at most as many as it was made for */
    uint32_t *words;   /* their vectors */
    bool *negated;     /* filled by the caller, as are the dense inputs */
    float *x;          /* [word × dims] */
    float *projected;  /* of x */
    uint32_t *windows; /* of each response, where it was strongest */
    float *inputs;     /* responses, then dense inputs */
    float *blame;      /* of each input: what the loss grows with it; of x the same */
    float *x_blame;
};
void ear_pass_init(struct ear_pass *pass, const struct ear_layers_shape *shape, size_t words_max);
void ear_pass_release(struct ear_pass *pass);

/* From words to responses. */
void ear_layers_read(const struct ear_layers *layers, const struct ear_packed *packed,
                     struct ear_pass *pass);
/* Scores of columns [first, first + count). */
void ear_layers_score(const struct ear_layers *layers, const struct ear_pass *pass, bool home,
                      size_t first, size_t count, float *scores);
/* `slopes`: what the loss grows with each of these scores. Adds to gradient and blame. */
void ear_layers_blame(const struct ear_layers *layers, struct ear_pass *pass, bool home,
                      size_t first, size_t count, const float *slopes, struct ear_layers *gradient);
/* From the blame of inputs back to filters and vectors. */
void ear_layers_return(const struct ear_layers *layers, struct ear_pass *pass,
                       struct ear_layers *gradient);

#endif
