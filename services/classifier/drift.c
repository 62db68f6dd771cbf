#include "drift.h"

#include <math.h>

void ear_drift_reset(struct ear_drift *drift)
{
    *drift = (struct ear_drift){.far = {0}};
}

static void count(struct ear_drift_tally *tally, const struct ear_triage *triage)
{
    tally->posts++;
    for (size_t q = 0; q < EAR_QUESTIONS; q++) {
        tally->labels[q][triage->labels[q]]++;
        tally->unsure[q] += triage->unsure[q];
        tally->p[q] += (double)triage->p[q];
    }
}

static float distance(const struct ear_drift_tally *a, const struct ear_drift_tally *b, size_t q)
{
    float sum = 0;
    for (size_t i = 0; i < EAR_MODEL_LABELS_MAX; i++)
        sum += fabsf((float)a->labels[q][i] / (float)a->posts -
                     (float)b->labels[q][i] / (float)b->posts);
    return sum / 2;
}

static void compare(struct ear_drift *d, size_t q)
{
    float before = (float)(d->reference.p[q] / d->reference.posts);
    d->moved[q] = distance(&d->reference, &d->window, q);
    d->mean_p[q] = (float)(d->window.p[q] / d->window.posts);
    bool far = d->moved[q] > EAR_DRIFT_FAR || d->mean_p[q] < before - EAR_DRIFT_LESS_SURE;
    bool drifted = d->far[q] >= 2;
    d->far[q] = far ? d->far[q] + 1 : 0;
    d->change[q] = d->far[q] == 2    ? EAR_DRIFT_BEGAN
                   : drifted && !far ? EAR_DRIFT_ENDED
                                     : EAR_DRIFT_AS_BEFORE;
}

bool ear_drift_add(struct ear_drift *drift, const struct ear_triage *triage,
                   struct ear_drift_tally *last)
{
    if (drift->reference.posts < EAR_DRIFT_REFERENCE) {
        count(&drift->reference, triage);
        return false;
    }
    count(&drift->window, triage);
    if (drift->window.posts < EAR_DRIFT_WINDOW) return false;
    for (size_t q = 0; q < EAR_QUESTIONS; q++) compare(drift, q);
    *last = drift->window;
    drift->window = (struct ear_drift_tally){.posts = 0};
    return true;
}
