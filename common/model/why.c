/* Why a head said what it said: the weights that a label drew from the post, put to the words that
 * drew them. Character n-grams and parts of hashtags count for the words they lie in, a pair of
 * words stands for itself, cues in steps count for the number they come from. */
#include "model/dense.h"
#include "model/reader.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_BYTES 128
#define PAIRS_MAX  (EAR_NORMAL_TOKENS_MAX * 2)

struct pair {
    struct ear_str text;
    float weight;
};

struct ear_explain {
    struct ear_model_reader *reader;
    const struct ear_plan *plan;
    const struct ear_normal *normal;
    float lean[EAR_MODEL_LABELS_MAX]; /* how much a column's score speaks for the label */
    float *token;                     /* by token */
    float *input;                     /* by dense or stack input */
    struct pair *pairs;               /* n-grams of more than one word */
    size_t pair_count;
    uint8_t *seen; /* a bit a row: a feature counts once in its group */
    ear_feature_group group;
    size_t near; /* the token that the last feature began in */
    char text[EAR_MODEL_REASONS_MAX][TEXT_BYTES];
};

void ear_explain_free(struct ear_explain **explain)
{
    struct ear_explain *e = *explain;
    if (!e) return;
    free(e->token);
    free(e->input);
    free(e->pairs);
    free(e->seen);
    EAR_FREE(*explain);
}

static size_t seen_bytes(const struct ear_model *m)
{
    return m->kept.count / 8 + 1;
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
    e->seen = ear_alloc(seen_bytes(r->model));
    return e;
}

/* ---- weights ---- */

/* What a step of each column's score does to the label's log-odds. */
static void set_lean(struct ear_explain *e, uint16_t label, size_t labels)
{
    const struct ear_file_column *column = e->reader->model->column + e->plan->first_column;
    for (size_t i = 0; i < e->plan->column_count; i++) {
        float lean = i == label;
        if (e->plan->kind == EAR_HEAD_SOFTMAX) lean -= 1 / (float)labels;
        if (e->plan->kind == EAR_HEAD_BINARY) lean = label == 1 ? 1 : -1;
        if (e->plan->kind == EAR_HEAD_ORDINAL) lean = (float)(i + 1 == label) - (float)(i == label);
        e->lean[i] = lean * column[i].slope;
    }
}

static float weight_of_row(const struct ear_explain *e, uint32_t row)
{
    const struct ear_model *m = e->reader->model;
    const int8_t *weights = m->rows + row * m->width + e->plan->first_column;
    const struct ear_file_column *column = m->column + e->plan->first_column;
    float sum = 0;
    for (size_t i = 0; i < e->plan->column_count; i++)
        sum += e->lean[i] * column[i].scale * (float)weights[i];
    return sum;
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

/* The first token that a slice of the text touches, looked for from where the last one was. */
static size_t token_of(struct ear_explain *e, struct ear_str slice)
{
    const struct ear_normal_token *t = e->normal->tokens;
    size_t count = e->normal->token_count, at = e->near;
    if (at >= count || t[at].text.ptr > slice.ptr) at = 0;
    while (at < count && t[at].text.ptr + t[at].text.len <= slice.ptr) at++;
    return e->near = at;
}

static void add_slice(struct ear_explain *e, struct ear_str slice, float weight)
{
    const struct ear_normal_token *t = e->normal->tokens;
    size_t first = token_of(e, slice), last = first;
    while (last < e->normal->token_count && t[last].text.ptr < slice.ptr + slice.len) last++;
    for (size_t i = first; i < last; i++) e->token[i] += weight / (float)(last - first);
}

/* Features of the account stand nowhere in the text. */
static bool within_text(const struct ear_explain *e, struct ear_str slice)
{
    struct ear_str text = ear_normal_text(e->normal);
    uintptr_t at = (uintptr_t)slice.ptr, start = (uintptr_t)text.ptr;
    return at >= start && at < start + text.len;
}

static bool within_token(struct ear_explain *e, struct ear_str slice)
{
    if (!within_text(e, slice)) return false;
    size_t at = token_of(e, slice);
    if (at == e->normal->token_count) return false;
    struct ear_str token = e->normal->tokens[at].text;
    return slice.ptr + slice.len <= token.ptr + token.len;
}

static bool first_time(struct ear_explain *e, const struct ear_feature_seen *seen)
{
    if (seen->group != e->group) memset(e->seen, 0, seen_bytes(e->reader->model));
    e->group = seen->group;
    uint8_t bit = (uint8_t)(1 << seen->index % 8), *byte = &e->seen[seen->index / 8];
    if (*byte & bit) return false;
    *byte |= bit;
    return true;
}

static void on_feature(void *self, const struct ear_feature_seen *seen)
{
    struct ear_explain *e = self;
    if (!first_time(e, seen)) return;
    float weight = weight_of_row(e, seen->index) * e->reader->value[seen->group];
    if (seen->group == EAR_FEATURE_CUES) {
        if (seen->input != SIZE_MAX) e->input[seen->input] += weight;
    } else if (seen->group == EAR_FEATURE_CHARS || within_token(e, seen->text)) {
        add_slice(e, seen->text, weight);
    } else if (e->pair_count < PAIRS_MAX) {
        e->pairs[e->pair_count++] = (struct pair){seen->text, weight};
    }
}

static void gather(struct ear_explain *e)
{
    const struct ear_model *m = e->reader->model;
    size_t inputs = e->plan->level == 2 ? m->input_count : m->dense_count;
    memset(e->token, 0, e->normal->token_count * sizeof *e->token);
    memset(e->input, 0, m->input_count * sizeof *e->input);
    memset(e->seen, 0, seen_bytes(m));
    e->group = EAR_FEATURE_WORDS;
    e->pair_count = e->near = 0;
    ear_extract_show(e->reader->extractor, on_feature, e);
    for (size_t i = 0; i < inputs; i++) e->input[i] += weight_of_input(e, i);
    /* Tokens that stand in the text more than once speak together. */
    for (size_t i = 1; i < e->normal->token_count; i++)
        for (size_t k = 0; k < i && e->token[i] != 0; k++)
            if (ear_str_eq(e->normal->tokens[i].text, e->normal->tokens[k].text)) {
                e->token[k] += e->token[i];
                e->token[i] = 0;
            }
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
