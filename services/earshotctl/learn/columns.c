#include "columns.h"

#include "turns.h"
#include <stdlib.h>

/* What all columns of a head share. */
struct field {
    struct ear_columns *out;
    const struct ear_task *task;
    const struct ear_solver_options *options;
    const struct ear_matrix_part *part; /* the rows of the head's examples */
    struct ear_problem problem;
    const size_t *examples; /* of each row of the problem */
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

static void fit_column(const void *self, size_t column)
{
    const struct field *f = self;
    struct ear_problem problem = f->problem;
    bool *has = ear_alloc(problem.x->row_count + 1);
    float *scratch = ear_alloc(((size_t)problem.x->column_count + 1) * sizeof *scratch);
    for (size_t i = 0; i < problem.x->row_count; i++)
        has[i] = ear_task_has(f->task, &f->task->examples[f->examples[i]], column);
    problem.has = has;
    solve(f, &problem, column, scratch);
    free(has);
    free(scratch);
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
    ear_turns(out->count, fit_column, &field);
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
