#include "bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_bucket__gives_its_count_and_no_more(void **state)
{
    struct ear_bucket bucket;
    (void)state;
    ear_bucket_init(&bucket, 6, 3000, 100);
    for (int i = 0; i < 3; i++) assert_true(ear_bucket_take(&bucket, 100));
    assert_false(ear_bucket_take(&bucket, 100));
    assert_int_equal(ear_bucket_wait_ms(&bucket, 100), 1000);
    assert_false(ear_bucket_take(&bucket, 1099));
    assert_true(ear_bucket_take(&bucket, 1100));
    assert_false(ear_bucket_take(&bucket, 1100));
}

static void test_bucket__refills_to_the_brim_only(void **state)
{
    struct ear_bucket bucket;
    (void)state;
    ear_bucket_init(&bucket, 4, 1000, 0);
    assert_true(ear_bucket_take(&bucket, 0));
    assert_int_equal(ear_bucket_room(&bucket, 1000000), 2);
    assert_int_equal(ear_bucket_wait_ms(&bucket, 1000000), 0);
    /* A clock that goes back takes nothing away and gives nothing. */
    assert_int_equal(ear_bucket_room(&bucket, 5), 2);
}

static void test_bucket__never_more_than_count_in_any_period(void **state)
{
    struct ear_bucket bucket;
    int64_t starts[400];
    size_t count = 0;
    (void)state;
    ear_bucket_init(&bucket, 10, 1000, 0);
    for (int64_t now = 0; now < 4000; now++)
        while (count < EAR_COUNT(starts) && ear_bucket_take(&bucket, now)) starts[count++] = now;
    assert_true(count >= 20 && count <= 40);
    for (size_t i = 10; i < count; i++) assert_true(starts[i] - starts[i - 10] >= 1000);
}

static void test_bucket__reads_a_rate(void **state)
{
    static const struct {
        const char *text;
        ear_err err;
        int64_t count, period_ms;
    } cases[] = {
        {"30/5m", EAR_OK, 30, 300000}, {"1/250ms", EAR_OK, 1, 250}, {"0/1s", EAR_INVALID, 0, 0},
        {"30", EAR_INVALID, 0, 0},     {"30/", EAR_INVALID, 0, 0},  {"/1s", EAR_INVALID, 0, 0},
        {"x/1s", EAR_INVALID, 0, 0},   {"5/0", EAR_INVALID, 0, 0},  {"", EAR_INVALID, 0, 0},
        {"-1/1s", EAR_INVALID, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        int64_t count = 0, period_ms = 0;
        ear_err err = ear_bucket_parse(ear_str_from(cases[i].text), &count, &period_ms);
        assert_int_equal(err, cases[i].err);
        if (err) continue;
        assert_int_equal(count, cases[i].count);
        assert_int_equal(period_ms, cases[i].period_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket__gives_its_count_and_no_more),
        cmocka_unit_test(test_bucket__refills_to_the_brim_only),
        cmocka_unit_test(test_bucket__never_more_than_count_in_any_period),
        cmocka_unit_test(test_bucket__reads_a_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
