/* What happens to a reply, for every kind of platform and every fate of a try. Times are seconds
 * after the reply was accepted; the platform's time-out is 10 s, its settling delay 20 s. */
#include "decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define S        EAR_US_PER_S
#define ACCEPTED (1700000000 * S)
#define DAY      86400

static const struct ear_reply_limits limits = {
    .tries_max = 3, .age_max_ms = DAY * 1000, .backoff_floor_ms = 1000, .backoff_cap_ms = 8000};

static struct ear_connector_out_caps caps_of(ear_again again, bool look)
{
    return (struct ear_connector_out_caps){
        .again = again, .look = look, .send_timeout_ms = 10000, .settling_ms = 20000};
}

static void test_decide__the_next_step(void **state)
{
    static const struct {
        const char *name;
        ear_again again;
        bool look;
        ear_attempt_state last;
        int64_t tries, started, now;
        bool maybe;
        ear_step_kind kind;
        int64_t at;
        ear_attempt_state end;
    } rows[] = {
        {"a new reply is sent", EAR_AGAIN_NEVER, false, EAR_ATTEMPT_NONE, 0, 0, 1, false,
         EAR_STEP_SEND, 0, 0},
        {"one to be retried is sent", EAR_AGAIN_NEVER, false, EAR_ATTEMPT_RETRY, 2, 0, 9, false,
         EAR_STEP_SEND, 0, 0},
        {"not after the last try", EAR_AGAIN_NEVER, false, EAR_ATTEMPT_RETRY, 3, 0, 9, false,
         EAR_STEP_END, 0, EAR_ATTEMPT_FAILED},
        {"nor too late", EAR_AGAIN_SAFE, false, EAR_ATTEMPT_RETRY, 1, 0, DAY, false, EAR_STEP_END,
         0, EAR_ATTEMPT_FAILED},
        {"failed is not said of what may be visible", EAR_AGAIN_SAFE, false, EAR_ATTEMPT_RETRY, 3,
         0, 9, true, EAR_STEP_END, 0, EAR_ATTEMPT_UNKNOWN},
        {"an open try may still be under way", EAR_AGAIN_SAFE, false, EAR_ATTEMPT_SENDING, 0, 5, 19,
         false, EAR_STEP_WAIT, 20, 0},
        {"then a deduped one is sent again", EAR_AGAIN_SAFE, false, EAR_ATTEMPT_SENDING, 0, 5, 20,
         false, EAR_STEP_REOPEN, 0, 0},
        {"mail is never sent again", EAR_AGAIN_NEVER, false, EAR_ATTEMPT_SENDING, 0, 5, 20, false,
         EAR_STEP_END, 0, EAR_ATTEMPT_UNKNOWN},
        {"mail waits for the time-out too", EAR_AGAIN_NEVER, false, EAR_ATTEMPT_SENDING, 0, 5, 19,
         false, EAR_STEP_WAIT, 20, 0},
        {"a look comes after settling", EAR_AGAIN_AFTER_LOOK, true, EAR_ATTEMPT_SENDING, 0, 5, 39,
         false, EAR_STEP_WAIT, 40, 0},
        {"and not before", EAR_AGAIN_AFTER_LOOK, true, EAR_ATTEMPT_SENDING, 0, 5, 40, false,
         EAR_STEP_LOOK, 0, 0},
        {"who cannot look asks a person", EAR_AGAIN_AFTER_LOOK, false, EAR_ATTEMPT_SENDING, 0, 5,
         40, false, EAR_STEP_END, 0, EAR_ATTEMPT_UNKNOWN},
        {"a look that never succeeds ends", EAR_AGAIN_AFTER_LOOK, true, EAR_ATTEMPT_SENDING, 0, 5,
         DAY, false, EAR_STEP_END, 0, EAR_ATTEMPT_UNKNOWN},
        {"what was sent stays sent", EAR_AGAIN_SAFE, false, EAR_ATTEMPT_SENT, 0, 5, 35, false,
         EAR_STEP_FORGET, 0, 0},
        {"what failed stays failed", EAR_AGAIN_SAFE, false, EAR_ATTEMPT_FAILED, 0, 5, 35, false,
         EAR_STEP_FORGET, 0, 0},
        {"unknown is for people", EAR_AGAIN_SAFE, false, EAR_ATTEMPT_UNKNOWN, 0, 5, 35, false,
         EAR_STEP_FORGET, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_connector_out_caps caps = caps_of(rows[i].again, rows[i].look);
        struct ear_reply_view view = {.last = rows[i].last,
                                      .tries = rows[i].tries,
                                      .started_at_us = ACCEPTED + rows[i].started * S,
                                      .accepted_at_us = ACCEPTED,
                                      .maybe_visible = rows[i].maybe};
        struct ear_step step = ear_decide_step(&view, &caps, &limits, ACCEPTED + rows[i].now * S);
        if (step.kind != rows[i].kind) fail_msg("%s: step %d", rows[i].name, (int)step.kind);
        if (step.kind == EAR_STEP_WAIT) assert_true(step.at_us == ACCEPTED + rows[i].at * S);
        if (step.kind == EAR_STEP_END) assert_int_equal(step.end, rows[i].end);
        if (step.kind == EAR_STEP_END) assert_non_null(step.reason);
    }
}

static void test_decide__what_an_answer_means(void **state)
{
    static const struct {
        const char *name;
        ear_again again;
        bool look;
        ear_send_state sent;
        int64_t tries, retry_at;
        bool maybe;
        ear_attempt_state state;
        bool final;
        int64_t next_least, next_most, tries_after;
    } rows[] = {
        {"sent", EAR_AGAIN_NEVER, false, EAR_SEND_SENT, 0, 0, false, EAR_ATTEMPT_SENT, true, 0, 0,
         0},
        {"failed", EAR_AGAIN_SAFE, false, EAR_SEND_FAILED, 0, 0, false, EAR_ATTEMPT_FAILED, true, 0,
         0, 0},
        {"failed after an open try", EAR_AGAIN_SAFE, false, EAR_SEND_FAILED, 1, 0, true,
         EAR_ATTEMPT_UNKNOWN, true, 0, 0, 1},
        {"retry backs off", EAR_AGAIN_NEVER, false, EAR_SEND_RETRY, 1, 0, false, EAR_ATTEMPT_RETRY,
         false, 101, 102, 2},
        {"retry when told", EAR_AGAIN_NEVER, false, EAR_SEND_RETRY, 1, 500, false,
         EAR_ATTEMPT_RETRY, false, 500, 500, 1},
        {"a time that has passed counts as none", EAR_AGAIN_NEVER, false, EAR_SEND_RETRY, 1, 50,
         false, EAR_ATTEMPT_RETRY, false, 101, 102, 2},
        {"the last retry fails", EAR_AGAIN_NEVER, false, EAR_SEND_RETRY, 2, 0, false,
         EAR_ATTEMPT_FAILED, true, 0, 0, 2},
        {"unknown, deduped: again", EAR_AGAIN_SAFE, false, EAR_SEND_UNKNOWN, 0, 0, false,
         EAR_ATTEMPT_RETRY, false, 101, 101, 1},
        {"unknown, deduped, last try", EAR_AGAIN_SAFE, false, EAR_SEND_UNKNOWN, 2, 0, false,
         EAR_ATTEMPT_UNKNOWN, true, 0, 0, 2},
        {"unknown mail", EAR_AGAIN_NEVER, false, EAR_SEND_UNKNOWN, 0, 0, false, EAR_ATTEMPT_UNKNOWN,
         true, 0, 0, 0},
        {"unknown, to be looked for", EAR_AGAIN_AFTER_LOOK, true, EAR_SEND_UNKNOWN, 0, 0, false,
         EAR_ATTEMPT_SENDING, false, 125, 125, 0},
        {"unknown, cannot be looked for", EAR_AGAIN_AFTER_LOOK, false, EAR_SEND_UNKNOWN, 0, 0,
         false, EAR_ATTEMPT_UNKNOWN, true, 0, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_connector_out_caps caps = caps_of(rows[i].again, rows[i].look);
        struct ear_reply_view view = {.last = EAR_ATTEMPT_SENDING,
                                      .tries = rows[i].tries,
                                      .started_at_us = ACCEPTED + 90 * S,
                                      .accepted_at_us = ACCEPTED,
                                      .maybe_visible = rows[i].maybe};
        struct ear_send_result result = {.state = rows[i].sent,
                                         .retry_at_us =
                                             rows[i].retry_at ? ACCEPTED + rows[i].retry_at * S : 0,
                                         .reason = "why"};
        for (uint64_t random = 0; random < 5000; random += 499) {
            struct ear_verdict v =
                ear_decide_sent(&view, &caps, &limits, &result, ACCEPTED + 100 * S, random);
            if (v.state != rows[i].state || v.final != rows[i].final)
                fail_msg("%s: state %d", rows[i].name, (int)v.state);
            assert_int_equal(v.tries, rows[i].tries_after);
            assert_non_null(v.reason);
            if (v.final) continue;
            assert_true(v.next_at_us >= ACCEPTED + rows[i].next_least * S);
            assert_true(v.next_at_us <= ACCEPTED + rows[i].next_most * S);
        }
    }
}

static void test_decide__what_is_visible_in_part_never_counts_as_failed(void **state)
{
    static const struct {
        ear_send_state sent;
        int64_t tries;
        ear_attempt_state state;
        bool final;
    } rows[] = {
        {EAR_SEND_FAILED, 0, EAR_ATTEMPT_UNKNOWN, true},
        {EAR_SEND_RETRY, 0, EAR_ATTEMPT_RETRY, false},
        {EAR_SEND_RETRY, 2, EAR_ATTEMPT_UNKNOWN, true},
    };
    struct ear_connector_out_caps caps = caps_of(EAR_AGAIN_AFTER_LOOK, true);
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_reply_view view = {.last = EAR_ATTEMPT_SENDING,
                                      .tries = rows[i].tries,
                                      .started_at_us = ACCEPTED,
                                      .accepted_at_us = ACCEPTED};
        struct ear_send_result result = {
            .state = rows[i].sent, .reason = "refused", .partly = true};
        struct ear_verdict v = ear_decide_sent(&view, &caps, &limits, &result, ACCEPTED + 9 * S, 7);
        assert_int_equal(v.state, rows[i].state);
        assert_int_equal(v.final, rows[i].final);
        /* The word that tells the next attempt. */
        if (!v.final) assert_string_equal(v.reason, "open");
        struct ear_look_result found = {.state = EAR_LOOK_ABSENT, .partly = true};
        view.looks = 1;
        v = ear_decide_looked(&view, &caps, &limits, &found, ACCEPTED + 60 * S, 7);
        assert_int_equal(v.state, rows[i].tries ? EAR_ATTEMPT_UNKNOWN : EAR_ATTEMPT_RETRY);
        if (!v.final) assert_string_equal(v.reason, "open");
    }
}

static struct ear_verdict look(ear_look_state found, int64_t looks, int64_t tries, int64_t now,
                               int64_t retry_at)
{
    struct ear_connector_out_caps caps = caps_of(EAR_AGAIN_AFTER_LOOK, true);
    struct ear_reply_view view = {.last = EAR_ATTEMPT_SENDING,
                                  .tries = tries,
                                  .looks = looks,
                                  .started_at_us = ACCEPTED,
                                  .accepted_at_us = ACCEPTED};
    struct ear_look_result result = {.state = found,
                                     .retry_at_us = retry_at ? ACCEPTED + retry_at * S : 0};
    return ear_decide_looked(&view, &caps, &limits, &result, ACCEPTED + now * S, 7);
}

static void test_decide__one_look_that_finds_nothing_proves_little(void **state)
{
    (void)state;
    struct ear_verdict v = look(EAR_LOOK_ABSENT, 0, 0, 40, 0);
    assert_int_equal(v.state, EAR_ATTEMPT_SENDING);
    assert_false(v.final);
    assert_int_equal(v.looks, 1);
    assert_true(v.next_at_us == ACCEPTED + 60 * S);
    v = look(EAR_LOOK_ABSENT, 1, 0, 60, 0);
    assert_int_equal(v.state, EAR_ATTEMPT_RETRY);
    assert_int_equal(v.tries, 1);
    v = look(EAR_LOOK_ABSENT, 1, 2, 60, 0);
    assert_int_equal(v.state, EAR_ATTEMPT_FAILED);
    assert_true(v.final);
}

static void test_decide__what_is_found_was_sent(void **state)
{
    (void)state;
    struct ear_verdict v = look(EAR_LOOK_FOUND, 1, 2, DAY + 5, 0);
    assert_int_equal(v.state, EAR_ATTEMPT_SENT);
    assert_true(v.final);
}

static void test_decide__a_look_without_answer_is_repeated_until_a_person_decides(void **state)
{
    (void)state;
    struct ear_verdict v = look(EAR_LOOK_CANT, 1, 0, 40, 0);
    assert_int_equal(v.state, EAR_ATTEMPT_SENDING);
    assert_int_equal(v.looks, 1);
    assert_true(v.next_at_us > ACCEPTED + 40 * S);
    v = look(EAR_LOOK_CANT, 0, 0, 40, 300);
    assert_true(v.next_at_us == ACCEPTED + 300 * S);
    v = look(EAR_LOOK_CANT, 0, 0, DAY, 0);
    assert_int_equal(v.state, EAR_ATTEMPT_UNKNOWN);
    assert_true(v.final);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decide__the_next_step),
        cmocka_unit_test(test_decide__what_an_answer_means),
        cmocka_unit_test(test_decide__what_is_visible_in_part_never_counts_as_failed),
        cmocka_unit_test(test_decide__one_look_that_finds_nothing_proves_little),
        cmocka_unit_test(test_decide__what_is_found_was_sent),
        cmocka_unit_test(test_decide__a_look_without_answer_is_repeated_until_a_person_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
