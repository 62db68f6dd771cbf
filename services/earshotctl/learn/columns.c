#include "columns.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS 2

/* What all columns of a head share. */
struct field {
    struct ear_columns *out;
    const struct ear_task *task;
    const struct ear_solver_options *options;
    const struct ear_matrix_part *part; /* the rows of the head's examples */
    struct ear_problem problem;
    const size_t *examples; /* of each row of the problem */
};

struct share {
    const struct field *field;
    size_t first;
};

/* What is blended: scaled n-grams trust single words, unscaled ones trust how words go together,
 * and their mean is right more often than either. It is one score again: it costs a reader nothing.
 */
static const struct {
    float ratio, cost; /* the power of the scaling, and a factor that makes up for it */
} blends[] = {{1, 2.0f / 3}, {0.5f, 4.0f / 3}, {0, 4}};

/* Adds a share of a solution in the head's own numbers of columns; what was not learned stays 0. */
static void add_solution(const struct field *f, const struct ear_problem *problem,
                         const struct ear_solver_options *options, float share, size_t column,
                         float *scratch)
{
    float *weights = f->out->weights + column * f->out->inputs, bias;
    ear_solve(problem, options, scratch, &bias);
    f->out->biases[column] += bias * share;
    for (uint32_t i = 0; i < problem->x->column_count; i++)
        weights[f->part->origin[i]] += scratch[i] * share;
}

static void solve(const struct field *f, const struct ear_problem *problem, size_t column,
                  float *scratch)
{
    if (!f->task->blend) {
        add_solution(f, problem, f->options, 1, column, scratch);
        return;
    }
    for (size_t i = 0; i < EAR_COUNT(blends); i++) {
        struct ear_solver_options options = *f->options;
        options.ratio = blends[i].ratio;
        options.c *= blends[i].cost;
        add_solution(f, problem, &options, 1.0f / EAR_COUNT(blends), column, scratch);
    }
}

static void *fit_share(void *arg)
{
    const struct share *share = arg;
    const struct field *f = share->field;
    bool *has = ear_alloc(f->problem.x->row_count + 1);
    float *scratch = ear_alloc(((size_t)f->problem.x->column_count + 1) * sizeof *scratch);
    for (size_t c = share->first; c < f->out->count; c += THREADS) {
        struct ear_problem problem = f->problem;
        for (size_t i = 0; i < problem.x->row_count; i++)
            has[i] = ear_task_has(f->task, &f->task->examples[f->examples[i]], c);
        problem.has = has;
        solve(f, &problem, c, scratch);
    }
    free(has);
    free(scratch);
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

static void fit_examples(struct ear_columns *out, const struct ear_matrix *x,
                         const struct ear_task *task, const struct ear_solver_options *options,
                         const size_t *examples, size_t count)
{
    uint32_t *rows = ear_alloc((count + 1) * sizeof *rows);
    float *weights = ear_alloc((count + 1) * sizeof *weights);
    bool *home = ear_alloc(count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct ear_example *e = &task->examples[examples[i]];
        rows[i] = e->row;
        weights[i] = e->weight;
        home[i] = e->home || e->part != EAR_PART_EXTRA;
    }
    struct ear_matrix_part part;
    ear_matrix_part_init(&part, x, rows, count);
    struct field field = {
        .out = out, .task = task, .options = options, .part = &part, .examples = examples};
    field.problem = (struct ear_problem){.x = &part.x, .weights = weights, .home = home};
    fit_shares(&field);
    ear_matrix_part_release(&part);
    free(rows);
    free(weights);
    free(home);
}

void ear_columns_fit(struct ear_columns *out, const struct ear_matrix *x,
                     const struct ear_task *task, const struct ear_solver_options *options,
                     const bool *use)
{
    size_t *examples = ear_alloc((task->count + 1) * sizeof *examples), count = 0;
    for (size_t i = 0; i < task->count; i++)
        if (use[i]) examples[count++] = i;
    *out = (struct ear_columns){.count = ear_task_columns(task), .inputs = x->column_count};
    out->weights = ear_alloc(out->count * out->inputs * sizeof *out->weights);
    out->biases = ear_alloc(out->count * sizeof *out->biases);
    fit_examples(out, x, task, options, examples, count);
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
