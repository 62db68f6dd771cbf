#include "replay/pace.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define S INT64_C(1000000)

static void test_pace__lets_everything_go_by_default(void **state)
{
    (void)state;
    struct ear_pace pace;
    ear_pace_init(&pace, 0, 0, 5000);
    for (int i = 0; i < 3; i++) {
        assert_true(ear_pace_due_ms(&pace, i * 3600 * S) <= 5000);
        ear_pace_took(&pace, i * 3600 * S, 5000);
    }
}

static void test_pace__spreads_by_rate(void **state)
{
    (void)state;
    struct ear_pace pace;
    ear_pace_init(&pace, 4, 0, 1000);
    for (int64_t i = 0; i < 5; i++) {
        assert_int_equal(ear_pace_due_ms(&pace, 0), 1000 + i * 250);
        ear_pace_took(&pace, 0, 1000 + i * 250);
    }
}

static void test_pace__makes_up_for_late_turns_but_not_for_stalls(void **state)
{
    (void)state;
    struct ear_pace pace;
    ear_pace_init(&pace, 1000, 0, 0);
    for (int i = 0; i < 50; i++) ear_pace_took(&pace, 0, 50); /* a turn that came after 50 ms */
    assert_int_equal(ear_pace_due_ms(&pace, 0), 50);
    int burst = 0;
    for (; ear_pace_due_ms(&pace, 0) <= 60000; burst++) ear_pace_took(&pace, 0, 60000);
    assert_in_range(burst, 90, 110); /* a tenth of a second of it, not a minute */
}

static void test_pace__follows_the_time_of_writing(void **state)
{
    (void)state;
    struct ear_pace pace;
    ear_pace_init(&pace, 0, 60, 1000);
    ear_pace_took(&pace, 0, 1000); /* says no time: goes at once, sets no origin */
    ear_pace_took(&pace, 100 * S, 1000);
    assert_int_equal(ear_pace_due_ms(&pace, 100 * S), 1000);
    assert_int_equal(ear_pace_due_ms(&pace, 160 * S), 2000);
    assert_int_equal(ear_pace_due_ms(&pace, 130 * S), 1500);
    assert_int_equal(ear_pace_due_ms(&pace, 0), 1000);
    assert_true(ear_pace_due_ms(&pace, 50 * S) <= 1000); /* written earlier: at once */
    assert_true(ear_pace_due_ms(&pace, INT64_MAX) > 0);
}

static void test_pace__heeds_both(void **state)
{
    (void)state;
    struct ear_pace pace;
    ear_pace_init(&pace, 1, 1, 0);
    ear_pace_took(&pace, 10 * S, 0);
    assert_int_equal(ear_pace_due_ms(&pace, 10 * S), 1000);
    assert_int_equal(ear_pace_due_ms(&pace, 15 * S), 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pace__lets_everything_go_by_default),
        cmocka_unit_test(test_pace__spreads_by_rate),
        cmocka_unit_test(test_pace__makes_up_for_late_turns_but_not_for_stalls),
        cmocka_unit_test(test_pace__follows_the_time_of_writing),
        cmocka_unit_test(test_pace__heeds_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
