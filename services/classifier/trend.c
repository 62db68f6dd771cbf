#include "trend.h"

#include "events.h"
#include <stdlib.h>

struct ear_trend {
    struct ear_drift drift;
    struct ear_drift_tally window;
    bool fresh; /* the model is new: what it is held against is to be asked of it */
};

struct ear_trend *ear_trend_new(void)
{
    struct ear_trend *trend = ear_alloc(sizeof *trend);
    ear_drift_reset(&trend->drift);
    trend->fresh = true;
    return trend;
}

void ear_trend_free(struct ear_trend **trend)
{
    EAR_FREE(*trend);
}

void ear_trend_restart(struct ear_trend *trend)
{
    ear_drift_reset(&trend->drift);
    trend->fresh = true;
    for (ear_question q = 0; q < EAR_QUESTIONS; q++)
        ear_metric_set(&M_CLASSIFIER_DRIFT, 0, ear_question_name(q));
}

static void show_shares(const struct ear_trend *trend, const struct ear_head *head,
                        ear_question question)
{
    char label[80];
    const char *name = ear_question_name(question);
    if (!trend->window.spoken[question]) return;
    double posts = trend->window.spoken[question];
    for (size_t i = 0; i < head->label_count; i++)
        if (ear_str_copy(label, sizeof label, head->labels[i]))
            ear_metric_set(&M_CLASSIFIER_SHARE, trend->window.labels[question][i] / posts, name,
                           label);
    ear_metric_set(&M_CLASSIFIER_UNSURE, trend->window.unsure[question] / posts, name);
    ear_metric_set(&M_CLASSIFIER_SURENESS, (double)trend->drift.mean_p[question], name);
    ear_metric_set(&M_CLASSIFIER_DRIFT, (double)trend->drift.moved[question], name);
}

static void tell_change(const struct ear_trend *trend, ear_question question)
{
    const struct ear_drift *drift = &trend->drift;
    double before = (double)drift->norm[question].p;
    if (drift->change[question] == EAR_DRIFT_BEGAN)
        ear_log(&EV_CLASSIFIER_DRIFTED, kv_text("head", ear_question_name(question)),
                kv_real("moved", (double)drift->moved[question]),
                kv_real("p", (double)drift->mean_p[question]), kv_real("p_before", before));
    if (drift->change[question] == EAR_DRIFT_ENDED)
        ear_log(&EV_CLASSIFIER_STEADY, kv_text("head", ear_question_name(question)),
                kv_real("moved", (double)drift->moved[question]));
}

static void begin(struct ear_trend *trend, const struct ear_triager *triager)
{
    for (ear_question q = 0; q < EAR_QUESTIONS; q++) {
        const struct ear_head *head = ear_triager_head(triager, q);
        if (head->shares)
            ear_drift_expect(&trend->drift, q, head->shares, head->label_count, head->sureness);
    }
    trend->fresh = false;
}

void ear_trend_add(struct ear_trend *trend, const struct ear_triager *triager,
                   const struct ear_triage *triage)
{
    if (trend->fresh) begin(trend, triager);
    if (!ear_drift_add(&trend->drift, triage, &trend->window)) return;
    for (ear_question q = 0; q < EAR_QUESTIONS; q++) {
        show_shares(trend, ear_triager_head(triager, q), q);
        tell_change(trend, q);
    }
}
