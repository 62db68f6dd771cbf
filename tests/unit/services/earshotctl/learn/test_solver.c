/* Folds that keep near-copies together, a separating score, probabilities that come true. */
#include "learn/calibrate.h"
#include "learn/solver.h"
#include "learn/split.h"
#include "learn/task.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROWS 400

static void test_split__keeps_near_copies_together(void **state)
{
    static const char *const same[] = {"@acme my order 123 is late! https://t.co/a",
                                       "@other  My ORDER 77 is late", "my order is late..."};
    struct ear_text work;
    (void)state;
    ear_text_init(&work, 1 << 16);
    uint64_t key = ear_split_key(&work, ear_str_from(same[0]));
    for (size_t i = 1; i < 3; i++)
        assert_int_equal(ear_split_key(&work, ear_str_from(same[i])), key);
    assert_int_not_equal(ear_split_key(&work, EAR_STR("my order is here")), key);
    assert_int_not_equal(ear_split_key(&work, EAR_STR("!!")), ear_split_key(&work, EAR_STR("??")));
    ear_text_release(&work);
}

static void test_split__folds_are_even(void **state)
{
    unsigned counts[5] = {0}, moved = 0;
    (void)state;
    for (uint64_t key = 0; key < 10000; key++) {
        counts[ear_split_fold(key, 1, 5)]++;
        moved += ear_split_fold(key, 1, 5) != ear_split_fold(key, 2, 5);
    }
    for (size_t i = 0; i < 5; i++) assert_in_range(counts[i], 1850, 2150);
    assert_in_range(moved, 7700, 8300);
}

/* Column 0 speaks for it, column 1 against, column 2 is noise, column 3 is dense. */
static void make_matrix(struct ear_matrix *x, bool *has)
{
    ear_matrix_init(x, 3, 1);
    for (uint32_t i = 0; i < ROWS; i++) {
        has[i] = i % 3 == 0;
        bool lie = i % 10 == 9;
        struct ear_cell cells[] = {
            {has[i] != lie ? 0 : 1, 1}, {2, i % 2 ? 1.0f : 0.5f}, {3, has[i] ? 0.4f : -0.4f}};
        ear_matrix_add(x, cells, 3);
    }
}

struct solved {
    float weights[4], bias;
};

static struct solved solve(float dense, uint64_t seed)
{
    static bool has[ROWS];
    static float ones[ROWS];
    struct ear_matrix x;
    struct solved s;
    struct ear_solver_options options = EAR_SOLVER_DEFAULTS;
    make_matrix(&x, has);
    for (uint32_t i = 0; i < ROWS; i++) ones[i] = 1;
    options.dense = dense;
    options.seed = seed;
    struct ear_problem problem = {&x, has, ones, NULL};
    ear_solve(&problem, &options, s.weights, &s.bias);
    ear_matrix_release(&x);
    return s;
}

static void test_solver__finds_what_speaks_for_it(void **state)
{
    struct solved s = solve(1, 1);
    (void)state;
    assert_true(s.weights[0] > 0.5f);
    assert_true(s.weights[1] < -0.5f);
    assert_true(fabsf(s.weights[2]) < 0.3f);
    assert_true(s.weights[3] > 0.5f);
}

static void test_solver__same_seed_same_bytes(void **state)
{
    struct solved a = solve(1, 7), b = solve(1, 7), c = solve(1, 8);
    (void)state;
    assert_memory_equal(&a, &b, sizeof a);
    for (size_t i = 0; i < 4; i++) assert_true(fabsf(a.weights[i] - c.weights[i]) < 0.05f);
}

static void test_solver__dense_inputs_can_be_left_out(void **state)
{
    struct solved s = solve(0, 1);
    (void)state;
    assert_true(s.weights[3] == 0);
}

/* Elsewhere, where most examples are from, column 0 speaks for it; at home against. */
static float weight_at_home(float home)
{
    bool has[ROWS], at_home[ROWS];
    float ones[ROWS], weights[1], bias;
    struct ear_matrix x;
    struct ear_solver_options options = EAR_SOLVER_DEFAULTS;
    ear_matrix_init(&x, 1, 0);
    for (uint32_t i = 0; i < ROWS; i++) {
        bool there = i % 2;
        at_home[i] = i % 5 == 0;
        has[i] = there != at_home[i];
        ones[i] = 1;
        ear_matrix_add(&x, &(struct ear_cell){0, 1}, there);
    }
    options.home = home;
    options.ratio = 0;
    struct ear_problem problem = {&x, has, ones, at_home};
    ear_solve(&problem, &options, weights, &bias);
    ear_matrix_release(&x);
    return weights[0];
}

static void test_solver__home_may_differ(void **state)
{
    (void)state;
    assert_true(weight_at_home(0) > 1);
    assert_true(weight_at_home(2) < -1);
}

/* Scores that are three times too sure, with a bias: after calibration p is what comes true. */
static void test_calibrate__probabilities_come_true(void **state)
{
    struct ear_task task;
    struct ear_calibration cal;
    size_t *examples = ear_alloc(3000 * sizeof *examples);
    float *scores = ear_alloc(3000 * sizeof *scores), claimed = 0;
    size_t hits = 0;
    (void)state;
    srandom(1);
    ear_task_init(&task, EAR_STR("x"), EAR_HEAD_BINARY);
    (void)ear_task_label(&task, EAR_STR("no"));
    (void)ear_task_label(&task, EAR_STR("yes"));
    for (size_t i = 0; i < 3000; i++) {
        float logit = (float)(random() % 600) / 100 - 3;
        bool yes = (double)random() / 2147483648.0 < 1 / (1 + exp((double)-logit));
        scores[i] = 3 * logit + 1;
        examples[i] = i;
        ear_task_add(&task, &(struct ear_example){.labels = yes});
    }
    ear_calibrate(&(struct ear_heldout){&task, examples, 3000, scores}, &cal);
    assert_true(fabsf(cal.slope[0] - 1.0f / 3) < 0.05f);
    for (size_t i = 0; i < 3000; i++) {
        float p[2];
        ear_calibrated(&cal, &task, &scores[i], p);
        size_t said = ear_calibrated_label(p, 2);
        hits += task.examples[i].labels == said;
        claimed += p[said];
    }
    assert_true(fabsf(claimed / 3000 - (float)hits / 3000) < 0.02f);
    for (size_t i = 1; i < EAR_MODEL_COVERAGES; i++)
        assert_true(cal.coverage[i] <= cal.coverage[i - 1]);
    ear_calibration_release(&cal);
    ear_task_release(&task);
    free(examples);
    free(scores);
}

static void test_task__settles_labels_in_order(void **state)
{
    struct ear_task task;
    (void)state;
    ear_task_init(&task, EAR_STR("x"), EAR_HEAD_SOFTMAX);
    static const char *const seen[] = {"2", "0", "1"};
    for (size_t i = 0; i < 3; i++) {
        int label = ear_task_label(&task, ear_str_from(seen[i]));
        ear_task_add(&task, &(struct ear_example){.labels = (uint64_t)label});
    }
    ear_task_settle(&task);
    for (size_t i = 0; i < 3; i++)
        assert_true(ear_str_eq(task.labels[task.examples[i].labels], ear_str_from(seen[i])));
    assert_true(ear_str_eq(task.labels[0], EAR_STR("0")));
    assert_int_equal(ear_task_label(&task, EAR_STR("3")), -1);
    ear_task_release(&task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split__keeps_near_copies_together),
        cmocka_unit_test(test_split__folds_are_even),
        cmocka_unit_test(test_solver__finds_what_speaks_for_it),
        cmocka_unit_test(test_solver__same_seed_same_bytes),
        cmocka_unit_test(test_solver__dense_inputs_can_be_left_out),
        cmocka_unit_test(test_solver__home_may_differ),
        cmocka_unit_test(test_calibrate__probabilities_come_true),
        cmocka_unit_test(test_task__settles_labels_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
