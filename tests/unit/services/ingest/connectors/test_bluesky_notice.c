/* Notices as posts: what platforms send, and what strangers write into their records. */
#include "connectors/bluesky/notice.h"
#include "json/json.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>

static const struct ear_notice_place place = {.platform = {"bluesky", 7},
                                              .account = {"@firm", 5},
                                              .own_did = {"did:plc:firm", 12},
                                              .web = {"https://bsky.app", 16}};

#define URI  "at://did:plc:ana/app.bsky.feed.post/3n2ulawwekk2x"
#define HEAD "{\"uri\":\"" URI "\",\"cid\":\"bafy1\",\"indexedAt\":\"2026-11-22T02:33:35.000Z\","
#define AUTHOR \
    "\"author\":{\"did\":\"did:plc:ana\",\"handle\":\"ana.test\",\"displayName\":\"Ana\"},"

struct reading {
    json_t *notice;
    struct ear_arena *arena;
    struct ear_post_in post;
    ear_err err;
};

static struct reading read_notice(const char *text)
{
    struct reading r = {.arena = ear_arena_new(1u << 20)};
    r.notice = json_loads(text, JSON_ALLOW_NUL, NULL);
    assert_non_null(r.notice);
    r.err = ear_notice_post(r.notice, &place, r.arena, &r.post);
    return r;
}

static void reading_end(struct reading *r)
{
    json_decref(r->notice);
    ear_arena_free(&r->arena);
}

static void expect(struct ear_str got, const char *want)
{
    if (!ear_str_eq(got, ear_str_from(want))) fail_msg("'%.*s', not '%s'", EAR_STR_ARG(got), want);
}

static void test_notice__mention_becomes_a_post(void **state)
{
    (void)state;
    struct reading r = read_notice(
        HEAD AUTHOR "\"reason\":\"mention\",\"record\":{\"text\":\"@firm.test hello\","
                    "\"langs\":[\"en\",\"de\"],\"createdAt\":\"2026-11-22T02:33:34Z\"}}");
    assert_int_equal(r.err, EAR_OK);
    expect(r.post.external_id, URI);
    expect(r.post.platform, "bluesky");
    expect(r.post.account, "@firm");
    expect(r.post.author_id, "did:plc:ana");
    expect(r.post.author_handle, "ana.test");
    expect(r.post.author_name, "Ana");
    expect(r.post.text, "@firm.test hello");
    expect(r.post.language, "en");
    expect(r.post.in_reply_to, "");
    expect(r.post.conversation, URI);
    expect(r.post.url, "https://bsky.app/profile/did:plc:ana/post/3n2ulawwekk2x");
    expect(r.post.thread, "{\"uri\":\"" URI "\",\"cid\":\"bafy1\",\"root\":{\"uri\":\"" URI
                          "\",\"cid\":\"bafy1\"}}");
    assert_int_equal(r.post.entry, EARSHOT__V1__ENTRY__ENTRY_MENTION);
    assert_int_equal(r.post.author_followers, -1);
    assert_int_equal(r.post.created_at_us, INT64_C(1795314814000000));
    assert_int_equal(r.post.trusted_at_us / EAR_US_PER_S, 1795314814);
    assert_false(r.post.own || r.post.automated);
    reading_end(&r);
}

static void test_notice__reply_keeps_its_thread(void **state)
{
    (void)state;
    struct reading r =
        read_notice(HEAD AUTHOR "\"reason\":\"reply\",\"record\":{\"text\":\"and now?\",\"reply\":{"
                                "\"root\":{\"uri\":\"at://r/c/1\",\"cid\":\"bafyr\"},"
                                "\"parent\":{\"uri\":\"at://p/c/2\",\"cid\":\"bafyp\"}},"
                                "\"createdAt\":\"2030-01-01T00:00:00Z\"}}");
    assert_int_equal(r.err, EAR_OK);
    expect(r.post.in_reply_to, "at://p/c/2");
    expect(r.post.conversation, "at://r/c/1");
    expect(r.post.thread, "{\"uri\":\"" URI "\",\"cid\":\"bafy1\",\"root\":{\"uri\":\"at://r/c/1\","
                          "\"cid\":\"bafyr\"}}");
    /* A claim from the future is not believed. */
    assert_int_equal(r.post.created_at_us, INT64_C(1795314815000000));
    reading_end(&r);
}

static void test_notice__bots_say_so_and_pictures_have_words(void **state)
{
    (void)state;
    struct reading r = read_notice(
        HEAD "\"author\":{\"did\":\"did:plc:firm\",\"labels\":[{\"val\":\"x\"},{\"val\":\"bot\"}]},"
             "\"reason\":\"quote\",\"record\":{\"text\":\" \",\"embed\":{\"images\":[{\"alt\":"
             "\"a torn box\"}]}}}");
    assert_int_equal(r.err, EAR_OK);
    assert_true(r.post.automated);
    assert_true(r.post.own);
    expect(r.post.text, "a torn box");
    assert_int_equal(r.post.entry, EARSHOT__V1__ENTRY__ENTRY_QUOTE);
    reading_end(&r);
}

static void test_notice__what_strangers_write_cannot_hurt(void **state)
{
    (void)state;
    static const struct {
        const char *notice;
        ear_err err;
        const char *text;
    } cases[] = {
        {HEAD AUTHOR "\"reason\":\"like\",\"record\":{}}", EAR_UNSUPPORTED, NULL},
        {HEAD AUTHOR "\"reason\":\"mention\"}", EAR_INVALID, NULL},
        {HEAD AUTHOR "\"reason\":\"mention\",\"record\":[]}", EAR_INVALID, NULL},
        {HEAD "\"reason\":\"mention\",\"record\":{\"text\":\"x\"}}", EAR_INVALID, NULL},
        {HEAD "\"author\":7,\"reason\":\"mention\",\"record\":{\"text\":\"x\"}}", EAR_INVALID,
         NULL},
        {"{\"uri\":7,\"reason\":\"mention\",\"record\":{}}", EAR_INVALID, NULL},
        {HEAD AUTHOR "\"reason\":\"mention\",\"record\":{\"text\":\"a\\u0000b\\u0007c\"}}", EAR_OK,
         "a\xef\xbf\xbd"
         "b c"},
        {HEAD AUTHOR "\"reason\":\"mention\",\"record\":{\"text\":7,\"langs\":{}}}", EAR_OK,
         "[no text]"},
        {HEAD AUTHOR "\"reason\":\"mention\",\"record\":{\"text\":\"x\",\"reply\":{\"parent\":"
                     "{\"uri\":\"a\\u0000b\"}}}}",
         EAR_OK, "x"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct reading r = read_notice(cases[i].notice);
        if (r.err != cases[i].err) fail_msg("case %zu: %s", i, ear_err_name(r.err));
        if (cases[i].text) expect(r.post.text, cases[i].text);
        if (!r.err) assert_int_equal(r.post.in_reply_to.len, 0);
        reading_end(&r);
    }
}

static void test_notice__time_comes_from_the_record_key(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        int64_t at_s;
    } cases[] = {
        {URI, 1795314814},
        {"at://did:plc:ana/app.bsky.feed.post/self", 0},
        {"at://did:plc:ana/app.bsky.feed.post", 0},
        {"not a uri", 0},
        {"", 0},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++)
        assert_int_equal(ear_notice_id_time_us(ear_str_from(cases[i].uri)) / EAR_US_PER_S,
                         cases[i].at_s);
}

/* Whatever a stranger's client writes: what intake refuses is lost. */
static void test_notice__names_and_times_that_intake_takes(void **state)
{
    (void)state;
    static const char family[] = "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9"; /* of 11 bytes */
    char name[640 + 1] = "", text[2048];
    struct ear_diag diag = {0};
    for (size_t at = 0; at + sizeof(family) <= sizeof(name); at += sizeof(family) - 1)
        memcpy(name + at, family, sizeof(family));
    static const char *const times[] = {"1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "soon"};
    for (size_t i = 0; i < EAR_COUNT(times); i++) {
        snprintf(text, sizeof(text),
                 HEAD
                 "\"author\":{\"did\":\"did:plc:ana\",\"handle\":\"%s\",\"displayName\":\"%s\"},"
                 "\"reason\":\"mention\",\"record\":{\"text\":\"hello\",\"createdAt\":\"%s\"}}",
                 name, name, times[i]);
        struct reading r = read_notice(text);
        assert_int_equal(r.err, EAR_OK);
        assert_int_equal(r.post.author_name.len, 512 / 11 * 11);
        assert_int_equal(ear_post_in_check(&r.post, r.post.created_at_us, &diag), EAR_OK);
        struct ear_notice_mark mark = ear_notice_mark(r.notice);
        assert_int_equal(r.post.created_at_us, mark.at_us);
        reading_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notice__mention_becomes_a_post),
        cmocka_unit_test(test_notice__names_and_times_that_intake_takes),
        cmocka_unit_test(test_notice__reply_keeps_its_thread),
        cmocka_unit_test(test_notice__bots_say_so_and_pictures_have_words),
        cmocka_unit_test(test_notice__what_strangers_write_cannot_hurt),
        cmocka_unit_test(test_notice__time_comes_from_the_record_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
