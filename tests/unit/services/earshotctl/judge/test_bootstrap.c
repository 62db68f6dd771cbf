/* Intervals hold what they promise, the same seed gives the same numbers, and a difference is
 * called one only where there is one. */
#include "judge/bootstrap.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect_near(double got, double want, double within)
{
    if (!(fabs(got - want) <= within)) fail_msg("%.9g, not %.9g", got, want);
}

#define ROWS 400

/* Row i is right unless i % wrong_each == 0; labels alternate. */
static void fill(struct ear_judgement *rows, size_t wrong_each)
{
    for (size_t i = 0; i < ROWS; i++) {
        uint16_t gold = i % 2;
        bool wrong = wrong_each && i % wrong_each == 0;
        rows[i] = (struct ear_judgement){gold, wrong ? !gold : gold, false, .8F};
    }
}

static void test_bootstrap__interval_is_that_of_a_binomial(void **state)
{
    (void)state;
    struct ear_judgement rows[ROWS];
    struct ear_interval of[EAR_MEASURE_COUNT];
    fill(rows, 5);
    ear_bootstrap(rows, ROWS, 2, 7, of);
    double half = 1.96 * sqrt(.8 * .2 / ROWS);
    expect_near(of[EAR_MEASURE_ACCURACY].value, .8, 1e-9);
    expect_near(of[EAR_MEASURE_ACCURACY].low, .8 - half, .008);
    expect_near(of[EAR_MEASURE_ACCURACY].high, .8 + half, .008);
    for (size_t m = 0; m < EAR_MEASURE_COUNT; m++) assert_true(of[m].low <= of[m].high);
}

static void test_bootstrap__same_seed_same_numbers(void **state)
{
    (void)state;
    struct ear_judgement rows[ROWS];
    struct ear_interval one[EAR_MEASURE_COUNT], two[EAR_MEASURE_COUNT];
    fill(rows, 7);
    ear_bootstrap(rows, ROWS, 2, 1, one);
    ear_bootstrap(rows, ROWS, 2, 1, two);
    assert_memory_equal(one, two, sizeof(one));
}

static void test_bootstrap__no_rows_and_one_row(void **state)
{
    (void)state;
    struct ear_interval of[EAR_MEASURE_COUNT];
    struct ear_judgement one = {0, 0, false, 1};
    ear_bootstrap(&one, 0, 1, 1, of);
    expect_near(of[EAR_MEASURE_ACCURACY].high, 0, 0);
    ear_bootstrap(&one, 1, 1, 1, of);
    expect_near(of[EAR_MEASURE_ACCURACY].low, 1, 0);
}

static void test_compare__verdicts(void **state)
{
    (void)state;
    static const struct {
        size_t before, after;
        ear_verdict verdict;
    } cases[] = {
        {4, 0, EAR_VERDICT_BETTER},                            /* 100 more right */
        {0, 4, EAR_VERDICT_WORSE},   {4, 4, EAR_VERDICT_SAME}, /* the same rows */
        {100, 0, EAR_VERDICT_SAME},                            /* 4 more right: may be chance */
        {100, 80, EAR_VERDICT_SAME},                           /* 4 wrong, or 5 */
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_judgement before[ROWS], after[ROWS];
        struct ear_comparison c;
        fill(before, cases[i].before);
        fill(after, cases[i].after);
        ear_compare(before, after, ROWS, 2, 3, &c);
        assert_int_equal(ear_compare_verdict(&c, EAR_MEASURE_ACCURACY), cases[i].verdict);
    }
}

static void test_compare__mcnemar_is_exact(void **state)
{
    (void)state;
    struct ear_judgement before[ROWS], after[ROWS];
    struct ear_comparison c;
    fill(before, 0);
    fill(after, 0);
    for (size_t i = 0; i < 8; i++) before[i].said = !before[i].gold;
    after[20].said = !after[20].gold;
    after[21].said = !after[21].gold;
    ear_compare(before, after, ROWS, 2, 3, &c);
    assert_int_equal(c.only_before, 2);
    assert_int_equal(c.only_after, 8);
    expect_near(c.mcnemar_p, 2.0 * (1 + 10 + 45) / 1024, 1e-9);
}

static void test_compare__less_calibration_error_is_better(void **state)
{
    (void)state;
    struct ear_judgement before[ROWS], after[ROWS];
    struct ear_comparison c;
    fill(before, 5);
    fill(after, 5);
    for (size_t i = 0; i < ROWS; i++) before[i].p = .5F;
    ear_compare(before, after, ROWS, 2, 3, &c);
    assert_true(c.gain[EAR_MEASURE_ECE].value < -.2);
    assert_int_equal(ear_compare_verdict(&c, EAR_MEASURE_ECE), EAR_VERDICT_BETTER);
    assert_int_equal(ear_compare_verdict(&c, EAR_MEASURE_ACCURACY), EAR_VERDICT_SAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bootstrap__interval_is_that_of_a_binomial),
        cmocka_unit_test(test_bootstrap__same_seed_same_numbers),
        cmocka_unit_test(test_bootstrap__no_rows_and_one_row),
        cmocka_unit_test(test_compare__verdicts),
        cmocka_unit_test(test_compare__mcnemar_is_exact),
        cmocka_unit_test(test_compare__less_calibration_error_is_better),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
