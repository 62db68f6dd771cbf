/* drift: Pure: does what a model says of today's posts look like what it was trained for? Window
 * after window is held against the shares of labels among its training posts and against how sure
 * it was there; where the model file does not tell, against what it said of the first posts after
 * it was put in place. Posts of which a stand-in spoke are no posts of the head. A head has drifted
 * when two windows in a row are far off, and is back when one is near again. */
#ifndef EAR_CLASSIFIER_DRIFT_H
#define EAR_CLASSIFIER_DRIFT_H

#include "triage.h"

#define EAR_DRIFT_REFERENCE 2000  /* posts */
#define EAR_DRIFT_WINDOW    1000  /* posts */
#define EAR_DRIFT_LEAST     100   /* posts of a window on which a head itself must have spoken */
#define EAR_DRIFT_FAR       0.20f /* share of posts that went to another label */
#define EAR_DRIFT_LESS_SURE 0.10f /* of mean probability */

/* What heads said of some posts. */
struct ear_drift_tally {
    unsigned posts;
    unsigned spoken[EAR_QUESTIONS]; /* posts of which the head itself spoke: they count below */
    unsigned labels[EAR_QUESTIONS][EAR_MODEL_LABELS_MAX];
    unsigned unsure[EAR_QUESTIONS];
    double p[EAR_QUESTIONS]; /* summed */
};

typedef enum ear_drift_change {
    EAR_DRIFT_AS_BEFORE,
    EAR_DRIFT_BEGAN,
    EAR_DRIFT_ENDED
} ear_drift_change;

/* What a head is held against. */
struct ear_drift_norm {
    bool known;
    float shares[EAR_MODEL_LABELS_MAX];
    float p; /* mean */
};

struct ear_drift {
    struct ear_drift_norm norm[EAR_QUESTIONS];
    struct ear_drift_tally reference, window;
    unsigned far[EAR_QUESTIONS]; /* windows in a row */
    /* Of the last full window in which the head spoke often enough. */
    float moved[EAR_QUESTIONS]; /* half the sum of differences of shares: 0 same, 1 wholly other */
    float mean_p[EAR_QUESTIONS];
    ear_drift_change change[EAR_QUESTIONS];
};

/* For a new model; also the first time. */
void ear_drift_reset(struct ear_drift *drift);
/* What the model file says of a head: once for each after a reset. Copies. */
void ear_drift_expect(struct ear_drift *drift, ear_question question, const float *shares,
                      size_t label_count, float p);
/* True when a window is full: moved, mean_p and change tell of it, and last is what it held. */
bool ear_drift_add(struct ear_drift *drift, const struct ear_triage *triage,
                   struct ear_drift_tally *last);

#endif
