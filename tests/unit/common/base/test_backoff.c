#include "base/backoff.h"
#include "base/check.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_backoff__stays_between_floor_and_ceiling(void **state)
{
    (void)state;
    static const struct {
        unsigned tries;
        int64_t floor_ms, cap_ms, highest_ms;
    } cases[] = {
        {0, 100, 60000, 100},
        {1, 100, 60000, 200},
        {3, 100, 60000, 800},
        {9, 100, 60000, 51200},
        {10, 100, 60000, 60000},
        {63, 100, 60000, 60000},
        {64, 100, 60000, 60000},
        {UINT32_MAX, 100, 60000, 60000},
        {UINT32_MAX, 1, INT64_MAX, INT64_MAX},
        {5, 100, 100, 100},
        {0, 0, 60000, 0},
        {UINT32_MAX, 0, 60000, 0},
    };
    static const uint64_t randoms[] = {0, 1, 99, 12345678901, UINT64_MAX / 2, UINT64_MAX};
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        uint64_t span = (uint64_t)(cases[i].highest_ms - cases[i].floor_ms);
        for (size_t r = 0; r < EAR_COUNT(randoms); r++) {
            int64_t ms =
                ear_backoff_ms(cases[i].tries, cases[i].floor_ms, cases[i].cap_ms, randoms[r]);
            assert_true(ms >= cases[i].floor_ms && ms <= cases[i].highest_ms);
        }
        /* Both ends are reached. */
        assert_int_equal(ear_backoff_ms(cases[i].tries, cases[i].floor_ms, cases[i].cap_ms, span),
                         cases[i].highest_ms);
        assert_int_equal(ear_backoff_ms(cases[i].tries, cases[i].floor_ms, cases[i].cap_ms, 0),
                         cases[i].floor_ms);
    }
}

static void test_backoff__a_cap_below_the_floor_wins(void **state)
{
    (void)state;
    assert_int_equal(ear_backoff_ms(4, 1000, 10, 77), 10);
    assert_int_equal(ear_backoff_ms(4, 1000, -1, 77), 0);
    assert_int_equal(ear_backoff_ms(4, -5, 1000, 77), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backoff__stays_between_floor_and_ceiling),
        cmocka_unit_test(test_backoff__a_cap_below_the_floor_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
