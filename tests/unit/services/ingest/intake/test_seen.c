#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "intake/months.h"
#include "intake/seen.h"
#include <cmocka.h>

static void test_seen__asks_once_until_something_changes(void **state)
{
    (void)state;
    struct ear_seen *seen = ear_seen_new();
    const struct ear_id id = {{1}}, other = {{2}};
    struct ear_post_in post = {
        .author_id = EAR_STR("a"), .author_handle = EAR_STR("h"), .author_followers = -1};
    const int64_t day_us = INT64_C(86400) * EAR_US_PER_S, minute_us = 60 * EAR_US_PER_S;
    const int64_t now_us = 20000 * day_us - minute_us;
    assert_true(ear_seen_needs_identity(seen, &id, &post, now_us));
    assert_false(ear_seen_needs_reach(seen, &id, &post, now_us));
    ear_seen_note_reach(seen, &id, now_us); /* of nobody who is known */
    assert_true(ear_seen_needs_identity(seen, &id, &post, now_us));
    ear_seen_note_identity(seen, &id, &post, now_us);
    assert_false(ear_seen_needs_identity(seen, &id, &post, now_us));
    post.author_followers = 5;
    assert_true(ear_seen_needs_reach(seen, &id, &post, now_us));
    ear_seen_note_reach(seen, &id, now_us);
    assert_false(ear_seen_needs_reach(seen, &id, &post, now_us));
    assert_true(ear_seen_needs_reach(seen, &id, &post, now_us + minute_us)); /* the next day */
    post.author_handle = EAR_STR("");
    post.author_name = EAR_STR("h"); /* the same letters in another member */
    assert_true(ear_seen_needs_identity(seen, &id, &post, now_us));
    /* Both ids share a slot: the later one drives the other out, nothing worse. */
    ear_seen_note_identity(seen, &other, &post, now_us);
    assert_true(ear_seen_needs_identity(seen, &id, &post, now_us));
    /* However often it is seen, it is written again after ten minutes; also when the clock steps
     * back. */
    ear_seen_note_identity(seen, &other, &post, now_us + 9 * minute_us);
    assert_false(ear_seen_needs_identity(seen, &other, &post, now_us + 9 * minute_us));
    assert_true(ear_seen_needs_identity(seen, &other, &post, now_us + 10 * minute_us));
    assert_true(ear_seen_needs_identity(seen, &other, &post, now_us - minute_us));
    ear_seen_forget(seen);
    assert_true(ear_seen_needs_identity(seen, &other, &post, now_us + 9 * minute_us));
    ear_seen_free(&seen);
}

static void test_months__by_table(void **state)
{
    (void)state;
    static const struct {
        const char *at;
        int month;
    } rows[] = {
        {"1990-01-01T00:00:00Z", 0},  {"1990-01-31T23:59:59Z", 0},
        {"1990-02-01T00:00:00Z", 1},  {"2026-11-22T00:00:00Z", 36 * 12 + 10},
        {"1989-12-31T23:59:59Z", -1}, {"2189-12-31T23:59:59Z", EAR_MONTHS - 1},
        {"2190-01-01T00:00:00Z", -1},
    };
    static struct ear_months months;
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        int64_t at_us = 0;
        assert_int_equal(ear_time_parse(ear_str_from(rows[i].at), &at_us), EAR_OK);
        assert_int_equal(ear_month_of(at_us), rows[i].month);
    }
    assert_int_equal(ear_month_of(0), -1);
    assert_false(ear_months_lack(&months, 0));
    int64_t at_us = INT64_C(1795305600) * EAR_US_PER_S;
    assert_true(ear_months_lack(&months, at_us));
    ear_months_note(&months, at_us);
    assert_false(ear_months_lack(&months, at_us - EAR_US_PER_S * 86400 * 20));
    assert_true(ear_months_lack(&months, at_us + EAR_US_PER_S * 86400 * 20));
    ear_months_forget(&months);
    assert_true(ear_months_lack(&months, at_us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seen__asks_once_until_something_changes),
        cmocka_unit_test(test_months__by_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
