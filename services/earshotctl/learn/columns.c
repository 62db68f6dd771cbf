#include "columns.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS 2

/* The rows of a head's examples with the columns that occur in them, numbered anew in the order of
 * appearance: what a solver walks through again and again lies close together. Dense columns come
 * last, all of them, as in the matrix. */
struct extract {
    struct ear_matrix x;
    uint32_t *origin; /* of each column: its number in the matrix */
};

static void number_columns(const struct ear_matrix *x, const uint32_t *rows, size_t count,
                           uint32_t *number, struct extract *out)
{
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        size_t cells;
        const struct ear_cell *cell = ear_matrix_row(x, rows[i], &cells);
        for (size_t k = 0; k < cells; k++) {
            if (cell[k].column >= x->sparse_columns || number[cell[k].column]) continue;
            out->origin[found] = cell[k].column;
            number[cell[k].column] = ++found;
        }
    }
    ear_matrix_init(&out->x, found, x->column_count - x->sparse_columns);
    for (uint32_t c = x->sparse_columns; c < x->column_count; c++) {
        out->origin[found] = c;
        number[c] = ++found;
    }
}

static void extract_rows(const struct ear_matrix *x, const uint32_t *rows, size_t count,
                         struct extract *out)
{
    uint32_t *number = ear_alloc(((size_t)x->column_count + 1) * sizeof *number); /* 0: none yet */
    struct ear_cell *copy = NULL;
    size_t room = 0;
    out->origin = ear_alloc(((size_t)x->column_count + 1) * sizeof *out->origin);
    number_columns(x, rows, count, number, out);
    for (size_t i = 0; i < count; i++) {
        size_t cells;
        const struct ear_cell *cell = ear_matrix_row(x, rows[i], &cells);
        if (cells > room) {
            free(copy);
            copy = ear_alloc((room = cells * 2) * sizeof *copy);
        }
        for (size_t k = 0; k < cells; k++)
            copy[k] = (struct ear_cell){number[cell[k].column] - 1, cell[k].value};
        ear_matrix_add(&out->x, copy, cells);
    }
    free(copy);
    free(number);
}

static void extract_release(struct extract *extract)
{
    ear_matrix_release(&extract->x);
    free(extract->origin);
}

/* What all columns of a head share. */
struct field {
    struct ear_columns *out;
    const struct ear_task *task;
    const struct ear_solver_options *options;
    const struct extract *extract;
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
        weights[f->extract->origin[i]] += scratch[i] * share;
}

static void solve(const struct field *f, const struct ear_problem *problem, size_t column,
                  float *scratch)
{
    if (!f->options->blend) {
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
    bool *has = ear_alloc(f->problem.count + 1);
    float *scratch = ear_alloc(((size_t)f->problem.x->column_count + 1) * sizeof *scratch);
    for (size_t c = share->first; c < f->out->count; c += THREADS) {
        struct ear_problem problem = f->problem;
        for (size_t i = 0; i < problem.count; i++)
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
    uint32_t *rows = ear_alloc((count + 1) * sizeof *rows),
             *own = ear_alloc((count + 1) * sizeof *own);
    float *weights = ear_alloc((count + 1) * sizeof *weights);
    bool *home = ear_alloc(count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct ear_example *e = &task->examples[examples[i]];
        own[i] = (uint32_t)i;
        rows[i] = e->row;
        weights[i] = e->weight;
        home[i] = e->home || e->part != EAR_PART_EXTRA;
    }
    struct extract extract;
    extract_rows(x, rows, count, &extract);
    struct field field = {
        .out = out, .task = task, .options = options, .extract = &extract, .examples = examples};
    field.problem = (struct ear_problem){
        .x = &extract.x, .count = count, .rows = own, .weights = weights, .home = home};
    fit_shares(&field);
    extract_release(&extract);
    free(rows);
    free(own);
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
