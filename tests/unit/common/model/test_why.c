/* What the network answers is put to the words of its strongest windows, and to nothing else. */
#include "model/dense.h"
#include "model_fixture.h"
#include <math.h>
#include <stdio.h>

#define COMPLAINT 1 /* the head, binary */
#define COLUMN    3 /* of it */

/* Of the whole model only one output of the network speaks. */
static struct ear_model_reader *reader_of_output(struct fixture *f, size_t output, float weight)
{
    struct ear_diag diag;
    f->parts.kept_count = 0;
    memset(f->dense, 0, f->input_count * COLUMNS * sizeof *f->dense);
    f->dense[(EAR_DENSE_NETWORK + output) * COLUMNS + COLUMN] = weight;
    if (ear_model_open(write_again(f), &f->model, &diag)) fail_msg("%s", diag.text);
    return ear_model_reader_new(f->model);
}

/* The words of the strongest window and what the output is. */
static float look(struct fixture *f, const char *text, size_t output, char *words, size_t size)
{
    struct ear_feature_tables tables = tables_of(f);
    struct ear_extractor *x = ear_extractor_new(&f->parts.spec, &tables, NULL);
    struct ear_network_window window;
    const uint16_t which = (uint16_t)output;
    struct ear_model_post post = post_of(text);
    float answer = ear_extract(x, &post)->dense[EAR_DENSE_NETWORK + output];
    const struct ear_normal *normal = ear_extractor_normal(x);
    ear_network_windows(&tables.network, normal, &which, 1, &window);
    *words = 0;
    for (size_t i = 0; i < window.words; i++) {
        struct ear_str word = normal->tokens[window.first + i].text;
        size_t len = strlen(words);
        snprintf(words + len, size - len, "%.*s ", EAR_STR_ARG(word));
    }
    ear_extractor_free(&x);
    return answer;
}

static void assert_reasons(struct fixture *f, const char *text, size_t output)
{
    char words[200];
    struct ear_reading reading;
    struct ear_reason reasons[EAR_MODEL_REASONS_MAX];
    struct ear_model_post post = post_of(text);
    float answer = look(f, text, output, words, sizeof words), sum = 0;
    struct ear_model_reader *reader = reader_of_output(f, output, 2);
    ear_model_read(reader, &post, &reading);
    size_t count = ear_model_why(reader, COMPLAINT, 1, reasons, EAR_MODEL_REASONS_MAX);
    size_t found = 0;
    for (const char *c = words; *c; c++) found += *c == ' ';
    assert_int_equal(count, answer > 0 ? found : 0);
    for (size_t i = 0; i < count; i++) {
        char word[64];
        snprintf(word, sizeof word, "%.*s ", EAR_STR_ARG(reasons[i].text));
        if (!strstr(words, word)) fail_msg("\"%s\" is not of \"%s\"", word, words);
        assert_true(fabsf(reasons[i].weight - reasons[0].weight) < 1e-4f);
        sum += reasons[i].weight;
    }
    float drawn = 2 * answer * f->slope[COLUMN];
    if (fabsf(sum - drawn) > 1e-3f) fail_msg("%f is not %f", (double)sum, (double)drawn);
    assert_int_equal(ear_model_why(reader, COMPLAINT, 0, reasons, EAR_MODEL_REASONS_MAX), 0);
    ear_model_reader_free(&reader);
}

static void test_model_why__puts_the_network_to_words(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"where is it, the great order nobody knows",
                                        "das geht so nicht gut", "order", "xyz"};
    size_t spoke = 0;
    char words[200];
    for (size_t t = 0; t < EAR_COUNT(texts); t++)
        for (size_t output = 0; output < EAR_NETWORK_WIDTHS * FILTERS; output += 11) {
            assert_reasons(f, texts[t], output);
            spoke += look(f, texts[t], output, words, sizeof words) > 0;
        }
    assert_true(spoke > 4);
}

/* Windows are remembered for a post, not for longer. */
static void test_model_why__looks_again_after_each_post(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"a great thing", "my order", "a great thing"};
    const size_t output = 2 * FILTERS + 5;
    struct ear_reading reading;
    struct ear_reason reasons[4];
    char words[200];
    struct ear_model_reader *reader = reader_of_output(f, output, 1);
    for (size_t i = 0; i < EAR_COUNT(texts); i++) {
        struct ear_model_post post = post_of(texts[i]);
        float answer = look(f, texts[i], output, words, sizeof words);
        ear_model_read(reader, &post, &reading);
        size_t count = ear_model_why(reader, COMPLAINT, 1, reasons, 4);
        assert_true(answer > 0 && count > 0);
        for (size_t k = 0; k < count; k++) {
            char word[64];
            snprintf(word, sizeof word, "%.*s ", EAR_STR_ARG(reasons[k].text));
            assert_non_null(strstr(words, word));
        }
    }
    ear_model_reader_free(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_why__puts_the_network_to_words),
        cmocka_unit_test(test_model_why__looks_again_after_each_post),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
