/* Identifiers of the AT Protocol: the specification's own valid and invalid examples. */
#include "atp/atp.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_tid__reads_what_the_specification_calls_valid(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
    } cases[] = {
        {"3jzfcijpj2z2a", true},
        {"7777777777777", true},
        {"2222222222222", true},
        {"3jzfcijpj2z21", false},
        {"0000000000000", false},
        {"3JZFCIJPJ2Z2A", false},
        {"3jzfcijpj2z2aa", false},
        {"3jzfcijpj2z2", false},
        {"222", false},
        {"zzzzzzzzzzzzz", false},
        {"kjzfcijpj2z2a", false},
        {"3jzf-cij-pj2z-2a", false},
        {"", false},
        {"3jzfcijpj2z2\xc3", false},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        int64_t at_us = 0;
        unsigned clock = 0;
        char text[EAR_TID_BYTES];
        bool ok = !ear_tid_parse(ear_str_from(cases[i].text), &at_us, &clock);
        if (ok != cases[i].ok) fail_msg("%s", cases[i].text);
        if (!ok) continue;
        ear_tid_format(at_us, clock, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_tid__holds_microseconds_and_sorts_by_them(void **state)
{
    (void)state;
    char early[EAR_TID_BYTES], late[EAR_TID_BYTES];
    int64_t at_us = 0;
    unsigned clock = 0;
    ear_tid_format(INT64_C(1790000000123456), 1023, early);
    ear_tid_format(INT64_C(1790000000123457), 0, late);
    assert_true(strcmp(early, late) < 0);
    assert_int_equal(ear_tid_parse(ear_str_from(early), &at_us, &clock), EAR_OK);
    assert_int_equal(at_us, INT64_C(1790000000123456));
    assert_int_equal(clock, 1023);
}

static void test_at_uri__needs_three_parts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
    } cases[] = {
        {"at://did:plc:abc/app.bsky.feed.post/3jzfcijpj2z2a", true},
        {"at://did:plc:abc/app.bsky.feed.post", false},
        {"at://did:plc:abc/app.bsky.feed.post/", false},
        {"at:///app.bsky.feed.post/3jzfcijpj2z2a", false},
        {"at://a/b/c/d", false},
        {"https://a/b/c", false},
        {"at:/", false},
        {NULL, false},
        {"", false},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_at_uri uri;
        if ((ear_at_uri_parse(ear_str_from(cases[i].text), &uri) == EAR_OK) != cases[i].ok)
            fail_msg("%s", cases[i].text);
        if (cases[i].ok) assert_true(ear_str_eq(uri.rkey, EAR_STR("3jzfcijpj2z2a")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tid__reads_what_the_specification_calls_valid),
        cmocka_unit_test(test_tid__holds_microseconds_and_sorts_by_them),
        cmocka_unit_test(test_at_uri__needs_three_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
