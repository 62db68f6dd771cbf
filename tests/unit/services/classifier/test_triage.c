/* What a model, a topic table and rules say becomes a triage; a model of eight words decides. */
#include "care_model.h"
#include "triage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct ear_str own_topics[] = {{"seat heating", 12}, {"account", 7}, {"wallbox", 7}};

static int set_up(void **state)
{
    struct ear_triager *t = NULL;
    struct ear_model *model = care_model_new("care-1", care_topics, 0.5F);
    assert_int_equal(ear_triager_new(&model, &t, NULL), EAR_OK);
    assert_null(model);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct ear_triager *t = *state;
    ear_triager_free(&t);
    assert_null(t);
    return 0;
}

static struct ear_triage triage_of(void **state, const char *text)
{
    struct ear_triage_post post = {.text = ear_str_from(text), .account = EAR_STR("@norrline")};
    struct ear_triage out;
    ear_triage(*state, &post, &out);
    return out;
}

static void set_rules(struct ear_triager *t, const char *text)
{
    struct ear_firm_rules *rules = NULL;
    assert_int_equal(ear_firm_rules_parse("rules", ear_str_from(text), &rules, NULL), EAR_OK);
    ear_triager_set_rules(t, &rules);
    assert_null(rules);
}

static bool says(const struct ear_triage *triage, const char *why)
{
    for (size_t i = 0; i < triage->why_count; i++)
        if (ear_str_eq(triage->why[i], ear_str_from(why))) return true;
    return false;
}

static void test_triage__labels_become_values(void **state)
{
    static const struct {
        const char *text;
        ear_answer answer;
        ear_intent intent;
        ear_sentiment sentiment;
        ear_topic topic;
        unsigned urgency, severity;
    } cases[] = {
        {"awful", EAR_ANSWER_NEEDED, EAR_INTENT_COMPLAINT, EAR_SENTIMENT_NEGATIVE, EAR_TOPIC_OTHER,
         0, 2},
        {"where", EAR_ANSWER_NEEDED, EAR_INTENT_QUESTION, EAR_SENTIMENT_NEUTRAL, EAR_TOPIC_OTHER, 0,
         0},
        {"fix", EAR_ANSWER_NEEDED, EAR_INTENT_REQUEST, EAR_SENTIMENT_NEUTRAL, EAR_TOPIC_OTHER, 0,
         0},
        {"thanks", EAR_ANSWER_NEEDED, EAR_INTENT_PRAISE, EAR_SENTIMENT_POSITIVE, EAR_TOPIC_OTHER, 0,
         0},
        {"buy", EAR_ANSWER_NOT_NEEDED, EAR_INTENT_SPAM, EAR_SENTIMENT_NEUTRAL, EAR_TOPIC_OTHER, 0,
         0},
        {"late", EAR_ANSWER_NEEDED, EAR_INTENT_OTHER, EAR_SENTIMENT_NEUTRAL, EAR_TOPIC_DELIVERY, 0,
         0},
        {"hacked", EAR_ANSWER_NEEDED, EAR_INTENT_OTHER, EAR_SENTIMENT_NEUTRAL, EAR_TOPIC_ACCOUNT, 2,
         0},
        {"today", EAR_ANSWER_NEEDED, EAR_INTENT_OTHER, EAR_SENTIMENT_NEUTRAL, EAR_TOPIC_OTHER, 1,
         0},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_triage out = triage_of(state, cases[i].text);
        assert_int_equal(out.answer, cases[i].answer);
        assert_int_equal(out.intent, cases[i].intent);
        assert_int_equal(out.sentiment, cases[i].sentiment);
        assert_int_equal(out.topic, cases[i].topic);
        assert_int_equal(out.urgency, cases[i].urgency);
        assert_int_equal(out.severity, cases[i].severity);
        for (size_t q = 0; q < EAR_QUESTIONS; q++) assert_true(out.p[q] > 0.4F && out.p[q] <= 1);
    }
}

static void test_triage__passes_own_posts_through(void **state)
{
    struct ear_triage_post post = {.text = EAR_STR("awful hacked"), .own = true};
    struct ear_triage out;
    set_rules(*state, "2 x: hacked\n");
    ear_triage(*state, &post, &out);
    assert_true(out.skipped);
    assert_int_equal(out.intent, EAR_INTENT_UNSURE);
    assert_int_equal(out.urgency, 0);
    assert_int_equal(out.why_count, 0);
}

/* Whom nothing but certainty satisfies. */
static void test_triage__what_is_unsure_is_left_to_people(void **state)
{
    struct ear_model *strict = care_model_new("strict", care_topics, 1.0F);
    assert_int_equal(ear_triager_set_model(*state, &strict, NULL), EAR_OK);
    struct ear_triage out = triage_of(state, "hacked buy awful");
    assert_int_equal(out.answer, EAR_ANSWER_UNSURE);
    assert_int_equal(out.intent, EAR_INTENT_UNSURE);
    assert_int_equal(out.sentiment, EAR_SENTIMENT_UNSURE);
    assert_int_equal(out.topic, EAR_TOPIC_UNSURE);
    assert_int_equal(out.urgency, 1); /* an unsure 2 wakes nobody */
    assert_true(out.urgency_unsure && out.severity_unsure);
    assert_int_equal(out.severity, 2);
}

/* The model's curve: the more posts are to be answered, the less a head must be sure. */
static void test_triage__coverage_moves_what_is_unsure(void **state)
{
    ear_triager_set_coverage(*state, 0.05F);
    assert_int_equal(triage_of(state, "awful").intent, EAR_INTENT_UNSURE);
    ear_triager_set_coverage(*state, 1);
    assert_int_equal(triage_of(state, "awful").intent, EAR_INTENT_COMPLAINT);
    ear_triager_set_coverage(*state, 0); /* the model's own */
    assert_int_equal(triage_of(state, "awful").intent, EAR_INTENT_COMPLAINT);
}

static void test_triage__rules_raise_and_never_lower(void **state)
{
    set_rules(*state, "2 safety: smoke\n1 outage: is down\n0 product: x200\n");
    struct ear_triage out = triage_of(state, "smoke from my x200");
    assert_int_equal(out.urgency, 2);
    assert_float_equal(out.urgency_p, 1, 0);
    assert_false(out.urgency_unsure);
    assert_true(says(&out, "rule safety") && says(&out, "rule product"));
    out = triage_of(state, "it is down, hacked");
    assert_int_equal(out.urgency, 2);
    assert_true(says(&out, "rule outage"));
    out = triage_of(state, "the x200 today");
    assert_int_equal(out.urgency, 1);
    assert_int_equal(triage_of(state, "nothing").urgency, 0);
    /* what looks like spam and speaks of danger is looked at */
    assert_int_equal(triage_of(state, "buy smoke").answer, EAR_ANSWER_UNSURE);
    assert_int_equal(triage_of(state, "buy x200").answer, EAR_ANSWER_NOT_NEEDED);
    struct ear_firm_rules *none = NULL;
    ear_triager_set_rules(*state, &none);
    assert_int_equal(triage_of(state, "smoke").urgency, 0);
}

static void test_triage__a_topic_table_replaces_topics_alone(void **state)
{
    struct ear_model *topics = care_model_new("seats", own_topics, 0.5F);
    assert_int_equal(ear_triager_set_topics(*state, &topics, NULL), EAR_OK);
    assert_non_null(strstr(ear_triager_version(*state), "care-1 "));
    assert_non_null(strstr(ear_triager_version(*state), " + seats "));
    struct ear_triage out = triage_of(state, "late awful");
    assert_int_equal(out.topic, EAR_TOPIC_OTHER);
    assert_true(says(&out, "topic seat heating"));
    assert_int_equal(out.intent, EAR_INTENT_COMPLAINT);
    out = triage_of(state, "hacked");
    assert_int_equal(out.topic, EAR_TOPIC_ACCOUNT); /* a name that everybody knows */
    assert_int_equal(ear_triager_head(*state, EAR_ASKS_TOPIC)->label_count, 3);
    assert_true(ear_str_eq(ear_triager_head(*state, EAR_ASKS_TOPIC)->labels[2], own_topics[2]));
    topics = NULL;
    assert_int_equal(ear_triager_set_topics(*state, &topics, NULL), EAR_OK);
    assert_int_equal(triage_of(state, "late").topic, EAR_TOPIC_DELIVERY);
    assert_null(strchr(ear_triager_version(*state), '+'));
}

static void test_triage__says_why_where_somebody_looks(void **state)
{
    struct ear_triage out = triage_of(state, "awful");
    assert_true(says(&out, "awful"));
    out = triage_of(state, "awful hacked");
    assert_true(says(&out, "hacked")); /* what is urgent is explained by its urgency */
    assert_int_equal(triage_of(state, "buy").why_count, 0);
}

static void test_triage__refuses_a_model_that_it_does_not_understand(void **state)
{
    static const struct ear_str levels[] = {{"0", 1}, {"1", 1}};
    static const float bias[] = {0};
    static const uint32_t kept[] = {1};
    struct ear_buf file;
    struct ear_diag diag = {0};
    struct ear_model_part head = {.name = EAR_STR("urgency"),
                                  .labels = levels,
                                  .label_count = 2,
                                  .kind = EAR_HEAD_BINARY,
                                  .level = 1,
                                  .bias = bias};
    static struct care_model m;
    struct ear_model_parts parts = {.name = EAR_STR("half"),
                                    .spec = ear_feature_spec_default(),
                                    .heads = &head,
                                    .head_count = 1,
                                    .kept = kept,
                                    .kept_count = 1,
                                    .row = care_model_row,
                                    .self = &m,
                                    .language = language_table()};
    ear_buf_init(&file, 1 << 20);
    assert_int_equal(ear_model_write(&parts, &file, &diag), EAR_OK);
    void *bytes = aligned_alloc(64, (file.len + 63) & ~(size_t)63);
    memcpy(bytes, file.data, file.len);
    struct ear_model *half = NULL;
    assert_int_equal(ear_model_open((struct ear_str){bytes, file.len}, &half, &diag), EAR_OK);
    assert_int_equal(ear_triager_set_model(*state, &half, &diag), EAR_INVALID);
    assert_non_null(strstr(diag.text, "no head \"needs_answer\""));
    assert_non_null(half);
    assert_int_equal(triage_of(state, "awful").intent,
                     EAR_INTENT_COMPLAINT); /* the old one stays */
    ear_model_free(&half);
    free(bytes);
    ear_buf_release(&file);
}

static void test_triage__long_and_hostile_text_is_bounded(void **state)
{
    size_t len = (size_t)1 << 20;
    char *text = ear_alloc(len);
    static const char *const fills[] = {"i am ", "\xCC\x81", "free ", "@", "ﷺ", "((", "a\xFF"};
    set_rules(*state, "2 safety: am free\n");
    for (size_t f = 0; f < EAR_COUNT(fills); f++) {
        size_t unit = strlen(fills[f]);
        for (size_t at = 0; at + unit <= len; at += unit) memcpy(text + at, fills[f], unit);
        struct ear_triage_post post = {.text = {text, len}};
        struct ear_triage out;
        ear_triage(*state, &post, &out);
        assert_false(out.skipped);
    }
    free(text);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_triage__labels_become_values),
        TEST(test_triage__passes_own_posts_through),
        TEST(test_triage__what_is_unsure_is_left_to_people),
        TEST(test_triage__coverage_moves_what_is_unsure),
        TEST(test_triage__rules_raise_and_never_lower),
        TEST(test_triage__a_topic_table_replaces_topics_alone),
        TEST(test_triage__says_why_where_somebody_looks),
        TEST(test_triage__refuses_a_model_that_it_does_not_understand),
        TEST(test_triage__long_and_hostile_text_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
