#include "base/check.h"
#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Seconds by `date -u -d TEXT +%s` of coreutils. */
static const struct {
    const char *text;
    int64_t at_us;
} good[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1969-12-31T23:59:59.999999Z", -1},
    {"2026-11-22T01:52:08.123456Z", 1795312328123456},
    {"2000-02-29T12:00:00Z", 951825600000000},
    {"2024-02-29T23:59:59Z", 1709251199000000},
    {"2023-02-28T23:59:59Z", 1677628799000000},
    {"1900-03-01T00:00:00Z", -2203891200000000},
    {"0001-01-01T00:00:00Z", -62135596800000000},
    {"9999-12-31T23:59:59.999999Z", 253402300799999999},
    /* Offsets. */
    {"2026-11-22T01:52:08+00:00", 1795312328000000},
    {"2026-11-22T01:52:08-00:00", 1795312328000000},
    {"2026-11-22T03:52:08+02:00", 1795312328000000},
    {"2026-11-21T20:22:08-05:30", 1795312328000000},
    {"2026-11-22T15:52:08+14:00", 1795312328000000},
    {"2026-11-23T01:51:08+23:59", 1795312328000000},
    {"2024-03-01T00:30:00+01:00", 1709249400000000},
    /* Fractions of any length, cut to µs. */
    {"1970-01-01T00:00:00.1Z", 100000},
    {"1970-01-01T00:00:00.12Z", 120000},
    {"1970-01-01T00:00:00.123Z", 123000},
    {"1970-01-01T00:00:00.000001Z", 1},
    {"1970-01-01T00:00:00.0000019Z", 1},
    {"1970-01-01T00:00:00.99999999999999999999999999999999Z", 999999},
    /* What RFC 3339 allows beside. */
    {"1970-01-01t00:00:01z", 1000000},
    {"1970-01-01 00:00:01Z", 1000000},
    /* Leap seconds: at the end of a UTC day, wherever one lives. */
    {"2016-12-31T23:59:60Z", 1483228800000000},
    {"1990-12-31T15:59:60-08:00", 662688000000000},
};

static void test_time_parse__takes_rfc3339(void **state)
{
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(good); i++) {
        int64_t at_us = -7;
        if (ear_time_parse(ear_str_from(good[i].text), &at_us)) fail_msg("%s", good[i].text);
        if (at_us != good[i].at_us) fail_msg("%s is %lld", good[i].text, (long long)at_us);
    }
}

static void test_time_parse__refuses_the_rest(void **state)
{
    (void)state;
    static const struct ear_str bad[] = {
        EAR_STR_NONE,
        {"", 0},
        {"\0", 1},
        {"2026", 4},
        {"2026-11-22", 10},
        {"2026-11-22T01:52:08", 19},
        {"2026-11-22T01:52Z", 17},
        {"2026-11-22T01:52:08.Z", 21},
        {"2026-11-22T01:52:08,5Z", 22},
        {"2026-11-22T01:52:08Zx", 21},
        {"2026-11-22T01:52:08Z ", 21},
        {" 2026-11-22T01:52:08Z", 21},
        {"2026-11-22T01:52:08Z\0", 21},
        {"2026-11-22\0"
         "01:52:08Z",
         20},
        {"0000-01-01T00:00:00Z", 20},
        {"2026-00-22T01:52:08Z", 20},
        {"2026-13-22T01:52:08Z", 20},
        {"2026-11-00T01:52:08Z", 20},
        {"2026-11-31T01:52:08Z", 20},
        {"2023-02-29T00:00:00Z", 20},
        {"1900-02-29T00:00:00Z", 20},
        {"2026-11-22T24:00:00Z", 20},
        {"2026-11-22T01:60:08Z", 20},
        {"2026-11-22T01:52:61Z", 20},
        {"2026-11-22T01:52:60Z", 20},
        {"2016-12-31T23:59:60+01:00", 25},
        {"2026-11-22T01:52:08+24:00", 25},
        {"2026-11-22T01:52:08+02:60", 25},
        {"2026-11-22T01:52:08+0200", 24},
        {"2026-11-22T01:52:08+02", 22},
        {"2026-11-22T01:52:08+2:00", 24},
        {"+2026-11-22T01:52:08Z", 21},
        {"-2026-11-22T01:52:08Z", 21},
        {"12026-11-22T01:52:08Z", 21},
        {"2026-1-22T01:52:08Z", 19},
        {"2026-11-22T1:52:08Z", 19},
        {"2026-11-22T01:52:08.-5Z", 23},
        {"\xef\xbc\x92"
         "026-11-22T01:52:08Z",
         22},
        /* In range where written, out of range in UTC. */
        {"0001-01-01T00:00:00+00:01", 25},
        {"9999-12-31T23:59:59-00:01", 25},
    };
    for (size_t i = 0; i < EAR_COUNT(bad); i++) {
        int64_t at_us = -7;
        if (ear_time_parse(bad[i], &at_us) != EAR_INVALID)
            fail_msg("%.*s was taken", EAR_STR_ARG(bad[i]));
        assert_int_equal(at_us, -7);
    }
}

static void test_time_parse__reads_no_byte_behind_its_text(void **state)
{
    (void)state;
    const char *whole = "2026-11-22T01:52:08.123456+01:30";
    for (size_t len = 0; len < strlen(whole); len++) {
        int64_t at_us;
        char *exact = ear_alloc(len); /* a byte more would be seen by the sanitizer */
        memcpy(exact, whole, len);
        assert_int_equal(ear_time_parse((struct ear_str){exact, len}, &at_us), EAR_INVALID);
        free(exact);
    }
}

static void test_time_format__is_what_parse_takes(void **state)
{
    (void)state;
    char text[EAR_TIME_TEXT_BYTES];
    int64_t back_us;
    uint64_t walk = 1;
    for (int i = 0; i < 20000; i++) {
        walk = walk * 6364136223846793005U + 1442695040888963407U;
        int64_t at_us = (int64_t)(walk >> 5) % 253402300800000000;
        if (i % 4 == 0) at_us -= at_us % EAR_US_PER_S;
        if (i % 3 == 0) at_us = -(at_us % 62135596800000000);
        ear_time_format(at_us, text);
        assert_int_equal(ear_time_parse(ear_str_from(text), &back_us), EAR_OK);
        assert_int_equal(back_us, at_us);
    }
}

static void test_time_format__writes_one_form(void **state)
{
    (void)state;
    static const struct {
        int64_t at_us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1, "1970-01-01T00:00:00.000001Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {951782400000000, "2000-02-29T00:00:00Z"},
        {1795312328120000, "2026-11-22T01:52:08.120000Z"},
        {INT64_MIN, "0001-01-01T00:00:00Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999999Z"},
    };
    char text[EAR_TIME_TEXT_BYTES];
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        ear_time_format(cases[i].at_us, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_clock__runs(void **state)
{
    (void)state;
    int64_t mono_ms = ear_clock_mono_ms();
    assert_true(ear_clock_mono_ms() >= mono_ms);
    assert_true(ear_clock_wall_us() > 1700000000 * EAR_US_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_parse__takes_rfc3339),
        cmocka_unit_test(test_time_parse__refuses_the_rest),
        cmocka_unit_test(test_time_parse__reads_no_byte_behind_its_text),
        cmocka_unit_test(test_time_format__is_what_parse_takes),
        cmocka_unit_test(test_time_format__writes_one_form),
        cmocka_unit_test(test_clock__runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
