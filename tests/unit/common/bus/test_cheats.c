/* Sources that cheat, or are of an older release. */
#include "stranger.h"

static void say_batch(struct stranger *s, struct ear_str to, struct ear_id id, uint32_t lane,
                      size_t posts)
{
    Earshot__V1__Batch batch = EARSHOT__V1__BATCH__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    ProtobufCBinaryData items[600];
    for (size_t i = 0; i < EAR_COUNT(items); i++)
        items[i] = (ProtobufCBinaryData){1, (uint8_t *)"x"};
    batch.batch_id = ear_wire_bytes(&id);
    batch.lane = lane;
    batch.n_items = posts;
    batch.items = items;
    frame.body_case = EARSHOT__V1__FRAME__BODY_BATCH;
    frame.batch = &batch;
    say(s, to, &frame);
}

/* Reads until a Hello came; its sender is the newest connection. */
static struct ear_str next_hello(struct ear_loop *loop, struct stranger *s, char id[256])
{
    struct ear_arena *arena = ear_arena_new(1 << 16);
    struct ear_str from = EAR_STR_NONE;
    for (int64_t until_ms = ear_clock_mono_ms() + WAIT_MS; !from.len;) {
        char body[4096];
        ear_loop_turn(loop, 5);
        assert_true(ear_clock_mono_ms() < until_ms);
        int id_len = zmq_recv(s->socket, id, 256, ZMQ_DONTWAIT);
        if (id_len < 0) continue;
        int len = zmq_recv(s->socket, body, sizeof(body), 0);
        const Earshot__V1__Frame *frame =
            EAR_UNPACK(Earshot__V1__Frame, earshot__v1__frame__descriptor,
                       ((struct ear_str){body, (size_t)len}), arena);
        if (frame && frame->body_case == EARSHOT__V1__FRAME__BODY_HELLO)
            from = (struct ear_str){id, (size_t)id_len};
    }
    ear_arena_free(&arena);
    return from;
}

/* A sink that has said Hello to the stranger, and settles nothing by itself. */
static struct taker *taker_of(struct ear_loop *loop, struct stranger *s, char id[256],
                              struct ear_str *to)
{
    char where[64];
    struct taker *taker = taker_new(loop, stranger_bind(s, where), 500);
    taker->lazy = true;
    *to = next_hello(loop, s, id);
    return taker;
}

static void test_cheats__a_source_past_its_credit_is_cut_off(void **state)
{
    struct ear_loop *loop = *state;
    static const struct {
        uint32_t lane;
        size_t batches, posts;
        bool answer; /* say hello first */
        size_t taken;
    } cases[] = {
        {0, 1, 501, true, 0}, {1, 6, 100, true, 5}, {2, 1, 1, true, 0},
        {0, 1, 0, true, 0},   {0, 1, 600, true, 0}, {0, 1, 1, false, 0},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        char id[256];
        struct stranger s;
        struct ear_str to;
        struct taker *taker = taker_of(loop, &s, id, &to);
        if (cases[i].answer) say_hello(&s, to, 1);
        turn_for(loop, 50);
        for (size_t n = 0; n < cases[i].batches; n++)
            say_batch(&s, to, ear_id_new(1), cases[i].lane, cases[i].posts);
        (void)next_hello(loop, &s, id); /* the sink came back with a new connection */
        assert_int_equal(taker->batches, cases[i].taken);
        assert_int_equal(taker->orphaned, cases[i].taken);
        taker_free(&taker);
        stranger_close(&s);
    }
}

/* As one does that repeats what it sent. */
static void test_cheats__a_batch_that_came_twice_is_worked_on_once(void **state)
{
    struct ear_loop *loop = *state;
    char id[256];
    struct stranger s;
    struct ear_str to;
    struct taker *taker = taker_of(loop, &s, id, &to);
    struct ear_id again = ear_id_new(1);
    say_hello(&s, to, 1);
    say_batch(&s, to, again, 0, 9);
    say_batch(&s, to, again, 0, 9);
    say_batch(&s, to, ear_id_new(1), 0, 9);
    WAIT(loop, taker->batches == 2);
    while (taker->count) taker_settle(taker, 0);
    assert_int_equal(ear_sink_unsettled(taker->sink), 0);
    assert_int_equal(ear_sink_sources(taker->sink), 1);
    assert_int_equal(taker->orphaned, 0);
    taker_free(&taker);
    stranger_close(&s);
}

/* As one of an older release is: it never says that it has heard the last of the credit. */
static void test_cheats__a_source_that_says_nothing_holds_up_a_drain_for_three_beats(void **state)
{
    struct ear_loop *loop = *state;
    char id[256];
    struct stranger s;
    struct ear_str to;
    struct taker *taker = taker_of(loop, &s, id, &to);
    say_hello(&s, to, 1);
    WAIT(loop, ear_sink_sources(taker->sink) == 1);
    int64_t from_ms = ear_loop_now_ms(loop);
    ear_sink_drain(taker->sink);
    assert_false(ear_sink_is_quiet(taker->sink));
    WAIT(loop, ear_sink_is_quiet(taker->sink));
    assert_true(ear_loop_now_ms(loop) - from_ms >= 3 * BEAT_MS);
    assert_int_equal(taker->quiet, 1);
    taker_free(&taker);
    stranger_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_cheats__a_source_past_its_credit_is_cut_off),
        RIG_TEST(test_cheats__a_batch_that_came_twice_is_worked_on_once),
        RIG_TEST(test_cheats__a_source_that_says_nothing_holds_up_a_drain_for_three_beats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
