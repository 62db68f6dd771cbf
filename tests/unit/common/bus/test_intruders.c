/* Peers that send garbage, and sinks that cheat: through a bare ZeroMQ socket, or none. */
#include "stranger.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void say_settle(struct stranger *s, const struct ear_id *id, uint8_t fate, size_t count)
{
    Earshot__V1__Settle settle = EARSHOT__V1__SETTLE__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    uint8_t fates[64];
    memset(fates, fate, sizeof(fates));
    settle.batch_id = ear_wire_bytes(id);
    settle.fates = (ProtobufCBinaryData){count, fates};
    frame.body_case = EARSHOT__V1__FRAME__BODY_SETTLE;
    frame.settle = &settle;
    say(s, EAR_STR_NONE, &frame);
}

static size_t sinks(const struct giver *giver)
{
    struct ear_source_stats stats;
    ear_source_stats(giver->source, &stats);
    return stats.sinks;
}

static void test_intruders__garbage_is_dropped_and_work_goes_on(void **state)
{
    struct ear_loop *loop = *state;
    char where[64];
    static const size_t sizes[] = {0, 1, 7, 100, 5000, 60000, 70000, 3000000};
    static char noise[3000000 + 20];
    struct stranger s;
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 100, 20);
    uint16_t port = ear_source_port(giver->source);
    ear_random(noise, sizeof(noise));
    for (size_t i = 0; i < EAR_COUNT(sizes); i++) {
        stranger_connect(&s, port);
        for (int n = 0; n < 20; n++) zmq_send(s.socket, noise + n, sizes[i], ZMQ_DONTWAIT);
        zmq_send(s.socket, noise, 5, ZMQ_DONTWAIT | ZMQ_SNDMORE); /* more parts than there are */
        for (int n = 0; n < 20; n++) zmq_send(s.socket, noise, 5, ZMQ_DONTWAIT | ZMQ_SNDMORE);
        zmq_send(s.socket, noise, 5, ZMQ_DONTWAIT);
        turn_for(loop, 30);
        stranger_close(&s);
    }
    assert_int_equal(sinks(giver), 0);
    struct taker *taker = taker_new(loop, at_port(where, "127.0.0.1", port), 512);
    WAIT(loop, giver->finished == 100);
    taker_free(&taker);
    giver_free(&giver);
}

static void test_intruders__bytes_that_are_no_zeromq_are_cut_off(void **state)
{
    struct ear_loop *loop = *state;
    static const char request[] = "GET / HTTP/1.1\r\nHost: ingest\r\n\r\n";
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 0, 1);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(ear_source_port(giver->source)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)connect(fd, (struct sockaddr *)&to, sizeof(to));
    turn_for(loop, 20);
    assert_true(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0);
    char answer[256];
    int64_t until_ms = ear_clock_mono_ms() + WAIT_MS;
    ssize_t got = 1; /* libzmq may greet before it hangs up */
    while (got != 0 && ear_clock_mono_ms() < until_ms) {
        ear_loop_turn(loop, 10);
        got = recv(fd, answer, sizeof(answer), 0);
        if (got < 0 && errno == ECONNRESET) got = 0;
    }
    assert_int_equal(got, 0);
    close(fd);
    giver_free(&giver);
}

static void test_intruders__who_says_no_hello_gets_nothing(void **state)
{
    struct ear_loop *loop = *state;
    struct stranger s;
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 10, 20);
    stranger_connect(&s, ear_source_port(giver->source));
    say_credit(&s, 0, 1000);
    say_settle(&s, &giver->jobs[0].id, EAR_ITEM_DONE, 20);
    turn_for(loop, 3 * BEAT_MS);
    assert_int_equal(sinks(giver), 0);
    assert_int_equal(giver->in_flight + giver->finished, 0);
    stranger_close(&s);
    giver_free(&giver);
}

static void test_intruders__versions_without_overlap_are_refused(void **state)
{
    struct ear_loop *loop = *state;
    struct stranger s;
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 10, 20);
    stranger_connect(&s, ear_source_port(giver->source));
    say_hello(&s, EAR_STR_NONE, EAR_WIRE_VERSION_MAX + 1);
    say_credit(&s, 0, 1000);
    turn_for(loop, 3 * BEAT_MS);
    assert_int_equal(sinks(giver), 0);
    say_hello(&s, EAR_STR_NONE, EAR_WIRE_VERSION_MAX);
    WAIT(loop, sinks(giver) == 1);
    stranger_close(&s);
    giver_free(&giver);
}

/* The next frame of that kind; its version. */
static uint32_t hear(struct ear_loop *loop, struct stranger *s, Earshot__V1__Frame__BodyCase kind)
{
    struct ear_arena *arena = ear_arena_new(1 << 20);
    const Earshot__V1__Frame *frame = NULL;
    uint32_t version = 0;
    for (int64_t until_ms = ear_clock_mono_ms() + WAIT_MS; !version;) {
        static char body[1 << 16];
        ear_loop_turn(loop, 5);
        assert_true(ear_clock_mono_ms() < until_ms);
        int len = zmq_recv(s->socket, body, sizeof(body), ZMQ_DONTWAIT);
        if (len < 0) continue;
        frame = EAR_UNPACK(Earshot__V1__Frame, earshot__v1__frame__descriptor,
                           ((struct ear_str){body, (size_t)len}), arena);
        if (frame && frame->body_case == kind) version = frame->version;
    }
    ear_arena_free(&arena);
    return version;
}

/* Releases side by side: each writes the greatest version that both read, and Hello the least. */
static void test_intruders__each_side_writes_what_the_other_reads(void **state)
{
    struct ear_loop *loop = *state;
    static const struct {
        uint32_t min, max;               /* this build */
        uint32_t peer_min, peer_max;     /* the peer */
        uint32_t hello, settle, written; /* expected; settle: what the peer writes */
    } cases[] = {
        {1, 1, 1, 2, 1, 1, 1}, /* a newer peer */
        {1, 2, 1, 1, 1, 1, 1}, /* an older one */
        {1, 2, 1, 2, 1, 2, 2}, /* the same */
        {2, 3, 1, 2, 2, 2, 2}, /* one that is about to be left behind */
        {1, 2, 2, 4, 1, 2, 2}, /* we are; its Hello has a version all of its own */
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct stranger s;
        struct giver *giver = giver_new(loop, "127.0.0.1:0", 1, 20);
        giver->bus->version_min = cases[i].min;
        giver->bus->version_max = cases[i].max;
        stranger_connect(&s, ear_source_port(giver->source));
        s.version = cases[i].peer_min;
        say_hello_range(&s, EAR_STR_NONE, cases[i].peer_min, cases[i].peer_max);
        assert_int_equal(hear(loop, &s, EARSHOT__V1__FRAME__BODY_HELLO), cases[i].hello);
        s.version = cases[i].settle;
        say_credit(&s, EAR_LANE_LIVE, 40);
        assert_int_equal(hear(loop, &s, EARSHOT__V1__FRAME__BODY_BATCH), cases[i].written);
        say_settle(&s, &giver->jobs[0].id, EAR_ITEM_DONE, 20);
        WAIT(loop, giver->finished == 1);
        assert_int_equal(hear(loop, &s, EARSHOT__V1__FRAME__BODY_BEAT), cases[i].written);
        stranger_close(&s);
        giver_free(&giver);
    }
}

/* Both ends of this build, one release apart. */
static void test_intruders__releases_work_side_by_side(void **state)
{
    struct ear_loop *loop = *state;
    static const struct {
        uint32_t source_max, sink_max;
    } cases[] = {{1, 2}, {2, 1}, {2, 2}};
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        char where[64];
        struct giver *giver = giver_new(loop, "127.0.0.1:0", 50, 20);
        giver->bus->version_max = cases[i].source_max;
        struct ear_bus *bus = open_bus(loop, "classifier");
        bus->version_max = cases[i].sink_max;
        struct taker *taker = ear_alloc(sizeof(*taker));
        taker->loop = loop;
        taker_open_with(taker, bus, at_port(where, "127.0.0.1", ear_source_port(giver->source)),
                        512);
        WAIT(loop, giver->finished == 50);
        assert_int_equal(giver->lost, 0);
        taker_free(&taker);
        giver_free(&giver);
    }
}

static void test_intruders__nobody_settles_what_another_holds(void **state)
{
    struct ear_loop *loop = *state;
    char where[64];
    struct stranger s;
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 10, 20);
    uint16_t port = ear_source_port(giver->source);
    struct taker *taker = taker_new(loop, at_port(where, "127.0.0.1", port), 512);
    struct ear_id unheard = ear_id_new(1);
    taker->lazy = true;
    WAIT(loop, taker->count == 10);
    stranger_connect(&s, port);
    say_hello(&s, EAR_STR_NONE, 1);
    for (size_t i = 0; i < 10; i++) say_settle(&s, &giver->jobs[i].id, EAR_ITEM_DONE, 20);
    say_settle(&s, &unheard, EAR_ITEM_DONE, 20);
    turn_for(loop, 3 * BEAT_MS);
    assert_int_equal(giver->finished, 0);
    assert_int_equal(giver->in_flight, 10);
    while (taker->count) taker_settle(taker, 0);
    WAIT(loop, giver->finished == 10);
    stranger_close(&s);
    taker_free(&taker);
    giver_free(&giver);
}

/* A settle that cannot be read leaves the batch nowhere: who sends one loses all it holds. */
static void test_intruders__a_malformed_settle_gives_everything_back(void **state)
{
    struct ear_loop *loop = *state;
    static const struct {
        uint8_t fate;
        size_t count;
    } cases[] = {{EAR_ITEM_DONE, 19}, {EAR_ITEM_DONE, 21}, {EAR_ITEM_DONE, 0}, {3, 20}, {255, 20}};
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct stranger s;
        struct giver *giver = giver_new(loop, "127.0.0.1:0", 10, 20);
        giver->keep_lost = true;
        stranger_connect(&s, ear_source_port(giver->source));
        say_hello(&s, EAR_STR_NONE, 1);
        say_credit(&s, EAR_LANE_LIVE, 40);
        WAIT(loop, giver->in_flight == 2);
        say_settle(&s, &giver->jobs[0].id, cases[i].fate, cases[i].count);
        WAIT(loop, giver->lost == 2);
        assert_int_equal(giver->finished, 0);
        assert_int_equal(sinks(giver), 0);
        stranger_close(&s);
        giver_free(&giver);
    }
}

static void test_intruders__credit_for_a_lane_that_is_none_ends_the_link(void **state)
{
    struct ear_loop *loop = *state;
    struct stranger s;
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 10, 20);
    stranger_connect(&s, ear_source_port(giver->source));
    say_hello(&s, EAR_STR_NONE, 1);
    WAIT(loop, sinks(giver) == 1);
    say_credit(&s, EAR_LANES, 40);
    WAIT(loop, sinks(giver) == 0);
    stranger_close(&s);
    giver_free(&giver);
}

static void test_intruders__endless_credit_is_only_credit(void **state)
{
    struct ear_loop *loop = *state;
    struct stranger s;
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 10, 20);
    stranger_connect(&s, ear_source_port(giver->source));
    say_hello(&s, EAR_STR_NONE, 1);
    say_credit(&s, EAR_LANE_LIVE, UINT64_MAX);
    say_credit(&s, EAR_LANE_BACKFILL, UINT64_MAX);
    WAIT(loop, giver->in_flight == 10);
    assert_int_equal(ear_source_room(giver->source, EAR_LANE_LIVE), EAR_BATCH_POSTS_MAX);
    stranger_close(&s);
    giver->keep_lost = true;
    WAIT(loop, giver->lost == 10);
    giver_free(&giver);
}

struct echo {
    unsigned asked;
};

static void unexpected(void *self, struct ear_call *call, struct ear_str request)
{
    struct echo *echo = self;
    (void)call;
    (void)request;
    echo->asked++;
}

static void test_intruders__a_server_shrugs_off_garbage(void **state)
{
    struct ear_loop *loop = *state;
    struct ear_bus *bus = open_bus(loop, "assignment");
    struct ear_server *server;
    struct ear_diag diag;
    struct echo echo = {0};
    struct stranger s;
    char noise[512];
    assert_int_equal(ear_server_new(&server, bus, "127.0.0.1:0", unexpected, &echo, &diag), EAR_OK);
    stranger_connect(&s, ear_server_port(server));
    for (int n = 0; n < 200; n++) {
        ear_random(noise, sizeof(noise));
        zmq_send(s.socket, noise, (size_t)ear_random_below(sizeof(noise)), ZMQ_DONTWAIT);
    }
    say_credit(&s, 0, 1);
    turn_for(loop, 50);
    assert_int_equal(echo.asked, 0);
    stranger_close(&s);
    ear_server_free(&server);
    ear_bus_free(&bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_intruders__garbage_is_dropped_and_work_goes_on),
        RIG_TEST(test_intruders__bytes_that_are_no_zeromq_are_cut_off),
        RIG_TEST(test_intruders__who_says_no_hello_gets_nothing),
        RIG_TEST(test_intruders__versions_without_overlap_are_refused),
        RIG_TEST(test_intruders__each_side_writes_what_the_other_reads),
        RIG_TEST(test_intruders__releases_work_side_by_side),
        RIG_TEST(test_intruders__nobody_settles_what_another_holds),
        RIG_TEST(test_intruders__a_malformed_settle_gives_everything_back),
        RIG_TEST(test_intruders__credit_for_a_lane_that_is_none_ends_the_link),
        RIG_TEST(test_intruders__endless_credit_is_only_credit),
        RIG_TEST(test_intruders__a_server_shrugs_off_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
