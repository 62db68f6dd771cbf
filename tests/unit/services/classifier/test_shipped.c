/* The shipped model, on posts to a firm in seven languages that nothing was trained or chosen on;
 * cases.def says what a care agent would say of them. */
#include "allocations.h"
#include "place.h"
#include "triage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct shipped_case {
    const char *language;
    ear_intent intent;
    ear_answer answer;
    unsigned urgency, severity;
    ear_sentiment sentiment;
    ear_topic topic;
    const char *text;
} cases[] = {
#define CASE(language, intent, answer, urgency, severity, sentiment, topic, text) \
    {language, EAR_INTENT_##intent,       EAR_ANSWER_##answer, urgency,           \
     severity, EAR_SENTIMENT_##sentiment, EAR_TOPIC_##topic,   text},
#include "cases.def"
#undef CASE
};

struct rig {
    struct ear_triager *triager;
    struct ear_heads heads; /* of a model of its own: what the likeliest labels mean */
    struct ear_triage triages[EAR_COUNT(cases)];
};

static int set_up(void **state)
{
    struct rig *rig = ear_alloc(sizeof *rig);
    struct ear_diag diag = {0};
    struct ear_model *model = NULL;
    char *path = ear_place_shipped();
    assert_non_null(path);
    if (ear_model_load(path, &model, &diag)) fail_msg("%s", diag.text);
    assert_int_equal(ear_heads_bind(model, &rig->heads, &diag), EAR_OK);
    assert_int_equal(ear_triager_new(&model, &rig->triager, &diag), EAR_OK);
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_triage_post post = {.text = ear_str_from(cases[i].text)};
        if (strstr(cases[i].text, "@norrline")) post.account = EAR_STR("@norrline");
        ear_triage(rig->triager, &post, &rig->triages[i]);
    }
    free(path);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    ear_triager_free(&rig->triager);
    EAR_FREE(rig);
    return 0;
}

/* What was thought likeliest, whether sure or not. */
static unsigned likeliest(const struct rig *rig, ear_question question, size_t at)
{
    return rig->heads.value[question][rig->triages[at].labels[question]];
}

static unsigned wanted(ear_question question, const struct shipped_case *c)
{
    switch (question) {
    case EAR_ASKS_ANSWER:
        return c->answer;
    case EAR_ASKS_INTENT:
        return c->intent;
    case EAR_ASKS_SENTIMENT:
        return c->sentiment;
    case EAR_ASKS_TOPIC:
        return c->topic;
    case EAR_ASKS_URGENCY:
        return c->urgency;
    default:
        return c->severity;
    }
}

static void test_shipped__heads_are_mostly_right(void **state)
{
    static const unsigned percent[EAR_QUESTIONS] = {
        [EAR_ASKS_ANSWER] = 93, [EAR_ASKS_INTENT] = 78,  [EAR_ASKS_SENTIMENT] = 70,
        [EAR_ASKS_TOPIC] = 78,  [EAR_ASKS_URGENCY] = 78, [EAR_ASKS_SEVERITY] = 50,
    };
    const struct rig *rig = *state;
    for (ear_question q = 0; q < EAR_QUESTIONS; q++) {
        size_t right = 0;
        for (size_t i = 0; i < EAR_COUNT(cases); i++)
            right += likeliest(rig, q, i) == wanted(q, &cases[i]);
        print_message("%s: %zu of %zu\n", ear_question_name(q), right, EAR_COUNT(cases));
        assert_true(right * 100 >= EAR_COUNT(cases) * percent[q]);
    }
}

static void test_shipped__languages(void **state)
{
    const struct rig *rig = *state;
    size_t right = 0;
    for (size_t i = 0; i < EAR_COUNT(cases); i++)
        right += strcmp(rig->triages[i].language, cases[i].language) == 0;
    print_message("language: %zu of %zu\n", right, EAR_COUNT(cases));
    assert_true(right * 100 >= EAR_COUNT(cases) * 97);
}

static void test_shipped__leaves_no_customer_alone(void **state)
{
    const struct rig *rig = *state;
    for (size_t i = 0; i < EAR_COUNT(cases); i++)
        if (cases[i].answer == EAR_ANSWER_NEEDED)
            assert_int_not_equal(rig->triages[i].answer, EAR_ANSWER_NOT_NEEDED);
}

static void test_shipped__probabilities_are_probabilities(void **state)
{
    const struct rig *rig = *state;
    for (size_t i = 0; i < EAR_COUNT(cases); i++)
        for (size_t q = 0; q < EAR_QUESTIONS; q++)
            assert_true(rig->triages[i].p[q] > 0 && rig->triages[i].p[q] <= 1);
}

/* The firm's share of posts to be answered counts for heads of other languages, too. */
static void test_shipped__coverage_is_of_all_languages(void **state)
{
    struct rig *rig = *state;
    static const float shares[] = {1, 0.05f};
    unsigned unsure[EAR_COUNT(shares)] = {0}, posts = 0;
    for (size_t s = 0; s < EAR_COUNT(shares); s++) {
        ear_triager_set_coverage(rig->triager, shares[s]);
        for (size_t i = posts = 0; i < EAR_COUNT(cases); i++) {
            struct ear_triage_post post = {.text = ear_str_from(cases[i].text)};
            struct ear_triage out;
            ear_triage(rig->triager, &post, &out);
            if (!out.stood_in[EAR_ASKS_SENTIMENT]) continue;
            posts++;
            unsure[s] += out.unsure[EAR_ASKS_SENTIMENT];
        }
    }
    assert_true(posts >= 10);
    assert_true(unsure[0] <= posts / 4); /* posts may be less plain than those it was fitted on */
    assert_true(unsure[1] >= posts / 2);
}

/* Every head, the network, rules and reasons: nothing of a post outlives it, and nothing is asked
 * for. */
static void test_shipped__allocates_nothing_when_warm(void **state)
{
    struct rig *rig = *state;
    struct ear_firm_rules *rules = NULL;
    size_t before = 0, reasons = 0;
    if (!allocations_are_counted()) skip();
    assert_int_equal(ear_firm_rules_parse("rules",
                                          EAR_STR("2 safety: smoke | on fire\n1 late: where\n"),
                                          &rules, NULL),
                     EAR_OK);
    ear_triager_set_rules(rig->triager, &rules);
    for (size_t round = 0; round < 3; round++) {
        before = allocations;
        for (size_t i = 0; i < EAR_COUNT(cases); i++) {
            struct ear_triage_post post = {.text = ear_str_from(cases[i].text),
                                           .account = EAR_STR("@norrline")};
            struct ear_triage out;
            ear_triage(rig->triager, &post, &out);
            reasons += out.why_count;
        }
    }
    assert_true(before > 0 && reasons > EAR_COUNT(cases));
    assert_int_equal(allocations, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped__heads_are_mostly_right),
        cmocka_unit_test(test_shipped__languages),
        cmocka_unit_test(test_shipped__leaves_no_customer_alone),
        cmocka_unit_test(test_shipped__probabilities_are_probabilities),
        cmocka_unit_test(test_shipped__coverage_is_of_all_languages),
        cmocka_unit_test(test_shipped__allocates_nothing_when_warm),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
