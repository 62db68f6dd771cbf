/* The relay between a real upstream and a real downstream. */
#include "bus_rig.h"
#include "care_model.h"

#include "relay.h"
#include "wire/wire.h"
#include <signal.h>

struct line { /* ingest, classifier, assignment */
    struct ear_loop *loop;
    struct giver *giver;
    struct ear_relay *relay;
    struct taker *taker; /* NULL until assignment is started */
    unsigned drained;
};

#define MODEL_PATH "test_relay.model" /* in the folder that the test runs in */

#define BAD_JOB  1 /* its item 3 is no post */
#define VOID_JOB 2 /* none of its items is */

static struct ear_buf packed;

static struct ear_str item_of(size_t job, size_t at)
{
    if (job == VOID_JOB || (job == BAD_JOB && at == 3)) return EAR_STR("garbage");
    return ear_buf_str(&packed);
}

static uint8_t fates_of_bad_job[EAR_BATCH_POSTS_MAX], fates_of_void_job[EAR_BATCH_POSTS_MAX];

static void on_settled(size_t job, const struct ear_settle *settle)
{
    if (job == BAD_JOB) memcpy(fates_of_bad_job, settle->fates, settle->count);
    if (job == VOID_JOB) memcpy(fates_of_void_job, settle->fates, settle->count);
}

static size_t without_text; /* of packed */
static size_t items_seen, backfill_seen, live_after_backfill, of_second_model;

static void on_batch(const struct ear_batch *batch)
{
    struct ear_arena *arena = ear_arena_new((size_t)1 << 20);
    for (size_t i = 0; i < batch->count; i++) {
        const Earshot__V1__TriagedPost *triaged =
            EAR_UNPACK(Earshot__V1__TriagedPost, earshot__v1__triaged_post__descriptor,
                       batch->items[i], arena);
        assert_non_null(triaged);
        assert_int_equal(triaged->post.len, without_text);
        assert_memory_equal(triaged->post.data, packed.data, without_text);
        assert_true(triaged->triage->triaged_at_us > 0);
        of_second_model += strncmp(triaged->triage->model, "care-2 ", 7) == 0;
        items_seen++;
    }
    if (batch->lane == EAR_LANE_BACKFILL) backfill_seen++;
    if (batch->lane == EAR_LANE_LIVE && backfill_seen) live_after_backfill++;
    ear_arena_free(&arena);
}

static void open_line(struct line *line, struct ear_loop *loop, size_t jobs)
{
    static const struct ear_id id = {{7}};
    char where[64];
    struct ear_diag diag;
    Earshot__V1__Post post = EARSHOT__V1__POST__INIT;
    post.post_id = post.customer_id = ear_wire_bytes(&id);
    without_text = protobuf_c_message_get_packed_size(&post.base);
    post.text = (char *)(uintptr_t) "where is my parcel?"; /* the last field there is */
    ear_buf_init(&packed, 4096);
    assert_int_equal(ear_wire_pack(&post.base, &packed), EAR_OK);
    items_seen = backfill_seen = live_after_backfill = of_second_model = 0;
    *line = (struct line){.loop = loop, .giver = giver_new(loop, "127.0.0.1:0", jobs, 20)};
    line->giver->item_of = item_of;
    line->giver->on_settled = on_settled;
    line->giver->keep_lost = true;
    care_model_put(MODEL_PATH, "care-1", care_topics, 0.5F);
    struct ear_classifier_settings settings = {
        .model = MODEL_PATH,
        .ingests = at_port(where, "127.0.0.1", ear_source_port(line->giver->source)),
        .bus = "127.0.0.1:0",
        .window_live = 512,
        .window_backfill = 512};
    if (ear_relay_new(&line->relay, loop, &settings, &diag)) fail_msg("%s", diag.text);
}

static void start_assignment(struct line *line, bool lazy)
{
    static const struct ear_sink_ops ops = {.batch = taker_batch, .orphaned = taker_orphaned};
    char where[64];
    struct ear_diag diag;
    struct taker *taker = ear_alloc(sizeof(*taker));
    taker->loop = line->loop;
    taker->lazy = lazy;
    taker->on_batch = on_batch;
    taker->bus = open_bus(line->loop, "assignment");
    ear_timer_new(&taker->timer, line->loop, taker_work, taker);
    struct ear_sink_opts opts = {.sources =
                                     at_port(where, "127.0.0.1", ear_relay_port(line->relay)),
                                 .source_service = "classifier"};
    if (ear_sink_new(&taker->sink, taker->bus, &opts, &ops, taker, &diag))
        fail_msg("%s", diag.text);
    line->taker = taker;
}

static void close_line(struct line *line)
{
    if (line->taker) taker_free(&line->taker);
    ear_relay_free(&line->relay);
    (void)unlink(MODEL_PATH);
    giver_free(&line->giver);
    ear_buf_release(&packed);
}

static void drained(void *self)
{
    struct line *line = self;
    line->drained++;
}

static void test_relay__passes_on_images_and_settles_both_ways(void **state)
{
    struct line line;
    open_line(&line, *state, 100);
    start_assignment(&line, false);
    WAIT(line.loop, line.giver->finished == 100);
    assert_int_equal(line.giver->lost, 0);
    assert_int_equal(line.taker->batches, 99);
    assert_int_equal(items_seen, 98 * 20 + 19);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(fates_of_bad_job[i], i == 3 ? EAR_ITEM_FAILED : EAR_ITEM_DONE);
        assert_int_equal(fates_of_void_job[i], EAR_ITEM_FAILED);
    }
    close_line(&line);
}

static void test_relay__settles_nothing_before_downstream_did(void **state)
{
    struct line line;
    struct ear_relay_stats stats;
    open_line(&line, *state, 10);
    start_assignment(&line, true);
    WAIT(line.loop, line.taker->count == 9);
    turn_for(line.loop, 3 * BEAT_MS);
    assert_int_equal(line.giver->finished, 1); /* the one without a single post */
    ear_relay_stats(line.relay, &stats);
    assert_int_equal(stats.upstream, 1);
    assert_int_equal(stats.downstream, 1);
    assert_int_equal(stats.away_posts[EAR_LANE_LIVE] + stats.away_posts[EAR_LANE_BACKFILL], 180);
    while (line.taker->count) taker_settle(line.taker, 0);
    WAIT(line.loop, line.giver->finished == 10);
    close_line(&line);
}

static void test_relay__live_posts_go_first(void **state)
{
    struct line line;
    struct ear_relay_stats stats = {0};
    open_line(&line, *state, 30);
    WAIT(line.loop,
         (ear_relay_stats(line.relay, &stats), stats.ready_posts[EAR_LANE_LIVE] == 20 * 20 &&
                                                   stats.ready_posts[EAR_LANE_BACKFILL] == 9 * 20));
    start_assignment(&line, false);
    WAIT(line.loop, line.giver->finished == 30);
    assert_int_equal(live_after_backfill, 0);
    close_line(&line);
}

static void test_relay__what_is_lost_downstream_goes_back_as_failed(void **state)
{
    struct line line;
    open_line(&line, *state, 10);
    start_assignment(&line, true);
    WAIT(line.loop, line.taker->count == 9);
    taker_free(&line.taker);
    WAIT(line.loop, line.giver->finished == 10);
    for (size_t i = 0; i < 10; i++) assert_int_equal(line.giver->jobs[i].failed, 1);
    close_line(&line);
}

static void test_relay__forgets_what_its_ingest_did_not_wait_for(void **state)
{
    struct line line;
    struct ear_relay_stats stats = {0};
    open_line(&line, *state, 10);
    start_assignment(&line, true);
    WAIT(line.loop, line.taker->count == 9);
    giver_close(line.giver);
    WAIT(line.loop, (ear_relay_stats(line.relay, &stats), stats.upstream == 0));
    assert_int_equal(stats.away_posts[EAR_LANE_LIVE] + stats.away_posts[EAR_LANE_BACKFILL], 0);
    while (line.taker->count) taker_settle(line.taker, 0); /* for nobody */
    turn_for(line.loop, BEAT_MS);
    ear_relay_drain(line.relay, drained, &line);
    WAIT(line.loop, line.drained == 1);
    close_line(&line);
}

static void test_relay__a_drain_hands_back_what_was_not_sent_on(void **state)
{
    struct line line;
    struct ear_relay_stats stats = {0};
    open_line(&line, *state, 9);
    WAIT(line.loop, (ear_relay_stats(line.relay, &stats), stats.ready_posts[EAR_LANE_LIVE] > 0));
    WAIT(line.loop, line.giver->finished == 1); /* the empty one */
    ear_relay_drain(line.relay, drained, &line);
    WAIT(line.loop, line.giver->in_flight == 0 && line.drained == 1);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(line.giver->jobs[i].returned, i == VOID_JOB ? 0 : 1);
    assert_int_equal(line.giver->finished, 1);
    close_line(&line);
}

static void test_relay__a_drain_waits_for_what_is_on_its_way(void **state)
{
    struct line line;
    open_line(&line, *state, 0);
    start_assignment(&line, true);
    WAIT(line.loop, ear_source_room(line.giver->source, EAR_LANE_LIVE) == 512);
    line.giver->jobs[0] = (struct job){.id = ear_id_new(1), .count = 20};
    line.giver->count = 1;
    giver_room(line.giver);
    assert_int_equal(line.giver->in_flight, 1);
    int64_t from_ms = ear_loop_now_ms(line.loop);
    ear_relay_drain(line.relay, drained, &line);
    WAIT(line.loop, line.drained == 1);
    assert_true(ear_loop_now_ms(line.loop) - from_ms < 3000); /* not by patience */
    ear_relay_free(&line.relay);
    WAIT(line.loop, line.giver->in_flight == 0);
    assert_int_equal(line.giver->lost, 0);
    assert_int_equal(line.giver->jobs[0].returned, 1);
    close_line(&line);
}

static void test_relay__a_drain_waits_for_what_was_sent_on(void **state)
{
    struct line line;
    open_line(&line, *state, 9);
    start_assignment(&line, true);
    WAIT(line.loop, line.taker->count == 8);
    ear_relay_drain(line.relay, drained, &line);
    turn_for(line.loop, 3 * BEAT_MS);
    assert_int_equal(line.drained, 0);
    while (line.taker->count) taker_settle(line.taker, 0);
    WAIT(line.loop, line.drained == 1);
    ear_relay_free(&line.relay); /* its last settles are delivered while it goes */
    WAIT(line.loop, line.giver->finished == 9);
    assert_int_equal(line.giver->lost, 0);
    close_line(&line);
}

static void test_relay__returned_downstream_is_returned_upstream(void **state)
{
    struct line line;
    open_line(&line, *state, 1);
    start_assignment(&line, true);
    WAIT(line.loop, line.taker->count == 1);
    line.taker->fate = EAR_ITEM_RETURNED;
    taker_settle(line.taker, 0);
    WAIT(line.loop, line.giver->jobs[0].returned == 1);
    close_line(&line);
}

static void test_relay__takes_another_model_and_loses_no_post(void **state)
{
    struct line line;
    open_line(&line, *state, 1500);
    start_assignment(&line, false);
    WAIT(line.loop, line.giver->finished > 50);
    care_model_put(MODEL_PATH, "care-2", care_topics, 0.5F);
    assert_int_equal(raise(SIGHUP), 0);
    WAIT(line.loop, line.giver->finished == 1500);
    assert_int_equal(line.giver->lost, 0);
    assert_int_equal(items_seen, 1498 * 20 + 19);
    assert_true(of_second_model > 0 && of_second_model < items_seen);
    close_line(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_relay__passes_on_images_and_settles_both_ways),
        RIG_TEST(test_relay__settles_nothing_before_downstream_did),
        RIG_TEST(test_relay__live_posts_go_first),
        RIG_TEST(test_relay__what_is_lost_downstream_goes_back_as_failed),
        RIG_TEST(test_relay__forgets_what_its_ingest_did_not_wait_for),
        RIG_TEST(test_relay__a_drain_hands_back_what_was_not_sent_on),
        RIG_TEST(test_relay__a_drain_waits_for_what_is_on_its_way),
        RIG_TEST(test_relay__a_drain_waits_for_what_was_sent_on),
        RIG_TEST(test_relay__returned_downstream_is_returned_upstream),
        RIG_TEST(test_relay__takes_another_model_and_loses_no_post),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
