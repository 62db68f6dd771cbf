#include "world.h"

#include "engine/clock.h"

static void test_clock__starts_when_the_customer_spoke(void **state)
{
    (void)state;
    static const struct {
        int64_t created_s, id_s, received_s;          /* after T0 */
        int64_t start_s, respond_s, breach_s, late_s; /* after T0 */
    } rows[] = {
        {0, 0, 1, 0, 900, 900, 0},
        {0, 0, 60, 0, 900, 900, 0},
        {0, 0, 61, 0, 900, 961, 61}, /* heard late: charged from receipt */
        {0, 0, 7200, 0, 900, 8100, 7200},
        {500, 0, 1, 1, 901, 901, 0},      /* says it comes from the future */
        {-99999, -5, 1, -5, 895, 895, 0}, /* says it is older than it is */
        {0, -5, 1, 0, 900, 900, 0},
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_heard s;
        say(&s, 1, 1, rows[i].created_s);
        s.received_at_us = T0 + rows[i].received_s * S;
        ear_put_be(s.post_id.b, (uint64_t)((T0 + rows[i].id_s * S) / 1000), 6);
        struct ear_clock clock = ear_clock_of_post(&world_policies[0], &s);
        assert_int_equal(clock.start_us, T0 + rows[i].start_s * S);
        assert_int_equal(clock.respond_by_us, T0 + rows[i].respond_s * S);
        assert_int_equal(clock.breach_at_us, T0 + rows[i].breach_s * S);
        assert_int_equal(clock.warn_at_us, clock.breach_at_us - 300 * S);
        assert_int_equal(clock.late_by_us, rows[i].late_s * S);
    }
}

static void test_clock__warns_only_inside_its_time(void **state)
{
    (void)state;
    static const struct {
        int64_t first_s, before_s, warn_s; /* warn_s 0: never */
    } rows[] = {{900, 300, 600}, {900, 0, 0}, {300, 300, 0}, {10, 300, 0}, {900, 899, 1}};
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_policy policy = {.first_response_s = rows[i].first_s,
                                    .warn_before_s = rows[i].before_s};
        struct ear_clock clock = ear_clock_from(&policy, T0);
        assert_int_equal(clock.warn_at_us, rows[i].warn_s ? T0 + rows[i].warn_s * S : 0);
    }
}

static struct ear_due breach_of(const struct ear_case *c)
{
    return (struct ear_due){.case_id = c->case_id,
                            .customer_id = c->customer_id,
                            .kind = EAR_DUE_BREACH,
                            .clock_no = c->clock_no};
}

/* 14:59 is no breach because the timer is not due; 15:01 is one, once. */
static void test_clock__is_due_after_fifteen_minutes(void **state)
{
    struct ear_book *book = *state;
    struct ear_heard s;
    say(&s, 1, 1, 0);
    decide_one(book, &s);
    int64_t breach_us = 0;
    for (const struct ear_due *d = book->dues; d; d = d->next)
        breach_us = d->kind == EAR_DUE_BREACH ? d->due_at_us : d->then_us;
    assert_true(T0 + (14 * 60 + 59) * S < breach_us);
    assert_true(T0 + (15 * 60 + 1) * S > breach_us);
}

static void test_clock__fires_once_and_only_while_it_runs(void **state)
{
    struct ear_book *book = *state;
    struct ear_heard s;
    say(&s, 1, 1, 0);
    struct ear_case *c = decide_one(book, &s);
    struct ear_due due = breach_of(c);
    int32_t seq = c->seq;

    struct ear_due old = due;
    old.clock_no = 0;
    ear_clock_fire(book, c, &old);
    assert_int_equal(c->seq, seq);

    ear_clock_fire(book, c, &due);
    assert_true(c->breached);
    assert_int_equal(c->seq, seq + 1);
    assert_true(ear_entry_has(last_entry(book), EAR_KIND_CLOCK_BREACHED));

    ear_clock_stop(book, c);
    ear_clock_fire(book, c, &due);
    assert_int_equal(c->seq, seq + 1);
    ear_clock_fire(book, NULL, &due);
}

/* One row a clock: the warning's becomes the breach's. */
static void test_clock__breach_follows_the_warning(void **state)
{
    struct ear_book *book = *state;
    struct ear_heard s;
    say(&s, 1, 1, 0);
    struct ear_case *c = decide_one(book, &s);
    struct ear_due warning = *book->dues;
    assert_int_equal(warning.kind, EAR_DUE_WARN);
    assert_null(book->dues->next);
    ear_clock_fire(book, c, &warning);
    assert_true(ear_entry_has(last_entry(book), EAR_KIND_CLOCK_WARNED));
    const struct ear_due *cleared = book->dues->next, *breach = cleared->next;
    assert_int_equal(cleared->change, EAR_DUE_CLEAR);
    assert_int_equal(breach->change, EAR_DUE_START);
    assert_int_equal(breach->kind, EAR_DUE_BREACH);
    assert_int_equal(breach->due_at_us, T0 + 900 * S);
    /* Of a release that set both at once: there is a row already. */
    warning.then_us = 0;
    ear_clock_fire(book, c, &warning);
    assert_int_equal(breach->next->change, EAR_DUE_CLEAR);
    assert_null(breach->next->next);
}

static void test_clock__every_firing_clears_its_timer(void **state)
{
    struct ear_book *book = *state;
    struct ear_due due = {.case_id = id_of('x', 1), .kind = EAR_DUE_WARN, .clock_no = 3};
    ear_clock_fire(book, NULL, &due);
    assert_int_equal(book->dues->change, EAR_DUE_CLEAR);
    assert_int_equal(book->dues->clock_no, 3);
}

static void test_policy__most_exact_wins(void **state)
{
    (void)state;
    struct ear_policy policies[] = {
        {.id = "any"},
        {.id = "mail", .platform = "mail"},
        {.id = "vip", .team = "vip"},
        {.id = "vip-mail", .team = "vip", .platform = "mail"},
    };
    struct ear_care care = {.policies = policies, .policy_count = EAR_COUNT(policies)};
    static const char *const rows[][3] = {{"care", "bluesky", "any"},
                                          {"care", "mail", "mail"},
                                          {"vip", "bluesky", "vip"},
                                          {"vip", "mail", "vip-mail"}};
    for (size_t i = 0; i < EAR_COUNT(rows); i++)
        assert_string_equal(ear_care_policy(&care, rows[i][0], rows[i][1])->id, rows[i][2]);
    care.policy_count = 0;
    assert_int_equal(ear_care_policy(&care, "care", "mail")->first_response_s, 900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock__starts_when_the_customer_spoke),
        cmocka_unit_test(test_clock__warns_only_inside_its_time),
        WORLD_TEST(test_clock__is_due_after_fifteen_minutes),
        WORLD_TEST(test_clock__breach_follows_the_warning),
        WORLD_TEST(test_clock__fires_once_and_only_while_it_runs),
        WORLD_TEST(test_clock__every_firing_clears_its_timer),
        cmocka_unit_test(test_policy__most_exact_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
