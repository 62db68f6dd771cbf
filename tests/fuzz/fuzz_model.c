/* libFuzzer target: the loader of model files. The input is either a file, or changes to a good
 * one, three bytes each: where, and what; then the digest is made to fit, so that what lies behind
 * it is reached. What the loader takes is read with and asked why. */
#include "../lib/language_table.h"
#include "model/file.h"
#include "model/layout.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROWS    200
#define FILTERS 16
#define COLUMNS 8 /* 3 + 1 + 2 on level 1, 2 on level 2 */

static void fill_row(void *self, size_t row, float *weights)
{
    (void)self;
    for (size_t c = 0; c < COLUMNS; c++) weights[c] = (float)((row * 7 + c * 5) % 19) - 9;
}

/* Of words that the post below has. */
static void write_network(struct ear_buf *out)
{
    static const struct ear_str words[] = {{"order", 5}, {"where", 5}, {"??", 2}};
    static float rows[EAR_COUNT(words)][EAR_NETWORK_PLACES * FILTERS];
    static const float unknown[EAR_NETWORK_PLACES * FILTERS] = {0.5f};
    static const float negated[EAR_NETWORK_PLACES * FILTERS] = {-1};
    static const float bias[EAR_NETWORK_WIDTHS * FILTERS] = {-0.5f, 0.5f};
    for (size_t w = 0; w < EAR_COUNT(words); w++)
        for (size_t i = 0; i < EAR_NETWORK_PLACES * FILTERS; i++)
            rows[w][i] = (float)((w * 5 + i * 3) % 11) - 5;
    struct ear_network_parts parts = {words,   EAR_COUNT(words), FILTERS, *rows,
                                      unknown, negated,          bias};
    EAR_CHECK(ear_network_write(&parts, out) == EAR_OK);
}

static void write_good(struct ear_buf *out)
{
    static const struct ear_str labels[] = {{"low", 3}, {"middle", 6}, {"high", 4}};
    static const float bias[COLUMNS] = {0.5f, -0.5f};
    static uint32_t kept[ROWS];
    static float dense[1000 * COLUMNS];
    struct ear_buf network;
    struct ear_model_part heads[] = {
        {.name = EAR_STR("a"), .label_count = 3, .kind = EAR_HEAD_SOFTMAX, .level = 1},
        {.name = EAR_STR("b"), .label_count = 2, .kind = EAR_HEAD_BINARY, .level = 1},
        {.name = EAR_STR("c"), .label_count = 3, .kind = EAR_HEAD_ORDINAL, .level = 1},
        {.name = EAR_STR("d"), .label_count = 2, .kind = EAR_HEAD_EACH, .level = 2, .stands_in = 2},
    };
    for (size_t i = 0; i < EAR_COUNT(heads); i++) {
        heads[i].labels = labels;
        heads[i].bias = bias;
        heads[i].languages = EAR_STR("en de");
        heads[i].knots[0] = (struct ear_model_knot){0.2f, 0.3f};
        heads[i].knots[1] = (struct ear_model_knot){0.9f, 0.8f};
        heads[i].knot_count = 2;
    }
    for (uint32_t i = 0; i < ROWS; i++) kept[i] = i * 80;
    for (size_t i = 0; i < EAR_COUNT(dense); i++) dense[i] = (float)(i % 7) - 3;
    ear_buf_init(&network, 1 << 16);
    write_network(&network);
    struct ear_model_parts parts = {.name = EAR_STR("fuzz"),
                                    .spec = ear_feature_spec_default(),
                                    .heads = heads,
                                    .head_count = EAR_COUNT(heads),
                                    .kept = kept,
                                    .kept_count = ROWS,
                                    .row = fill_row,
                                    .dense = dense,
                                    .language = language_table(),
                                    .network = ear_buf_str(&network)};
    parts.spec.hash_bits = 14;
    struct ear_diag diag;
    ear_buf_init(out, (size_t)1 << 20);
    EAR_CHECK(ear_model_write(&parts, out, &diag) == EAR_OK);
    ear_buf_release(&network);
}

static void read_with(struct ear_model *model)
{
    struct ear_model_reader *reader = ear_model_reader_new(model);
    struct ear_model_post post = {.text = EAR_STR("@acme my order, where is it??"),
                                  .account = EAR_STR("acme")};
    struct ear_reading reading;
    struct ear_reason reasons[4];
    ear_model_read(reader, &post, &reading);
    struct ear_model_info info = ear_model_info(model);
    for (size_t i = 0; i < info.head_count; i++) {
        EAR_CHECK(reading.heads[i].label < info.heads[i].label_count);
        EAR_CHECK(reading.heads[i].p >= 0 && reading.heads[i].p <= 1.001f);
        EAR_CHECK(ear_model_why(reader, i, reading.heads[i].label, reasons, 4) <= 4);
        EAR_CHECK(ear_model_threshold(model, i, 0.8f) >= 0);
    }
    ear_model_reader_free(&reader);
}

static size_t change(char *file, size_t len, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i + 3 <= size; i += 3)
        file[(size_t)(data[i] | data[i + 1] << 8) % len] = (char)data[i + 2];
    struct ear_file_head head;
    memcpy(&head, file, sizeof head);
    head.bytes = len;
    memcpy(file, &head, sizeof head);
    ear_model_digest((struct ear_str){file, len}, head.digest);
    memcpy(file, &head, sizeof head);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ear_buf good;
    if (!good.len) write_good(&good);
    size_t room = (size > good.len ? size : good.len) + EAR_MODEL_ALIGN, len = size;
    char *file = aligned_alloc(EAR_MODEL_ALIGN, room / EAR_MODEL_ALIGN * EAR_MODEL_ALIGN);
    EAR_CHECK(file != NULL);
    if (size % 2) {
        memcpy(file, data, size);
    } else {
        memcpy(file, good.data, good.len);
        len = change(file, good.len, data, size);
    }
    struct ear_model *model;
    struct ear_diag diag = {.err = EAR_OK};
    ear_err err = ear_model_open((struct ear_str){file, len}, &model, &diag);
    EAR_CHECK(err ? model == NULL && diag.text[0] : model != NULL);
    /* A reader takes a while to make. */
    if (!err && size % 16 == 0) read_with(model);
    ear_model_free(&model);
    free(file);
    return 0;
}
