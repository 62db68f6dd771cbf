/* Windows of posts held against the first ones. */
#include "base/base.h"
#include "drift.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ear_drift drift;
static bool stood_in; /* somebody else spoke of the intent */
static struct ear_drift_tally last;

/* Posts of which `complaints` in ten are complaints (label 0, else 1), all as sure. */
static unsigned add(unsigned posts, unsigned complaints, float p)
{
    unsigned windows = 0;
    for (unsigned i = 0; i < posts; i++) {
        struct ear_triage triage = {.language = "en"};
        triage.labels[EAR_ASKS_INTENT] = i % 10 >= complaints;
        triage.stood_in[EAR_ASKS_INTENT] = stood_in;
        for (size_t q = 0; q < EAR_QUESTIONS; q++) triage.p[q] = p;
        windows += ear_drift_add(&drift, &triage, &last);
    }
    return windows;
}

static int set_up(void **state)
{
    (void)state;
    ear_drift_reset(&drift);
    stood_in = false;
    assert_int_equal(add(EAR_DRIFT_REFERENCE, 4, 0.8f), 0);
    return 0;
}

static void test_drift__same_posts_are_no_drift(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(add(EAR_DRIFT_WINDOW, 4, 0.8f), 1);
        assert_float_equal(drift.moved[EAR_ASKS_INTENT], 0, 1e-6);
        assert_float_equal(drift.mean_p[EAR_ASKS_INTENT], 0.8, 1e-4);
        assert_int_equal(drift.change[EAR_ASKS_INTENT], EAR_DRIFT_AS_BEFORE);
        assert_int_equal(last.labels[EAR_ASKS_INTENT][0], EAR_DRIFT_WINDOW * 4 / 10);
    }
}

static void test_drift__begins_with_the_second_far_window_and_ends_with_a_near_one(void **state)
{
    (void)state;
    static const struct {
        unsigned complaints;
        ear_drift_change change;
    } windows[] = {{8, EAR_DRIFT_AS_BEFORE}, {4, EAR_DRIFT_AS_BEFORE}, {8, EAR_DRIFT_AS_BEFORE},
                   {8, EAR_DRIFT_BEGAN},     {9, EAR_DRIFT_AS_BEFORE}, {5, EAR_DRIFT_ENDED},
                   {5, EAR_DRIFT_AS_BEFORE}};
    for (size_t i = 0; i < EAR_COUNT(windows); i++) {
        add(EAR_DRIFT_WINDOW, windows[i].complaints, 0.8f);
        assert_int_equal(drift.change[EAR_ASKS_INTENT], windows[i].change);
        assert_int_equal(drift.change[EAR_ASKS_TOPIC], EAR_DRIFT_AS_BEFORE);
    }
    assert_float_equal(drift.moved[EAR_ASKS_INTENT], 0.1, 1e-6);
}

static void test_drift__less_sure_is_drift_too(void **state)
{
    (void)state;
    add(EAR_DRIFT_WINDOW, 4, 0.65f);
    add(EAR_DRIFT_WINDOW, 4, 0.65f);
    for (size_t q = 0; q < EAR_QUESTIONS; q++) assert_int_equal(drift.change[q], EAR_DRIFT_BEGAN);
    add(EAR_DRIFT_WINDOW, 4, 0.95f); /* surer is fine */
    for (size_t q = 0; q < EAR_QUESTIONS; q++) assert_int_equal(drift.change[q], EAR_DRIFT_ENDED);
}

static void test_drift__a_new_model_has_a_reference_of_its_own(void **state)
{
    (void)state;
    ear_drift_reset(&drift);
    assert_int_equal(add(EAR_DRIFT_REFERENCE, 9, 0.9f), 0);
    assert_int_equal(add(EAR_DRIFT_WINDOW, 9, 0.9f), 1);
    assert_float_equal(drift.moved[EAR_ASKS_INTENT], 0, 1e-6);
}

/* What a model file says of its training posts counts from the first post on. */
static void test_drift__is_held_against_the_training_posts(void **state)
{
    (void)state;
    static const float intents[] = {0.4f, 0.6f}, all[] = {1};
    ear_drift_reset(&drift);
    for (ear_question q = 0; q < EAR_QUESTIONS; q++) ear_drift_expect(&drift, q, all, 1, 0.8f);
    ear_drift_expect(&drift, EAR_ASKS_INTENT, intents, 2, 0.8f);
    assert_int_equal(add(EAR_DRIFT_WINDOW, 8, 0.8f), 1);
    assert_float_equal(drift.moved[EAR_ASKS_INTENT], 0.4, 1e-6);
    assert_float_equal(drift.moved[EAR_ASKS_TOPIC], 0, 1e-6);
    add(EAR_DRIFT_WINDOW, 8, 0.8f);
    assert_int_equal(drift.change[EAR_ASKS_INTENT], EAR_DRIFT_BEGAN);
    add(EAR_DRIFT_WINDOW, 4, 0.65f);
    assert_int_equal(drift.change[EAR_ASKS_INTENT], EAR_DRIFT_AS_BEFORE); /* less sure now */
    assert_int_equal(drift.change[EAR_ASKS_TOPIC], EAR_DRIFT_AS_BEFORE);
}

/* One head that says nothing of it, and all wait until that one has a reference. */
static void test_drift__heads_without_it_learn_theirs(void **state)
{
    (void)state;
    static const float intents[] = {0.4f, 0.6f};
    ear_drift_reset(&drift);
    ear_drift_expect(&drift, EAR_ASKS_INTENT, intents, 2, 0.8f);
    assert_int_equal(add(EAR_DRIFT_REFERENCE, 9, 0.9f), 0);
    assert_int_equal(add(EAR_DRIFT_WINDOW, 9, 0.9f), 1);
    assert_float_equal(drift.moved[EAR_ASKS_INTENT], 0.5, 1e-6);
    assert_float_equal(drift.moved[EAR_ASKS_TOPIC], 0, 1e-6);
}

/* Posts of other languages, of which a stand-in spoke, are no posts of the head. */
static void test_drift__stand_ins_do_not_count(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        stood_in = true;
        add(EAR_DRIFT_WINDOW / 2, 10, 0.3f);
        stood_in = false;
        assert_int_equal(add(EAR_DRIFT_WINDOW / 2, 4, 0.8f), 1);
        assert_float_equal(drift.moved[EAR_ASKS_INTENT], 0, 1e-6);
        assert_float_equal(drift.mean_p[EAR_ASKS_INTENT], 0.8, 1e-4);
        assert_int_equal(last.spoken[EAR_ASKS_INTENT], EAR_DRIFT_WINDOW / 2);
        assert_int_equal(drift.change[EAR_ASKS_INTENT], EAR_DRIFT_AS_BEFORE);
    }
    stood_in = true; /* too few to say anything: as it was */
    add(EAR_DRIFT_WINDOW - EAR_DRIFT_LEAST + 1, 4, 0.8f);
    stood_in = false;
    assert_int_equal(add(EAR_DRIFT_LEAST - 1, 10, 0.8f), 1);
    assert_float_equal(drift.moved[EAR_ASKS_INTENT], 0, 1e-6);
}

#define TEST(fn) cmocka_unit_test_setup(fn, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_drift__same_posts_are_no_drift),
        TEST(test_drift__begins_with_the_second_far_window_and_ends_with_a_near_one),
        TEST(test_drift__less_sure_is_drift_too),
        TEST(test_drift__a_new_model_has_a_reference_of_its_own),
        TEST(test_drift__is_held_against_the_training_posts),
        TEST(test_drift__heads_without_it_learn_theirs),
        TEST(test_drift__stand_ins_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
