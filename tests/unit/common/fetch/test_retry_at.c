/* When platforms say to come back, in the shapes that were seen in real answers. */
#include "fetch/fetch.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW_US INT64_C(1790000000000000)
#define S      EAR_US_PER_S

static void test_retry_at__reads_every_shape(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *name, *value;
        const char *name2, *value2;
        int64_t want_us;
    } cases[] = {
        {429, "retry-after", "120", NULL, NULL, NOW_US + 120 * S},
        {503, "retry-after", "2", NULL, NULL, NOW_US + 2 * S},
        {429, "retry-after", "Mon, 21 Sep 2026 15:13:25 GMT", NULL, NULL, INT64_C(1790003605) * S},
        {429, "ratelimit-reset", "1790000060", NULL, NULL, INT64_C(1790000060) * S},
        {429, "ratelimit-reset", "60", NULL, NULL, NOW_US + 60 * S},
        {429, "x-ratelimit-reset", "2026-09-21T14:14:20.5Z", NULL, NULL, INT64_C(1790000060500000)},
        {429, "x-rate-limit-reset", "1790000060000", NULL, NULL, INT64_C(1790000060) * S},
        {429, "x-ratelimit-reset", "12.4", NULL, NULL, NOW_US + 13 * S},
        {200, "x-rate-limit-reset", "1790000060", "x-rate-limit-remaining", "0",
         INT64_C(1790000060) * S},
        {200, "x-rate-limit-reset", "1790000060", "x-rate-limit-remaining", "5", 0},
        {200, "ratelimit-reset", "1790000060", NULL, NULL, 0},
        {429, "retry-after", "soon", NULL, NULL, 0},
        {429, "retry-after", "-5", NULL, NULL, 0},
        {429, "ratelimit-reset", "1780000000", NULL, NULL, 0},
        {429, "retry-after", "99999999", NULL, NULL, NOW_US + INT64_C(7) * 86400 * S},
        {429, "x-other", "1", NULL, NULL, 0},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_fetch_header headers[2] = {
            {ear_str_from(cases[i].name), ear_str_from(cases[i].value)},
            {ear_str_from(cases[i].name2), ear_str_from(cases[i].value2)}};
        struct ear_fetch_result result = {
            .status = cases[i].status, .headers = headers, .header_count = cases[i].name2 ? 2 : 1};
        int64_t got = ear_fetch_retry_at_us(&result, NOW_US);
        if (got != cases[i].want_us)
            fail_msg("case %zu (%s: %s): %lld", i, cases[i].name, cases[i].value, (long long)got);
    }
}

static void test_url__check_refuses_what_is_no_endpoint(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool ok;
    } cases[] = {
        {"https://bsky.social", true},
        {"http://127.0.0.1:8080/x?y=1", true},
        {"ftp://a.test/", false},
        {"file:///etc/passwd", false},
        {"https://", false},
        {"bsky.social", false},
        {"", false},
        {"https://a b/", false},
        {"http://[::1]:80/", true},
        {"gopher://x.test", false},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_diag diag = {0};
        ear_err err = ear_url_check(ear_str_from(cases[i].url), "http,https", &diag);
        if ((err == EAR_OK) != cases[i].ok) fail_msg("%s: %s", cases[i].url, diag.text);
        assert_true(cases[i].ok || diag.text[0]);
    }
}

static void test_url__escape_keeps_only_unreserved(void **state)
{
    (void)state;
    struct ear_buf out;
    ear_buf_init(&out, 256);
    assert_int_equal(ear_url_escape(EAR_STR("a-Z_9.~ /?&\xc3\xa9\0b"), &out), EAR_OK);
    assert_string_equal(out.data, "a-Z_9.~%20%2F%3F%26%C3%A9%00b");
    ear_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_at__reads_every_shape),
        cmocka_unit_test(test_url__check_refuses_what_is_no_endpoint),
        cmocka_unit_test(test_url__escape_keeps_only_unreserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
