#include "stack.h"

#include "split.h"
#include <stdlib.h>

#define STEPS    400 /* of gradient descent */
#define RATE     0.1
#define MOMENTUM 0.9
#define PULL     5 /* weights stay near 0 where few posts speak for them */

size_t ear_stack_width(const struct ear_lessons *lessons)
{
    size_t width = 0;
    for (size_t t = 0; t < lessons->task_count; t++) {
        const struct ear_task *task = &lessons->tasks[t];
        if (ear_task_heard(task))
            width += EAR_STACK_PER_P * ear_stack_labels(task->kind, task->label_count);
    }
    return width;
}

/* ---- what heads of level 1 said of the posts that one of level 2 was not to learn from ---- */

/* Where a head has a row among its held-out examples, plus one; 0: it was not held out. */
static uint32_t *places_of(const struct ear_lessons *lessons, const struct ear_task *task,
                           const struct ear_fitted *fitted)
{
    uint32_t *places = ear_alloc((lessons->corpus.x.row_count + 1) * sizeof *places);
    for (size_t i = 0; i < fitted->heldout_count; i++)
        places[task->examples[fitted->heldout[i]].row] = (uint32_t)i + 1;
    return places;
}

/* One head's part of all inputs. */
static size_t hear(const struct ear_lessons *lessons, const struct ear_fitted *fitted, size_t from,
                   size_t to, float *inputs, size_t width)
{
    const struct ear_task *task = &lessons->tasks[from], *own = &lessons->tasks[to];
    uint32_t *places = places_of(lessons, task, &fitted[from]);
    size_t filled = 0;
    for (size_t i = 0; i < fitted[to].heldout_count; i++) {
        float p[EAR_MODEL_LABELS_MAX];
        uint32_t row = own->examples[fitted[to].heldout[i]].row;
        if (places[row])
            ear_calibrated(&fitted[from].calibration, task,
                           fitted[from].scores + (places[row] - 1) * fitted[from].columns.count, p);
        else
            ear_fitted_read(&fitted[from], &lessons->corpus.x, task, row, p);
        filled = ear_stack_fill(task->kind, p, task->label_count, inputs + i * width);
    }
    free(places);
    return filled;
}

static float *hear_all(const struct ear_lessons *lessons, const struct ear_fitted *fitted,
                       size_t to, size_t width)
{
    float *inputs = ear_alloc((fitted[to].heldout_count + 1) * width * sizeof *inputs);
    for (size_t t = 0, at = 0; t < lessons->task_count; t++)
        if (ear_task_heard(&lessons->tasks[t]))
            at += hear(lessons, fitted, t, to, inputs + at, width);
    return inputs;
}

/* ---- weights of it ---- */

struct stacking {
    const struct ear_task *task;
    const struct ear_fitted *fitted;
    size_t width, columns;
    const float *inputs; /* [held-out example × width] */
    const unsigned *folds;
    double *weights; /* [input × columns + column], the biases last; on calibrated logits */
};

static void logits_of(const struct stacking *s, size_t i, float *z)
{
    const struct ear_calibration *c = &s->fitted->calibration;
    const float *score = s->fitted->scores + i * s->columns, *input = s->inputs + i * s->width;
    for (size_t k = 0; k < s->columns; k++) {
        double sum = s->weights[s->width * s->columns + k];
        for (size_t d = 0; d < s->width; d++)
            sum += (double)input[d] * s->weights[d * s->columns + k];
        z[k] = c->slope[k] * score[k] + c->offset[k] + (float)sum;
    }
}

static void add_gradient(const struct stacking *s, size_t i, double *gradient)
{
    float z[EAR_MODEL_LABELS_MAX], p[EAR_MODEL_LABELS_MAX];
    const float *input = s->inputs + i * s->width;
    uint64_t label = s->task->examples[s->fitted->heldout[i]].labels;
    logits_of(s, i, z);
    ear_head_probabilities(EAR_HEAD_SOFTMAX, z, s->columns, p);
    for (size_t k = 0; k < s->columns; k++) {
        double off = (double)p[k] - (k == label);
        for (size_t d = 0; d < s->width; d++)
            gradient[d * s->columns + k] += off * (double)input[d];
        gradient[s->width * s->columns + k] += off;
    }
}

/* Learns from all held-out examples but those of a fold. */
static void learn(const struct stacking *s, unsigned without)
{
    size_t all = (s->width + 1) * s->columns;
    double *gradient = ear_alloc(all * sizeof *gradient), *speed = ear_alloc(all * sizeof *speed);
    memset(s->weights, 0, all * sizeof *s->weights);
    for (int step = 0; step < STEPS; step++) {
        size_t posts = 1;
        for (size_t w = 0; w < all; w++) gradient[w] = PULL * s->weights[w];
        for (size_t i = 0; i < s->fitted->heldout_count; i++) {
            if (s->folds[i] == without) continue;
            add_gradient(s, i, gradient);
            posts++;
        }
        for (size_t w = 0; w < all; w++) {
            speed[w] = MOMENTUM * speed[w] - RATE * gradient[w] / (double)posts;
            s->weights[w] += speed[w];
        }
    }
    free(gradient);
    free(speed);
}

/* Logits of each held-out example by weights that were learned without it. */
static float *cross(const struct stacking *s, unsigned folds)
{
    float *logits = ear_alloc((s->fitted->heldout_count + 1) * s->columns * sizeof *logits);
    for (unsigned fold = 0; fold < folds; fold++) {
        learn(s, fold);
        for (size_t i = 0; i < s->fitted->heldout_count; i++)
            if (s->folds[i] == fold) logits_of(s, i, logits + i * s->columns);
    }
    return logits;
}

/* Two calibrations, one upon the other with the stack between, become one around the raw score. */
static void merge(const struct stacking *s, struct ear_calibration *second, struct ear_fitted *out)
{
    const struct ear_calibration *first = &s->fitted->calibration;
    for (size_t k = 0; k < s->columns; k++) {
        for (size_t d = 0; d < s->width; d++)
            out->stack[d * s->columns + k] =
                (float)(s->weights[d * s->columns + k] / (double)first->slope[k]);
        double bias = s->weights[s->width * s->columns + k];
        second->offset[k] += second->slope[k] * (first->offset[k] + (float)bias);
        second->slope[k] *= first->slope[k];
    }
    ear_calibration_release(&out->calibration);
    out->calibration = *second;
}

static void stack(const struct ear_lessons *lessons, struct ear_fitted *fitted, size_t at)
{
    struct ear_fitted *own = &fitted[at];
    size_t width = ear_stack_width(lessons), columns = own->columns.count;
    float *inputs = hear_all(lessons, fitted, at, width);
    unsigned *folds = ear_alloc((own->heldout_count + 1) * sizeof *folds);
    double *weights = ear_alloc((width + 1) * columns * sizeof *weights);
    struct stacking s = {&lessons->tasks[at], own, width, columns, inputs, folds, weights};
    for (size_t i = 0; i < own->heldout_count; i++)
        folds[i] = ear_split_fold(lessons->corpus.keys[s.task->examples[own->heldout[i]].row],
                                  lessons->fit.seed, lessons->fit.folds);
    float *logits = cross(&s, lessons->fit.folds);
    struct ear_calibration second;
    ear_calibrate(&(struct ear_heldout){s.task, own->heldout, own->heldout_count, logits}, &second);
    learn(&s, lessons->fit.folds);
    own->stack = ear_alloc(width * columns * sizeof *own->stack);
    merge(&s, &second, own);
    free(logits);
    free(weights);
    free(folds);
    free(inputs);
}

void ear_stack_fit(const struct ear_lessons *lessons, bool *const *use, struct ear_trained *out)
{
    *out = (struct ear_trained){.head_count = lessons->task_count};
    for (size_t t = 0; t < lessons->task_count; t++)
        ear_fit(&lessons->corpus.x, lessons->corpus.keys, &lessons->tasks[t], &lessons->fit,
                use ? use[t] : NULL, &out->heads[t]);
    ear_blend(lessons, use, out);
    for (size_t t = 0; t < lessons->task_count; t++)
        if (lessons->tasks[t].stacked) stack(lessons, out->heads, t);
}

void ear_stack_read(const struct ear_lessons *lessons, const struct ear_trained *trained, size_t at,
                    uint32_t row, float *p)
{
    const struct ear_matrix *x = &lessons->corpus.x;
    const struct ear_fitted *own = &trained->heads[at];
    size_t columns = own->columns.count;
    float scores[EAR_MODEL_LABELS_MAX], inputs[EAR_STACK_PER_P * EAR_MODEL_LABELS_MAX];
    ear_fitted_score(own, x, row, scores);
    const float *weights = own->stack;
    for (size_t t = 0; weights && t < lessons->task_count; t++) {
        const struct ear_task *task = &lessons->tasks[t];
        if (!ear_task_heard(task)) continue;
        ear_fitted_read(&trained->heads[t], x, task, row, p);
        size_t count = ear_stack_fill(task->kind, p, task->label_count, inputs);
        for (size_t d = 0; d < count; d++, weights += columns)
            for (size_t k = 0; k < columns; k++) scores[k] += inputs[d] * weights[k];
    }
    ear_calibrated(&own->calibration, &lessons->tasks[at], scores, p);
}
