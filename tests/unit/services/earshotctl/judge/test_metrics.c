/* Figures of a table worked out by hand, and the edges: no rows, labels that never occur, ties. */
#include "judge/metrics.h"

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

/* Gold a a a a b b b c c c, said a a a b b b a c b b. */
static const struct ear_judgement ten[] = {
    {0, 0, false, .95F}, {0, 0, false, .9F}, {0, 0, false, .8F}, {0, 1, true, .4F},
    {1, 1, false, .85F}, {1, 1, false, .7F}, {1, 0, true, .45F}, {2, 2, false, .6F},
    {2, 1, false, .55F}, {2, 1, true, .35F},
};

static void test_metrics__official_figures_of_ten_rows(void **state)
{
    (void)state;
    struct ear_figures s;
    ear_figures_of(ten, EAR_COUNT(ten), 3, &s);
    assert_int_equal(s.hits, 6);
    expect_near(s.of[EAR_MEASURE_ACCURACY], 0.6, 1e-9);
    expect_near(s.labels[0].precision, 3.0 / 4, 1e-9);
    expect_near(s.labels[0].recall, 3.0 / 4, 1e-9);
    expect_near(s.labels[1].precision, 2.0 / 5, 1e-9);
    expect_near(s.labels[1].recall, 2.0 / 3, 1e-9);
    expect_near(s.labels[1].f1, 0.5, 1e-9);
    expect_near(s.labels[2].precision, 1, 1e-9);
    expect_near(s.labels[2].recall, 1.0 / 3, 1e-9);
    expect_near(s.of[EAR_MEASURE_MACRO_F1], (0.75 + 0.5 + 0.5) / 3, 1e-9);
    expect_near(s.of[EAR_MEASURE_MACRO_RECALL], (0.75 + 2.0 / 3 + 1.0 / 3) / 3, 1e-9);
    assert_int_equal(s.unsure, 3);
    expect_near(s.sure_accuracy, 6.0 / 7, 1e-9);
}

static void test_metrics__labels_that_do_not_occur_do_not_count(void **state)
{
    (void)state;
    struct ear_figures three, nine;
    ear_figures_of(ten, EAR_COUNT(ten), 3, &three);
    ear_figures_of(ten, EAR_COUNT(ten), 9, &nine);
    for (size_t m = 0; m < EAR_MEASURE_COUNT; m++) expect_near(three.of[m], nine.of[m], 1e-12);
}

static void test_metrics__a_label_only_said_counts_as_zero(void **state)
{
    (void)state;
    const struct ear_judgement rows[] = {{0, 0, false, 1}, {0, 1, false, 1}};
    struct ear_figures s;
    ear_figures_of(rows, 2, 2, &s);
    expect_near(s.of[EAR_MEASURE_MACRO_F1], (2.0 / 3 + 0) / 2, 1e-9);
    expect_near(s.of[EAR_MEASURE_MACRO_RECALL], 0.25, 1e-9);
}

static void test_metrics__no_rows_are_all_zero(void **state)
{
    (void)state;
    struct ear_figures s;
    ear_figures_of(NULL, 0, 3, &s);
    for (size_t m = 0; m < EAR_MEASURE_COUNT; m++) expect_near(s.of[m], 0, 0);
    expect_near(ear_accuracy_at(NULL, 0, 0.8), 0, 0);
}

/* Two bins: four rows claim .9 and half is true; four claim .5 and half is true. */
static void test_metrics__calibration_error_is_the_weighted_gap(void **state)
{
    (void)state;
    struct ear_judgement rows[8];
    for (uint16_t i = 0; i < 8; i++)
        rows[i] = (struct ear_judgement){0, i % 2, false, i < 4 ? .9F : .5F};
    struct ear_figures s;
    ear_figures_of(rows, 8, 2, &s);
    expect_near(s.of[EAR_MEASURE_ECE], 0.5 * 0.4 + 0.5 * 0, 1e-6);
    assert_int_equal(s.bins[13].rows, 4);
    expect_near(s.bins[13].p, 0.9, 1e-6);
    expect_near(s.bins[13].accuracy, 0.5, 1e-9);
}

static void test_metrics__bins_take_every_probability(void **state)
{
    (void)state;
    static const struct {
        float p;
        size_t bin;
    } cases[] = {
        {0, 0}, {1e-9F, 0}, {1, 14}, {1.5F, 14}, {-1, 0}, {.5F, 7}, {__builtin_nanf(""), 0}};
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_judgement row = {0, 0, false, cases[i].p};
        struct ear_figures s;
        ear_figures_of(&row, 1, 1, &s);
        assert_int_equal(s.bins[cases[i].bin].rows, 1);
    }
}

static void test_metrics__coverage_answers_the_surest_first(void **state)
{
    (void)state;
    struct ear_coverage points[] = {{.coverage = 1}, {.coverage = .5}, {.coverage = .8}};
    ear_coverage_curve(ten, EAR_COUNT(ten), points, 3);
    expect_near(points[0].accuracy, 0.6, 1e-9);
    expect_near(points[1].accuracy, 1, 1e-9);
    expect_near(points[1].p_from, .7, 1e-6);
    expect_near(points[2].accuracy, 6.0 / 8, 1e-9);
}

static void test_metrics__coverage_does_not_depend_on_the_order_of_ties(void **state)
{
    (void)state;
    const struct ear_judgement one[] = {{0, 0, false, .5F}, {0, 1, false, .5F}};
    const struct ear_judgement two[] = {{0, 1, false, .5F}, {0, 0, false, .5F}};
    expect_near(ear_accuracy_at(one, 2, 0.5), 0.5, 1e-9);
    expect_near(ear_accuracy_at(two, 2, 0.5), 0.5, 1e-9);
}

static void test_metrics__scope_parts_inside_from_outside(void **state)
{
    (void)state;
    struct ear_scoped s = ear_figures_scoped(ten, EAR_COUNT(ten), 2);
    assert_int_equal(s.inside, 7);
    assert_int_equal(s.outside, 3);
    expect_near(s.accuracy, 5.0 / 7, 1e-9);
    expect_near(s.recall, 1.0 / 3, 1e-9);
}

static void test_metrics__confusion_counts_every_row_once(void **state)
{
    (void)state;
    struct ear_confusion c;
    ear_confusion_init(&c, ten, EAR_COUNT(ten), 3);
    static const uint32_t want[] = {3, 1, 0, 1, 2, 0, 0, 2, 1};
    for (size_t i = 0; i < 9; i++) assert_int_equal(c.cells[i], want[i]);
    ear_confusion_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics__official_figures_of_ten_rows),
        cmocka_unit_test(test_metrics__labels_that_do_not_occur_do_not_count),
        cmocka_unit_test(test_metrics__a_label_only_said_counts_as_zero),
        cmocka_unit_test(test_metrics__no_rows_are_all_zero),
        cmocka_unit_test(test_metrics__calibration_error_is_the_weighted_gap),
        cmocka_unit_test(test_metrics__bins_take_every_probability),
        cmocka_unit_test(test_metrics__coverage_answers_the_surest_first),
        cmocka_unit_test(test_metrics__coverage_does_not_depend_on_the_order_of_ties),
        cmocka_unit_test(test_metrics__scope_parts_inside_from_outside),
        cmocka_unit_test(test_metrics__confusion_counts_every_row_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
