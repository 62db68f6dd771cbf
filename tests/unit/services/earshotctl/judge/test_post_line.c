/* Lines of classify's input: what a post is made of, and what is none. */
#include "judge/post_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static ear_err read_line(void **state, const char *line, struct ear_model_post *post,
                         struct ear_diag *diag)
{
    ear_arena_reset(*state);
    return ear_post_line_read(ear_str_from(line), *state, post, diag);
}

static void test_post_line__takes_what_feeds_have(void **state)
{
    struct ear_model_post post;
    struct ear_diag diag = {0};
    const char *full =
        "{\"platform\":\"feed\",\"author\":{\"id\":\"9\",\"followers\":33,\"x\":[1,-2.5,{}],\"y\":["
        "]},"
        "\"text\":\"caf\xc3\xa9\\n\\ud83d\\ude00\",\"lang\":\"de\",\"account\":\"@firm\","
        "\"visibility\":\"direct\",\"in_reply_to\":\"x1\"}";
    assert_int_equal(read_line(state, full, &post, &diag), EAR_OK);
    assert_true(ear_str_eq(post.text, EAR_STR("caf\xc3\xa9\n\xf0\x9f\x98\x80")));
    assert_true(ear_str_eq(post.language_hint, EAR_STR("de")));
    assert_true(ear_str_eq(post.account, EAR_STR("@firm")));
    assert_true(post.direct && post.reply);
}

static void test_post_line__lang_goes_before_language(void **state)
{
    struct ear_model_post post;
    const char *both = "{\"text\":\"a\",\"lang\":\"de\",\"language\":\"fr\"}";
    const char *null = "{\"text\":\"a\",\"language\":\"fr\",\"lang\":null}";
    assert_int_equal(read_line(state, both, &post, NULL), EAR_OK);
    assert_true(ear_str_eq(post.language_hint, EAR_STR("de")));
    assert_int_equal(read_line(state, null, &post, NULL), EAR_OK);
    assert_true(ear_str_eq(post.language_hint, EAR_STR("fr")));
}

static void test_post_line__flags_say_it_too(void **state)
{
    struct ear_model_post post;
    const char *text = "{\"text\":\"a\",\"direct\":true,\"reply\":true}";
    assert_int_equal(read_line(state, text, &post, NULL), EAR_OK);
    assert_true(post.direct && post.reply);
}

static void test_post_line__defaults_are_public_and_first(void **state)
{
    struct ear_model_post post;
    const char *text = "{\"text\":\"\",\"lang\":null,\"account\":null,\"visibility\":\"public\","
                       "\"in_reply_to\":null,\"direct\":false}";
    assert_int_equal(read_line(state, text, &post, NULL), EAR_OK);
    assert_false(post.direct || post.reply);
    assert_int_equal(post.language_hint.len, 0);
}

static void test_post_line__refuses_what_is_no_post(void **state)
{
    static const char *const lines[] = {"",
                                        "   ",
                                        "hello",
                                        "null",
                                        "[]",
                                        "{}",
                                        "{\"text\":7}",
                                        "{\"text\":null}",
                                        "{\"text\":\"a\"",
                                        "{\"text\":\"a\"} {}",
                                        "{\"text\":\"a\",}",
                                        "{\"text\":\"a\" \"b\":1}",
                                        "{\"text\":\"a\",\"text\":\"b\"}",
                                        "{\"text\":\"a\",\"x\":1,\"x\":2}",
                                        "{\"text\":\"\\ud83d\"}",
                                        "{\"text\":\"\\u0000\"}",
                                        "{\"text\":\"\\x\"}",
                                        "{\"text\":\"a\nb\"}",
                                        "{\"text\":\"\xff\"}",
                                        "{\"text\":\"a\",\"n\":01}",
                                        "{\"text\":\"a\",\"lang\":5}",
                                        "{\"text\":\"a\",\"direct\":\"yes\"}"};
    for (size_t i = 0; i < EAR_COUNT(lines); i++) {
        struct ear_model_post post;
        struct ear_diag diag = {0};
        if (!read_line(state, lines[i], &post, &diag)) fail_msg("%s", lines[i]);
        assert_true(diag.text[0] != '\0');
    }
}

static int set_up(void **state)
{
    *state = ear_arena_new(EAR_POST_LINE_ROOM_MAX);
    return 0;
}

static int tear_down(void **state)
{
    struct ear_arena *room = *state;
    ear_arena_free(&room);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_post_line__takes_what_feeds_have),
        cmocka_unit_test(test_post_line__lang_goes_before_language),
        cmocka_unit_test(test_post_line__flags_say_it_too),
        cmocka_unit_test(test_post_line__defaults_are_public_and_first),
        cmocka_unit_test(test_post_line__refuses_what_is_no_post),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
