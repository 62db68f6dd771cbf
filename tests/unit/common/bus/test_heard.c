#include "bus/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_bus__what_was_slept_through_is_half_a_beat_of_silence(void **state)
{
    static const struct {
        int64_t heard_ms, last_ms, now_ms, seen_ms;
    } cases[] = {
        {500, 1000, 2000, 500},      /* in time */
        {500, 1000, 3000, 500},      /* a beat late: still in time */
        {500, 1000, 61000, 60000},   /* a minute asleep: 0.5 s before it, 0.5 s for it */
        {60900, 1000, 61000, 61000}, /* heard since: never in the future */
    };
    const struct ear_bus bus = {.beat_ms = 1000};
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(cases); i++)
        assert_int_equal(
            ear_bus_heard_ms(&bus, cases[i].heard_ms, cases[i].last_ms, cases[i].now_ms),
            cases[i].seen_ms);
}

/* Late at every tick, as on a machine that has too much to do. */
static void test_bus__who_is_always_late_notices_silence_all_the_same(void **state)
{
    const struct ear_bus bus = {.beat_ms = 1000};
    int64_t heard_ms = 0, last_ms = 0;
    unsigned ticks = 0;
    (void)state;
    while (last_ms - heard_ms < 3000 && ticks < 100) {
        heard_ms = ear_bus_heard_ms(&bus, heard_ms, last_ms, last_ms + 2500);
        last_ms += 2500;
        ticks++;
    }
    assert_int_equal(ticks, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bus__what_was_slept_through_is_half_a_beat_of_silence),
        cmocka_unit_test(test_bus__who_is_always_late_notices_silence_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
