#include "columns.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS 2

/* What all columns of a head share. */
struct field {
    struct ear_columns *out;
    const struct ear_task *task;
    const struct ear_solver_options *options;
    struct ear_problem problem;
    const size_t *examples; /* of each row of the problem */
};

struct share {
    const struct field *field;
    size_t first;
};

static void *fit_share(void *arg)
{
    const struct share *share = arg;
    const struct field *f = share->field;
    bool *has = ear_alloc(f->problem.count + 1);
    for (size_t c = share->first; c < f->out->count; c += THREADS) {
        struct ear_problem problem = f->problem;
        for (size_t i = 0; i < problem.count; i++)
            has[i] = ear_task_has(f->task, &f->task->examples[f->examples[i]], c);
        problem.has = has;
        ear_solve(&problem, f->options, f->out->weights + c * f->out->inputs, &f->out->biases[c]);
    }
    free(has);
    return NULL;
}

static void fit_shares(const struct field *field)
{
    struct share shares[THREADS];
    pthread_t threads[THREADS];
    bool started[THREADS] = {false};
    for (size_t i = 0; i < THREADS; i++) shares[i] = (struct share){field, i};
    for (size_t i = 1; i < THREADS && i < field->out->count; i++)
        started[i] = pthread_create(&threads[i], NULL, fit_share, &shares[i]) == 0;
    fit_share(&shares[0]);
    for (size_t i = 1; i < THREADS; i++)
        if (started[i])
            pthread_join(threads[i], NULL);
        else
            fit_share(&shares[i]);
}

void ear_columns_fit(struct ear_columns *out, const struct ear_matrix *x,
                     const struct ear_task *task, const struct ear_solver_options *options,
                     const bool *use)
{
    uint32_t *rows = ear_alloc((task->count + 1) * sizeof *rows);
    float *weights = ear_alloc((task->count + 1) * sizeof *weights);
    size_t *examples = ear_alloc((task->count + 1) * sizeof *examples), count = 0;
    for (size_t i = 0; i < task->count; i++) {
        if (!use[i]) continue;
        rows[count] = task->examples[i].row;
        weights[count] = task->examples[i].weight;
        examples[count++] = i;
    }
    *out = (struct ear_columns){.count = ear_task_columns(task), .inputs = x->column_count};
    out->weights = ear_alloc(out->count * out->inputs * sizeof *out->weights);
    out->biases = ear_alloc(out->count * sizeof *out->biases);
    struct field field = {.out = out,
                          .task = task,
                          .options = options,
                          .problem = {.x = x, .count = count, .rows = rows, .weights = weights},
                          .examples = examples};
    fit_shares(&field);
    free(rows);
    free(weights);
    free(examples);
}

void ear_columns_release(struct ear_columns *columns)
{
    free(columns->weights);
    free(columns->biases);
    *columns = (struct ear_columns){0};
}

void ear_columns_score(const struct ear_columns *columns, const struct ear_matrix *x, uint32_t row,
                       float *scores)
{
    size_t count;
    const struct ear_cell *cells = ear_matrix_row(x, row, &count);
    for (size_t c = 0; c < columns->count; c++)
        scores[c] = ear_solved_score(columns->weights + c * columns->inputs, columns->biases[c],
                                     cells, count);
}
