/* reader: one thread's workspace. Private to model. */
#ifndef EAR_MODEL_READER_H
#define EAR_MODEL_READER_H

#include "model/private.h"

struct ear_explain; /* workspace of why, made when first asked */

/* Inputs that are not 0, as half of them are, and where the row of weights of each begins. */
struct ear_voices {
    float *input;
    uint32_t *row;
};

struct ear_model_reader {
    const struct ear_model *model; /* borrowed */
    struct ear_extractor *extractor;
    struct ear_explain *explain;
    const struct ear_features *features; /* of the last post */
    uint64_t posts;                      /* read so far */
    float *sum;                          /* by column: scores without bias */
    float *input;                        /* dense inputs, then those of the stack */
    struct ear_voices voices;            /* of those last added */
    float *p;                            /* of all labels of all heads */
    float *unsure_below;                 /* by head */
    size_t *speaker;                     /* by head: which one spoke, itself or a stand-in */
};

void ear_explain_free(struct ear_explain **explain);

#endif
