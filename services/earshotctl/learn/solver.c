#include "solver.h"

#include <math.h>
#include <stdlib.h>

#define SMOOTH      1.0
#define INNER_MAX   100
#define START_SHARE 1e-3
#define REST        3 /* passes that an example sits out once it is where it belongs */

/* The weights of a scaled column. */
struct column {
    float weight;
    float own; /* what examples at home add */
};

struct descent {
    const struct ear_problem *problem;
    const struct ear_solver_options *options;
    float *scales;          /* per column */
    struct ear_cell *cells; /* those of the problem, scaled */
    struct column *columns;
    double bias, own_bias;
    double *alphas;  /* per example */
    double *uppers;  /* per example: c × weight × balance */
    double *squares; /* per example: |x|² */
    uint32_t *order;
    uint8_t *resting; /* per example: passes to be left out of */
};

/* Presence counts are weighted; a column that speaks for neither side gets no scale and so no
 * weight. */
static void set_ratios(struct descent *d)
{
    const struct ear_problem *p = d->problem;
    size_t columns = p->x->sparse_columns;
    double *with = ear_alloc((columns * 2 + 1) * sizeof *with), *without = with + columns;
    double sum_with = 0, sum_without = 0, power = (double)d->options->ratio;
    memset(with, 0, columns * 2 * sizeof *with);
    for (size_t e = 0; e < p->x->row_count; e++) {
        size_t count;
        const struct ear_cell *cells = ear_matrix_row(p->x, e, &count);
        double *side = p->has[e] ? with : without, weight = (double)p->weights[e];
        *(p->has[e] ? &sum_with : &sum_without) += weight;
        for (size_t i = 0; i < count && cells[i].column < columns; i++)
            side[cells[i].column] += weight;
    }
    double base = log((sum_without + 2 * SMOOTH) / (sum_with + 2 * SMOOTH));
    for (size_t c = 0; c < columns; c++) {
        double ratio = base + log((with[c] + SMOOTH) / (without[c] + SMOOTH));
        d->scales[c] = (float)(power == 1 ? fabs(ratio) : pow(fabs(ratio), power));
    }
    free(with);
}

static void set_scales(struct descent *d)
{
    for (uint32_t c = 0; c < d->problem->x->column_count; c++)
        d->scales[c] = c < d->problem->x->sparse_columns ? 1 : d->options->dense;
    if (d->options->ratio > 0) set_ratios(d);
}

/* What every visit multiplies with the weights. */
static void set_cells(struct descent *d)
{
    const struct ear_matrix *x = d->problem->x;
    size_t count = x->starts[x->row_count];
    d->cells = ear_alloc((count + 1) * sizeof *d->cells);
    for (size_t i = 0; i < count; i++) {
        d->cells[i] = x->cells[i];
        d->cells[i].value *= d->scales[x->cells[i].column];
    }
}

static const struct ear_cell *cells_of(const struct descent *d, size_t e, size_t *count)
{
    (void)ear_matrix_row(d->problem->x, e, count);
    return d->cells + d->problem->x->starts[e];
}

static void set_costs(struct descent *d)
{
    const struct ear_problem *p = d->problem;
    double with = 0, all = 0, power = (double)d->options->balance;
    for (size_t e = 0; e < p->x->row_count; e++) {
        all += (double)p->weights[e];
        with += p->has[e] ? (double)p->weights[e] : 0;
    }
    double cost_with = with > 0 ? pow(all / (2 * with), power) : 0;
    double cost_without = all > with ? pow(all / (2 * (all - with)), power) : 0;
    for (size_t e = 0; e < p->x->row_count; e++)
        d->uppers[e] =
            (double)d->options->c * (double)p->weights[e] * (p->has[e] ? cost_with : cost_without);
}

/* How much of the weights of its own an example uses. */
static float own_share(const struct descent *d, size_t e)
{
    return !d->problem->home || d->problem->home[e] ? d->options->home : 0;
}

/* Two sums, since each waits for what was added to it before. */
static double dot(const struct descent *d, const struct ear_cell *cells, size_t count, float own)
{
    const struct column *columns = d->columns;
    double even = d->bias + (double)own * d->own_bias, odd = 0;
    size_t i = 0;
    for (; i + 1 < count; i += 2) {
        const struct column *a = &columns[cells[i].column], *b = &columns[cells[i + 1].column];
        even += (double)((a->weight + own * a->own) * cells[i].value);
        odd += (double)((b->weight + own * b->own) * cells[i + 1].value);
    }
    if (i < count) {
        const struct column *a = &columns[cells[i].column];
        even += (double)((a->weight + own * a->own) * cells[i].value);
    }
    return even + odd;
}

static void add(struct descent *d, const struct ear_cell *cells, size_t count, double by, float own)
{
    float step = (float)by;
    for (size_t i = 0; i < count; i++) {
        struct column *c = &d->columns[cells[i].column];
        float change = step * cells[i].value;
        c->weight += change;
        c->own += own * change;
    }
    d->bias += by;
    d->own_bias += (double)own * by;
}

static void start(struct descent *d)
{
    const struct ear_problem *p = d->problem;
    for (size_t e = 0; e < p->x->row_count; e++) {
        size_t count;
        const struct ear_cell *cells = cells_of(d, e, &count);
        double square = 1;
        for (size_t i = 0; i < count; i++) square += (double)(cells[i].value * cells[i].value);
        float own = own_share(d, e);
        d->squares[e] = square * (1 + (double)own * (double)own);
        d->order[e] = (uint32_t)e;
        d->alphas[e] = fmin(START_SHARE * d->uppers[e], 1e-8);
        if (d->uppers[e] > 0)
            add(d, cells, count, d->problem->has[e] ? d->alphas[e] : -d->alphas[e], own);
    }
}

/* Newton steps on one dual variable z in (0, upper), starting from the side where the optimum
 * is; returns z and the first gradient. */
static double step_of(double z_old, double upper, double square, double margin, double *gradient)
{
    double z = upper - z_old < 0.5 * upper ? 0.1 * z_old : z_old;
    double g = square * (z - z_old) + margin + log(z / (upper - z));
    *gradient = fabs(g);
    for (int i = 0; i < INNER_MAX && fabs(g) > 1e-4; i++) {
        double next = z - g / (square + upper / (upper - z) / z);
        z = next <= 0 ? z * 0.1 : fmin(next, upper * (1 - 1e-12));
        g = square * (z - z_old) + margin + log(z / (upper - z));
    }
    return z;
}

/* One coordinate; returns how far it was from its optimum. */
static double visit(struct descent *d, size_t e)
{
    size_t count;
    const struct ear_cell *cells = cells_of(d, e, &count);
    double upper = d->uppers[e], alpha = d->alphas[e], gradient;
    double sign = d->problem->has[e] ? 1 : -1;
    float own = own_share(d, e);
    double margin = sign * dot(d, cells, count, own);
    bool mirror = 0.5 * d->squares[e] * (upper - 2 * alpha) + margin < 0;
    double z_old = mirror ? upper - alpha : alpha;
    double z = step_of(z_old, upper, d->squares[e], mirror ? -margin : margin, &gradient);
    d->alphas[e] = mirror ? upper - z : z;
    add(d, cells, count, sign * (mirror ? z_old - z : z - z_old), own);
    return gradient;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void descend(struct descent *d)
{
    uint64_t state = d->options->seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    size_t count = d->problem->x->row_count;
    for (unsigned pass = 0; pass < d->options->passes; pass++) {
        double worst = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            size_t j = i + next_random(&state) % (count - i);
            uint32_t held = d->order[i];
            d->order[i] = d->order[j];
            d->order[j] = held;
        }
        for (size_t i = 0; i < count; i++) {
            uint32_t e = d->order[i];
            if (d->resting[e]) {
                d->resting[e]--;
                continue;
            }
            double gradient = d->uppers[e] > 0 ? visit(d, e) : 0;
            if (gradient < d->options->tolerance) d->resting[e] = REST;
            worst = fmax(worst, gradient);
        }
        if (worst < d->options->tolerance) break;
    }
}

void ear_solve(const struct ear_problem *problem, const struct ear_solver_options *options,
               float *weights, float *bias)
{
    size_t n = problem->x->row_count, columns = problem->x->column_count;
    struct descent d = {.problem = problem, .options = options};
    d.scales = ear_alloc((columns + 1) * sizeof *d.scales);
    d.columns = ear_alloc((columns + 1) * sizeof *d.columns);
    d.alphas = ear_alloc((n * 3 + 1) * sizeof *d.alphas);
    d.uppers = d.alphas + n;
    d.squares = d.uppers + n;
    d.order = ear_alloc((n + 1) * sizeof *d.order);
    d.resting = ear_alloc(n + 1);
    set_scales(&d);
    set_cells(&d);
    set_costs(&d);
    start(&d);
    descend(&d);
    for (size_t c = 0; c < columns; c++)
        weights[c] = (d.columns[c].weight + options->home * d.columns[c].own) * d.scales[c];
    *bias = (float)(d.bias + (double)options->home * d.own_bias);
    free(d.scales);
    free(d.cells);
    free(d.columns);
    free(d.alphas);
    free(d.order);
    free(d.resting);
}

float ear_solved_score(const float *weights, float bias, const struct ear_cell *cells, size_t count)
{
    float sum = bias;
    for (size_t i = 0; i < count; i++) sum += weights[cells[i].column] * cells[i].value;
    return sum;
}
