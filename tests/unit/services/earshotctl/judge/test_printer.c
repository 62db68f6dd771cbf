/* Lines in and out: each line of output is JSON whatever the text, says what the model says, and
 * lines that are no post are refused by name. */
#include "judge/printer.h"
#include "word_model.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct rig {
    void *bytes;
    struct ear_model *model;
    struct ear_model_reader *reader;
    struct ear_buf out;
};

static int set_up(void **state)
{
    struct rig *rig = ear_alloc(sizeof(*rig));
    rig->model = word_model_open(false, &rig->bytes);
    rig->reader = ear_model_reader_new(rig->model);
    ear_buf_init(&rig->out, (size_t)1024 * 1024);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    ear_model_reader_free(&rig->reader);
    ear_model_free(&rig->model);
    ear_buf_release(&rig->out);
    free(rig->bytes);
    free(rig);
    return 0;
}

/* The line as JSON; the caller releases it. */
static json_t *line_of(struct rig *rig, const struct ear_printer_opts *opts, const char *text)
{
    struct ear_printer *printer;
    struct ear_reading reading;
    struct ear_diag diag = {0};
    json_t *line;
    const struct ear_model_post post = {.text = ear_str_from(text)};
    assert_int_equal(ear_printer_new(rig->model, opts, &printer, &diag), EAR_OK);
    ear_model_read(rig->reader, &post, &reading);
    ear_buf_reset(&rig->out);
    ear_printer_reading(printer, rig->reader, &reading, &rig->out);
    ear_printer_free(&printer);
    assert_int_equal(rig->out.data[rig->out.len - 1], '\n');
    struct ear_str json = {rig->out.data, rig->out.len - 1};
    if (ear_json_parse(json, 1 << 20, &line, &diag)) fail_msg("%s: %s", rig->out.data, diag.text);
    return line;
}

static void expect_head(const json_t *line, const char *head, const char *label)
{
    struct ear_str said = ear_json_at(json_object_get(line, head), "label");
    assert_non_null(said.ptr);
    assert_string_equal(said.ptr, label);
}

static void test_printer__says_the_heads_that_are_no_aids(void **state)
{
    const struct ear_printer_opts opts = {0};
    json_t *line = line_of(*state, &opts, "this is awful, now");
    expect_head(line, "intent", "complaint");
    expect_head(line, "urgency", "1");
    assert_null(json_object_get(line, "tone"));
    assert_true(json_is_string(json_object_get(line, "lang")));
    assert_true(json_is_number(json_object_get(line, "lang_p")));
    json_decref(line);
}

static void test_printer__shows_an_aid_by_its_name(void **state)
{
    const struct ear_printer_opts opts = {.heads = EAR_STR("tone,language")};
    json_t *line = line_of(*state, &opts, "awful");
    expect_head(line, "tone", "bad");
    assert_null(json_object_get(line, "intent"));
    json_decref(line);
}

static void test_printer__probabilities_of_all_labels_sum_to_one(void **state)
{
    const struct ear_printer_opts opts = {.all = true};
    json_t *line = line_of(*state, &opts, "great");
    const json_t *p = json_object_get(json_object_get(line, "intent"), "probabilities"), *one;
    double sum = 0, most = 0;
    const char *label;
    assert_int_equal(json_object_size(p), 3);
    json_object_foreach((json_t *)(uintptr_t)p, label, one)
    {
        sum += json_number_value(one);
        if (json_number_value(one) > most) most = json_number_value(one);
    }
    assert_true(sum > .99999 && sum < 1.00001);
    assert_true(most <= json_number_value(json_object_get(json_object_get(line, "intent"), "p")));
    json_decref(line);
}

static void test_printer__why_names_the_word(void **state)
{
    const struct ear_printer_opts opts = {.heads = EAR_STR("intent"), .why = true};
    json_t *line = line_of(*state, &opts, "how awful \" \\ \x01 \xff this is");
    const json_t *why = json_object_get(json_object_get(line, "intent"), "why");
    assert_true(json_array_size(why) >= 1);
    struct ear_str text = ear_json_at(json_array_get(why, 0), "text");
    assert_string_equal(text.ptr, "awful");
    json_decref(line);
}

static void test_printer__no_such_head_is_named(void **state)
{
    struct rig *rig = *state;
    const struct ear_printer_opts opts = {.heads = EAR_STR("intent,mood")};
    struct ear_printer *printer;
    struct ear_diag diag = {0};
    assert_int_equal(ear_printer_new(rig->model, &opts, &printer, &diag), EAR_NOT_FOUND);
    assert_null(printer);
    assert_non_null(strstr(diag.text, "mood"));
    assert_non_null(strstr(diag.text, "urgency"));
}

/* Whatever bytes, the result is one JSON string, and well-formed text comes back as it was. */
static void test_printer__any_bytes_become_a_json_string(void **state)
{
    struct rig *rig = *state;
    static const struct {
        struct ear_str text;
        const char *back; /* NULL: as it was */
    } cases[] = {
        {EAR_STR(""), NULL},
        {EAR_STR("plain"), NULL},
        {EAR_STR("\" \\ / \b\f\n\r\t \x1f \x7f"), NULL},
        {EAR_STR("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf"), NULL},
        {EAR_STR("a\xffz"), "a\xef\xbf\xbdz"},
        {EAR_STR("cut \xe2\x82"), "cut \xef\xbf\xbd\xef\xbf\xbd"},
        {EAR_STR("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
        {EAR_STR("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong */
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        json_error_t error;
        ear_buf_reset(&rig->out);
        ear_printer_text(cases[i].text, &rig->out);
        json_t *value = json_loadb(rig->out.data, rig->out.len, JSON_DECODE_ANY, &error);
        if (!value) fail_msg("%s: %s", rig->out.data, error.text);
        assert_string_equal(json_string_value(value),
                            cases[i].back ? cases[i].back : cases[i].text.ptr);
        json_decref(value);
    }
}

static void test_printer__error_stands_in_its_line(void **state)
{
    struct rig *rig = *state;
    ear_buf_reset(&rig->out);
    ear_printer_error("no \"text\"", 7, &rig->out);
    assert_string_equal(rig->out.data, "{\"error\":\"no \\\"text\\\"\",\"line\":7}\n");
}

int main(void)
{
    ear_crypt_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printer__says_the_heads_that_are_no_aids),
        cmocka_unit_test(test_printer__shows_an_aid_by_its_name),
        cmocka_unit_test(test_printer__probabilities_of_all_labels_sum_to_one),
        cmocka_unit_test(test_printer__why_names_the_word),
        cmocka_unit_test(test_printer__no_such_head_is_named),
        cmocka_unit_test(test_printer__any_bytes_become_a_json_string),
        cmocka_unit_test(test_printer__error_stands_in_its_line),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
