/* care_model: a model with all heads of triage, small enough to know by heart. A word decides:
 *   awful   complaint, negative, severity 2      where   question
 *   fix     request                              thanks  praise, positive
 *   buy     spam, no answer needed               late    topic delivery
 *   hacked  urgency 2, topic account             today   urgency 1
 * Without such a word: intent other, neutral, topic other, urgency and severity 0, an answer is
 * needed; `topics` are the labels of head topic, "delivery account other" or a firm's own three. */
#ifndef EAR_TEST_CARE_MODEL_H
#define EAR_TEST_CARE_MODEL_H

#include "language_table.h"
#include "model/file.h"

#include <stdlib.h>
#include <unistd.h>

enum { CARE_WORDS = 8, CARE_COLUMNS = 1 + 8 + 3 + 3 + 3 + 4 };

struct care_model {
    struct ear_feature_spec spec;
    uint32_t kept[CARE_WORDS];
    float weights[CARE_WORDS][CARE_COLUMNS];
};

/* Columns: answer 0; intent 1 to 8; sentiment 9; topic 12; urgency 15; severity 18. */
static const struct care_word {
    const char *text;
    struct {
        size_t column;
        float weight;
    } says[3];
} care_words[CARE_WORDS] = {
    {"awful", {{1, 20}, {9, 20}, {20, 20}}}, {"where", {{2, 20}}},         {"fix", {{3, 20}}},
    {"thanks", {{4, 20}, {11, 20}}},         {"buy", {{7, 20}, {0, -20}}}, {"late", {{12, 20}}},
    {"hacked", {{17, 20}, {13, 20}}},        {"today", {{16, 20}}},
};

static void care_model_row(void *self, size_t row, float *weights)
{
    const struct care_model *m = self;
    memcpy(weights, m->weights[row], sizeof(m->weights[row]));
}

static int care_model_order(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static inline void care_model_weights(struct care_model *m)
{
    struct ear_feature_tables none = {0};
    struct ear_extractor *extractor = ear_extractor_new(&m->spec, &none, NULL);
    uint32_t index[CARE_WORDS];
    for (size_t i = 0; i < CARE_WORDS; i++) {
        const struct ear_model_post post = {.text = ear_str_from(care_words[i].text)};
        const struct ear_features *f = ear_extract(extractor, &post);
        EAR_CHECK(f->end[EAR_FEATURE_WORDS] >= 1);
        m->kept[i] = index[i] = f->index[0];
    }
    qsort(m->kept, CARE_WORDS, sizeof *m->kept, care_model_order);
    memset(m->weights, 0, sizeof m->weights);
    for (size_t row = 0; row < CARE_WORDS; row++)
        for (size_t i = 0; i < CARE_WORDS; i++)
            for (size_t k = 0; index[i] == m->kept[row] && k < 3; k++)
                m->weights[row][care_words[i].says[k].column] += care_words[i].says[k].weight;
    ear_extractor_free(&extractor);
}

/* Appends the file. `unsure_below` is every head's. */
static inline void care_model_write(const char *name, const struct ear_str topics[3],
                                    float unsure_below, struct ear_buf *out)
{
    static const struct ear_str answers[] = {{"n", 1}, {"y", 1}};
    static const struct ear_str intents[] = {{"complaint", 9}, {"question", 8}, {"request", 7},
                                             {"praise", 6},    {"vent", 4},     {"suggestion", 10},
                                             {"spam", 4},      {"other", 5}};
    static const struct ear_str tones[] = {{"neg", 3}, {"neu", 3}, {"pos", 3}};
    static const struct ear_str levels[] = {{"0", 1}, {"1", 1}, {"2", 1}, {"3", 1}};
    static const float bias[CARE_COLUMNS] = {3, 0, 0, 0, 0, 0, 0, 0, 4, 0,
                                             4, 0, 0, 0, 4, 4, 0, 0, 4};
    static struct care_model m;
    const struct {
        const char *name;
        const struct ear_str *labels;
        size_t count, column;
    } of[] = {{"needs_answer", answers, 2, 0}, {"intent", intents, 8, 1},
              {"sentiment", tones, 3, 9},      {"topic", topics, 3, 12},
              {"urgency", levels, 3, 15},      {"severity", levels, 4, 18}};
    struct ear_model_part heads[EAR_COUNT(of)];
    struct ear_diag diag = {0};
    m.spec = (struct ear_feature_spec){.seed = 1,
                                       .hash_bits = 20,
                                       .word_max = 1,
                                       .char_min = 2,
                                       .char_max = 3,
                                       .weight = {[EAR_FEATURE_WORDS] = 1}};
    care_model_weights(&m);
    for (size_t i = 0; i < EAR_COUNT(of); i++) {
        heads[i] =
            (struct ear_model_part){.name = ear_str_from(of[i].name),
                                    .labels = of[i].labels,
                                    .label_count = of[i].count,
                                    .kind = of[i].count == 2 ? EAR_HEAD_BINARY : EAR_HEAD_SOFTMAX,
                                    .level = 1,
                                    .unsure_below = unsure_below,
                                    .bias = bias + of[i].column};
        for (size_t k = 0; k < EAR_MODEL_COVERAGES; k++)
            heads[i].coverage[k] = 1 - (float)k / EAR_MODEL_COVERAGES;
    }
    struct ear_model_parts parts = {.name = ear_str_from(name),
                                    .licences = EAR_STR("words.tsv: CC0-1.0\n"),
                                    .spec = m.spec,
                                    .heads = heads,
                                    .head_count = EAR_COUNT(heads),
                                    .kept = m.kept,
                                    .kept_count = CARE_WORDS,
                                    .row = care_model_row,
                                    .self = &m,
                                    .language = language_table()};
    if (ear_model_write(&parts, out, &diag)) ear_check_failed(diag.text, __FILE__, __LINE__, name);
}

static const struct ear_str care_topics[] = {{"delivery", 8}, {"account", 7}, {"other", 5}};

/* The file at `path`, which is replaced as a careful person does it. */
static inline void care_model_put(const char *path, const char *name,
                                  const struct ear_str topics[3], float unsure_below)
{
    struct ear_buf file;
    ear_buf_init(&file, (size_t)64 * 1024 * 1024);
    care_model_write(name, topics, unsure_below, &file);
    EAR_CHECK(ear_file_write(path, ear_buf_str(&file), 0644, NULL) == EAR_OK);
    ear_buf_release(&file);
}

/* The model, owned by the caller. */
static inline struct ear_model *care_model_new(const char *name, const struct ear_str topics[3],
                                               float unsure_below)
{
    char path[] = "/tmp/care_model_XXXXXX";
    struct ear_model *model = NULL;
    int fd = mkstemp(path);
    EAR_CHECK(fd >= 0 && close(fd) == 0);
    care_model_put(path, name, topics, unsure_below);
    EAR_CHECK(ear_model_load(path, &model, NULL) == EAR_OK);
    EAR_CHECK(unlink(path) == 0);
    return model;
}

#endif
