#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/credit.h"
#include <cmocka.h>

static const struct ear_amount window = {400, 40000};

static void test_credit__nothing_may_come_before_it_was_announced(void **state)
{
    (void)state;
    struct ear_grant grant;
    ear_grant_init(&grant, window);
    assert_false(ear_grant_receive(&grant, (struct ear_amount){1, 1}));
    assert_true(ear_grant_due(&grant));
    struct ear_amount said = ear_grant_announce(&grant);
    assert_int_equal(said.posts, 400);
    assert_int_equal(said.bytes, 40000);
    assert_false(ear_grant_stale(&grant));
}

static void test_credit__each_limit_holds_by_itself(void **state)
{
    (void)state;
    struct ear_grant grant;
    ear_grant_init(&grant, window);
    (void)ear_grant_announce(&grant);
    assert_false(ear_grant_receive(&grant, (struct ear_amount){401, 1}));
    assert_false(ear_grant_receive(&grant, (struct ear_amount){1, 40001}));
    assert_false(ear_grant_receive(&grant, (struct ear_amount){UINT64_MAX, UINT64_MAX}));
    assert_true(ear_grant_receive(&grant, (struct ear_amount){400, 40000}));
    assert_false(ear_grant_receive(&grant, (struct ear_amount){1, 0}));
}

static void test_credit__is_cumulative(void **state)
{
    (void)state;
    struct ear_grant grant;
    ear_grant_init(&grant, window);
    (void)ear_grant_announce(&grant);
    assert_true(ear_grant_receive(&grant, (struct ear_amount){300, 300}));
    ear_grant_settle(&grant, (struct ear_amount){50, 50});
    assert_true(ear_grant_stale(&grant));
    assert_false(ear_grant_due(&grant)); /* less than a quarter came free */
    ear_grant_settle(&grant, (struct ear_amount){50, 50});
    assert_true(ear_grant_due(&grant));
    assert_int_equal(ear_grant_announce(&grant).posts, 500);
    assert_true(ear_grant_receive(&grant, (struct ear_amount){200, 200}));
    assert_false(ear_grant_receive(&grant, (struct ear_amount){1, 1}));
    ear_grant_settle(&grant, (struct ear_amount){400, 400});
    assert_true(ear_grant_due(&grant)); /* nothing in flight: the whole window */
    assert_int_equal(ear_grant_announce(&grant).posts, 900);
}

static void test_credit__what_was_sent_before_a_withdrawal_is_still_taken(void **state)
{
    (void)state;
    struct ear_grant grant;
    ear_grant_init(&grant, window);
    (void)ear_grant_announce(&grant);
    assert_true(ear_grant_receive(&grant, (struct ear_amount){100, 100}));
    assert_int_equal(ear_grant_withdraw(&grant).posts, 100);
    assert_true(ear_grant_receive(&grant, (struct ear_amount){300, 300}));
    assert_false(ear_grant_receive(&grant, (struct ear_amount){1, 1}));
}

static void test_credit__upstream_never_goes_below_zero(void **state)
{
    (void)state;
    struct ear_allowance a = {.granted = {100, 1000}};
    assert_true(ear_allowance_fits(&a, (struct ear_amount){100, 1000}));
    assert_false(ear_allowance_fits(&a, (struct ear_amount){101, 1}));
    assert_false(ear_allowance_fits(&a, (struct ear_amount){1, 1001}));
    a.sent = (struct ear_amount){60, 600};
    assert_int_equal(ear_allowance_left(&a).posts, 40);
    a.granted = (struct ear_amount){10, 100}; /* a draining peer */
    assert_int_equal(ear_allowance_left(&a).posts, 0);
    assert_int_equal(ear_allowance_left(&a).bytes, 0);
    assert_false(ear_allowance_fits(&a, (struct ear_amount){1, 1}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credit__nothing_may_come_before_it_was_announced),
        cmocka_unit_test(test_credit__each_limit_holds_by_itself),
        cmocka_unit_test(test_credit__is_cumulative),
        cmocka_unit_test(test_credit__what_was_sent_before_a_withdrawal_is_still_taken),
        cmocka_unit_test(test_credit__upstream_never_goes_below_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
