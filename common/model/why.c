/* Why a head said what it said: the weights that a label drew from the post, put to the words that
 * drew them. Character n-grams and parts of hashtags count for the words they lie in, a pair of
 * words stands for itself, cues in steps count for the number they come from. */
#include "model/dense.h"
#include "model/reader.h"
#include "model/simd.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_BYTES 128
#define STRIDE     8 /* columns at a time: lanes are a multiple of it */
#define PAIRS_MAX  (EAR_NORMAL_TOKENS_MAX * 2)

struct pair {
    struct ear_str text;
    float weight;
};

/* Tokens that ended before a byte of the text, or right there, and that began before it. */
struct bounds {
    uint16_t ended, begun;
};

struct ear_explain {
    struct ear_model_reader *reader;
    const struct ear_plan *plan;
    const struct ear_normal *normal;
    float lean[EAR_MODEL_LABELS_MAX]; /* how much a column's score speaks for the label */
    /* What a step of each int8 weight does to it, from column first_step on; the columns around
     * the head's own, up to whole strides, do nothing. */
    float step[EAR_MODEL_LABELS_MAX + 2 * STRIDE];
    size_t first_step, step_count;
    float *token;       /* by token */
    float *input;       /* by dense or stack input */
    struct pair *pairs; /* n-grams of more than one word */
    size_t pair_count;
    struct ear_feature_place *place; /* by feature of the post, as the next */
    float *weight;
    size_t feature_room;
    struct bounds *bounds; /* by byte of the text */
    size_t bounds_room;
    char text[EAR_MODEL_REASONS_MAX][TEXT_BYTES];
};

void ear_explain_free(struct ear_explain **explain)
{
    struct ear_explain *e = *explain;
    if (!e) return;
    free(e->token);
    free(e->input);
    free(e->pairs);
    free(e->place);
    free(e->weight);
    free(e->bounds);
    EAR_FREE(*explain);
}

static struct ear_explain *explain_of(struct ear_model_reader *r)
{
    if (r->explain) return r->explain;
    struct ear_explain *e = r->explain = ear_alloc(sizeof *e);
    e->reader = r;
    e->normal = ear_extractor_normal(r->extractor);
    e->token = ear_alloc(EAR_NORMAL_TOKENS_MAX * sizeof *e->token);
    e->input = ear_alloc(r->model->input_count * sizeof *e->input);
    e->pairs = ear_alloc(PAIRS_MAX * sizeof *e->pairs);
    return e;
}

/* ---- weights ---- */

/* What a step of each column's score does to the label's log-odds. */
static void set_lean(struct ear_explain *e, uint16_t label, size_t labels)
{
    const struct ear_plan *plan = e->plan;
    const struct ear_file_column *column = e->reader->model->column + plan->first_column;
    size_t before = plan->first_column % STRIDE;
    e->first_step = plan->first_column - before;
    e->step_count = (before + plan->column_count + STRIDE - 1) / STRIDE * STRIDE;
    memset(e->step, 0, e->step_count * sizeof *e->step);
    for (size_t i = 0; i < plan->column_count; i++) {
        float lean = i == label;
        if (plan->kind == EAR_HEAD_SOFTMAX) lean -= 1 / (float)labels;
        if (plan->kind == EAR_HEAD_BINARY) lean = label == 1 ? 1 : -1;
        if (plan->kind == EAR_HEAD_ORDINAL) lean = (float)(i + 1 == label) - (float)(i == label);
        e->lean[i] = lean * column[i].slope;
        e->step[before + i] = e->lean[i] * column[i].scale;
    }
}

/* Rows are weighed a stride of columns at a time, which compilers make one register of. */
EAR_CLONES static void weigh_rows(const int8_t *rows, size_t width, const uint32_t *index,
                                  size_t count, const float *step, size_t steps, float value,
                                  float *out)
{
    for (size_t i = 0; i < count; i++) {
        const int8_t *row = rows + index[i] * width;
        float sum[STRIDE] = {0}, all = 0;
        for (size_t done = 0; done < steps; done += STRIDE)
            for (size_t c = 0; c < STRIDE; c++) sum[c] += step[done + c] * (float)row[done + c];
        for (size_t c = 0; c < STRIDE; c++) all += sum[c];
        out[i] = all * value;
    }
}

static void weigh_features(struct ear_explain *e)
{
    const struct ear_model *m = e->reader->model;
    const struct ear_features *f = e->reader->features;
    for (size_t group = 0, start = 0; group < EAR_FEATURE_GROUPS; start = f->end[group++])
        weigh_rows(m->rows + e->first_step, m->width, f->index + start, f->end[group] - start,
                   e->step, e->step_count, f->value[group], e->weight + start);
}

static float weight_of_input(const struct ear_explain *e, size_t input)
{
    const struct ear_model *m = e->reader->model;
    float sum = 0;
    for (size_t i = 0; i < e->plan->column_count && m->dense; i++)
        sum += e->lean[i] * m->dense[input * m->width + e->plan->first_column + i];
    return sum * e->reader->input[input];
}

/* ---- put to words ---- */

/* Where tokens lie, so that a slice of the text finds its own at once. */
static void set_bounds(struct ear_explain *e)
{
    struct ear_str text = ear_normal_text(e->normal);
    if (text.len >= e->bounds_room) {
        e->bounds_room = text.len + 1;
        free(e->bounds);
        e->bounds = ear_alloc(e->bounds_room * sizeof *e->bounds);
    }
    const struct ear_normal_token *t = e->normal->tokens;
    uint16_t begun = 0, ended = 0, count = (uint16_t)e->normal->token_count;
    for (size_t at = 0; at <= text.len; at++) {
        while (begun < count && t[begun].text.ptr < text.ptr + at) begun++;
        while (ended < count && t[ended].text.ptr + t[ended].text.len <= text.ptr + at) ended++;
        e->bounds[at] = (struct bounds){.ended = ended, .begun = begun};
    }
}

/* The tokens that a slice of the text touches. Features of the account stand nowhere in it. */
struct span {
    size_t first, behind;
    bool within; /* one token */
};

static struct span span_of(const struct ear_explain *e, struct ear_str slice)
{
    struct ear_str text = ear_normal_text(e->normal);
    uintptr_t at = (uintptr_t)slice.ptr - (uintptr_t)text.ptr;
    if (at >= text.len) return (struct span){0};
    struct span span = {e->bounds[at].ended, e->bounds[at + slice.len].begun, false};
    if (span.behind != span.first + 1) return span;
    struct ear_str token = e->normal->tokens[span.first].text;
    span.within = slice.ptr >= token.ptr && slice.ptr + slice.len <= token.ptr + token.len;
    return span;
}

static void add_span(struct ear_explain *e, const struct span *span, float weight)
{
    static const float share[] = {0, 1, 1.0f / 2, 1.0f / 3, 1.0f / 4};
    size_t count = span->behind - span->first;
    weight *= count < EAR_COUNT(share) ? share[count] : 1 / (float)count;
    for (size_t i = span->first; i < span->behind; i++) e->token[i] += weight;
}

/* A word counts for its token, a pair for itself. */
static void add_word(struct ear_explain *e, size_t feature)
{
    struct span span = span_of(e, e->place[feature].text);
    if (span.within)
        add_span(e, &span, e->weight[feature]);
    else if (e->pair_count < PAIRS_MAX)
        e->pairs[e->pair_count++] = (struct pair){e->place[feature].text, e->weight[feature]};
}

static void add_features(struct ear_explain *e)
{
    const size_t *end = e->reader->features->end;
    size_t i = 0;
    for (; i < end[EAR_FEATURE_WORDS]; i++) add_word(e, i);
    for (; i < end[EAR_FEATURE_CHARS]; i++) {
        struct span span = span_of(e, e->place[i].text);
        add_span(e, &span, e->weight[i]);
    }
    for (; i < end[EAR_FEATURE_CUES]; i++)
        if (e->place[i].input != SIZE_MAX) e->input[e->place[i].input] += e->weight[i];
}

/* Tokens that stand in the text more than once speak together. */
static void join_tokens(struct ear_explain *e)
{
    const struct ear_normal_token *t = e->normal->tokens;
    for (size_t i = 1; i < e->normal->token_count; i++)
        for (size_t k = 0; k < i && e->token[i] != 0; k++) {
            if (t[i].text.len != t[k].text.len || !ear_str_eq(t[i].text, t[k].text)) continue;
            e->token[k] += e->token[i];
            e->token[i] = 0;
        }
}

static void make_room(struct ear_explain *e)
{
    size_t features = e->reader->features->end[EAR_FEATURE_GROUPS - 1];
    if (e->place && features <= e->feature_room) return;
    free(e->place);
    free(e->weight);
    e->place = ear_alloc((features + 1) * sizeof *e->place);
    e->weight = ear_alloc((features + 1) * sizeof *e->weight);
    e->feature_room = features;
}

static void gather(struct ear_explain *e)
{
    const struct ear_model *m = e->reader->model;
    size_t inputs = e->plan->level == 2 ? m->input_count : m->dense_count;
    memset(e->token, 0, e->normal->token_count * sizeof *e->token);
    memset(e->input, 0, m->input_count * sizeof *e->input);
    e->pair_count = 0;
    make_room(e);
    set_bounds(e);
    ear_extract_places(e->reader->extractor, e->place);
    weigh_features(e);
    add_features(e);
    for (size_t i = 0; i < inputs; i++) e->input[i] += weight_of_input(e, i);
    join_tokens(e);
}

/* ---- the loudest ---- */

/* Two inputs a probability, of the labels of the heads of level 1. */
static struct ear_str name_of_stacked(const struct ear_model *m, size_t input, char *text)
{
    for (size_t i = 0; i < m->head_count && m->plans[i].level == 1; i++) {
        bool binary = m->plans[i].kind == EAR_HEAD_BINARY;
        size_t inputs = (binary ? 1 : m->heads[i].label_count) * EAR_STACK_PER_P;
        if (input >= inputs) {
            input -= inputs;
            continue;
        }
        size_t label = binary ? 1 : input / EAR_STACK_PER_P;
        snprintf(text, TEXT_BYTES, "%.*s: %.*s", EAR_STR_ARG(m->heads[i].name),
                 EAR_STR_ARG(m->heads[i].labels[label]));
        break;
    }
    return ear_str_from(text);
}

static struct ear_str name_of_input(const struct ear_model *m, size_t input, char *text)
{
    *text = 0;
    if (input >= m->dense_count) return name_of_stacked(m, input - m->dense_count, text);
    snprintf(text, TEXT_BYTES, "%s", ear_dense_name(input));
    for (char *c = text; *c; c++) *c = (char)tolower((unsigned char)*c);
    return ear_str_from(text);
}

static size_t loudest(const float *weights, size_t count, float *weight)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        if (weights[i] <= *weight) continue;
        *weight = weights[i];
        best = i;
    }
    return best;
}

/* Takes the loudest reason that is left out of what was gathered; false when none is for it. */
static bool take(struct ear_explain *e, char *text, struct ear_reason *out)
{
    const struct ear_model *m = e->reader->model;
    out->weight = 0;
    size_t token = loudest(e->token, e->normal->token_count, &out->weight);
    size_t input = loudest(e->input, m->input_count, &out->weight);
    size_t pair = SIZE_MAX;
    for (size_t i = 0; i < e->pair_count; i++) {
        if (e->pairs[i].weight <= out->weight) continue;
        out->weight = e->pairs[i].weight;
        pair = i;
    }
    if (pair != SIZE_MAX) {
        out->text = e->pairs[pair].text;
        e->pairs[pair].weight = 0;
    } else if (input != SIZE_MAX) {
        out->text = name_of_input(m, input, text);
        e->input[input] = 0;
    } else if (token != SIZE_MAX) {
        out->text = e->normal->tokens[token].text;
        e->token[token] = 0;
    }
    return out->weight > 0;
}

size_t ear_model_why(struct ear_model_reader *reader, size_t head, uint16_t label,
                     struct ear_reason *reasons, size_t max)
{
    const struct ear_model *m = reader->model;
    EAR_CHECK(head < m->head_count && label < m->heads[head].label_count);
    struct ear_explain *e = explain_of(reader);
    e->plan = &m->plans[head];
    set_lean(e, label, m->heads[head].label_count);
    gather(e);
    size_t count = 0;
    if (max > EAR_MODEL_REASONS_MAX) max = EAR_MODEL_REASONS_MAX;
    while (count < max && take(e, e->text[count], &reasons[count])) count++;
    return count;
}
