#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "web/feed_line.h"
#include <cmocka.h>
#include <stdlib.h>

/* 2026-11-22T00:00:00Z */
#define NOW (INT64_C(1795305600) * EAR_US_PER_S)

#define HEAD "{\"platform\":\"forum\",\"external_id\":\"7\",\"author\":{\"id\":\"a\"},"
#define TEXT "\"text\":\"hello\","
#define TIME "\"created_at\":\"2026-03-04T05:06:07Z\""

static struct ear_arena *room;

static ear_err parse(const char *line, struct ear_post_in *post, struct ear_diag *diag)
{
    return ear_feed_line_parse(ear_str_from(line), NOW, post, room, diag);
}

static void test_feed_line__reads_all_members(void **state)
{
    (void)state;
    struct ear_post_in post;
    struct ear_diag diag = {.text = ""};
    assert_int_equal(
        parse("{\"platform\":\"forum\",\"external_id\":\"7\",\"account\":\"@shop\","
              "\"author\":{\"id\":\"a\",\"handle\":\"h\",\"name\":\"N\",\"followers\":12},"
              "\"text\":\"Gr\\u00fc\\u00dfe\",\"created_at\":\"2026-03-04T06:06:07+01:00\","
              "\"in_reply_to\":\"6\",\"conversation\":\"c\",\"visibility\":\"direct\","
              "\"language\":\"de\",\"url\":\"https://example.org/7\",\"else\":[1,2]}",
              &post, &diag),
        EAR_OK);
    assert_true(ear_str_eq(post.text, EAR_STR("Gr\xc3\xbc\xc3\x9f"
                                              "e")));
    assert_true(ear_str_eq(post.account, EAR_STR("@shop")));
    assert_true(ear_str_eq(post.in_reply_to, EAR_STR("6")));
    assert_true(ear_str_eq(post.conversation, EAR_STR("c")));
    assert_true(ear_str_eq(post.author_handle, EAR_STR("h")));
    assert_int_equal(post.author_followers, 12);
    assert_int_equal(post.visibility, EARSHOT__V1__VISIBILITY__VISIBILITY_DIRECT);
    assert_int_equal(post.created_at_us, INT64_C(1772600767) * EAR_US_PER_S);
    assert_int_equal(post.trusted_at_us, post.created_at_us);
    assert_int_equal(post.kind, EAR_POST_NEW);
}

static void test_feed_line__edits_keep_the_time_of_the_post(void **state)
{
    (void)state;
    struct ear_post_in post;
    assert_int_equal(parse(HEAD TEXT TIME ",\"kind\":\"edit\",\"edited_at\":"
                                          "\"2026-03-05T00:00:00Z\"}",
                           &post, NULL),
                     EAR_OK);
    assert_int_equal(post.kind, EAR_POST_EDIT);
    assert_int_equal(post.trusted_at_us, INT64_C(1772600767) * EAR_US_PER_S);
    assert_int_equal(post.created_at_us, INT64_C(1772668800) * EAR_US_PER_S);
}

static void test_feed_line__impossible_times_lose_no_post(void **state)
{
    (void)state;
    static const char *const lines[] = {HEAD TEXT "\"created_at\":\"1970-01-01T00:00:00Z\"}",
                                        HEAD TEXT "\"created_at\":\"1989-03-04T05:06:07Z\"}",
                                        HEAD TEXT "\"created_at\":\"2026-11-24T05:06:07Z\"}",
                                        HEAD TEXT "\"created_at\":\"2150-01-01T00:00:00Z\"}"};
    for (size_t i = 0; i < EAR_COUNT(lines); i++) {
        struct ear_post_in post;
        assert_int_equal(parse(lines[i], &post, NULL), EAR_OK);
        assert_int_equal(post.created_at_us, NOW);
        assert_int_not_equal(post.trusted_at_us, NOW); /* the id is the same by every route */
    }
}

static void test_feed_line__names_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        ear_err err;
        const char *says;
    } rows[] = {
        {HEAD TEXT TIME "}", EAR_OK, ""},
        {HEAD "\"text\":\"\"," TIME "}", EAR_OK, ""},
        {HEAD TIME ",\"kind\":\"delete\"}", EAR_OK, ""},
        {"", EAR_INVALID, ""},
        {"[]", EAR_INVALID, "object"},
        {"{}", EAR_INVALID, "platform"},
        {HEAD TEXT TIME, EAR_INVALID, ""},
        {HEAD TEXT TIME "} x", EAR_INVALID, "column"},
        {HEAD TIME "}", EAR_INVALID, "text"},
        {HEAD TEXT "\"created_at\":\"yesterday\"}", EAR_INVALID, "created_at"},
        {HEAD TEXT "\"created_at\":\"2026-03-04T05:06:07\"}", EAR_INVALID, "created_at"},
        {HEAD TEXT TIME ",\"kind\":\"edit\",\"edited_at\":\"2026-11-24T05:06:07Z\"}", EAR_INVALID,
         "tomorrow"},
        {HEAD TEXT TIME ",\"kind\":\"edit\",\"edited_at\":\"1989-03-04T05:06:07Z\"}", EAR_INVALID,
         "1990"},
        {HEAD TEXT TIME ",\"visibility\":\"secret\"}", EAR_INVALID, "visibility"},
        {HEAD TEXT TIME ",\"kind\":\"like\"}", EAR_INVALID, "kind"},
        {HEAD TEXT TIME ",\"kind\":\"edit\"}", EAR_INVALID, "edited_at"},
        {HEAD TEXT TIME ",\"account\":7}", EAR_INVALID, "account"},
        {HEAD "\"text\":\"a\\u0000b\"," TIME "}", EAR_INVALID, "u0000"},
        {HEAD "\"text\":\"\xff\"," TIME "}", EAR_INVALID, ""},
        {"{\"platform\":\"For um\",\"external_id\":\"7\",\"author\":{\"id\":\"a\"}," TEXT TIME "}",
         EAR_INVALID, "platform"},
        {"{\"platform\":\"forum\",\"external_id\":\"\",\"author\":{\"id\":\"a\"}," TEXT TIME "}",
         EAR_INVALID, "external_id"},
        {"{\"platform\":\"forum\",\"external_id\":\"7\",\"author\":\"a\"," TEXT TIME "}",
         EAR_INVALID, "author"},
        {"{\"platform\":\"forum\",\"external_id\":\"7\",\"author\":{}," TEXT TIME "}", EAR_INVALID,
         "author"},
        {"{\"platform\":\"forum\",\"external_id\":\"7\",\"author\":{\"id\":\"a\","
         "\"followers\":-1}," TEXT TIME "}",
         EAR_INVALID, "followers"},
        {HEAD HEAD, EAR_INVALID, ""},
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_post_in post;
        struct ear_diag diag = {.text = ""};
        ear_err err = parse(rows[i].line, &post, &diag);
        if (err != rows[i].err || !strstr(diag.text, rows[i].says)) {
            fail_msg("row %zu: %s \"%s\"", i, ear_err_name(err), diag.text);
        }
        assert_null(strstr(diag.text, "line 1")); /* which line it is, whoever sent it knows */
    }
}

static void test_feed_line__holds_its_ceilings(void **state)
{
    (void)state;
    static const struct {
        size_t text_bytes;
        ear_err err;
    } rows[] = {{EAR_POST_TEXT_BYTES_MAX, EAR_OK},
                {EAR_POST_TEXT_BYTES_MAX + 1, EAR_TOO_LARGE},
                {EAR_FEED_LINE_BYTES_MAX, EAR_TOO_LARGE}};
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_buf line;
        struct ear_post_in post;
        ear_buf_init(&line, 1 << 20);
        char *text = ear_alloc(rows[i].text_bytes + 1);
        memset(text, 'a', rows[i].text_bytes);
        assert_int_equal(ear_buf_printf(&line, HEAD "\"text\":\"%s\"," TIME "}", text), EAR_OK);
        assert_int_equal(ear_feed_line_parse(ear_buf_str(&line), NOW, &post, room, NULL),
                         rows[i].err);
        free(text);
        ear_buf_release(&line);
    }
}

static int setup(void **state)
{
    (void)state;
    room = ear_arena_new(4 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ear_arena_free(&room);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_feed_line__reads_all_members),
        cmocka_unit_test(test_feed_line__edits_keep_the_time_of_the_post),
        cmocka_unit_test(test_feed_line__impossible_times_lose_no_post),
        cmocka_unit_test(test_feed_line__names_what_is_wrong),
        cmocka_unit_test(test_feed_line__holds_its_ceilings),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
