/* fit: one head from its task. Held-out scores come from the validation examples where there are
 * any, else from folds that keep near-copies together; they choose how to learn, calibrate, set
 * the thresholds. The weights are then learned from all examples. */
#ifndef EAR_LEARN_FIT_H
#define EAR_LEARN_FIT_H

#include "calibrate.h"
#include "columns.h"

/* What is chosen where a task does not say: see ear_solver_options. */
struct ear_fit_choice {
    float cost, ratio;
};

struct ear_fit_options {
    unsigned folds;
    uint64_t seed;
    struct ear_fit_choice choices[4]; /* one: no choice */
    size_t choice_count;
};

/* Owned. */
struct ear_fitted {
    struct ear_fit_choice choice;
    struct ear_columns columns;
    struct ear_calibration calibration;
    /* What it said of examples that it had not learned from. */
    size_t *heldout, heldout_count;
    float *scores; /* heldout_count × columns */
    float *stack;  /* of level 2, else NULL: [input × columns + column], see stack.h */
    /* What a network adds to its scores, see blend.h. */
    float network_share;  /* so many times the network's; 0: nothing, and the rest is not set */
    double gain;          /* of the likelihood of what is true, in nats a post */
    size_t network_first; /* among the columns of the network */
    float *network;       /* [row × columns + column] */
};

/* `use` marks the examples that may be looked at; NULL: all. `keys` by row. */
void ear_fit(const struct ear_matrix *x, const uint64_t *keys, const struct ear_task *task,
             const struct ear_fit_options *options, const bool *use, struct ear_fitted *out);
void ear_fitted_release(struct ear_fitted *fitted);
/* Scores, with what a network adds, and probabilities for a row of the matrix. */
void ear_fitted_score(const struct ear_fitted *fitted, const struct ear_matrix *x, uint32_t row,
                      float *scores);
void ear_fitted_read(const struct ear_fitted *fitted, const struct ear_matrix *x,
                     const struct ear_task *task, uint32_t row, float *p);

#endif
