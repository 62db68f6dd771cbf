/* All heads in one pass: features come as rows of int8 weights, all heads' columns side by side,
 * which are added up as they are; scales, calibration and stacking follow once a post. */
#include "model/reader.h"

#include "model/simd.h"
#include <math.h>
#include <stdlib.h>

#define LOGIT_MAX 60.0f
#define CHUNK     256 /* rows whose sum of int8 is sure to fit int16 */

/* A lane of int8 columns, read as pairs: an odd column above, an even one below. */
typedef int16_t pairs __attribute__((vector_size(EAR_MODEL_LANE), may_alias));

#define VOICES_BEYOND 16 /* that may be written without being any */

struct ear_model_reader *ear_model_reader_new(const struct ear_model *model)
{
    struct ear_model_reader *r = ear_alloc(sizeof *r);
    r->model = model;
    r->extractor = ear_extractor_new(&model->spec, &model->tables, &model->kept);
    r->sum = ear_alloc(model->width * sizeof *r->sum);
    r->input = ear_alloc(model->input_count * sizeof *r->input);
    size_t room = model->input_count + VOICES_BEYOND;
    r->voices.input = ear_alloc(room * sizeof *r->voices.input);
    r->voices.row = ear_alloc(room * sizeof *r->voices.row);
    r->p = ear_alloc(model->label_count * sizeof *r->p);
    r->unsure_below = ear_alloc(model->head_count * sizeof *r->unsure_below);
    r->speaker = ear_alloc(model->head_count * sizeof *r->speaker);
    for (size_t i = 0; i < model->head_count; i++) {
        r->unsure_below[i] = model->heads[i].unsure_below;
        r->speaker[i] = i;
    }
    return r;
}

void ear_model_reader_free(struct ear_model_reader **reader)
{
    struct ear_model_reader *r = *reader;
    if (!r) return;
    ear_extractor_free(&r->extractor);
    ear_explain_free(&r->explain);
    free(r->sum);
    free(r->input);
    free(r->voices.input);
    free(r->voices.row);
    free(r->p);
    free(r->unsure_below);
    free(r->speaker);
    EAR_FREE(*reader);
}

void ear_model_reader_unsure_below(struct ear_model_reader *reader, size_t head, float p)
{
    EAR_CHECK(head < reader->model->head_count);
    reader->unsure_below[head] = p;
}

/* ---- sparse features ---- */

#define LANES 4 /* that are added up at once: their sums stay in registers */

static inline __attribute__((always_inline)) void add_block(const int8_t *rows, size_t width,
                                                            const uint32_t *index, size_t count,
                                                            float value, float *sum, size_t lanes)
{
    pairs even[LANES] = {{0}}, odd[LANES] = {{0}};
    for (size_t i = 0; i < count; i++) {
        const pairs *row = (const void *)(rows + index[i] * width);
        for (size_t l = 0; l < lanes; l++) {
            odd[l] += row[l] >> 8;
            even[l] += row[l] << 8 >> 8;
        }
    }
    for (size_t l = 0; l < lanes; l++, sum += EAR_MODEL_LANE)
        for (size_t c = 0; c < EAR_MODEL_LANE / 2; c++) {
            sum[2 * c] += value * (float)even[l][c];
            sum[2 * c + 1] += value * (float)odd[l][c];
        }
}

/* Adds at most CHUNK rows. */
EAR_CLONES static void add_rows(const int8_t *rows, size_t width, const uint32_t *index,
                                size_t count, float value, float *sum)
{
    size_t done = 0, block = LANES * EAR_MODEL_LANE;
    if (width == EAR_MODEL_LANE) { /* as the shipped model */
        add_block(rows, EAR_MODEL_LANE, index, count, value, sum, 1);
        return;
    }
    for (; width - done >= block; done += block)
        add_block(rows + done, width, index, count, value, sum + done, LANES);
    size_t left = (width - done) / EAR_MODEL_LANE;
    if (left == 3) add_block(rows + done, width, index, count, value, sum + done, 3);
    if (left == 2) add_block(rows + done, width, index, count, value, sum + done, 2);
    if (left == 1) add_block(rows + done, width, index, count, value, sum + done, 1);
}

static void add_group(struct ear_model_reader *r, const uint32_t *index, size_t count, float value)
{
    const struct ear_model *m = r->model;
    for (size_t done = 0; done < count; done += CHUNK) {
        size_t some = count - done < CHUNK ? count - done : CHUNK;
        add_rows(m->rows, m->width, index + done, some, value, r->sum);
    }
}

/* ---- dense inputs ---- */

#define STEP  8 /* columns at a time: lanes are a multiple of it */
#define STEPS 4 /* that are added up at once: their sums stay in registers */

typedef float step __attribute__((vector_size(STEP * sizeof(float)), aligned(4), may_alias));

static inline __attribute__((always_inline)) void weigh_block(struct ear_voices voices,
                                                              size_t count, const float *weight,
                                                              float *sum, size_t steps)
{
    step all[STEPS], *sums = (void *)sum;
    for (size_t c = 0; c < steps; c++) all[c] = sums[c];
    for (size_t i = 0; i < count; i++) {
        const step *row = (const void *)(weight + voices.row[i]);
        for (size_t c = 0; c < steps; c++) all[c] += voices.input[i] * row[c];
    }
    for (size_t c = 0; c < steps; c++) sums[c] = all[c];
}

/* Adds the rows of inputs to the sums of `steps` × STEP columns. */
EAR_CLONES static void add_weighted(struct ear_voices voices, size_t count, const float *weight,
                                    size_t steps, float *sum)
{
    for (; steps >= STEPS; steps -= STEPS, weight += STEPS * STEP, sum += STEPS * STEP)
        weigh_block(voices, count, weight, sum, STEPS);
    if (steps == 3) weigh_block(voices, count, weight, sum, 3);
    if (steps == 2) weigh_block(voices, count, weight, sum, 2);
    if (steps == 1) weigh_block(voices, count, weight, sum, 1);
}

static size_t find_voices(const float *input, size_t from, size_t to, size_t width,
                          struct ear_voices out)
{
    size_t count = 0;
    for (size_t i = from; i < to; i++) {
        uint32_t bits;
        memcpy(&bits, &input[i], sizeof bits);
        out.input[count] = input[i];
        out.row[count] = (uint32_t)(i * width);
        count += bits << 1 != 0; /* -0 is none either */
    }
    return count;
}

#ifdef EAR_WIDE
/* The same sixteen at a time. Writes up to so many beyond what it found. */
EAR_WIDE static size_t find_voices_wide(const float *input, size_t from, size_t to, size_t width,
                                        struct ear_voices out)
{
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i apart = _mm512_set1_epi32((int)width);
    size_t count = 0;
    for (size_t i = from; i < to; i += EAR_WIDE_LANES) {
        size_t left = to - i;
        __mmask16 some = (__mmask16)(left < EAR_WIDE_LANES ? (1U << left) - 1 : 0xFFFF);
        __m512 all = _mm512_maskz_loadu_ps(some, input + i);
        __mmask16 has = _mm512_cmp_ps_mask(all, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        __m512i at = _mm512_add_epi32(_mm512_set1_epi32((int)i), lane);
        __m512i row = _mm512_mullo_epi32(at, apart);
        _mm512_storeu_ps(out.input + count, _mm512_maskz_compress_ps(has, all));
        _mm512_storeu_si512(out.row + count, _mm512_maskz_compress_epi32(has, row));
        count += (unsigned)__builtin_popcount(has);
    }
    return count;
}
#endif

/* Of the inputs from `from` on those that are not 0; returns how many. */
static size_t find_all_voices(const float *input, size_t from, size_t to, size_t width,
                              struct ear_voices out)
{
#ifdef EAR_WIDE
    if (ear_is_wide()) return find_voices_wide(input, from, to, width, out);
#endif
    return find_voices(input, from, to, width, out);
}

/* For columns from first_column on; some before it, which were read already, may change too. */
static void add_inputs(struct ear_model_reader *r, size_t from, size_t to, size_t first_column)
{
    const struct ear_model *m = r->model;
    size_t first = first_column / STEP, behind = (m->columns + STEP - 1) / STEP;
    if (!m->dense) return;
    size_t count = find_all_voices(r->input, from, to, m->width, r->voices);
    add_weighted(r->voices, count, m->dense + first * STEP, behind - first, r->sum + first * STEP);
}

/* ---- heads ---- */

/* The likeliest label's probability, bent; it stays the likeliest. */
static void bend(const struct ear_plan *plan, float *p, size_t count, size_t top)
{
    const struct ear_model_knot *k = plan->file->knots;
    size_t knots = plan->file->knot_count, at = 0;
    float x = p[top], y = 0, second = 0;
    while (at < knots && k[at].x < x) at++;
    if (at == 0) y = k[0].y;
    if (at == knots) y = k[knots - 1].y;
    if (at > 0 && at < knots)
        y = k[at - 1].y + (k[at].y - k[at - 1].y) * (x - k[at - 1].x) / (k[at].x - k[at - 1].x);
    for (size_t i = 0; i < count; i++)
        if (i != top) second = ear_more(second, p[i]);
    float rest = 1 - x;
    if (rest < 1e-6f) return;
    y = ear_more(y, second / (rest + second));
    for (size_t i = 0; i < count; i++) p[i] *= (1 - y) / rest;
    p[top] = y;
}

static bool names(struct ear_str languages, const char *language)
{
    struct ear_str code;
    while (languages.len && ear_str_split(&languages, ' ', &code))
        if (ear_str_eq(code, ear_str_from(language))) return true;
    return false;
}

static bool taught(const struct ear_head *head, const char *language)
{
    return !head->languages.len || strcmp(language, "und") == 0 || names(head->languages, language);
}

/* Calibrated logits, one a column; of softmax one a label. */
static void fill_logits(const struct ear_model_reader *r, const struct ear_plan *plan, float *z)
{
    const struct ear_file_column *column = r->model->column + plan->first_column;
    const float *sum = r->sum + plan->first_column;
    for (size_t i = 0; i < plan->column_count; i++) {
        float logit = column[i].slope * (column[i].bias + sum[i]) + column[i].offset;
        z[ear_plan_label(plan, i)] = ear_less(ear_more(logit, -LOGIT_MAX), LOGIT_MAX);
    }
    if (plan->reference != SIZE_MAX) z[plan->reference] = 0;
}

static struct ear_prediction predict(struct ear_model_reader *r, size_t at)
{
    const struct ear_model *m = r->model;
    const struct ear_plan *plan = &m->plans[at];
    float z[EAR_MODEL_LABELS_MAX], *p = r->p + plan->first_label;
    size_t count = m->heads[at].label_count, top = 0;
    fill_logits(r, plan, z);
    ear_head_probabilities(plan->kind, z, count, p);
    for (size_t i = 1; i < count; i++)
        if (p[i] > p[top]) top = i;
    if (plan->file->knot_count && plan->kind != EAR_HEAD_FLAGS) bend(plan, p, count, top);
    return (struct ear_prediction){.label = (uint16_t)top, .p = p[top], .p_labels = p};
}

static void read_heads(struct ear_model_reader *r, unsigned level, struct ear_reading *out)
{
    const struct ear_model *m = r->model;
    size_t input = m->dense_count;
    bool nothing = ear_extractor_normal(r->extractor)->token_count == 0;
    bool stacked = m->first_stacked < m->columns;
    for (size_t i = 0; i < m->head_count; i++) {
        const struct ear_plan *plan = &m->plans[i];
        if (plan->level != level) continue;
        struct ear_prediction *d = &out->heads[i];
        *d = predict(r, i);
        d->unsure = nothing || d->p < r->unsure_below[i] || !taught(&m->heads[i], out->language);
        if (level == 1 && stacked)
            input +=
                ear_stack_fill(plan->kind, d->p_labels, m->heads[i].label_count, r->input + input);
    }
}

/* Of a language that a stand-in was taught, it speaks. */
static void let_speak(struct ear_model_reader *r, struct ear_reading *out)
{
    const struct ear_model *m = r->model;
    for (size_t i = 0; i < m->head_count; i++) r->speaker[i] = i;
    for (size_t i = 0; i < m->head_count; i++) {
        int whose = m->heads[i].stands_in;
        if (whose < 0 || !names(m->heads[i].languages, out->language)) continue;
        out->heads[whose] = out->heads[i];
        out->heads[whose].stood_in = true;
        r->speaker[whose] = i;
    }
}

void ear_model_read(struct ear_model_reader *r, const struct ear_model_post *post,
                    struct ear_reading *out)
{
    const struct ear_model *m = r->model;
    const struct ear_features *f = r->features = ear_extract(r->extractor, post);
    r->posts++;
    memcpy(out->language, f->language.code, sizeof out->language);
    memcpy(out->likeliest, f->language.best, sizeof out->likeliest);
    out->language_p = f->language.p;
    memset(r->sum, 0, m->width * sizeof *r->sum);
    for (size_t group = 0, start = 0; group < EAR_FEATURE_GROUPS; start = f->end[group++])
        add_group(r, f->index + start, f->end[group] - start, f->value[group]);
    for (size_t c = 0; c < m->columns; c++) r->sum[c] *= m->column[c].scale;
    memcpy(r->input, f->dense, m->dense_count * sizeof *r->input);
    add_inputs(r, 0, m->dense_count, 0);
    read_heads(r, 1, out);
    if (m->first_stacked < m->columns) {
        add_inputs(r, m->dense_count, m->input_count, m->first_stacked);
        read_heads(r, 2, out);
    }
    let_speak(r, out);
}
