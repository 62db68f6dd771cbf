#include "base/base.h"
#include "pg/pace.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* One every half a second, for as long as a window lasts and a little longer. */
static void pass(struct ear_pg_pace *pace, int64_t *now_ms, int64_t took_ms, size_t bytes)
{
    for (int i = 0; i < EAR_PG_PACE_WINDOW_MS / 500 + 2; i++, *now_ms += 500)
        ear_pg_pace_note(pace, *now_ms, took_ms, bytes);
}

static void test_pace__is_slow_when_all_are_and_until_one_is_quick(void **state)
{
    (void)state;
    struct ear_pg_pace pace = {0};
    int64_t now_ms = 1000000;
    pass(&pace, &now_ms, 5, 1000);
    assert_false(pace.slow);
    pass(&pace, &now_ms, 200, 1000);
    pass(&pace, &now_ms, 200, 1000);
    assert_true(pace.slow);
    pass(&pace, &now_ms, 200, 1000);
    assert_true(pace.slow);
    ear_pg_pace_note(&pace, now_ms, 5, 1000);
    pass(&pace, &now_ms, 200, 1000);
    assert_false(pace.slow);
}

static void test_pace__allows_large_ones_their_time(void **state)
{
    (void)state;
    struct ear_pg_pace pace = {0};
    int64_t now_ms = 1000000;
    pass(&pace, &now_ms, 300, 1 << 20);
    pass(&pace, &now_ms, 300, 1 << 20);
    assert_false(pace.slow);
    pass(&pace, &now_ms, 400, 1 << 20);
    pass(&pace, &now_ms, 400, 1 << 20);
    assert_true(pace.slow);
}

static void test_pace__of_few_says_nothing(void **state)
{
    (void)state;
    struct ear_pg_pace pace = {0};
    for (int i = 0; i < EAR_PG_PACE_LEAST - 1; i++) {
        ear_pg_pace_note(&pace, 1000000 + i * 60000, 3000, 0);
        assert_false(pace.slow);
    }
    ear_pg_pace_note(&pace, 2000000, 3000, 0);
    assert_true(pace.slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pace__is_slow_when_all_are_and_until_one_is_quick),
        cmocka_unit_test(test_pace__allows_large_ones_their_time),
        cmocka_unit_test(test_pace__of_few_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
