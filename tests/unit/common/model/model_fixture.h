/* model_fixture: a model of random weights with a small network, written and opened again: the
 * state of the tests that include it. */
#ifndef EAR_TEST_MODEL_FIXTURE_H
#define EAR_TEST_MODEL_FIXTURE_H

#include "base/base.h"
#include "language_table.h"
#include "model/layout.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COLUMNS 14 /* 3 + 1 + 3 + 4 on level 1, 3 on level 2 */
#define KEPT    20000
#define BITS    16
#define FILTERS 16

static uint64_t rnd_state;

static float rnd(void)
{
    rnd_state = rnd_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (float)(int32_t)(rnd_state >> 32) / 2147483648.0f;
}

static const struct ear_str tones[] = {{"bad", 3}, {"plain", 5}, {"good", 4}};
static const struct ear_str yes_no[] = {{"no", 2}, {"yes", 3}};
static const struct ear_str levels[] = {{"0", 1}, {"1", 1}, {"2", 1}, {"3", 1}};
static const float shares[] = {0.5f, 0.25f, 0.25f};
static const struct ear_str network_words[] = {{"order", 5}, {"great", 5}, {"nicht", 5}, {"!!", 2}};

struct fixture {
    struct ear_model_part heads[5];
    struct ear_model_parts parts;
    uint32_t kept[KEPT];
    float weights[KEPT][COLUMNS];
    float *dense;
    float bias[COLUMNS], slope[COLUMNS], offset[COLUMNS];
    size_t dense_count, input_count;
    struct ear_buf scores, network, file;
    char *aligned;
    struct ear_model *model;
};

static void fill_row(void *self, size_t row, float *weights)
{
    const struct fixture *f = self;
    memcpy(weights, f->weights[row], sizeof f->weights[row]);
}

static void make_heads(struct fixture *f)
{
    static const struct {
        const char *name;
        const struct ear_str *labels;
        size_t labels_count;
        ear_head_kind kind;
        unsigned level;
    } heads[] = {
        {"tone", tones, 3, EAR_HEAD_SOFTMAX, 1},      {"complaint", yes_no, 2, EAR_HEAD_BINARY, 1},
        {"severity", levels, 4, EAR_HEAD_ORDINAL, 1}, {"flags", levels, 4, EAR_HEAD_FLAGS, 1},
        {"intent", tones, 3, EAR_HEAD_EACH, 2},
    };
    size_t column = 0;
    for (size_t i = 0; i < EAR_COUNT(heads); i++) {
        f->heads[i] = (struct ear_model_part){.name = ear_str_from(heads[i].name),
                                              .labels = heads[i].labels,
                                              .label_count = heads[i].labels_count,
                                              .kind = heads[i].kind,
                                              .level = heads[i].level,
                                              .auxiliary = i == 3,
                                              .unsure_below = 0.1f,
                                              .bias = f->bias + column,
                                              .slope = f->slope + column,
                                              .offset = f->offset + column};
        for (size_t k = 0; k < EAR_MODEL_COVERAGES; k++)
            f->heads[i].coverage[k] = 1 - (float)k / EAR_MODEL_COVERAGES;
        column += ear_head_columns(heads[i].kind, heads[i].labels_count);
    }
    assert_int_equal(column, COLUMNS);
    f->heads[0].languages = EAR_STR("en de");
    f->heads[0].shares = shares;
}

static void make_weights(struct fixture *f)
{
    rnd_state = 7;
    for (uint32_t i = 0; i < KEPT; i++) {
        f->kept[i] = i * 3 + 1;
        for (size_t c = 0; c < COLUMNS; c++) f->weights[i][c] = 4 * rnd();
    }
    for (size_t c = 0; c < COLUMNS; c++) {
        f->bias[c] = rnd();
        f->slope[c] = 1 + rnd() / 2;
        f->offset[c] = rnd();
    }
    f->dense = ear_alloc(f->input_count * COLUMNS * sizeof *f->dense);
    for (size_t i = 0; i < f->input_count * COLUMNS; i++) f->dense[i] = rnd();
}

static void make_scores(struct fixture *f)
{
    static const struct ear_score scores[] = {
        {{"great", 5}, "en", {100, 90, 0, 0, 60}},
        {{"awful", 5}, "en", {-110, -90, 0, 0, 40}},
        {{"so", 2}, "", {0, 0, 0, 0, 110}},
        {{"awful", 5}, "", {0, 0, 0, 0, 40}},
    };
    ear_buf_init(&f->scores, 1 << 20);
    assert_int_equal(ear_scores_write(scores, EAR_COUNT(scores), &f->scores), EAR_OK);
}

static void make_network(struct fixture *f)
{
    static float rows[EAR_COUNT(network_words)][EAR_NETWORK_PLACES * FILTERS];
    static float unknown[EAR_NETWORK_PLACES * FILTERS], negated[EAR_NETWORK_PLACES * FILTERS];
    static float bias[EAR_NETWORK_WIDTHS * FILTERS];
    rnd_state = 11;
    for (size_t i = 0; i < EAR_NETWORK_PLACES * FILTERS; i++) {
        for (size_t w = 0; w < EAR_COUNT(network_words); w++) rows[w][i] = rnd();
        unknown[i] = rnd() / 4;
        negated[i] = rnd() / 2;
        bias[i % EAR_COUNT(bias)] = rnd() / 2;
    }
    struct ear_network_parts parts = {
        network_words, EAR_COUNT(network_words), FILTERS, *rows, unknown, negated, bias};
    ear_buf_init(&f->network, 1 << 20);
    assert_int_equal(ear_network_write(&parts, &f->network), EAR_OK);
}

static void write_file(struct fixture *f)
{
    struct ear_diag diag;
    ear_buf_init(&f->file, (size_t)64 << 20);
    if (ear_model_write(&f->parts, &f->file, &diag)) fail_msg("%s", diag.text);
    free(f->aligned);
    f->aligned = aligned_alloc(64, (f->file.len + 63) / 64 * 64);
    memcpy(f->aligned, f->file.data, f->file.len);
}

/* What the trainer's extractor looks into. */
static struct ear_feature_tables tables_of(const struct fixture *f)
{
    struct ear_feature_tables tables = {0};
    assert_int_equal(ear_scores_open(ear_buf_str(&f->scores), &tables.scores, NULL), EAR_OK);
    assert_int_equal(ear_language_open(language_table(), &tables.language, NULL), EAR_OK);
    assert_int_equal(ear_network_open(ear_buf_str(&f->network), &tables.network, NULL), EAR_OK);
    return tables;
}

/* Written once more, after the test changed something. */
static inline struct ear_str write_again(struct fixture *f)
{
    ear_buf_release(&f->file);
    ear_model_free(&f->model);
    write_file(f);
    return (struct ear_str){f->aligned, f->file.len};
}

static int set_up(void **state)
{
    struct fixture *f = *state = ear_alloc(sizeof *f);
    struct ear_diag diag;
    make_scores(f);
    make_network(f);
    struct ear_feature_tables tables = tables_of(f);
    f->dense_count = ear_dense_count(&tables);
    make_heads(f);
    f->input_count = f->dense_count + ear_stack_inputs(f->heads, 5);
    assert_int_equal(f->input_count - f->dense_count, 2 * (3 + 1 + 4 + 4));
    make_weights(f);
    f->parts = (struct ear_model_parts){.name = EAR_STR("test-1"),
                                        .licences = EAR_STR("a: MIT\nb: CC0"),
                                        .spec = ear_feature_spec_default(),
                                        .heads = f->heads,
                                        .head_count = 5,
                                        .kept = f->kept,
                                        .kept_count = KEPT,
                                        .row = fill_row,
                                        .self = f,
                                        .dense = f->dense,
                                        .language = language_table(),
                                        .scores = ear_buf_str(&f->scores),
                                        .network = ear_buf_str(&f->network)};
    f->parts.spec.hash_bits = BITS;
    write_file(f);
    struct ear_str bytes = {f->aligned, f->file.len};
    if (ear_model_open(bytes, &f->model, &diag)) fail_msg("%s", diag.text);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    ear_model_free(&f->model);
    ear_buf_release(&f->file);
    ear_buf_release(&f->scores);
    ear_buf_release(&f->network);
    free(f->aligned);
    free(f->dense);
    free(f);
    return 0;
}

static inline struct ear_model_post post_of(const char *text)
{
    return (struct ear_model_post){.text = ear_str_from(text), .account = EAR_STR("acme")};
}

static inline void assert_refused(struct fixture *f, size_t len, const char *because)
{
    struct ear_model *model;
    struct ear_diag diag = {.err = EAR_OK};
    ear_err err = ear_model_open((struct ear_str){f->aligned, len}, &model, &diag);
    assert_true(err == EAR_INVALID || err == EAR_UNSUPPORTED);
    assert_null(model);
    if (!strstr(diag.text, because)) fail_msg("\"%s\" does not say %s", diag.text, because);
}

#endif
