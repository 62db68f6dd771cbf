#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/ledger.h"
#include <cmocka.h>
#include <stdlib.h>

static int set_up(void **state)
{
    struct ear_ledger *ledger = ear_alloc(sizeof(*ledger));
    ear_crypt_start();
    ear_ledger_init(ledger);
    *state = ledger;
    return 0;
}

static int tear_down(void **state)
{
    struct ear_ledger *ledger = *state;
    ear_ledger_release(ledger);
    free(ledger);
    return 0;
}

static struct ear_peer *peer_with(struct ear_ledger *ledger, const char *id, uint64_t posts,
                                  uint64_t bytes)
{
    struct ear_peer *peer = ear_ledger_add_peer(ledger, ear_str_from(id));
    peer->lanes[EAR_LANE_LIVE].granted = (struct ear_amount){posts, bytes};
    return peer;
}

static struct ear_id fly(struct ear_ledger *ledger, struct ear_peer *peer, uint64_t posts)
{
    struct ear_batch batch = {.id = ear_id_new(1), .lane = EAR_LANE_LIVE};
    ear_ledger_add_flight(ledger, &batch, peer, (struct ear_amount){posts, posts}, 5);
    return batch.id;
}

static void test_ledger__the_richest_is_chosen_of_those_that_fit(void **state)
{
    struct ear_ledger *ledger = *state;
    struct ear_peer *poor = peer_with(ledger, "poor", 10, 1000);
    struct ear_peer *rich = peer_with(ledger, "rich", 100, 1000);
    struct ear_peer *narrow = peer_with(ledger, "narrow", 200, 10);
    struct ear_amount need = {5, 50};
    assert_ptr_equal(ear_ledger_richest(ledger, EAR_LANE_LIVE, need), rich);
    assert_null(ear_ledger_richest(ledger, EAR_LANE_BACKFILL, need));
    rich->blocked = true;
    assert_ptr_equal(ear_ledger_richest(ledger, EAR_LANE_LIVE, need), poor);
    poor->gone = "gone";
    assert_null(ear_ledger_richest(ledger, EAR_LANE_LIVE, need));
    assert_ptr_equal(ear_ledger_richest(ledger, EAR_LANE_LIVE, (struct ear_amount){5, 5}), narrow);
}

static void test_ledger__work_is_spread_by_what_is_left(void **state)
{
    struct ear_ledger *ledger = *state;
    size_t counts[2] = {0};
    struct ear_peer *one = peer_with(ledger, "one", 1000, 1000);
    (void)peer_with(ledger, "two", 1000, 1000);
    for (int i = 0; i < 20; i++) {
        struct ear_peer *peer =
            ear_ledger_richest(ledger, EAR_LANE_LIVE, (struct ear_amount){10, 10});
        fly(ledger, peer, 10);
        counts[peer == one ? 0 : 1]++;
    }
    assert_int_equal(counts[0], 10);
    assert_int_equal(counts[1], 10);
}

static void test_ledger__flights_keep_their_order_and_their_sums(void **state)
{
    struct ear_ledger *ledger = *state;
    struct ear_source_stats stats;
    struct ear_peer *one = peer_with(ledger, "one", 100, 100);
    struct ear_peer *two = peer_with(ledger, "two", 100, 100);
    struct ear_id ids[4] = {fly(ledger, one, 1), fly(ledger, two, 2), fly(ledger, one, 3),
                            fly(ledger, two, 4)};
    ear_ledger_stats(ledger, &stats);
    assert_int_equal(stats.sinks, 2);
    assert_int_equal(stats.unsettled_batches, 4);
    assert_int_equal(stats.unsettled_posts[EAR_LANE_LIVE], 10);
    assert_int_equal(stats.credit_posts[EAR_LANE_LIVE], 190);
    assert_int_equal(ear_id_cmp(&ear_ledger_flight_of(ledger, two)->id, &ids[1]), 0);
    ear_ledger_remove_flight(ledger, ear_ledger_flight(ledger, &ids[1]));
    ear_ledger_remove_flight(ledger, ear_ledger_flight(ledger, &ids[3]));
    assert_null(ear_ledger_flight_of(ledger, two));
    assert_null(ear_ledger_flight(ledger, &ids[1]));
    assert_int_equal(ear_id_cmp(&ledger->oldest->id, &ids[0]), 0);
    assert_int_equal(ear_id_cmp(&ledger->newest->id, &ids[2]), 0);
    assert_int_equal(ledger->unsettled_posts[EAR_LANE_LIVE], 4);
    ear_ledger_remove_flight(ledger, ledger->oldest);
    ear_ledger_remove_flight(ledger, ledger->oldest);
    assert_null(ledger->oldest);
    assert_null(ledger->newest);
    fly(ledger, one, 1);
    assert_non_null(ledger->oldest);
}

static void test_ledger__a_peer_taken_out_leaves_its_flights_to_be_found(void **state)
{
    struct ear_ledger *ledger = *state;
    struct ear_peer *one = peer_with(ledger, "one", 100, 100);
    struct ear_peer *two = peer_with(ledger, "two", 100, 100);
    fly(ledger, one, 1);
    ear_ledger_take_peer(ledger, one);
    assert_null(ear_ledger_peer(ledger, EAR_STR("one")));
    assert_ptr_equal(ear_ledger_peer(ledger, EAR_STR("two")), two);
    assert_int_equal(ledger->peer_count, 1);
    ear_ledger_remove_flight(ledger, ear_ledger_flight_of(ledger, one));
    assert_null(ear_ledger_flight_of(ledger, one));
    free(one);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ledger__the_richest_is_chosen_of_those_that_fit),
        TEST(test_ledger__work_is_spread_by_what_is_left),
        TEST(test_ledger__flights_keep_their_order_and_their_sums),
        TEST(test_ledger__a_peer_taken_out_leaves_its_flights_to_be_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
