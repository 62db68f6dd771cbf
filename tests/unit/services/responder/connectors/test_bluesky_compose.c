/* Replies as Bluesky posts: lengths, parts, facets, keys. */
#include "atp/atp.h"
#include "connectors/bluesky/compose.h"
#include "text/text.h"
#include "json/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* `count` times `word`, separated by blanks; the caller frees. */
static char *words(const char *word, size_t count)
{
    size_t len = strlen(word);
    char *text = ear_alloc(count * (len + 1) + 1);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + i * (len + 1), word, len);
        text[i * (len + 1) + len] = ' ';
    }
    return text;
}

static void test_fit__one_post_where_it_fits(void **state)
{
    (void)state;
    struct ear_fit fit;
    char *text = words("123456789", 29); /* 289 without the last blank */
    ear_fit_init(&fit);
    assert_int_equal(ear_bluesky_fit(ear_str_from(text), EAR_STR("^Ana Prieto"), 4, &fit, NULL),
                     EAR_OK);
    assert_int_equal(fit.count, 2); /* 289 + 1 + 11 is one too many */
    ear_fit_release(&fit);
    ear_fit_init(&fit);
    assert_int_equal(ear_bluesky_fit(ear_str_from(text), EAR_STR("^Ana Priet"), 4, &fit, NULL),
                     EAR_OK);
    assert_int_equal(fit.count, 1);
    assert_int_equal(ear_text_graphemes(ear_fit_part(&fit, 0)), 300);
    ear_fit_release(&fit);
    free(text);
}

static void test_fit__parts_hold_the_limits_and_lose_no_word(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        size_t count;
    } cases[] = {
        {"parcel", 120},
        {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7\xe2\x80\x8d"
         "\xf0\x9f\x91\xa6",
         300}, /* a family: one grapheme of 25 bytes */
        {"\xe3\x81\x82\xe3\x81\x84", 300},
        {"x", 500},
    };
    for (size_t c = 0; c < EAR_COUNT(cases); c++) {
        struct ear_fit fit;
        struct ear_diag diag = {0};
        char *text = words(cases[c].word, cases[c].count);
        size_t found = 0;
        ear_fit_init(&fit);
        if (ear_bluesky_fit(ear_str_from(text), EAR_STR("^A"), 8, &fit, &diag))
            fail_msg("%s", diag.text);
        assert_true(fit.count > 1);
        for (size_t i = 0; i < fit.count; i++) {
            struct ear_str part = ear_fit_part(&fit, i);
            assert_true(ear_text_graphemes(part) <= 300 && part.len <= 3000);
            assert_true(ear_text_is_utf8(part));
            for (struct ear_str rest = part; rest.len;) {
                size_t at = ear_str_find(rest, ear_str_from(cases[c].word));
                if (at == SIZE_MAX) break;
                found++;
                rest.ptr += at + strlen(cases[c].word);
                rest.len -= at + strlen(cases[c].word);
            }
        }
        if (found != cases[c].count) fail_msg("case %zu: %zu of %zu", c, found, cases[c].count);
        struct ear_str last = ear_fit_part(&fit, fit.count - 1);
        assert_true(ear_str_find(last, EAR_STR("^A (")) != SIZE_MAX);
        ear_fit_release(&fit);
        free(text);
    }
}

static void test_fit__says_by_how_much_it_is_too_long(void **state)
{
    (void)state;
    struct ear_fit fit;
    struct ear_diag diag = {0};
    char *text = words("1234567", 100);
    ear_fit_init(&fit);
    assert_int_equal(ear_bluesky_fit(ear_str_from(text), EAR_STR_NONE, 2, &fit, &diag),
                     EAR_TOO_LARGE);
    assert_true(fit.over > 200 && fit.over < 230);
    assert_non_null(strstr(diag.text, "too long"));
    assert_int_equal(fit.count, 0);
    assert_int_equal(ear_bluesky_fit(EAR_STR(" \n"), EAR_STR("^A"), 2, &fit, &diag), EAR_INVALID);
    ear_fit_release(&fit);
    free(text);
}

static void test_record__facets_count_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *facets; /* as "start-end what value;" */
    } cases[] = {
        {"no facets", ""},
        {"h\xc3\xa9llo https://a.test/x?y=1.", "7-27 uri https://a.test/x?y=1;"},
        {"(see http://a.test), thanks", "5-18 uri http://a.test;"},
        {"@ana.test look", "0-9 did did:plc:ana;"},
        {"@ANA.test, look", "0-9 did did:plc:ana;"},
        {"@bob.test and mail@ana.test", ""},
        {"https:// is nothing", ""},
        {"\xf0\x9f\x98\x80 @ana.test https://b.test",
         "5-14 did did:plc:ana;15-29 uri https://b.test;"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_buf got;
        struct ear_bluesky_post post = {.text = ear_str_from(cases[i].text),
                                        .parent = {EAR_STR("at://a/b/c"), EAR_STR("cid1")},
                                        .root = {EAR_STR("at://r/b/c"), EAR_STR("cid2")},
                                        .mention_handle = EAR_STR("ana.test"),
                                        .mention_did = EAR_STR("did:plc:ana")};
        json_t *record = ear_bluesky_record(&post);
        json_t *facet;
        size_t at;
        ear_buf_init(&got, 1024);
        assert_int_equal(ear_buf_append(&got, "", 0), EAR_OK);
        json_array_foreach(json_object_get(record, "facets"), at, facet)
        {
            const json_t *index = json_object_get(facet, "index");
            const json_t *feature = json_array_get(json_object_get(facet, "features"), 0);
            struct ear_str uri = ear_json_at(feature, "uri");
            struct ear_str did = ear_json_at(feature, "did");
            assert_int_equal(ear_buf_printf(&got, "%lld-%lld %s %.*s;",
                                            json_integer_value(json_object_get(index, "byteStart")),
                                            json_integer_value(json_object_get(index, "byteEnd")),
                                            uri.len ? "uri" : "did",
                                            EAR_STR_ARG(uri.len ? uri : did)),
                             EAR_OK);
        }
        assert_string_equal(got.data, cases[i].facets);
        assert_string_equal(ear_json_at(record, "reply.root.uri").ptr, "at://r/b/c");
        assert_string_equal(ear_json_at(record, "reply.parent.cid").ptr, "cid1");
        ear_buf_release(&got);
        json_decref(record);
    }
}

static void test_thread__root_is_the_post_itself_where_it_began(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        const char *root;
    } cases[] = {
        {"{\"uri\":\"at://a/b/1\",\"cid\":\"x\",\"root\":{\"uri\":\"at://a/b/0\",\"cid\":\"y\"}}",
         true, "at://a/b/0"},
        {"{\"uri\":\"at://a/b/1\",\"cid\":\"x\"}", true, "at://a/b/1"},
        {"{\"uri\":\"at://a/b/1\",\"cid\":\"x\",\"root\":{\"uri\":\"\",\"cid\":\"y\"}}", true,
         "at://a/b/1"},
        {"{\"uri\":\"at://a/b/1\"}", false, NULL},
        {"{\"uri\":\"https://a/b/1\",\"cid\":\"x\"}", false, NULL},
        {"", false, NULL},
        {"[", false, NULL},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        json_t *thread = NULL;
        struct ear_bluesky_ref parent, root;
        ear_err err = ear_bluesky_thread(ear_str_from(cases[i].text), &thread, &parent, &root);
        assert_int_equal(err == EAR_OK, cases[i].ok);
        if (cases[i].ok) assert_true(ear_str_eq(root.uri, ear_str_from(cases[i].root)));
        json_decref(thread);
    }
}

static void test_key__comes_from_the_reply_alone(void **state)
{
    (void)state;
    struct ear_id first = ear_id_new(INT64_C(1790000000123456));
    struct ear_id second = ear_id_new(INT64_C(1790000000123456));
    char a[EAR_BLUESKY_RKEY_BYTES], b[EAR_BLUESKY_RKEY_BYTES], part[EAR_BLUESKY_RKEY_BYTES];
    int64_t at_us = 0;
    ear_bluesky_key(&first, a);
    ear_bluesky_key(&first, b);
    assert_string_equal(a, b);
    ear_bluesky_key(&second, b);
    assert_string_not_equal(a, b);
    assert_int_equal(ear_tid_parse(ear_str_from(a), &at_us, NULL), EAR_OK);
    assert_int_equal(at_us / EAR_US_PER_MS, INT64_C(1790000000123));
    assert_int_equal(ear_bluesky_part_key(ear_str_from(a), 0, part), EAR_OK);
    assert_string_equal(part, a);
    assert_int_equal(ear_bluesky_part_key(ear_str_from(a), 1, part), EAR_OK);
    assert_true(strcmp(a, part) < 0);
    assert_int_equal(ear_bluesky_part_key(EAR_STR("reply_1"), 0, part), EAR_INVALID);
}

int main(void)
{
    ear_crypt_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit__one_post_where_it_fits),
        cmocka_unit_test(test_fit__parts_hold_the_limits_and_lose_no_word),
        cmocka_unit_test(test_fit__says_by_how_much_it_is_too_long),
        cmocka_unit_test(test_record__facets_count_bytes),
        cmocka_unit_test(test_thread__root_is_the_post_itself_where_it_began),
        cmocka_unit_test(test_key__comes_from_the_reply_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
