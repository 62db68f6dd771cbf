/* columns: the scores of a head, learned: one problem a column, two at a time on two threads. What
 * comes out does not depend on how many threads there were. */
#ifndef EAR_LEARN_COLUMNS_H
#define EAR_LEARN_COLUMNS_H

#include "task.h"

/* Owned. */
struct ear_columns {
    size_t count;
    uint32_t inputs;
    float *weights; /* [column × inputs + input] */
    float *biases;
};

/* Learns from the examples that `use` marks. */
void ear_columns_fit(struct ear_columns *out, const struct ear_matrix *x,
                     const struct ear_task *task, const struct ear_solver_options *options,
                     const bool *use);
void ear_columns_release(struct ear_columns *columns);
void ear_columns_score(const struct ear_columns *columns, const struct ear_matrix *x, uint32_t row,
                       float *scores);

#endif
