/* word_model: a model small enough to know by heart. Head "intent" says complaint for "awful",
 * praise for "great", question otherwise; head "urgency" says 1 for "now"; the auxiliary head
 * "tone" says bad for "awful". `swap` makes a worse one: "great" is a complaint to it. */
#ifndef EAR_TEST_WORD_MODEL_H
#define EAR_TEST_WORD_MODEL_H

#include "language_table.h"
#include "model/file.h"

#include <stdlib.h>

enum { WORD_AWFUL, WORD_GREAT, WORD_NOW, WORD_COUNT };
enum { COLUMN_COMPLAINT, COLUMN_PRAISE, COLUMN_QUESTION, COLUMN_URGENT, COLUMN_BAD, COLUMN_COUNT };

struct word_model {
    struct ear_feature_spec spec;
    uint32_t kept[WORD_COUNT];
    float weights[WORD_COUNT][COLUMN_COUNT];
};

static void word_model_row(void *self, size_t row, float *weights)
{
    const struct word_model *m = self;
    memcpy(weights, m->weights[row], sizeof(m->weights[row]));
}

/* The one feature of a word in this spec. */
static uint32_t word_model_index(struct ear_extractor *extractor, const char *word)
{
    const struct ear_model_post post = {.text = ear_str_from(word)};
    const struct ear_features *f = ear_extract(extractor, &post);
    EAR_CHECK(f->end[EAR_FEATURE_WORDS] >= 1);
    return f->index[0];
}

static void word_model_weights(struct word_model *m, bool swap)
{
    static const float of[WORD_COUNT][COLUMN_COUNT] = {[WORD_AWFUL] = {8, -4, -4, 0, 6},
                                                       [WORD_GREAT] = {-4, 8, -4, 0, -6},
                                                       [WORD_NOW] = {0, 0, 0, 8, 0}};
    static const char *const words[] = {"awful", "great", "now"};
    struct ear_feature_tables none = {0};
    struct ear_extractor *extractor = ear_extractor_new(&m->spec, &none, NULL);
    bool taken[WORD_COUNT] = {false};
    uint32_t index[WORD_COUNT];
    for (size_t i = 0; i < WORD_COUNT; i++) index[i] = word_model_index(extractor, words[i]);
    for (size_t row = 0; row < WORD_COUNT; row++) { /* rows are in the order of indices */
        size_t least = WORD_COUNT;
        for (size_t i = 0; i < WORD_COUNT; i++)
            if (!taken[i] && (least == WORD_COUNT || index[i] < index[least])) least = i;
        taken[least] = true;
        m->kept[row] = index[least];
        memcpy(m->weights[row], of[least == WORD_GREAT && swap ? WORD_AWFUL : least],
               sizeof(of[0]));
    }
    ear_extractor_free(&extractor);
}

/* Appends the file. */
static inline void word_model_write(bool swap, struct ear_buf *out)
{
    static const struct ear_str intents[] = {{"complaint", 9}, {"praise", 6}, {"question", 8}};
    static const struct ear_str levels[] = {{"0", 1}, {"1", 1}},
                                tones[] = {{"good", 4}, {"bad", 3}};
    static const float bias[COLUMN_COUNT] = {0, 0, 1, -3, -1};
    static struct word_model m;
    struct ear_diag diag = {0};
    m.spec = (struct ear_feature_spec){.seed = 1,
                                       .hash_bits = 16,
                                       .word_max = 1,
                                       .char_min = 2,
                                       .char_max = 3,
                                       .weight = {[EAR_FEATURE_WORDS] = 1}};
    word_model_weights(&m, swap);
    struct ear_model_part heads[] = {
        {.name = EAR_STR("intent"),
         .labels = intents,
         .label_count = 3,
         .kind = EAR_HEAD_SOFTMAX,
         .level = 1,
         .unsure_below = .5F,
         .bias = bias},
        {.name = EAR_STR("urgency"),
         .labels = levels,
         .label_count = 2,
         .kind = EAR_HEAD_BINARY,
         .level = 1,
         .unsure_below = .5F,
         .bias = bias + COLUMN_URGENT},
        {.name = EAR_STR("tone"),
         .labels = tones,
         .label_count = 2,
         .kind = EAR_HEAD_BINARY,
         .level = 1,
         .auxiliary = true,
         .bias = bias + COLUMN_BAD},
    };
    struct ear_model_parts parts = {.name = EAR_STR("words"),
                                    .licences = EAR_STR("words.tsv: CC0-1.0\n"),
                                    .spec = m.spec,
                                    .heads = heads,
                                    .head_count = EAR_COUNT(heads),
                                    .kept = m.kept,
                                    .kept_count = WORD_COUNT,
                                    .row = word_model_row,
                                    .self = &m,
                                    .language = language_table()};
    EAR_CHECK(ear_model_write(&parts, out, &diag) == EAR_OK);
}

/* The bytes are the caller's to free, after the model. */
static inline struct ear_model *word_model_open(bool swap, void **bytes)
{
    struct ear_buf file;
    struct ear_diag diag = {0};
    struct ear_model *model = NULL;
    ear_buf_init(&file, (size_t)64 * 1024 * 1024);
    word_model_write(swap, &file);
    *bytes = aligned_alloc(64, (file.len + 63) & ~(size_t)63);
    EAR_CHECK(*bytes != NULL);
    memcpy(*bytes, file.data, file.len);
    EAR_CHECK(ear_model_open((struct ear_str){*bytes, file.len}, &model, &diag) == EAR_OK);
    ear_buf_release(&file);
    return model;
}

#endif
