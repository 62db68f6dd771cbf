#include "bus_rig.h"

static void test_links__every_batch_is_settled_once(void **state)
{
    struct ear_loop *loop = *state;
    struct giver *givers[3];
    struct taker *takers[4];
    size_t batches = 0;
    struct ear_buf list;
    ear_buf_init(&list, 256);
    for (size_t i = 0; i < EAR_COUNT(givers); i++) {
        givers[i] = giver_new(loop, "127.0.0.1:0", 300, 0);
        assert_int_equal(ear_buf_printf(&list, "%s127.0.0.1:%u", i ? "," : "",
                                        (unsigned)ear_source_port(givers[i]->source)),
                         EAR_OK);
    }
    for (size_t i = 0; i < EAR_COUNT(takers); i++) takers[i] = taker_new(loop, list.data, 512);
    for (size_t i = 0; i < EAR_COUNT(givers); i++)
        WAIT(loop, givers[i]->finished == givers[i]->count);
    for (size_t i = 0; i < EAR_COUNT(takers); i++) {
        assert_true(takers[i]->batches > 0); /* nobody is left out */
        batches += takers[i]->batches;
        assert_int_equal(ear_sink_unsettled(takers[i]->sink), 0);
        assert_int_equal(ear_sink_sources(takers[i]->sink), EAR_COUNT(givers));
    }
    assert_int_equal(batches, 900);
    for (size_t i = 0; i < EAR_COUNT(givers); i++) {
        assert_int_equal(givers[i]->lost, 0);
        for (size_t k = 0; k < givers[i]->count; k++)
            assert_int_equal(givers[i]->jobs[k].settled, 1);
    }
    for (size_t i = 0; i < EAR_COUNT(takers); i++) taker_free(&takers[i]);
    for (size_t i = 0; i < EAR_COUNT(givers); i++) giver_free(&givers[i]);
    ear_buf_release(&list);
}

static void test_links__credit_bounds_what_is_in_flight(void **state)
{
    struct ear_loop *loop = *state;
    char where[64];
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 100, 50);
    struct taker *taker =
        taker_new(loop, at_port(where, "127.0.0.1", ear_source_port(giver->source)), 512);
    taker->lazy = true;
    /* 512 of a window hold ten batches of 50 in each lane; what does not fit waits. */
    WAIT(loop, ear_sink_unsettled(taker->sink) >= 10);
    turn_for(loop, 5 * BEAT_MS);
    struct ear_source_stats stats;
    ear_source_stats(giver->source, &stats);
    assert_true(stats.unsettled_posts[EAR_LANE_LIVE] <= 512);
    assert_true(stats.unsettled_posts[EAR_LANE_BACKFILL] <= 512);
    assert_int_equal(stats.unsettled_posts[EAR_LANE_LIVE], 500);
    assert_int_equal(stats.credit_posts[EAR_LANE_LIVE], 12);
    assert_int_equal(ear_source_room(giver->source, EAR_LANE_LIVE), 12);
    assert_int_equal(stats.unsettled_batches, taker->batches);
    taker->lazy = false;
    ear_timer_start(taker->timer, 0, 1);
    WAIT(loop, giver->finished == giver->count);
    taker_free(&taker);
    giver_free(&giver);
}

static void test_links__an_offer_past_the_ceilings_is_refused(void **state)
{
    struct ear_loop *loop = *state;
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 0, 1);
    static char big[EAR_BATCH_BYTES_MAX + 1];
    struct ear_str items[EAR_BATCH_POSTS_MAX + 1];
    for (size_t i = 0; i < EAR_COUNT(items); i++) items[i] = EAR_STR("x");
    struct ear_batch batch = {.id = ear_id_new(1), .items = items, .count = EAR_COUNT(items)};
    assert_int_equal(ear_source_offer(giver->source, &batch), EAR_TOO_LARGE);
    batch.count = 0;
    assert_int_equal(ear_source_offer(giver->source, &batch), EAR_INVALID);
    items[0] = (struct ear_str){big, sizeof(big)};
    batch.count = 1;
    assert_int_equal(ear_source_offer(giver->source, &batch), EAR_TOO_LARGE);
    items[0].len--;
    assert_int_equal(ear_source_offer(giver->source, &batch), EAR_AGAIN); /* nobody there */
    giver_free(&giver);
}

static void test_links__the_largest_batch_goes_through(void **state)
{
    struct ear_loop *loop = *state;
    char where[64];
    static char big[EAR_BATCH_BYTES_MAX];
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 0, 1);
    struct taker *taker =
        taker_new(loop, at_port(where, "127.0.0.1", ear_source_port(giver->source)), 512);
    struct ear_str item = {big, sizeof(big)};
    WAIT(loop, ear_source_room(giver->source, EAR_LANE_LIVE) > 0);
    giver->jobs[giver->count++] = (struct job){.id = ear_id_new(1), .count = 1, .out = true};
    giver->next = giver->count;
    giver->in_flight++;
    struct ear_batch batch = {.id = giver->jobs[0].id, .items = &item, .count = 1};
    assert_int_equal(ear_source_offer(giver->source, &batch), EAR_OK);
    assert_int_equal(ear_source_offer(giver->source, &batch), EAR_CONFLICT);
    WAIT(loop, giver->finished == 1);
    taker_free(&taker);
    giver_free(&giver);
}

static void test_links__a_draining_sink_hands_back(void **state)
{
    struct ear_loop *loop = *state;
    char where[64];
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 100, 50);
    at_port(where, "127.0.0.1", ear_source_port(giver->source));
    struct taker *first = taker_new(loop, where, 512);
    first->lazy = true;
    WAIT(loop, first->count >= 10);
    ear_sink_drain(first->sink);
    WAIT(loop, ear_sink_is_quiet(first->sink)); /* though it holds batches */
    first->fate = EAR_ITEM_RETURNED;
    while (first->count) taker_settle(first, 0);
    assert_int_equal(ear_sink_unsettled(first->sink), 0);
    WAIT(loop, giver->in_flight == 0);
    turn_for(loop, 3 * BEAT_MS);
    assert_int_equal(giver->in_flight, 0);
    assert_int_equal(first->count, 0);
    assert_int_equal(ear_source_room(giver->source, EAR_LANE_LIVE), 0);
    struct taker *second = taker_new(loop, where, 512);
    WAIT(loop, giver->finished == giver->count);
    assert_int_equal(giver->lost, 0);
    taker_free(&first);
    taker_free(&second);
    giver_free(&giver);
}

/* What a source that does not drain sent on its way comes back by itself. */
static void test_links__batches_under_way_to_a_draining_sink_come_back(void **state)
{
    struct ear_loop *loop = *state;
    char where[64];
    rig_beat_ms = WAIT_MS; /* so that nothing here comes by patience */
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 0, 50);
    struct taker *taker =
        taker_new(loop, at_port(where, "127.0.0.1", ear_source_port(giver->source)), 512);
    WAIT(loop, ear_source_room(giver->source, EAR_LANE_LIVE) == 512 &&
                   ear_source_room(giver->source, EAR_LANE_BACKFILL) == 512);
    giver->count = 6;
    for (size_t i = 0; i < giver->count; i++)
        giver->jobs[i] = (struct job){.id = ear_id_new(1), .count = 50, .lane = i % 2};
    giver_room(giver);
    assert_int_equal(giver->in_flight, 6);
    ear_sink_drain(taker->sink);
    assert_false(ear_sink_is_quiet(taker->sink));
    WAIT(loop, ear_sink_is_quiet(taker->sink));
    assert_int_equal(taker->quiet, 1);
    assert_int_equal(taker->batches, 0);
    taker_free(&taker); /* as a process that ends now: what was under way is back all the same */
    WAIT(loop, giver->in_flight == 0);
    assert_int_equal(giver->lost, 0);
    for (size_t i = 0; i < giver->count; i++) assert_int_equal(giver->jobs[i].returned, 1);
    giver_free(&giver);
}

static void test_links__a_sink_that_stops_delivers_its_settles(void **state)
{
    struct ear_loop *loop = *state;
    char where[64];
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 20, 10);
    giver->keep_lost = true;
    struct taker *taker =
        taker_new(loop, at_port(where, "127.0.0.1", ear_source_port(giver->source)), 512);
    taker->lazy = true;
    WAIT(loop, taker->count == 20);
    while (taker->count) taker_settle(taker, 0);
    taker_free(&taker);
    WAIT(loop, giver->in_flight == 0);
    assert_int_equal(giver->finished, 20);
    assert_int_equal(giver->lost, 0);
    giver_free(&giver);
}

static void test_links__what_a_lost_sink_held_comes_back_soon(void **state)
{
    struct ear_loop *loop = *state;
    char where[64];
    rig_beat_ms = 10 * BEAT_MS;
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 20, 10);
    at_port(where, "127.0.0.1", ear_source_port(giver->source));
    struct taker *dead = taker_new(loop, where, 512);
    dead->lazy = true;
    WAIT(loop, dead->count == 20);
    taker_free(&dead);
    int64_t from_ms = ear_clock_mono_ms();
    WAIT(loop, giver->lost == 20);
    assert_true(ear_clock_mono_ms() - from_ms < 3 * rig_beat_ms); /* not by silence */
    struct taker *heir = taker_new(loop, where, 512);
    WAIT(loop, giver->finished == 20);
    assert_int_equal(giver->lost, 20);
    taker_free(&heir);
    giver_free(&giver);
}

static void test_links__a_source_that_restarts_finds_its_sinks_again(void **state)
{
    struct ear_loop *loop = *state;
    char where[64];
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 20, 10);
    at_port(where, "127.0.0.1", ear_source_port(giver->source));
    struct taker *taker = taker_new(loop, where, 512);
    taker->lazy = true;
    WAIT(loop, taker->count == 20);
    giver_close(giver);
    WAIT(loop, taker->orphaned == 20);
    assert_int_equal(ear_sink_sources(taker->sink), 0);
    assert_int_equal(ear_sink_unsettled(taker->sink), 0);
    for (size_t i = 0; i < giver->count; i++) giver->jobs[i].out = false;
    giver->next = giver->in_flight = 0;
    taker->lazy = false;
    giver_open_at(giver, loop, where);
    WAIT(loop, giver->finished == 20);
    taker_free(&taker);
    giver_free(&giver);
}

static void test_links__two_addresses_are_two_sources(void **state)
{
    struct ear_loop *loop = *state;
    char where[64], both[160];
    struct giver *one = giver_new(loop, "127.0.0.1:0", 30, 10);
    uint16_t port = ear_source_port(one->source);
    struct giver *two = giver_new(loop, at_port(where, "127.0.0.2", port), 30, 10);
    snprintf(both, sizeof(both), "127.0.0.1:%u,127.0.0.2:%u", (unsigned)port, (unsigned)port);
    struct taker *taker = taker_new(loop, both, 512);
    WAIT(loop, one->finished == 30 && two->finished == 30);
    assert_int_equal(ear_sink_sources(taker->sink), 2);
    taker_free(&taker);
    giver_free(&one);
    giver_free(&two);
}

static void test_links__two_addresses_of_one_source_are_one_link(void **state)
{
    struct ear_loop *loop = *state;
    char both[160];
    struct ear_source_stats stats;
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 300, 10);
    unsigned port = ear_source_port(giver->source);
    /* Two ways to write one address, as a replica has one of each family. */
    snprintf(both, sizeof(both), "127.0.0.1:%u,[::ffff:127.0.0.1]:%u", port, port);
    struct taker *taker = taker_new(loop, both, 512);
    WAIT(loop, giver->finished == 300);
    turn_for(loop, 5 * BEAT_MS);
    ear_source_stats(giver->source, &stats);
    assert_int_equal(stats.sinks, 1);
    assert_int_equal(ear_sink_sources(taker->sink), 1);
    assert_int_equal(giver->lost, 0);
    taker_free(&taker);
    giver_free(&giver);
}

/* The same batch from two sources, since one adopted what the other still has: worked on once. */
static void test_links__an_adopted_batch_is_worked_on_once(void **state)
{
    struct ear_loop *loop = *state;
    char both[160];
    struct giver *one = giver_new(loop, "127.0.0.1:0", 1, 10);
    struct giver *two = giver_new(loop, "127.0.0.1:0", 1, 10);
    two->jobs[0].id = one->jobs[0].id;
    snprintf(both, sizeof(both), "127.0.0.1:%u,127.0.0.1:%u",
             (unsigned)ear_source_port(one->source), (unsigned)ear_source_port(two->source));
    struct taker *taker = taker_new(loop, both, 512);
    taker->lazy = true;
    WAIT(loop, one->in_flight && two->in_flight && taker->count);
    turn_for(loop, BEAT_MS);
    assert_int_equal(taker->batches, 1);
    taker_settle(taker, 0);
    WAIT(loop, one->finished && two->finished);
    taker_free(&taker);
    giver_free(&one);
    giver_free(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_links__every_batch_is_settled_once),
        RIG_TEST(test_links__credit_bounds_what_is_in_flight),
        RIG_TEST(test_links__an_offer_past_the_ceilings_is_refused),
        RIG_TEST(test_links__the_largest_batch_goes_through),
        RIG_TEST(test_links__a_draining_sink_hands_back),
        RIG_TEST(test_links__batches_under_way_to_a_draining_sink_come_back),
        RIG_TEST(test_links__a_sink_that_stops_delivers_its_settles),
        RIG_TEST(test_links__what_a_lost_sink_held_comes_back_soon),
        RIG_TEST(test_links__a_source_that_restarts_finds_its_sinks_again),
        RIG_TEST(test_links__two_addresses_are_two_sources),
        RIG_TEST(test_links__two_addresses_of_one_source_are_one_link),
        RIG_TEST(test_links__an_adopted_batch_is_worked_on_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
