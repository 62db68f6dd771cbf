#include "fit.h"

#include "split.h"
#include <math.h>
#include <stdlib.h>

struct fitting {
    const struct ear_matrix *x;
    const uint64_t *keys;
    const struct ear_task *task;
    const struct ear_fit_options *options;
    const bool *use; /* NULL: all */
    bool *learn;     /* scratch: what a fold learns from */
    size_t *heldout; /* kept by the head, and so are the best scores */
    size_t heldout_count;
    float *scores; /* heldout_count × columns */
    bool validated;
};

static bool used(const struct fitting *f, size_t example)
{
    return !f->use || f->use[example];
}

static unsigned fold_of(const struct fitting *f, size_t example)
{
    return ear_split_fold(f->keys[f->task->examples[example].row], f->options->seed,
                          f->options->folds);
}

/* Validation examples where there are any, else those that the head is meant for. */
static void choose_heldout(struct fitting *f)
{
    for (size_t i = 0; i < f->task->count; i++)
        f->validated =
            f->validated || (used(f, i) && f->task->examples[i].part == EAR_PART_VALIDATION);
    ear_part part = f->validated ? EAR_PART_VALIDATION : EAR_PART_TRAIN;
    for (size_t i = 0; i < f->task->count; i++)
        if (used(f, i) && f->task->examples[i].part == part) f->heldout[f->heldout_count++] = i;
}

static void score_fold(struct fitting *f, const struct ear_solver_options *solver, unsigned fold)
{
    struct ear_columns columns;
    for (size_t i = 0; i < f->task->count; i++)
        f->learn[i] = used(f, i) && (f->validated ? f->task->examples[i].part != EAR_PART_VALIDATION
                                                  : fold_of(f, i) != fold);
    ear_columns_fit(&columns, f->x, f->task, solver, f->learn);
    for (size_t i = 0; i < f->heldout_count; i++)
        if (f->validated || fold_of(f, f->heldout[i]) == fold)
            ear_columns_score(&columns, f->x, f->task->examples[f->heldout[i]].row,
                              f->scores + i * columns.count);
    ear_columns_release(&columns);
}

static struct ear_heldout heldout_of(const struct fitting *f)
{
    return (struct ear_heldout){f->task, f->heldout, f->heldout_count, f->scores};
}

/* The figures by which is chosen: what is right, and how sure it was. */
static double merit(const struct fitting *f, const struct ear_calibration *c)
{
    struct ear_heldout heldout = heldout_of(f);
    float p[EAR_MODEL_LABELS_MAX];
    size_t hits = 0;
    for (size_t i = 0; i < f->heldout_count; i++) {
        ear_calibrated(c, f->task, f->scores + i * c->columns, p);
        hits += ear_calibrated_label(p, f->task->label_count) ==
                f->task->examples[f->heldout[i]].labels;
    }
    if (f->task->kind == EAR_HEAD_FLAGS) hits = 0;
    return (double)hits / (double)(f->heldout_count ? f->heldout_count : 1) +
           0.1 * ear_calibrated_likelihood(c, &heldout);
}

static void try_choice(struct fitting *f, struct ear_fit_choice choice, double *best,
                       struct ear_fitted *out)
{
    struct ear_solver_options solver = f->task->solver;
    struct ear_calibration calibration;
    solver.c = choice.cost;
    solver.ratio = choice.ratio;
    for (unsigned fold = 0; fold < (f->validated ? 1 : f->options->folds); fold++)
        score_fold(f, &solver, fold);
    struct ear_heldout heldout = heldout_of(f);
    ear_calibrate(&heldout, &calibration);
    double now = merit(f, &calibration);
    if (now > *best) {
        ear_calibration_release(&out->calibration);
        out->calibration = calibration;
        out->choice = choice;
        *best = now;
        float *spare = out->scores;
        out->scores = f->scores;
        f->scores = spare;
    } else {
        ear_calibration_release(&calibration);
    }
}

void ear_fit(const struct ear_matrix *x, const uint64_t *keys, const struct ear_task *task,
             const struct ear_fit_options *options, const bool *use, struct ear_fitted *out)
{
    struct fitting f = {.x = x, .keys = keys, .task = task, .options = options, .use = use};
    double best = -INFINITY;
    *out = (struct ear_fitted){0};
    f.learn = ear_alloc(task->count + 1);
    f.heldout = ear_alloc((task->count + 1) * sizeof *f.heldout);
    choose_heldout(&f);
    size_t room = (f.heldout_count + 1) * ear_task_columns(task) * sizeof *f.scores;
    f.scores = ear_alloc(room);
    out->scores = ear_alloc(room);
    struct ear_fit_choice own = {task->solver.c, task->solver.ratio};
    bool given = own.cost > 0;
    for (size_t i = 0; i < (given ? 1 : options->choice_count); i++)
        try_choice(&f, given ? own : options->choices[i], &best, out);
    struct ear_solver_options solver = task->solver;
    solver.c = out->choice.cost;
    solver.ratio = out->choice.ratio;
    for (size_t i = 0; i < task->count; i++) f.learn[i] = used(&f, i);
    ear_columns_fit(&out->columns, x, task, &solver, f.learn);
    out->heldout = f.heldout;
    out->heldout_count = f.heldout_count;
    free(f.learn);
    free(f.scores);
}

void ear_fitted_release(struct ear_fitted *fitted)
{
    ear_columns_release(&fitted->columns);
    ear_calibration_release(&fitted->calibration);
    free(fitted->heldout);
    free(fitted->scores);
    free(fitted->stack);
    free(fitted->network);
}

void ear_fitted_score(const struct ear_fitted *fitted, const struct ear_matrix *x, uint32_t row,
                      float *scores)
{
    size_t columns = fitted->columns.count;
    ear_columns_score(&fitted->columns, x, row, scores);
    for (size_t k = 0; fitted->network && k < columns; k++)
        scores[k] += fitted->network[row * columns + k];
}

void ear_fitted_read(const struct ear_fitted *fitted, const struct ear_matrix *x,
                     const struct ear_task *task, uint32_t row, float *p)
{
    float scores[EAR_MODEL_LABELS_MAX];
    ear_fitted_score(fitted, x, row, scores);
    ear_calibrated(&fitted->calibration, task, scores, p);
}
