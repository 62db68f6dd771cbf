#include "ship.h"

#include "multiply.h"
#include "stack.h"
#include <math.h>
#include <stdlib.h>

#define NETWORK_MAX ((size_t)64 * 1024 * 1024)

struct cargo {
    const struct ear_lessons *lessons;
    const struct ear_trained *trained;
    uint32_t *columns; /* sparse columns that stay, ascending */
    size_t column_count;
    uint32_t *kept;                        /* their hash indices */
    float *dense;                          /* [input × all columns + column] */
    float *bias;                           /* [column] */
    size_t width;                          /* columns of all heads */
    float (*shares)[EAR_MODEL_LABELS_MAX]; /* by head: of the posts that it is judged by */
};

struct weighed {
    float loudness;
    uint32_t column;
};

static int loudest_first(const void *a, const void *b)
{
    const struct weighed *x = a, *y = b;
    if (x->loudness != y->loudness) return x->loudness < y->loudness ? 1 : -1;
    return (x->column > y->column) - (x->column < y->column);
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* How much a feature moves any score, over the posts that have it. */
static struct weighed *weigh(const struct cargo *c)
{
    const struct ear_matrix *x = &c->lessons->corpus.x;
    struct weighed *all = ear_alloc(((size_t)x->sparse_columns + 1) * sizeof *all);
    float *posts = ear_alloc(((size_t)x->column_count + 1) * sizeof *posts);
    for (size_t i = 0; i < x->starts[x->row_count]; i++) posts[x->cells[i].column] += 1;
    for (uint32_t column = 0; column < x->sparse_columns; column++) {
        float most = 0;
        for (size_t t = 0; t < c->lessons->task_count; t++) {
            const struct ear_columns *own = &c->trained->heads[t].columns;
            for (size_t k = 0; k < own->count; k++)
                most = fmaxf(most, fabsf(own->weights[k * own->inputs + column]));
        }
        all[column] = (struct weighed){most * sqrtf(posts[column]), column};
    }
    free(posts);
    return all;
}

static void choose_rows(struct cargo *c)
{
    const struct ear_corpus *corpus = &c->lessons->corpus;
    struct weighed *all = weigh(c);
    qsort(all, corpus->x.sparse_columns, sizeof *all, loudest_first);
    c->columns = ear_alloc((corpus->x.sparse_columns + 1) * sizeof *c->columns);
    c->kept = ear_alloc((corpus->x.sparse_columns + 1) * sizeof *c->kept);
    while (c->column_count < corpus->x.sparse_columns && c->column_count < c->lessons->rows_max &&
           all[c->column_count].loudness > 0) {
        c->columns[c->column_count] = all[c->column_count].column;
        c->column_count++;
    }
    qsort(c->columns, c->column_count, sizeof *c->columns, ascending);
    for (size_t i = 0; i < c->column_count; i++) c->kept[i] = corpus->kept[c->columns[i]];
    free(all);
}

static void fill_input(const struct cargo *c, uint32_t input, float *weights)
{
    for (size_t t = 0, at = 0; t < c->lessons->task_count; t++) {
        const struct ear_columns *own = &c->trained->heads[t].columns;
        for (size_t k = 0; k < own->count; k++)
            weights[at++] = own->weights[k * own->inputs + input];
    }
}

static void fill_row(void *self, size_t row, float *weights)
{
    const struct cargo *c = self;
    fill_input(c, c->columns[row], weights);
}

/* What the network's scores add to a column: their weights lie with its own. */
static void add_network(struct cargo *c, const struct ear_fitted *head, size_t column, size_t at)
{
    const struct ear_layers *layers = &c->trained->network.layers;
    size_t responses = ear_layers_responses(&layers->shape), dense = layers->shape.dense;
    size_t inputs = ear_layers_inputs(&layers->shape), from = head->network_first + column;
    const float *shared = layers->shared + from * inputs, *own = layers->own + from * inputs;
    c->bias[at] += head->network_share * layers->offsets[from];
    for (size_t i = 0; i < dense; i++)
        c->dense[i * c->width + at] +=
            head->network_share * (shared[responses + i] + own[responses + i]);
    for (size_t i = 0; i < responses; i++)
        c->dense[(dense + i) * c->width + at] = head->network_share * (shared[i] + own[i]);
}

static void fill_columns(struct cargo *c)
{
    for (size_t t = 0, at = 0; t < c->lessons->task_count; t++) {
        const struct ear_fitted *head = &c->trained->heads[t];
        for (size_t k = 0; k < head->columns.count; k++, at++) {
            c->bias[at] = head->columns.biases[k];
            if (head->network_share > 0) add_network(c, head, k, at);
        }
    }
}

static void fill_stack(const struct cargo *c, size_t inputs, float *to)
{
    for (size_t t = 0; t < c->lessons->task_count; t++) {
        const struct ear_fitted *head = &c->trained->heads[t];
        size_t columns = head->columns.count;
        for (size_t i = 0; head->stack && i < inputs; i++)
            memcpy(to + i * c->width, head->stack + i * columns, columns * sizeof *to);
        to += columns;
    }
}

/* Dense inputs of the extractor, those of the network, and at last those of the stack, whose
 * weights are 0 for heads of level 1. */
static void fill_dense(struct cargo *c)
{
    const struct ear_corpus *corpus = &c->lessons->corpus;
    size_t responses = ear_layers_responses(&c->trained->network.layers.shape);
    size_t stacked = ear_stack_width(c->lessons), own = corpus->dense_count;
    for (size_t t = 0; t < c->lessons->task_count; t++)
        c->width += c->trained->heads[t].columns.count;
    c->dense = ear_alloc((own + responses + stacked) * c->width * sizeof *c->dense);
    c->bias = ear_alloc((c->width + 1) * sizeof *c->bias);
    for (uint32_t i = 0; i < own; i++)
        fill_input(c, corpus->x.sparse_columns + i, c->dense + i * c->width);
    fill_columns(c);
    fill_stack(c, stacked, c->dense + (own + responses) * c->width);
}

static void fill_shares(struct cargo *c, size_t at)
{
    const struct ear_task *task = &c->lessons->tasks[at];
    float posts = 0, *shares = c->shares[at];
    for (size_t e = 0; e < task->count; e++) {
        const struct ear_example *example = &task->examples[e];
        if (example->part == EAR_PART_EXTRA) continue;
        posts++;
        for (size_t k = 0; k < task->label_count; k++)
            shares[k] += task->kind == EAR_HEAD_FLAGS ? (float)(example->labels >> k & 1)
                                                      : (float)(example->labels == k);
    }
    for (size_t k = 0; k < task->label_count && posts > 0; k++) shares[k] /= posts;
}

static void describe(const struct cargo *c, size_t at, const float *bias,
                     struct ear_model_part *part)
{
    const struct ear_task *task = &c->lessons->tasks[at];
    const struct ear_fitted *fitted = &c->trained->heads[at];
    const struct ear_calibration *cal = &fitted->calibration;
    *part = (struct ear_model_part){.name = ear_str_from(task->name),
                                    .languages = ear_str_from(task->languages),
                                    .labels = task->labels,
                                    .label_count = task->label_count,
                                    .kind = task->kind,
                                    .level = ear_task_heard(task) ? 1 : 2,
                                    .stands_in = (uint8_t)task->stands_in,
                                    .auxiliary = task->auxiliary,
                                    .bias = bias,
                                    .slope = cal->slope,
                                    .offset = cal->offset,
                                    .shares = c->shares[at]};
    memcpy(part->coverage, cal->coverage, sizeof part->coverage);
    float coverage = task->coverage > 0 ? task->coverage : c->lessons->coverage;
    long step = lroundf(coverage * EAR_MODEL_COVERAGES);
    part->unsure_below = cal->coverage[step > 0 ? step - 1 : 0];
}

ear_err ear_ship(const struct ear_lessons *lessons, const struct ear_trained *trained,
                 struct ear_buf *out, struct ear_diag *diag)
{
    struct cargo c = {.lessons = lessons, .trained = trained};
    struct ear_buf network;
    ear_err err = EAR_OK;
    struct ear_model_part *heads = ear_alloc(EAR_MODEL_HEADS_MAX * sizeof *heads);
    choose_rows(&c);
    fill_dense(&c);
    c.shares = ear_alloc(EAR_MODEL_HEADS_MAX * sizeof *c.shares);
    const float *bias = c.bias;
    for (size_t t = 0; t < lessons->task_count; t++) {
        fill_shares(&c, t);
        describe(&c, t, bias, &heads[t]);
        bias += trained->heads[t].columns.count;
    }
    ear_buf_init(&network, NETWORK_MAX);
    if (trained->network.layers.count)
        err = ear_multiply(&trained->network, &lessons->corpus.vocabulary, &network);
    struct ear_model_parts parts = {.name = ear_str_from(lessons->name),
                                    .licences = ear_buf_str(&lessons->licences),
                                    .spec = lessons->spec,
                                    .heads = heads,
                                    .head_count = lessons->task_count,
                                    .kept = c.kept,
                                    .kept_count = c.column_count,
                                    .row = fill_row,
                                    .self = &c,
                                    .dense = c.dense,
                                    .language = ear_buf_str(&lessons->language_section),
                                    .scores = ear_buf_str(&lessons->list_section),
                                    .network = ear_buf_str(&network)};
    memcpy(parts.training, lessons->digest, sizeof parts.training);
    if (err)
        err = ear_fail(diag, err, "the network: %s",
                       err == EAR_INVALID ? "numbers that are none: try a lower rate"
                                          : ear_err_text(err));
    else
        err = ear_model_write(&parts, out, diag);
    ear_buf_release(&network);
    free(c.bias);
    free(heads);
    free(c.columns);
    free(c.kept);
    free(c.dense);
    free(c.shares);
    return err;
}
