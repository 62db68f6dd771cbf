#include "calibrate.h"

#include <math.h>
#include <stdlib.h>

#define STEPS         200 /* of gradient descent */
#define NEWTON        30
#define OFFSET_PULL   0.002 /* offsets stay near 0 where little speaks for them */
#define MANY_LABELS   24    /* of so many, each is too rare for an offset of its own */
#define TUNE_STEP     0.15f
#define TUNE_ROUNDS   4
#define OUTSIDE_PRICE 6

/* ---- one column: Platt ---- */

static void platt(const struct ear_heldout *h, size_t column, size_t columns, float *slope,
                  float *offset)
{
    double a = 1, b = 0;
    for (int i = 0; i < NEWTON; i++) {
        double ga = 1e-3 * (a - 1), gb = 1e-3 * b, haa = 1e-3, hab = 0, hbb = 1e-3;
        for (size_t e = 0; e < h->count; e++) {
            bool has = ear_task_has(h->task, &h->task->examples[h->examples[e]], column);
            double s = (double)h->scores[e * columns + column];
            double p = 1 / (1 + exp(-(a * s + b))), w = p * (1 - p);
            ga += (p - has) * s;
            gb += p - has;
            haa += w * s * s;
            hab += w * s;
            hbb += w;
        }
        double det = haa * hbb - hab * hab;
        if (det < 1e-12) break;
        double da = (hbb * ga - hab * gb) / det, db = (haa * gb - hab * ga) / det;
        double step = fmin(1, 2 / (fabs(da) + fabs(db) + 1e-12));
        a -= step * da;
        b -= step * db;
    }
    *slope = (float)fmax(a, 0.01);
    *offset = (float)b;
}

/* ---- softmax: temperature and offsets ---- */

struct descent {
    double slope;
    double offset[EAR_MODEL_LABELS_MAX];
    double slope_gradient;
    double offset_gradient[EAR_MODEL_LABELS_MAX];
};

static void add_gradient(const struct ear_heldout *h, size_t e, size_t labels, struct descent *d)
{
    float z[EAR_MODEL_LABELS_MAX], p[EAR_MODEL_LABELS_MAX];
    const float *s = h->scores + e * labels;
    for (size_t k = 0; k < labels; k++) z[k] = (float)(d->slope * (double)s[k] + d->offset[k]);
    ear_head_probabilities(EAR_HEAD_SOFTMAX, z, labels, p);
    uint64_t label = h->task->examples[h->examples[e]].labels;
    for (size_t k = 0; k < labels; k++) {
        double off = ((double)p[k] - (k == label)) / (double)h->count;
        d->slope_gradient += off * (double)s[k];
        d->offset_gradient[k] += off;
    }
}

static void descend(const struct ear_heldout *h, float *slope, float *offset)
{
    size_t labels = h->task->label_count;
    struct descent d = {.slope = 1};
    double slope_speed = 0, offset_speed[EAR_MODEL_LABELS_MAX] = {0};
    for (int i = 0; i < STEPS; i++) {
        d.slope_gradient = 0;
        for (size_t k = 0; k < labels; k++) d.offset_gradient[k] = OFFSET_PULL * d.offset[k];
        for (size_t e = 0; e < h->count; e++) add_gradient(h, e, labels, &d);
        slope_speed = 0.8 * slope_speed - 0.3 * d.slope_gradient;
        d.slope = fmax(d.slope + slope_speed, 0.05);
        for (size_t k = 0; k < labels && labels <= MANY_LABELS; k++) {
            offset_speed[k] = 0.8 * offset_speed[k] - d.offset_gradient[k];
            d.offset[k] += offset_speed[k];
        }
    }
    for (size_t k = 0; k < labels; k++) {
        slope[k] = (float)d.slope;
        offset[k] = (float)d.offset[k];
    }
}

/* ---- what is said ---- */

struct tally {
    size_t gold[EAR_MODEL_LABELS_MAX], said[EAR_MODEL_LABELS_MAX], hit[EAR_MODEL_LABELS_MAX];
    size_t hits;
};

static void count_said(const struct ear_heldout *h, const struct ear_calibration *c,
                       struct tally *t)
{
    float p[EAR_MODEL_LABELS_MAX];
    *t = (struct tally){0};
    for (size_t e = 0; e < h->count; e++) {
        ear_calibrated(c, h->task, h->scores + e * c->columns, p);
        size_t said = ear_calibrated_label(p, h->task->label_count);
        size_t gold = (size_t)h->task->examples[h->examples[e]].labels;
        t->gold[gold]++;
        t->said[said]++;
        t->hit[gold] += said == gold;
        t->hits += said == gold;
    }
}

/* Accuracy and, as much as the task asks for, macro-F1. */
static double worth(const struct ear_heldout *h, const struct ear_calibration *c)
{
    struct tally t;
    size_t present = 0;
    double f1 = 0;
    count_said(h, c, &t);
    for (size_t k = 0; k < h->task->label_count; k++) {
        if (!t.gold[k]) continue;
        present++;
        f1 += 2 * (double)t.hit[k] / (double)(t.gold[k] + t.said[k]);
    }
    return (double)t.hits / (double)h->count +
           (double)h->task->tune * f1 / (double)(present ? present : 1);
}

/* Up or down a step a label, as long as something is gained. */
static void tune(const struct ear_heldout *h, struct ear_calibration *c)
{
    double best = worth(h, c);
    for (int round = 0; round < TUNE_ROUNDS; round++) {
        bool better = false;
        for (size_t k = 0; k < c->columns; k++) {
            for (int side = -1; side <= 1; side += 2) {
                float was = c->offset[k];
                c->offset[k] = was + (float)side * TUNE_STEP;
                double now = worth(h, c);
                bool gain = now > best + 1e-9;
                if (gain) best = now;
                better = better || gain;
                if (!gain) c->offset[k] = was;
            }
        }
        if (!better) break;
    }
}

/* How easily a post is called an outsider: a point of accuracy inside is worth as much as
 * OUTSIDE_PRICE points of outsiders found. */
static void tune_outside(const struct ear_heldout *h, struct ear_calibration *c)
{
    size_t out = (size_t)h->task->outside;
    float best_offset = c->offset[out], was = best_offset;
    double best = -1;
    for (int step = -20; step <= 120; step++) {
        struct tally t;
        c->offset[out] = was + 0.1f * (float)step;
        count_said(h, c, &t);
        double inside = (double)(h->count - t.gold[out]), outside = (double)t.gold[out];
        double now = (double)(t.hits - t.hit[out]) / fmax(inside, 1) +
                     (double)t.hit[out] / fmax(outside, 1) / OUTSIDE_PRICE;
        if (now <= best) continue;
        best = now;
        best_offset = c->offset[out];
    }
    c->offset[out] = best_offset;
}

static bool can_tune(const struct ear_task *task)
{
    return task->tune > 0 && task->kind != EAR_HEAD_FLAGS && task->label_count <= MANY_LABELS;
}

/* ---- coverage ---- */

struct said {
    float p;
    bool right;
};

static int by_p(const void *a, const void *b)
{
    float x = ((const struct said *)a)->p, y = ((const struct said *)b)->p;
    return (x > y) - (x < y);
}

static void say_all(const struct ear_heldout *h, const struct ear_calibration *c, struct said *all)
{
    float p[EAR_MODEL_LABELS_MAX];
    for (size_t e = 0; e < h->count; e++) {
        ear_calibrated(c, h->task, h->scores + e * c->columns, p);
        size_t label = ear_calibrated_label(p, h->task->label_count);
        all[e] =
            (struct said){p[label], ear_task_has(h->task, &h->task->examples[h->examples[e]],
                                                 h->task->kind == EAR_HEAD_BINARY ? 0 : label)};
        if (h->task->kind == EAR_HEAD_BINARY || h->task->kind == EAR_HEAD_ORDINAL)
            all[e].right = h->task->examples[h->examples[e]].labels == label;
    }
    qsort(all, h->count, sizeof *all, by_p);
}

static void set_coverage(const struct said *all, size_t count, float *coverage)
{
    for (size_t i = 0; i < EAR_MODEL_COVERAGES; i++) {
        size_t share = count * (i + 1) / EAR_MODEL_COVERAGES;
        size_t answered = share ? share : 1; /* of a handful the surest is the least there is */
        coverage[i] = i + 1 == EAR_MODEL_COVERAGES || !count ? 0 : all[count - answered].p;
    }
}

static void answer(const struct ear_heldout *h, struct ear_calibration *c)
{
    struct said *all = ear_alloc((h->count + 1) * sizeof *all);
    say_all(h, c, all);
    set_coverage(all, h->count, c->coverage);
    free(all);
}

static void identity(struct ear_calibration *c, size_t columns)
{
    *c = (struct ear_calibration){.columns = columns};
    c->slope = ear_alloc(columns * sizeof *c->slope);
    c->offset = ear_alloc(columns * sizeof *c->offset);
    for (size_t k = 0; k < columns; k++) c->slope[k] = 1;
}

void ear_calibrate(const struct ear_heldout *h, struct ear_calibration *out)
{
    size_t columns = ear_task_columns(h->task);
    identity(out, columns);
    if (!h->count) return;
    if (h->task->kind == EAR_HEAD_SOFTMAX)
        descend(h, out->slope, out->offset);
    else
        for (size_t k = 0; k < columns; k++) platt(h, k, columns, &out->slope[k], &out->offset[k]);
    if (can_tune(h->task)) tune(h, out);
    if (h->task->outside >= 0) tune_outside(h, out);
    for (size_t k = 0; k < columns; k++) {
        out->slope[k] *= h->task->temper;
        out->offset[k] = (out->offset[k] + h->task->lean[k]) * h->task->temper;
    }
    answer(h, out);
}

static void scale(struct ear_calibration *c, float factor)
{
    for (size_t k = 0; k < c->columns; k++) {
        c->slope[k] *= factor;
        c->offset[k] *= factor;
    }
}

/* The likelihood has one summit: uphill in steps that get smaller. */
static void climb(struct ear_calibration *c, const struct ear_heldout *h, float step, double *best)
{
    for (;;) {
        scale(c, step);
        double now = ear_calibrated_likelihood(c, h);
        if (now <= *best + 1e-9) break;
        *best = now;
    }
    scale(c, 1 / step);
}

void ear_calibration_rescale(const struct ear_calibration *from, const struct ear_heldout *h,
                             struct ear_calibration *out)
{
    identity(out, from->columns);
    memcpy(out->slope, from->slope, from->columns * sizeof *out->slope);
    memcpy(out->offset, from->offset, from->columns * sizeof *out->offset);
    double best = ear_calibrated_likelihood(out, h);
    for (float step = 1.3f; h->count && step > 1.005f; step = sqrtf(step)) {
        climb(out, h, step, &best);
        climb(out, h, 1 / step, &best);
    }
    scale(out, h->task->temper);
    answer(h, out);
}

void ear_calibration_release(struct ear_calibration *calibration)
{
    free(calibration->slope);
    free(calibration->offset);
    *calibration = (struct ear_calibration){0};
}

void ear_calibrated(const struct ear_calibration *c, const struct ear_task *task,
                    const float *scores, float *p)
{
    float z[EAR_MODEL_LABELS_MAX];
    for (size_t k = 0; k < c->columns; k++) z[k] = c->slope[k] * scores[k] + c->offset[k];
    ear_head_probabilities(task->kind, z, task->label_count, p);
}

double ear_calibrated_likelihood(const struct ear_calibration *c, const struct ear_heldout *h)
{
    float p[EAR_MODEL_LABELS_MAX];
    double sum = 0;
    for (size_t i = 0; i < h->count; i++) {
        uint64_t labels = h->task->examples[h->examples[i]].labels;
        ear_calibrated(c, h->task, h->scores + i * c->columns, p);
        for (size_t k = 0; k < h->task->label_count; k++) {
            bool flags = h->task->kind == EAR_HEAD_FLAGS,
                 has = flags ? labels >> k & 1 : labels == k;
            if (has || flags) sum += log(fmax(1e-7, (double)(has ? p[k] : 1 - p[k])));
        }
    }
    return sum / (double)(h->count ? h->count : 1);
}

size_t ear_calibrated_label(const float *p, size_t label_count)
{
    size_t best = 0;
    for (size_t k = 1; k < label_count; k++)
        if (p[k] > p[best]) best = k;
    return best;
}
