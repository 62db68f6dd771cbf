#include "world.h"

#include "engine/history.h"

static void test_detail__says_ids_codes_and_times(void **state)
{
    (void)state;
    static const struct {
        struct ear_entry entry;
        const char *want;
    } rows[] = {
        {{.agent = NULL}, ""},
        {{.agent = "ana", .team = "care", .affinity = true},
         "{\"agent\":\"ana\",\"team\":\"care\",\"affinity\":1}"},
        {{.team = "a\"b\\c\n", .clock_no = 2, .respond_by_us = T0, .late_by_us = 7},
         "{\"team\":\"a\\\"b\\\\c\\u000a\",\"clock_no\":2,"
         "\"respond_by\":\"2026-11-22T02:00:00Z\",\"late_by_us\":7}"},
        {{.other_customer = {{1, 2, 3}}},
         "{\"other_customer\":\"01020300-0000-0000-0000-000000000000\"}"},
        {{.from_agent = "ben", .visible_at_us = T0},
         "{\"from_agent\":\"ben\",\"visible_at\":\"2026-11-22T02:00:00Z\"}"},
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_buf out;
        ear_buf_init(&out, 4096);
        assert_int_equal(ear_buf_append(&out, "", 0), EAR_OK);
        assert_int_equal(ear_entry_detail(&rows[i].entry, &out), EAR_OK);
        assert_string_equal(out.data ? out.data : "", rows[i].want);
        ear_buf_release(&out);
    }
}

static void test_triage__certainty_is_of_the_heads_that_decided(void **state)
{
    (void)state;
    static const struct {
        int answer, intent;
        float answer_p, intent_p, want;
    } rows[] = {
        {1, 2, .9f, .8f, .8f}, {1, 0, .9f, .1f, .9f}, {0, 2, .1f, .7f, .7f}, {0, 0, .5f, .5f, 0}};
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_triage t = {.language = "en"};
        t.answer = (Earshot__V1__Answer)rows[i].answer;
        t.intent = (Earshot__V1__Intent)rows[i].intent;
        t.answer_p = rows[i].answer_p;
        t.intent_p = rows[i].intent_p;
        assert_float_equal(ear_triage_certainty(&t), rows[i].want, 1e-6);
    }
}

static void test_triage__doubts_are_bits(void **state)
{
    (void)state;
    struct ear_triage t = {.language = "und", .urgency_unsure = true, .severity_unsure = true};
    assert_int_equal(ear_triage_doubts(&t), 127);
    t.language = "en";
    t.answer = EARSHOT__V1__ANSWER__ANSWER_NEEDED;
    t.intent = EARSHOT__V1__INTENT__INTENT_QUESTION;
    t.sentiment = EARSHOT__V1__SENTIMENT__SENTIMENT_NEUTRAL;
    t.urgency_unsure = false;
    assert_int_equal(ear_triage_doubts(&t), 8 | 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_detail__says_ids_codes_and_times),
        cmocka_unit_test(test_triage__certainty_is_of_the_heads_that_decided),
        cmocka_unit_test(test_triage__doubts_are_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
