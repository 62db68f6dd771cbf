/* What a network is to learn from: slopes are those of the likelihood, and examples stand by row.
 */
#include "learn/goals.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const float scores[] = {0.4f, -1.2f, 0.9f};

/* How much of label `k` an example of a soft task says: a bit of those next to its own. */
static double share_of(const struct ear_task *task, const struct ear_goal *goal, size_t k)
{
    int next = (goal->labels > 0) + (goal->labels + 1 < task->label_count);
    if (k == goal->labels) return 1 - (double)next * (double)task->soft;
    return k + 1 == goal->labels || k == goal->labels + 1 ? (double)task->soft : 0;
}

/* Minus the log-likelihood of what an example says, by what probabilities the head gives. */
static double loss_of(const struct ear_task *task, const struct ear_goal *goal, const float *z)
{
    float p[EAR_MODEL_LABELS_MAX];
    double loss = 0;
    ear_head_probabilities(task->kind, z, task->label_count, p);
    for (size_t k = 0; k < task->label_count; k++) {
        bool flags = task->kind == EAR_HEAD_FLAGS;
        double has = flags ? (double)(goal->labels >> k & 1) : share_of(task, goal, k);
        if (has > 0) loss -= has * log((double)p[k]);
        if (flags) loss -= (1 - has) * log((double)(1 - p[k]));
    }
    return loss * (double)goal->weight;
}

static void test_goals__slopes_are_those_of_the_likelihood(void **state)
{
    static const struct {
        ear_head_kind kind;
        size_t labels;
        uint64_t said;
        float soft;
    } cases[] = {
        {EAR_HEAD_SOFTMAX, 3, 2, 0},    {EAR_HEAD_SOFTMAX, 3, 0, 0}, {EAR_HEAD_SOFTMAX, 3, 0, 0.1f},
        {EAR_HEAD_SOFTMAX, 3, 1, 0.2f}, {EAR_HEAD_BINARY, 2, 1, 0},  {EAR_HEAD_BINARY, 2, 0, 0},
        {EAR_HEAD_FLAGS, 3, 5, 0},      {EAR_HEAD_FLAGS, 3, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ear_task task = {
            .kind = cases[i].kind, .label_count = cases[i].labels, .soft = cases[i].soft};
        struct ear_goal goal = {.weight = 1.5f, .labels = cases[i].said};
        struct ear_goal_head head = {.task = &task, .columns = ear_task_columns(&task)};
        float slopes[3];
        ear_goal_slopes(&head, &goal, scores, slopes);
        for (size_t k = 0; k < head.columns; k++) {
            float up[3], down[3];
            memcpy(up, scores, sizeof up);
            memcpy(down, scores, sizeof down);
            up[k] += 0.01f;
            down[k] -= 0.01f;
            double slope = (loss_of(&task, &goal, up) - loss_of(&task, &goal, down)) / 0.02;
            if (fabs(slope - (double)slopes[k]) > 2e-3)
                fail_msg("case %zu column %zu: %.4f, not %.4f", i, k, (double)slopes[k], slope);
        }
    }
}

/* Of one head with posts of another kind, and one that takes no part. */
static void test_goals__examples_by_row(void **state)
{
    struct ear_lessons *lessons = ear_alloc(sizeof *lessons);
    (void)state;
    ear_lessons_init(lessons);
    struct ear_task *mood = ear_lessons_task(lessons, EAR_STR("mood"), EAR_HEAD_SOFTMAX, true);
    struct ear_task *rest = ear_lessons_task(lessons, EAR_STR("rest"), EAR_HEAD_SOFTMAX, true);
    mood->network = true;
    static const struct ear_example examples[] = {
        {.row = 2, .part = EAR_PART_TRAIN, .weight = 0.5f, .labels = 1},
        {.row = 0, .part = EAR_PART_EXTRA, .weight = 0.5f, .labels = 2},
        {.row = 2, .part = EAR_PART_EXTRA, .home = true, .weight = 1, .labels = 0},
        {.row = 1, .part = EAR_PART_TRAIN, .weight = 1, .labels = 0},
    };
    for (size_t i = 0; i < 4; i++) ear_task_add(mood, &examples[i]);
    ear_task_add(rest, &examples[1]);
    lessons->corpus.x.row_count = 3;
    bool use[] = {true, true, true, false}, *uses[] = {use, use};
    struct ear_goals goals;
    ear_goals_init(&goals, lessons, uses);
    assert_int_equal(goals.head_count, 1);
    static const size_t starts[] = {0, 1, 1, 3};
    for (size_t i = 0; i < 4; i++) assert_int_equal(goals.starts[i], starts[i]);
    assert_int_equal(goals.all[0].labels, 2);
    assert_false(goals.all[0].home);
    assert_float_equal(goals.all[0].weight, 0.5f, 0);
    assert_true(goals.all[1].home && goals.all[2].home);
    assert_float_equal(goals.all[1].weight, 0.5f * lessons->network.home, 0);
    assert_true(goals.judged[2] && !goals.judged[0] && !goals.judged[1]);
    assert_false(goals.is_validated);
    ear_goals_release(&goals);
    ear_lessons_release(lessons);
    free(lessons);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goals__slopes_are_those_of_the_likelihood),
        cmocka_unit_test(test_goals__examples_by_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
