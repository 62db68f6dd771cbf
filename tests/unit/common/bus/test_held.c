#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/held.h"
#include "bus/link.h"
#include <cmocka.h>
#include <stdlib.h>

static struct ear_bus_link one, two;
static const struct ear_id first = {{1}}, second = {{2}};
static const struct ear_amount ten = {10, 100};

static int set_up(void **state)
{
    static struct ear_holdings holdings;
    ear_crypt_start();
    ear_holdings_init(&holdings);
    *state = &holdings;
    return 0;
}

static int tear_down(void **state)
{
    ear_holdings_release(*state);
    return 0;
}

static void test_held__is_taken_with_all_the_times_it_came(void **state)
{
    struct ear_holdings *holdings = *state;
    ear_holdings_add(holdings, &first, &one, EAR_LANE_LIVE, ten);
    ear_holdings_add(holdings, &first, &two, EAR_LANE_BACKFILL, ten);
    assert_int_equal(holdings->posts[EAR_LANE_LIVE], 10);
    assert_int_equal(holdings->posts[EAR_LANE_BACKFILL], 10);
    ear_holdings_add(holdings, &first, &two, EAR_LANE_LIVE, ten);
    struct ear_held *taken = ear_holdings_take(holdings, &first);
    assert_ptr_equal(taken->link, &two);
    assert_ptr_equal(taken->twin->link, &two);
    assert_ptr_equal(taken->twin->twin->link, &one);
    assert_null(taken->twin->twin->twin);
    free(taken->twin->twin);
    free(taken->twin);
    free(taken);
    assert_null(ear_holdings_take(holdings, &first));
    assert_null(ear_holdings_find(holdings, &first));
    assert_int_equal(holdings->posts[EAR_LANE_LIVE] + holdings->posts[EAR_LANE_BACKFILL], 0);
}

static void test_held__a_link_takes_along_only_its_own(void **state)
{
    struct ear_holdings *holdings = *state;
    struct ear_id id;
    ear_lane lane;
    bool last;
    size_t lasts = 0, all = 0;
    ear_holdings_add(holdings, &first, &one, EAR_LANE_LIVE, ten);
    ear_holdings_add(holdings, &first, &two, EAR_LANE_LIVE, ten);
    ear_holdings_add(holdings, &second, &one, EAR_LANE_LIVE, ten);
    while (ear_holdings_take_of(holdings, &one, &id, &lane, &last)) {
        all++;
        if (last) {
            lasts++;
            assert_int_equal(ear_id_cmp(&id, &second), 0);
        }
    }
    assert_int_equal(all, 2);
    assert_int_equal(lasts, 1);
    assert_ptr_equal(ear_holdings_find(holdings, &first)->link, &two);
    assert_null(ear_holdings_find(holdings, &second));
    assert_int_equal(holdings->posts[EAR_LANE_LIVE], 10);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_held__is_taken_with_all_the_times_it_came),
        TEST(test_held__a_link_takes_along_only_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
