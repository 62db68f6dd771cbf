/* Peers that send garbage or cheat. They speak through a bare ZeroMQ socket, or none. */
#include "bus_rig.h"

#include "bus/frame.h"
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct stranger {
    void *context, *socket;
    uint32_t version; /* of what it writes; 0: this build's */
};

static void stranger_open(struct stranger *s, int type)
{
    int zero = 0;
    s->version = 0;
    s->context = zmq_ctx_new();
    s->socket = zmq_socket(s->context, type);
    zmq_setsockopt(s->socket, ZMQ_LINGER, &zero, sizeof(zero));
}

static void stranger_connect(struct stranger *s, uint16_t port)
{
    char url[EAR_URL_BYTES];
    stranger_open(s, ZMQ_DEALER);
    ear_endpoint_url("127.0.0.1", port, url);
    assert_int_equal(zmq_connect(s->socket, url), 0);
}

static const char *stranger_bind(struct stranger *s, char where[64])
{
    char url[EAR_URL_BYTES];
    size_t size = sizeof(url);
    struct ear_endpoint bound;
    stranger_open(s, ZMQ_ROUTER);
    assert_int_equal(zmq_bind(s->socket, "tcp://127.0.0.1:*"), 0);
    zmq_getsockopt(s->socket, ZMQ_LAST_ENDPOINT, url, &size);
    assert_int_equal(ear_endpoint_parse(ear_str_from(url), false, &bound, NULL), EAR_OK);
    return at_port(where, "127.0.0.1", bound.port);
}

static void stranger_close(struct stranger *s)
{
    zmq_close(s->socket);
    zmq_ctx_term(s->context);
}

/* Over a DEALER, or (with a routing id) over a ROUTER. */
static void say(struct stranger *s, struct ear_str to, Earshot__V1__Frame *frame)
{
    uint8_t packed[8192];
    frame->version = s->version ? s->version : EAR_WIRE_VERSION;
    assert_true(protobuf_c_message_get_packed_size(&frame->base) <= sizeof(packed));
    size_t len = protobuf_c_message_pack(&frame->base, packed);
    if (to.len) assert_true(zmq_send(s->socket, to.ptr, to.len, ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(s->socket, packed, len, 0) >= 0);
}

static void say_hello_range(struct stranger *s, struct ear_str to, uint32_t version_min,
                            uint32_t version_max)
{
    Earshot__V1__Hello hello = EARSHOT__V1__HELLO__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    struct ear_id instance = ear_id_new(1);
    hello.instance = ear_wire_bytes(&instance);
    hello.version_min = version_min;
    hello.version_max = version_max;
    frame.body_case = EARSHOT__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    say(s, to, &frame);
}

static void say_hello(struct stranger *s, struct ear_str to, uint32_t version)
{
    say_hello_range(s, to, version, version);
}

static void say_credit(struct stranger *s, uint32_t lane, uint64_t posts)
{
    Earshot__V1__Credit credit = EARSHOT__V1__CREDIT__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    credit.lane = lane;
    credit.posts = posts;
    credit.bytes = UINT64_MAX;
    frame.body_case = EARSHOT__V1__FRAME__BODY_CREDIT;
    frame.credit = &credit;
    say(s, EAR_STR_NONE, &frame);
}

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

/* --- sources that cheat --- */

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

static void test_intruders__a_source_past_its_credit_is_cut_off(void **state)
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
static void test_intruders__a_batch_that_came_twice_is_worked_on_once(void **state)
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
static void test_intruders__a_source_that_says_nothing_holds_up_a_drain_for_three_beats(
    void **state)
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
        RIG_TEST(test_intruders__a_source_past_its_credit_is_cut_off),
        RIG_TEST(test_intruders__a_batch_that_came_twice_is_worked_on_once),
        RIG_TEST(test_intruders__a_source_that_says_nothing_holds_up_a_drain_for_three_beats),
        RIG_TEST(test_intruders__a_server_shrugs_off_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
