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
        if (triage->stood_in[q]) continue;
        tally->spoken[q]++;
        tally->labels[q][triage->labels[q]]++;
        tally->unsure[q] += triage->unsure[q];
        tally->p[q] += (double)triage->p[q];
    }
}

static float distance(const struct ear_drift_norm *norm, const struct ear_drift_tally *of, size_t q)
{
    float sum = 0;
    for (size_t i = 0; i < EAR_MODEL_LABELS_MAX; i++)
        sum += fabsf(norm->shares[i] - (float)of->labels[q][i] / (float)of->spoken[q]);
    return sum / 2;
}

static void compare(struct ear_drift *d, size_t q)
{
    const struct ear_drift_norm *norm = &d->norm[q];
    d->change[q] = EAR_DRIFT_AS_BEFORE;
    if (!norm->known || d->window.spoken[q] < EAR_DRIFT_LEAST) return;
    d->moved[q] = distance(norm, &d->window, q);
    d->mean_p[q] = (float)(d->window.p[q] / d->window.spoken[q]);
    bool far = d->moved[q] > EAR_DRIFT_FAR || d->mean_p[q] < norm->p - EAR_DRIFT_LESS_SURE;
    bool drifted = d->far[q] >= 2;
    d->far[q] = far ? d->far[q] + 1 : 0;
    d->change[q] = d->far[q] == 2    ? EAR_DRIFT_BEGAN
                   : drifted && !far ? EAR_DRIFT_ENDED
                                     : EAR_DRIFT_AS_BEFORE;
}

void ear_drift_expect(struct ear_drift *drift, ear_question question, const float *shares,
                      size_t label_count, float p)
{
    struct ear_drift_norm *norm = &drift->norm[question];
    *norm = (struct ear_drift_norm){.known = true, .p = p};
    memcpy(norm->shares, shares, label_count * sizeof *shares);
}

/* Nothing more is to be learned of what heads are held against. */
static bool is_set(const struct ear_drift *drift)
{
    if (drift->reference.posts == EAR_DRIFT_REFERENCE) return true;
    for (size_t q = 0; q < EAR_QUESTIONS; q++)
        if (!drift->norm[q].known) return false;
    return true;
}

/* Heads of which nothing else is known are to go on as they began. */
static void learn_norms(struct ear_drift *drift)
{
    const struct ear_drift_tally *first = &drift->reference;
    for (size_t q = 0; q < EAR_QUESTIONS; q++) {
        struct ear_drift_norm *norm = &drift->norm[q];
        if (norm->known || first->spoken[q] < EAR_DRIFT_LEAST) continue;
        for (size_t i = 0; i < EAR_MODEL_LABELS_MAX; i++)
            norm->shares[i] = (float)first->labels[q][i] / (float)first->spoken[q];
        norm->p = (float)(first->p[q] / first->spoken[q]);
        norm->known = true;
    }
}

bool ear_drift_add(struct ear_drift *drift, const struct ear_triage *triage,
                   struct ear_drift_tally *last)
{
    if (!is_set(drift)) {
        count(&drift->reference, triage);
        if (drift->reference.posts == EAR_DRIFT_REFERENCE) learn_norms(drift);
        return false;
    }
    count(&drift->window, triage);
    if (drift->window.posts < EAR_DRIFT_WINDOW) return false;
    for (size_t q = 0; q < EAR_QUESTIONS; q++) compare(drift, q);
    *last = drift->window;
    drift->window = (struct ear_drift_tally){.posts = 0};
    return true;
}
