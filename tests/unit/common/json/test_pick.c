#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "json/json.h"
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROOT, NAME, AUTHOR, ID, COUNT, WANTS };

static const struct ear_json_want wants[WANTS] = {[NAME] = {{"name", 4}, ROOT},
                                                  [AUTHOR] = {{"author", 6}, ROOT},
                                                  [ID] = {{"id", 2}, AUTHOR},
                                                  [COUNT] = {{"count", 5}, AUTHOR}};

struct picked {
    struct ear_arena *room;
    struct ear_json_value values[WANTS];
    struct ear_diag diag;
};

static ear_err pick(struct picked *p, struct ear_str text)
{
    p->diag.text[0] = '\0';
    ear_arena_reset(p->room);
    return ear_json_pick(text, 1 << 20, wants, WANTS, p->values, p->room, &p->diag);
}

static int setup(void **state)
{
    struct picked *p = ear_alloc(sizeof(*p));
    p->room = ear_arena_new(8 << 20);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct picked *p = *state;
    ear_arena_free(&p->room);
    free(p);
    return 0;
}

static void test_pick__finds_what_is_wanted_where_it_is_wanted(void **state)
{
    struct picked *p = *state;
    struct ear_str text =
        EAR_STR(" { \"id\" : \"outer\", \"name\":\"\", \"more\":{\"name\":1,\"id\":2},"
                "\"author\":{\"name\":\"inner\",\"\\u0069d\":\"a\\n\\ud83d\\ude00\","
                "\"count\":-7},\"list\":[{\"author\":{\"id\":3}},null,1.5e3]}\r\n");
    assert_int_equal(pick(p, text), EAR_OK);
    assert_int_equal(p->values[ROOT].type, EAR_JSON_OBJECT);
    assert_int_equal(p->values[NAME].type, EAR_JSON_TEXT);
    assert_int_equal(p->values[NAME].text.len, 0);
    assert_int_equal(p->values[AUTHOR].type, EAR_JSON_OBJECT);
    assert_true(ear_str_eq(p->values[ID].text, EAR_STR("a\n\xf0\x9f\x98\x80")));
    assert_int_equal(p->values[COUNT].type, EAR_JSON_INTEGER);
    assert_int_equal(p->values[COUNT].number, -7);
}

static void test_pick__borrows_text_without_escapes(void **state)
{
    struct picked *p = *state;
    struct ear_str text = EAR_STR("{\"name\":\"Gr\xc3\xbc\xc3\x9f"
                                  "e aus dem Norden\"}");
    assert_int_equal(pick(p, text), EAR_OK);
    assert_ptr_equal(p->values[NAME].text.ptr, text.ptr + 9);
    assert_int_equal(ear_arena_used(p->room), 0);
}

static void test_pick__knows_types(void **state)
{
    struct picked *p = *state;
    static const struct {
        const char *value;
        ear_json_type type;
        int64_t number;
    } rows[] = {
        {"null", EAR_JSON_NULL, 0},
        {"true", EAR_JSON_BOOL, 1},
        {"false", EAR_JSON_BOOL, 0},
        {"[]", EAR_JSON_ARRAY, 0},
        {"{}", EAR_JSON_OBJECT, 0},
        {"\"\"", EAR_JSON_TEXT, 0},
        {"0", EAR_JSON_INTEGER, 0},
        {"-0", EAR_JSON_INTEGER, 0},
        {"9223372036854775807", EAR_JSON_INTEGER, INT64_MAX},
        {"-9223372036854775808", EAR_JSON_INTEGER, INT64_MIN},
        {"0.0", EAR_JSON_REAL, 0},
        {"1e2", EAR_JSON_REAL, 0},
        {"-1.5E-999", EAR_JSON_REAL, 0},
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        char text[128];
        snprintf(text, sizeof(text), "{\"name\":%s}", rows[i].value);
        assert_int_equal(pick(p, ear_str_from(text)), EAR_OK);
        assert_int_equal(p->values[NAME].type, rows[i].type);
        assert_int_equal(p->values[NAME].number, rows[i].number);
        assert_int_equal(pick(p, ear_str_from(rows[i].value)), EAR_OK);
        assert_int_equal(p->values[ROOT].type, rows[i].type);
        assert_int_equal(p->values[NAME].type, EAR_JSON_ABSENT);
    }
}

/* The tree-building parser says the same of each. */
static void test_pick__refuses_what_is_no_json(void **state)
{
    struct picked *p = *state;
    static const struct {
        struct ear_str text;
        const char *says;
    } rows[] = {
        {EAR_STR(""), "column 1: a value was expected"},
        {EAR_STR("{"), "column 2: a name was expected"},
        {EAR_STR("{\"a\""), "':'"},
        {EAR_STR("{\"a\":"), "a value"},
        {EAR_STR("{\"a\":1"), "','"},
        {EAR_STR("{\"a\":1,}"), "a name"},
        {EAR_STR("{\"a\" 1}"), "':'"},
        {EAR_STR("{,}"), "a name"},
        {EAR_STR("{a:1}"), "a name"},
        {EAR_STR("[1,]"), "a value"},
        {EAR_STR("[1 2]"), "','"},
        {EAR_STR("[1}"), "','"},
        {EAR_STR("{}\n {}"), "line 2, column 2: nothing more"},
        {EAR_STR("{\"a\":1,\"b\":2,\"a\":3}"), "twice"},
        {EAR_STR("{\"a\":1,\"\\u0061\":3}"), "twice"},
        {EAR_STR("{\"name\":null,\"name\":1}"), "twice"},
        {EAR_STR("{\"author\":{\"id\":1,\"id\":1}}"), "twice"},
        {EAR_STR("{\"\":1,\"\":1}"), "twice"},
        {EAR_STR("\"a"), "without an end"},
        {EAR_STR("\"a\\"), "escape"},
        {EAR_STR("\"a\\\""), "without an end"},
        {EAR_STR("\"\\x\""), "escape"},
        {EAR_STR("\"\\u12\""), "escape"},
        {EAR_STR("\"\\u12g4\""), "escape"},
        {EAR_STR("\"\\u0000\""), "u0000"},
        {EAR_STR("\"\\ud800\""), "escape"},
        {EAR_STR("\"\\ud800\\n\""), "escape"},
        {EAR_STR("\"\\ud800\\ud800\""), "escape"},
        {EAR_STR("\"\\udc00\""), "escape"},
        {EAR_STR("\"a\tb\""), "control"},
        {EAR_STR("\"a\0b\""), "control"},
        {EAR_STR("\"\x80\""), "UTF-8"},
        {EAR_STR("\"\xc0\xaf\""), "UTF-8"},
        {EAR_STR("\"\xe0\x80\x80\""), "UTF-8"},
        {EAR_STR("\"\xed\xa0\x80\""), "UTF-8"},
        {EAR_STR("\"\xf0\x80\x80\x80\""), "UTF-8"},
        {EAR_STR("\"\xf4\x90\x80\x80\""), "UTF-8"},
        {EAR_STR("\"\xf5\x80\x80\x80\""), "UTF-8"},
        {EAR_STR("\"\xc3\""), "UTF-8"},
        {EAR_STR("\"\xe2\x82"), "UTF-8"},
        {EAR_STR("\xef\xbb\xbf{}"), "a value"},
        {EAR_STR("01"), "nothing more"},
        {EAR_STR("-"), "no number"},
        {EAR_STR("+1"), "a value"},
        {EAR_STR(".5"), "a value"},
        {EAR_STR("1."), "no number"},
        {EAR_STR("1e"), "no number"},
        {EAR_STR("1e+"), "no number"},
        {EAR_STR("-a"), "no number"},
        {EAR_STR("0x1"), "nothing more"},
        {EAR_STR("9223372036854775808"), "too large"},
        {EAR_STR("-9223372036854775809"), "too large"},
        {EAR_STR("1e999"), "too large"},
        {EAR_STR("tru"), "a value"},
        {EAR_STR("truex"), "nothing more"},
        {EAR_STR("True"), "a value"},
        {EAR_STR("nullnull"), "nothing more"},
        {EAR_STR("{}\0"), "nothing more"},
        {EAR_STR("[1\0]"), "','"},
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        json_t *tree = NULL;
        ear_err err = pick(p, rows[i].text);
        if (err != EAR_INVALID || !strstr(p->diag.text, rows[i].says)) {
            fail_msg("row %zu: %s \"%s\"", i, ear_err_name(err), p->diag.text);
        }
        assert_int_equal(ear_json_parse(rows[i].text, 1 << 20, &tree, NULL), EAR_INVALID);
    }
}

static void test_pick__holds_its_ceilings(void **state)
{
    struct picked *p = *state;
    static char text[4 * EAR_JSON_PICK_VALUES_MAX + 16];
    for (size_t depth = 64; depth <= 65; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(pick(p, (struct ear_str){text, 2 * depth}),
                         depth == 64 ? EAR_OK : EAR_INVALID);
    }
    for (size_t extra = 0; extra <= 1; extra++) { /* the array counts, and so does what it is in */
        size_t len = 0, elements = EAR_JSON_PICK_VALUES_MAX - 1 + extra;
        text[len++] = '[';
        for (size_t i = 0; i < elements; i++) text[len++] = '1', text[len++] = ',';
        text[len - 1] = ']';
        json_t *tree = NULL;
        ear_err err = extra ? EAR_TOO_LARGE : EAR_OK;
        assert_int_equal(pick(p, (struct ear_str){text, len}), err);
        assert_int_equal(ear_json_parse_few((struct ear_str){text, len}, sizeof(text),
                                            EAR_JSON_PICK_VALUES_MAX, &tree, NULL),
                         err);
        json_decref(tree);
    }
    assert_int_equal(ear_json_pick(EAR_STR("[1]"), 2, wants, WANTS, p->values, p->room, NULL),
                     EAR_TOO_LARGE);
}

static void test_pick__takes_as_many_names_as_values(void **state)
{
    struct picked *p = *state;
    struct ear_buf text;
    ear_buf_init(&text, 1 << 20);
    for (int last = 1022; last >= 0; last -= 1022) { /* the last one anew, then a repeat */
        ear_buf_reset(&text);
        for (int i = 0; i < 1022; i++)
            assert_int_equal(ear_buf_printf(&text, "%s\"n%d\":0", i ? "," : "{", i), EAR_OK);
        assert_int_equal(ear_buf_printf(&text, ",\"n%d\":0}", last), EAR_OK);
        assert_int_equal(pick(p, ear_buf_str(&text)), last ? EAR_OK : EAR_INVALID);
    }
    ear_buf_release(&text);
}

static void test_pick__says_when_there_is_no_room(void **state)
{
    struct picked *p = *state;
    struct ear_arena *none = ear_arena_new(0);
    assert_int_equal(ear_json_pick(EAR_STR("{\"name\":\"a\\nb\"}"), 100, wants, WANTS, p->values,
                                   none, &p->diag),
                     EAR_NO_MEMORY);
    assert_int_equal(ear_json_pick(EAR_STR("{\"name\":\"a\",\"x\":\"a\\nb\"}"), 100, wants, WANTS,
                                   p->values, none, NULL),
                     EAR_OK); /* nobody wants it */
    ear_arena_free(&none);
}

static void test_pick_values__are_typed(void **state)
{
    struct picked *p = *state;
    struct ear_str text = EAR_STR("was");
    int64_t number = 1;
    const struct ear_json_value *name = &p->values[NAME], *count = &p->values[COUNT];
    assert_int_equal(pick(p, EAR_STR("{\"name\":null,\"author\":{\"count\":7}}")), EAR_OK);
    assert_int_equal(ear_json_value_text(name, "name", &text, &p->diag), EAR_OK);
    assert_int_equal(ear_json_value_text(&p->values[ID], "id", &text, &p->diag), EAR_OK);
    assert_true(ear_str_eq(text, EAR_STR("was")));
    assert_int_equal(ear_json_value_need_text(name, "name", &text, &p->diag), EAR_INVALID);
    assert_string_equal(p->diag.text, "\"name\" is missing");
    assert_int_equal(ear_json_value_text(count, "count", &text, &p->diag), EAR_INVALID);
    assert_string_equal(p->diag.text, "\"count\" is not text");
    assert_int_equal(ear_json_value_i64(count, "count", 0, 7, &number, &p->diag), EAR_OK);
    assert_int_equal(number, 7);
    assert_int_equal(ear_json_value_i64(name, "name", 0, 7, &number, &p->diag), EAR_OK);
    assert_int_equal(ear_json_value_i64(count, "count", 0, 6, &number, &p->diag), EAR_INVALID);
    assert_string_equal(p->diag.text, "\"count\" is not within 0 to 6");
    assert_int_equal(ear_json_value_i64(&p->values[AUTHOR], "author", 0, 6, &number, &p->diag),
                     EAR_INVALID);
    assert_int_equal(number, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pick__finds_what_is_wanted_where_it_is_wanted),
        cmocka_unit_test(test_pick__borrows_text_without_escapes),
        cmocka_unit_test(test_pick__knows_types),
        cmocka_unit_test(test_pick__refuses_what_is_no_json),
        cmocka_unit_test(test_pick__holds_its_ceilings),
        cmocka_unit_test(test_pick__takes_as_many_names_as_values),
        cmocka_unit_test(test_pick__says_when_there_is_no_room),
        cmocka_unit_test(test_pick_values__are_typed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
