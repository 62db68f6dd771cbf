#include "base/check.h"
#include "base/num.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct number_case {
    struct ear_str text;
    int64_t min, max;
    ear_err err;
    int64_t value;
};

typedef ear_err (*number_parser)(struct ear_str s, int64_t min, int64_t max, int64_t *out);

static void check_all(number_parser parse, const struct number_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value = 4711;
        ear_err err = parse(cases[i].text, cases[i].min, cases[i].max, &value);
        int64_t wanted = cases[i].err ? 4711 : cases[i].value;
        if (err != cases[i].err || value != wanted)
            fail_msg("\"%.*s\": %s, %lld", EAR_STR_ARG(cases[i].text), ear_err_name(err),
                     (long long)value);
    }
}

#define ALL INT64_MIN, INT64_MAX

static void test_num_i64__takes_whole_numbers_in_range(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {{"0", 1}, ALL, EAR_OK, 0},
        {{"-0", 2}, ALL, EAR_OK, 0},
        {{"007", 3}, ALL, EAR_OK, 7},
        {{"-42", 3}, ALL, EAR_OK, -42},
        {{"9223372036854775807", 19}, ALL, EAR_OK, INT64_MAX},
        {{"-9223372036854775808", 20}, ALL, EAR_OK, INT64_MIN},
        {{"9223372036854775808", 19}, ALL, EAR_INVALID, 0},
        {{"-9223372036854775809", 20}, ALL, EAR_INVALID, 0},
        {{"99999999999999999999999", 23}, ALL, EAR_INVALID, 0},
        {{"10", 2}, 10, 10, EAR_OK, 10},
        {{"9", 1}, 10, 20, EAR_INVALID, 0},
        {{"21", 2}, 10, 20, EAR_INVALID, 0},
        {{"12345", 2}, ALL, EAR_OK, 12},
        {{NULL, 0}, ALL, EAR_INVALID, 0},
        {{"", 0}, ALL, EAR_INVALID, 0},
        {{"-", 1}, ALL, EAR_INVALID, 0},
        {{"--1", 3}, ALL, EAR_INVALID, 0},
        {{"+1", 2}, ALL, EAR_INVALID, 0},
        {{" 1", 2}, ALL, EAR_INVALID, 0},
        {{"1 ", 2}, ALL, EAR_INVALID, 0},
        {{"1\0", 2}, ALL, EAR_INVALID, 0},
        {{"0x10", 4}, ALL, EAR_INVALID, 0},
        {{"1e3", 3}, ALL, EAR_INVALID, 0},
        {{"1.0", 3}, ALL, EAR_INVALID, 0},
        {{"\xd9\xa1", 2}, ALL, EAR_INVALID, 0}, /* a digit, but not of ours */
    };
    check_all(ear_num_i64, cases, EAR_COUNT(cases));
}

static void test_num_u64__goes_to_its_end(void **state)
{
    (void)state;
    uint64_t value = 1;
    assert_int_equal(ear_num_u64(EAR_STR("18446744073709551615"), UINT64_MAX, &value), EAR_OK);
    assert_true(value == UINT64_MAX);
    assert_int_equal(ear_num_u64(EAR_STR("18446744073709551616"), UINT64_MAX, &value), EAR_INVALID);
    assert_int_equal(ear_num_u64(EAR_STR("65536"), 65535, &value), EAR_INVALID);
    assert_int_equal(ear_num_u64(EAR_STR("-1"), UINT64_MAX, &value), EAR_INVALID);
    assert_true(value == UINT64_MAX);
}

static void test_num_duration__knows_its_units(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {{"0", 1}, ALL, EAR_OK, 0},
        {{"250", 3}, ALL, EAR_OK, 250},
        {{"250ms", 5}, ALL, EAR_OK, 250},
        {{"15s", 3}, ALL, EAR_OK, 15000},
        {{"10m", 3}, ALL, EAR_OK, 600000},
        {{"2h", 2}, ALL, EAR_OK, 7200000},
        {{"3d", 2}, ALL, EAR_OK, 259200000},
        {{"15s", 3}, 0, 15000, EAR_OK, 15000},
        {{"15s", 3}, 0, 14999, EAR_INVALID, 0},
        {{"1ms", 3}, 2, 10, EAR_INVALID, 0},
        {{"106751991168d", 13}, ALL, EAR_INVALID, 0},
        {{"9223372036854775807s", 20}, ALL, EAR_INVALID, 0},
        {{"s", 1}, ALL, EAR_INVALID, 0},
        {{"-1s", 3}, ALL, EAR_INVALID, 0},
        {{"1.5s", 4}, ALL, EAR_INVALID, 0},
        {{"1 s", 3}, ALL, EAR_INVALID, 0},
        {{"1S", 2}, ALL, EAR_INVALID, 0},
        {{"1sec", 4}, ALL, EAR_INVALID, 0},
        {{"1h30m", 5}, ALL, EAR_INVALID, 0},
        {{"", 0}, ALL, EAR_INVALID, 0},
        {{NULL, 0}, ALL, EAR_INVALID, 0},
    };
    check_all(ear_num_duration_ms, cases, EAR_COUNT(cases));
}

static void test_num_size__knows_its_units(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {{"0", 1}, ALL, EAR_OK, 0},
        {{"4096", 4}, ALL, EAR_OK, 4096},
        {{"64KiB", 5}, ALL, EAR_OK, 65536},
        {{"4MiB", 4}, ALL, EAR_OK, 4194304},
        {{"1GiB", 4}, ALL, EAR_OK, 1073741824},
        {{"8589934591GiB", 13}, ALL, EAR_OK, 9223372035781033984},
        {{"8589934592GiB", 13}, ALL, EAR_INVALID, 0},
        {{"1KiB", 4}, 0, 1023, EAR_INVALID, 0},
        {{"1K", 2}, ALL, EAR_INVALID, 0},
        {{"1KB", 3}, ALL, EAR_INVALID, 0},
        {{"1kib", 4}, ALL, EAR_INVALID, 0},
        {{"KiB", 3}, ALL, EAR_INVALID, 0},
        {{"-1KiB", 5}, ALL, EAR_INVALID, 0},
    };
    check_all(ear_num_size, cases, EAR_COUNT(cases));
}

static void test_num_be__round_trips(void **state)
{
    (void)state;
    uint8_t bytes[8];
    for (size_t n = 1; n <= 8; n++) {
        uint64_t value = 0x0123456789ABCDEF & (UINT64_MAX >> (64 - 8 * n));
        ear_put_be(bytes, value, n);
        assert_int_equal(bytes[n - 1], 0xEF);
        assert_true(ear_get_be(bytes, n) == value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_num_i64__takes_whole_numbers_in_range),
        cmocka_unit_test(test_num_u64__goes_to_its_end),
        cmocka_unit_test(test_num_duration__knows_its_units),
        cmocka_unit_test(test_num_size__knows_its_units),
        cmocka_unit_test(test_num_be__round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
