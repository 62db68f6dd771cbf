/* calibrate: from scores that a head gave posts it had not learned from, to probabilities that
 * come true as often as they say. SOFTMAX heads get one slope (temperature) and an offset a label,
 * the others Platt's slope and offset a column (Platt 1999; Guo et al. 2017). Pure. */
#ifndef EAR_LEARN_CALIBRATE_H
#define EAR_LEARN_CALIBRATE_H

#include "task.h"

/* Borrowed: the scores of `count` examples of the task, count × columns. */
struct ear_heldout {
    const struct ear_task *task;
    const size_t *examples;
    size_t count;
    const float *scores;
};

/* Owned. */
struct ear_calibration {
    size_t columns;
    float *slope, *offset;
    float coverage[EAR_MODEL_COVERAGES];
};

void ear_calibrate(const struct ear_heldout *heldout, struct ear_calibration *out);
/* For other scores than those that `from` was made for: its slopes and offsets, all by one factor,
 * and thresholds anew. What the offsets say of one label against another stays. */
void ear_calibration_rescale(const struct ear_calibration *from, const struct ear_heldout *heldout,
                             struct ear_calibration *out);
void ear_calibration_release(struct ear_calibration *calibration);
/* Probabilities of all labels as the reader will give them. */
void ear_calibrated(const struct ear_calibration *calibration, const struct ear_task *task,
                    const float *scores, float *p);
/* Mean log-likelihood of what is true. */
double ear_calibrated_likelihood(const struct ear_calibration *calibration,
                                 const struct ear_heldout *heldout);
/* The label that such probabilities say. */
size_t ear_calibrated_label(const float *p, size_t label_count);

#endif
