#include "json/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static json_t *parsed(const char *text)
{
    json_t *value;
    struct ear_diag diag = {0};
    if (ear_json_parse(ear_str_from(text), 1 << 20, &value, &diag)) fail_msg("%s", diag.text);
    return value;
}

static void test_json_parse__takes_one_value(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{}",
        "[]",
        "null",
        "1",
        "\"x\"",
        " {\"a\":[1,2,{\"b\":null}]} \r\n\t",
        "-1.5e3",
        "\"\\ud83d\\ude00\"",
        "\"gr\xc3\xbc\xc3\x9f\"",
        "9223372036854775807",
        "\"[[[[\\\"[[[[\"",
    };
    for (size_t i = 0; i < EAR_COUNT(good); i++) json_decref(parsed(good[i]));
}

static void test_json_parse__refuses_the_rest(void **state)
{
    (void)state;
    static const struct ear_str bad[] = {
        {NULL, 0},
        {"", 0},
        {" ", 1},
        {"{", 1},
        {"{}{}", 4},
        {"{} x", 4},
        {"[1,]", 4},
        {"{\"a\":1,}", 8},
        {"{a:1}", 5},
        {"{'a':1}", 7},
        {"NaN", 3},
        {"01", 2},
        {"1.", 2},
        {"+1", 2},
        {"tru", 3},
        {"\"\xff\"", 3},
        {"\"\xc0\x80\"", 4},
        {"\"\xed\xa0\x80\"", 5},
        {"\"\\ud800\"", 8},
        {"\"\\u0000\"", 8},
        {"\"a\0b\"", 5},
        {"{}\0", 3},
        {"\"a\nb\"", 5},
        {"9223372036854775808", 19},
        {"1e999", 5},
        {"{\"a\":1,\"a\":2}", 13},
        {"// x\n1", 6},
        {"\xef\xbb\xbf{}", 5},
        {"{\"a\\u0000\":1}", 13},
        {"\"\\", 2},
    };
    for (size_t i = 0; i < EAR_COUNT(bad); i++) {
        json_t *value = (json_t *)&value;
        struct ear_diag diag = {0};
        if (ear_json_parse(bad[i], 1 << 20, &value, &diag) != EAR_INVALID)
            fail_msg("%.*s was taken", EAR_STR_ARG(bad[i]));
        assert_null(value);
        assert_int_equal(diag.err, EAR_INVALID);
        assert_non_null(strstr(diag.text, "line "));
    }
}

static void test_json_parse__does_not_quote_what_was_sent(void **state)
{
    (void)state;
    json_t *value;
    struct ear_diag diag = {0};
    assert_int_equal(ear_json_parse(EAR_STR("{\"text\":\n  private}"), 100, &value, &diag),
                     EAR_INVALID);
    assert_string_equal(diag.text, "line 2, column 9: invalid token");
}

static void test_json_parse__keeps_its_ceilings(void **state)
{
    (void)state;
    json_t *value;
    struct ear_diag diag = {0};
    assert_int_equal(ear_json_parse(EAR_STR("[1,2]"), 4, &value, &diag), EAR_TOO_LARGE);
    assert_string_equal(diag.text, "5 bytes of JSON, at most 4 are taken");
    assert_int_equal(ear_json_parse(EAR_STR("[1,2]"), 5, &value, &diag), EAR_OK);
    json_decref(value);
    for (size_t depth = 1; depth < 200; depth++) {
        char text[400];
        memset(text, depth % 2 ? '[' : '{', depth);
        if (depth % 2) memset(text + depth, ']', depth);
        ear_err err = ear_json_parse((struct ear_str){text, depth % 2 ? 2 * depth : depth},
                                     sizeof(text), &value, &diag);
        assert_int_equal(err, depth % 2 && depth <= 64 ? EAR_OK : EAR_INVALID);
        json_decref(value);
        if (depth > 64) assert_string_equal(diag.text, "nested deeper than 64 levels");
    }
}

static void test_json_parse__takes_no_more_values_than_fit_in_memory(void **state)
{
    (void)state;
    static char text[3 * 70000];
    json_t *value;
    struct ear_diag diag = {0};
    size_t most = 65535; /* and the array itself */
    for (size_t count = most; count <= most + 1; count++) {
        text[0] = '[';
        for (size_t i = 0; i < count; i++) memcpy(text + 1 + 2 * i, "1,", 2);
        text[2 * count] = ']';
        ear_err err =
            ear_json_parse((struct ear_str){text, 2 * count + 1}, sizeof(text), &value, &diag);
        assert_int_equal(err, count == most ? EAR_OK : EAR_TOO_LARGE);
        json_decref(value);
    }
    assert_string_equal(diag.text, "more than 65536 values");
    memset(text, ',', sizeof(text));
    text[0] = text[sizeof(text) - 1] = '"'; /* commas of a text are no values */
    assert_int_equal(
        ear_json_parse((struct ear_str){text, sizeof(text)}, sizeof(text), &value, &diag), EAR_OK);
    json_decref(value);
}

static void test_json_members__are_typed(void **state)
{
    (void)state;
    json_t *o = parsed(
        "{\"t\":\"x\",\"e\":\"\",\"i\":7,\"r\":7.0,\"b\":true,\"n\":null,\"o\":{},\"a\":[]}");
    struct ear_str text = EAR_STR("was");
    int64_t number = 1;
    bool flag = false;
    const json_t *object = NULL;
    struct ear_diag diag = {0};

    assert_int_equal(ear_json_need_text(o, "t", &text, &diag), EAR_OK);
    assert_true(ear_str_eq(text, EAR_STR("x")));
    assert_int_equal(ear_json_text(o, "none", &text, &diag), EAR_OK);
    assert_int_equal(ear_json_text(o, "n", &text, &diag), EAR_OK);
    assert_true(ear_str_eq(text, EAR_STR("x")));
    assert_int_equal(ear_json_need_text(o, "none", &text, &diag), EAR_INVALID);
    assert_string_equal(diag.text, "\"none\" is missing");
    assert_int_equal(ear_json_need_text(o, "n", &text, &diag), EAR_INVALID);
    assert_int_equal(ear_json_need_text(NULL, "t", &text, &diag), EAR_INVALID);
    assert_int_equal(ear_json_text(o, "i", &text, &diag), EAR_INVALID);
    assert_string_equal(diag.text, "\"i\" is not text");
    assert_int_equal(ear_json_need_text(o, "e", &text, &diag), EAR_OK);
    assert_int_equal(text.len, 0);

    assert_int_equal(ear_json_i64(o, "i", 0, 7, &number, &diag), EAR_OK);
    assert_int_equal(number, 7);
    assert_int_equal(ear_json_i64(o, "none", 0, 7, &number, &diag), EAR_OK);
    assert_int_equal(ear_json_i64(o, "i", 0, 6, &number, &diag), EAR_INVALID);
    assert_string_equal(diag.text, "\"i\" is not within 0 to 6");
    assert_int_equal(ear_json_i64(o, "r", 0, 9, &number, &diag), EAR_INVALID);
    assert_int_equal(ear_json_i64(o, "t", 0, 9, &number, &diag), EAR_INVALID);
    assert_int_equal(number, 7);

    assert_int_equal(ear_json_bool(o, "b", &flag, &diag), EAR_OK);
    assert_true(flag);
    assert_int_equal(ear_json_bool(o, "i", &flag, &diag), EAR_INVALID);
    assert_int_equal(ear_json_object(o, "o", &object, &diag), EAR_OK);
    assert_true(json_is_object(object));
    assert_int_equal(ear_json_object(o, "a", &object, &diag), EAR_INVALID);
    assert_int_equal(ear_json_object(o, "none", &object, &diag), EAR_OK);
    assert_true(json_is_object(object));
    json_decref(o);
}

static void test_json_text__refuses_nul(void **state)
{
    (void)state;
    json_t *o = json_pack("{s:s#}", "t", "a\0b", 3);
    struct ear_str text = EAR_STR("was");
    struct ear_diag diag = {0};
    assert_int_equal(ear_json_text(o, "t", &text, &diag), EAR_INVALID);
    assert_string_equal(diag.text, "\"t\" holds a NUL character");
    assert_true(ear_str_eq(text, EAR_STR("was")));
    json_decref(o);
}

static void test_json_at__walks_a_path(void **state)
{
    (void)state;
    json_t *o = parsed("{\"a\":{\"b\":{\"c\":\"deep\"},\"n\":5},\"t\":\"x\",\"l\":[\"y\"]}");
    assert_true(ear_str_eq(ear_json_at(o, "a.b.c"), EAR_STR("deep")));
    assert_true(ear_str_eq(ear_json_at(o, "t"), EAR_STR("x")));
    static const char *const none[] = {"",      "a", "a.b", "a.n", "a.b.c.d",
                                       "a.x.c", "z", "l.0", "t.x", ".t"};
    for (size_t i = 0; i < EAR_COUNT(none); i++) assert_null(ear_json_at(o, none[i]).ptr);
    assert_null(ear_json_at(NULL, "a").ptr);
    json_decref(o);
}

static void test_json_write__is_compact_and_in_order(void **state)
{
    (void)state;
    json_t *o = parsed(" { \"z\" : [ 1 , 2.5 , \"gr\xc3\xbc\\n\" ] , \"a\" : null } ");
    struct ear_buf buf;
    ear_buf_init(&buf, 40);
    assert_int_equal(ear_buf_append_char(&buf, '>'), EAR_OK);
    assert_int_equal(ear_json_write(o, &buf), EAR_OK);
    assert_string_equal(buf.data, ">{\"z\":[1,2.5,\"gr\xc3\xbc\\n\"],\"a\":null}");
    ear_buf_consume(&buf, buf.len - 20);
    char *before = ear_strdup(buf.data);
    assert_int_equal(ear_json_write(o, &buf), EAR_TOO_LARGE);
    assert_string_equal(buf.data, before);
    free(before);
    json_decref(o);
    ear_buf_reset(&buf);
    o = json_string("alone");
    assert_int_equal(ear_json_write(o, &buf), EAR_OK);
    assert_string_equal(buf.data, "\"alone\"");
    json_decref(o);
    ear_buf_release(&buf);
}

/* Wherever the room ends, at a name, a sign or in a text: whole or not at all. */
static void test_json_write__is_whole_or_nothing(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"b\":\"text\",\"c\":[true,null],\"a long name\":{\"another one\":1}}";
    json_t *o = json_loads(whole, 0, NULL);
    for (size_t max = 0; max <= strlen(whole); max++) {
        struct ear_buf buf;
        ear_buf_init(&buf, max);
        ear_err err = ear_json_write(o, &buf);
        assert_int_equal(err, max < strlen(whole) ? EAR_TOO_LARGE : EAR_OK);
        assert_int_equal(buf.len, err ? 0 : strlen(whole));
        ear_buf_release(&buf);
    }
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_parse__takes_one_value),
        cmocka_unit_test(test_json_parse__refuses_the_rest),
        cmocka_unit_test(test_json_parse__does_not_quote_what_was_sent),
        cmocka_unit_test(test_json_parse__keeps_its_ceilings),
        cmocka_unit_test(test_json_parse__takes_no_more_values_than_fit_in_memory),
        cmocka_unit_test(test_json_members__are_typed),
        cmocka_unit_test(test_json_text__refuses_nul),
        cmocka_unit_test(test_json_at__walks_a_path),
        cmocka_unit_test(test_json_write__is_compact_and_in_order),
        cmocka_unit_test(test_json_write__is_whole_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
