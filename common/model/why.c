/* Why a head said what it said: the weights that a label drew from the post, put to the words that
 * drew them. Character n-grams and parts of hashtags count for the words they lie in, a pair of
 * words stands for itself, cues in steps count for the number they come from, and what the network
 * answered for the words of its strongest windows. */
#include "model/dense.h"
#include "model/reader.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define TEXT_BYTES 128
#define STRIPE     8     /* columns at a time: rows are never narrower */
#define LEAST      1e-5f /* weights below are what rounding left */
#define PAIRS_MAX  (EAR_NORMAL_TOKENS_MAX * 2)

struct pair {
    struct ear_str text;
    float weight;
};

/* A token, an input or a pair. */
struct loud {
    float weight;
    enum { TOKEN, INPUT, PAIR } kind;
    size_t at;
};

struct ear_explain {
    struct ear_model_reader *reader;
    const struct ear_plan *plan;
    const struct ear_normal *normal;
    float lean[EAR_MODEL_LABELS_MAX]; /* how much a column's score speaks for the label */
    /* What a step of each int8 weight does to it, in units, by column of the stripes that hold the
     * head; the columns around its own do nothing. */
    int16_t step[EAR_MODEL_LABELS_MAX + STRIPE];
    float unit;
    size_t first_step, stripes;
    float step_lean[EAR_MODEL_LABELS_MAX + STRIPE]; /* lean, by column of those stripes */
    uint16_t *answer;                               /* those of the network that are not 0 */
    struct ear_network_window *window;              /* of each of them */
    size_t answer_count;
    uint64_t answers_of;              /* the post that they are of */
    float *token;                     /* by token, and room for what is behind */
    float (*rise)[EAR_FEATURE_RISES]; /* by token, and one behind the last */
    uint16_t *same;                   /* by token: another one before it with the same key */
    float *input;                     /* by dense or stack input but those of the network */
    struct pair *pairs;               /* n-grams of more than one word */
    size_t pair_count;
    float *weight;                   /* by feature of the post */
    struct ear_feature_place *place; /* of words or cues, one group after the other */
    size_t feature_room;
    struct loud loudest[EAR_MODEL_REASONS_MAX]; /* so far, loudest first */
    size_t loud_count, loud_max;
    char text[EAR_MODEL_REASONS_MAX][TEXT_BYTES];
};

void ear_explain_free(struct ear_explain **explain)
{
    struct ear_explain *e = *explain;
    if (!e) return;
    free(e->token);
    free(e->rise);
    free(e->same);
    free(e->input);
    free(e->pairs);
    free(e->place);
    free(e->weight);
    free(e->answer);
    free(e->window);
    EAR_FREE(*explain);
}

static struct ear_explain *explain_of(struct ear_model_reader *r)
{
    if (r->explain) return r->explain;
    struct ear_explain *e = r->explain = ear_alloc(sizeof *e);
    e->reader = r;
    e->normal = ear_extractor_normal(r->extractor);
    e->token = ear_alloc((EAR_NORMAL_TOKENS_MAX + EAR_NETWORK_WIDTHS) * sizeof *e->token);
    e->rise = ear_alloc((EAR_NORMAL_TOKENS_MAX + 1) * sizeof *e->rise);
    e->same = ear_alloc(EAR_NORMAL_TOKENS_MAX * sizeof *e->same);
    e->input = ear_alloc(r->model->input_count * sizeof *e->input);
    e->pairs = ear_alloc(PAIRS_MAX * sizeof *e->pairs);
    size_t answers = ear_network_outputs(&r->model->tables.network) + 1;
    e->answer = ear_alloc(answers * sizeof *e->answer);
    e->window = ear_alloc(answers * sizeof *e->window);
    return e;
}

/* ---- weights ---- */

/* What a step of each column's score does to the label's log-odds. */
static void set_lean(struct ear_explain *e, uint16_t label, size_t labels)
{
    const struct ear_plan *plan = e->plan;
    const struct ear_file_column *column = e->reader->model->column + plan->first_column;
    size_t stripes = (plan->column_count + STRIPE - 1) / STRIPE;
    size_t last = e->reader->model->width - stripes * STRIPE;
    size_t first = plan->first_column < last ? plan->first_column : last;
    float step[EAR_MODEL_LABELS_MAX], most = 0;
    for (size_t i = 0; i < plan->column_count; i++) {
        float lean = ear_plan_label(plan, i) == label;
        if (plan->kind == EAR_HEAD_SOFTMAX) lean -= 1 / (float)labels;
        if (plan->kind == EAR_HEAD_BINARY) lean = label == 1 ? 1 : -1;
        if (plan->kind == EAR_HEAD_ORDINAL) lean = (float)(i + 1 == label) - (float)(i == label);
        e->lean[i] = lean * column[i].slope;
        step[i] = e->lean[i] * column[i].scale;
        most = fmaxf(most, fabsf(step[i]));
    }
    e->first_step = first;
    e->stripes = stripes;
    e->unit = most > 0 ? most / INT16_MAX : 1;
    memset(e->step, 0, stripes * STRIPE * sizeof *e->step);
    memset(e->step_lean, 0, stripes * STRIPE * sizeof *e->step_lean);
    for (size_t i = 0; i < plan->column_count; i++) {
        e->step[plan->first_column - first + i] = (int16_t)lrintf(step[i] / e->unit);
        e->step_lean[plan->first_column - first + i] = e->lean[i];
    }
}

_Static_assert(EAR_MODEL_LABELS_MAX <= INT32_MAX / INT16_MAX / INT8_MAX / 2, "sums fit 32 bits");

/* What rows weigh, one by one. */
static void weigh_each(const int8_t *rows, size_t width, const uint32_t *index, size_t count,
                       const int16_t *step, size_t stripes, float value, float *out)
{
    for (size_t i = 0; i < count; i++) {
        const int8_t *row = rows + index[i] * width;
        int32_t sum = 0;
        for (size_t c = 0; c < stripes * STRIPE; c++) sum += row[c] * step[c];
        out[i] = value * (float)sum;
    }
}

#ifdef __SSE2__
/* The sums of a row, in four parts. */
static inline __m128i weigh_row(const int8_t *row, const int16_t *step, size_t stripes)
{
    __m128i sum = _mm_setzero_si128();
    for (size_t i = 0; i < stripes; i++) {
        __m128i twice = _mm_loadl_epi64((const void *)(row + i * STRIPE));
        twice = _mm_unpacklo_epi8(twice, twice);
        __m128i steps = _mm_loadu_si128((const void *)(step + i * STRIPE));
        sum = _mm_add_epi32(sum, _mm_madd_epi16(_mm_srai_epi16(twice, 8), steps));
    }
    return sum;
}

/* Four rows at a time, which what is left of a row's parts needs; returns how many. */
static inline __attribute__((always_inline)) size_t weigh_fours(
    const int8_t *restrict rows, size_t width, const uint32_t *restrict index, size_t count,
    const int16_t *restrict step, size_t stripes, float value, float *restrict out)
{
    const __m128 values = _mm_set1_ps(value);
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        __m128i a = weigh_row(rows + index[i] * width, step, stripes);
        __m128i b = weigh_row(rows + index[i + 1] * width, step, stripes);
        __m128i c = weigh_row(rows + index[i + 2] * width, step, stripes);
        __m128i d = weigh_row(rows + index[i + 3] * width, step, stripes);
        a = _mm_add_epi32(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
        c = _mm_add_epi32(_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
        a = _mm_add_epi32(_mm_unpacklo_epi64(a, c), _mm_unpackhi_epi64(a, c));
        _mm_storeu_ps(out + i, _mm_mul_ps(values, _mm_cvtepi32_ps(a)));
    }
    return i;
}
#else
static size_t weigh_fours(const int8_t *rows, size_t width, const uint32_t *index, size_t count,
                          const int16_t *step, size_t stripes, float value, float *out)
{
    return 0;
}
#endif

/* Most heads lie within a stripe. */
static void weigh_rows(const int8_t *rows, size_t width, const uint32_t *index, size_t count,
                       const int16_t *step, size_t stripes, float value, float *out)
{
    size_t done = stripes == 1 ? weigh_fours(rows, width, index, count, step, 1, value, out)
                               : weigh_fours(rows, width, index, count, step, stripes, value, out);
    weigh_each(rows, width, index + done, count - done, step, stripes, value, out + done);
}

static void weigh_features(struct ear_explain *e)
{
    const struct ear_model *m = e->reader->model;
    const struct ear_features *f = e->reader->features;
    for (size_t group = 0, start = 0; group < EAR_FEATURE_GROUPS; start = f->end[group++])
        weigh_rows(m->rows + e->first_step, m->width, f->index + start, f->end[group] - start,
                   e->step, e->stripes, f->value[group] * e->unit, e->weight + start);
}

static float weight_of_input(const struct ear_explain *e, size_t input)
{
    const struct ear_model *m = e->reader->model;
    float sum = 0;
    if (e->reader->input[input] == 0) return 0;
    for (size_t i = 0; i < e->plan->column_count && m->dense; i++)
        sum += e->lean[i] * m->dense[input * m->width + e->plan->first_column + i];
    return sum * e->reader->input[input];
}

/* ---- put to words ---- */

/* A word counts for its token, a pair for itself, and so does what stands nowhere in the text. */
static void add_words(struct ear_explain *e)
{
    size_t count = e->reader->features->end[EAR_FEATURE_WORDS];
    const struct ear_feature_place *place = e->place;
    ear_extract_places(e->reader->extractor, EAR_FEATURE_WORDS, e->place);
    for (size_t i = 0; i < count; i++)
        if (place[i].behind == place[i].first + 1)
            e->token[place[i].first] += e->weight[i];
        else if (e->pair_count < PAIRS_MAX)
            e->pairs[e->pair_count++] = (struct pair){place[i].text, e->weight[i]};
}

static void add_grams(struct ear_explain *e)
{
    ear_extract_share(e->reader->extractor, e->weight + e->reader->features->end[EAR_FEATURE_WORDS],
                      e->rise);
    float level = 0;
    for (size_t i = 0; i < e->normal->token_count; i++)
        e->token[i] += level += e->rise[i][0] + e->rise[i][1];
}

/* What an answer of the network weighs: over the columns that the steps are of. */
static inline float weigh_answer(const struct ear_explain *e, size_t input)
{
    typedef float four __attribute__((vector_size(16), aligned(4), may_alias));
    const struct ear_model *m = e->reader->model;
    const four *weight = (const void *)(m->dense + input * m->width + e->first_step);
    four sum = {0};
    for (size_t k = 0; k < e->stripes * STRIPE / 4; k++)
        sum += weight[k] * ((const four *)(const void *)e->step_lean)[k];
    return e->reader->input[input] * (sum[0] + sum[1] + (sum[2] + sum[3]));
}

/* Half of them are 0, in no order that a processor could foresee. */
static void find_answers(struct ear_explain *e)
{
    const struct ear_network *network = &e->reader->model->tables.network;
    const float *answer = e->reader->input + EAR_DENSE_NETWORK;
    size_t count = 0;
    for (size_t i = 0; i < ear_network_outputs(network); i++) {
        e->answer[count] = (uint16_t)i;
        count += answer[i] != 0;
    }
    ear_network_windows(network, e->normal, e->answer, count, e->window);
    e->answer_count = count;
    e->answers_of = e->reader->posts;
}

/* An even share of each answer to the words of its strongest window. */
static void add_network(struct ear_explain *e)
{
    static const float part[][EAR_NETWORK_WIDTHS] = {
        {0}, {1}, {1.0f / 2, 1.0f / 2}, {1.0f / 3, 1.0f / 3, 1.0f / 3}};
    const struct ear_model *m = e->reader->model;
    if (!m->dense || !ear_network_outputs(&m->tables.network)) return;
    if (e->answers_of != e->reader->posts) find_answers(e);
    for (size_t i = 0; i < e->answer_count; i++) {
        struct ear_network_window window = e->window[i];
        float weight = weigh_answer(e, EAR_DENSE_NETWORK + e->answer[i]);
        for (size_t w = 0; w < EAR_NETWORK_WIDTHS; w++)
            e->token[window.first + w] += weight * part[window.words][w];
    }
}

/* Those of the network are put to words. */
static size_t next_input(const struct ear_model *m, size_t input)
{
    return ++input == EAR_DENSE_NETWORK ? m->dense_count : input;
}

static void add_inputs(struct ear_explain *e)
{
    const struct ear_model *m = e->reader->model;
    size_t behind = e->plan->level == 2 ? m->input_count : m->dense_count;
    for (size_t i = 0; i < behind; i = next_input(m, i)) e->input[i] += weight_of_input(e, i);
}

static void add_cues(struct ear_explain *e)
{
    const size_t *end = e->reader->features->end, start = end[EAR_FEATURE_CHARS];
    ear_extract_places(e->reader->extractor, EAR_FEATURE_CUES, e->place);
    for (size_t i = 0; i < end[EAR_FEATURE_CUES] - start; i++)
        if (e->place[i].input != SIZE_MAX) e->input[e->place[i].input] += e->weight[start + i];
}

#define KEYS     64
#define NO_TOKEN UINT16_MAX

static size_t key_of(struct ear_str text)
{
    unsigned char first = (unsigned char)text.ptr[0], last = (unsigned char)text.ptr[text.len - 1];
    return (text.len * 19 + first * 7U + last) % KEYS;
}

/* Tokens that stand in the text more than once speak together, where the first of them stands. */
static void join_tokens(struct ear_explain *e)
{
    const struct ear_normal_token *t = e->normal->tokens;
    uint16_t by_key[KEYS];
    memset(by_key, 0xFF, sizeof by_key);
    for (size_t i = 0; i < e->normal->token_count; i++) {
        uint16_t *last = &by_key[key_of(t[i].text)], k = *last;
        while (k != NO_TOKEN && !ear_str_eq(t[i].text, t[k].text)) k = e->same[k];
        if (k != NO_TOKEN) {
            e->token[k] += e->token[i];
            e->token[i] = 0;
        } else {
            e->same[i] = *last;
            *last = (uint16_t)i;
        }
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
    memset(e->token, 0, e->normal->token_count * sizeof *e->token);
    memset(e->rise, 0, (e->normal->token_count + 1) * sizeof *e->rise);
    memset(e->input, 0, m->input_count * sizeof *e->input);
    e->pair_count = 0;
    make_room(e);
    weigh_features(e);
    add_words(e);
    add_grams(e);
    add_network(e);
    add_cues(e);
    add_inputs(e);
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
    const char *name = ear_dense_name(input);
    size_t len = 0;
    for (; name[len] && len < TEXT_BYTES; len++)
        text[len] = (char)tolower((unsigned char)name[len]);
    return (struct ear_str){text, len};
}

/* Among the loudest so far, behind those that are as loud. */
static void hear(struct ear_explain *e, struct loud loud)
{
    struct loud *all = e->loudest;
    if (!(loud.weight > LEAST)) return;
    if (e->loud_count == e->loud_max && loud.weight <= all[e->loud_count - 1].weight) return;
    size_t at = e->loud_count < e->loud_max ? e->loud_count++ : e->loud_count - 1;
    for (; at > 0 && all[at - 1].weight < loud.weight; at--) all[at] = all[at - 1];
    all[at] = loud;
}

static void hear_all(struct ear_explain *e)
{
    const struct ear_model *m = e->reader->model;
    e->loud_count = 0;
    for (size_t i = 0; i < e->normal->token_count; i++)
        hear(e, (struct loud){e->token[i], TOKEN, i});
    for (size_t i = 0; i < m->input_count; i = next_input(m, i))
        hear(e, (struct loud){e->input[i], INPUT, i});
    for (size_t i = 0; i < e->pair_count; i++) hear(e, (struct loud){e->pairs[i].weight, PAIR, i});
}

static struct ear_str text_of(const struct ear_explain *e, const struct loud *loud, char *text)
{
    if (loud->kind == TOKEN) return e->normal->tokens[loud->at].text;
    if (loud->kind == PAIR) return e->pairs[loud->at].text;
    return name_of_input(e->reader->model, loud->at, text);
}

size_t ear_model_why(struct ear_model_reader *reader, size_t head, uint16_t label,
                     struct ear_reason *reasons, size_t max)
{
    const struct ear_model *m = reader->model;
    EAR_CHECK(head < m->head_count && label < m->heads[head].label_count);
    if (max == 0) return 0;
    struct ear_explain *e = explain_of(reader);
    e->plan = &m->plans[reader->speaker[head]];
    e->loud_max = max < EAR_MODEL_REASONS_MAX ? max : EAR_MODEL_REASONS_MAX;
    set_lean(e, label, m->heads[head].label_count);
    gather(e);
    hear_all(e);
    for (size_t i = 0; i < e->loud_count; i++)
        reasons[i] =
            (struct ear_reason){text_of(e, &e->loudest[i], e->text[i]), e->loudest[i].weight};
    return e->loud_count;
}
