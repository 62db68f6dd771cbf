/* Want of memory while frames are read: nobody is to blame for it. */
#include "bus/metrics.h"
#include "bus_rig.h"
#include "metric/metric.h"

#ifdef EAR_FAULTS

#define BATCHES     6
#define BATCH_POSTS 500 /* more than the first block of an arena holds */

static void starve(const char *spec)
{
    if (spec)
        setenv("EAR_FAULT", spec, 1);
    else
        unsetenv("EAR_FAULT");
}

static void assert_nobody_was_blamed(const struct giver *giver, const struct taker *taker)
{
    struct ear_source_stats stats;
    ear_source_stats(giver->source, &stats);
    assert_int_equal(stats.sinks, 1);
    assert_int_equal(ear_sink_sources(taker->sink), 1);
    assert_int_equal(giver->lost, 0);
    assert_int_equal(taker->orphaned, 0);
    for (size_t i = 0; i < giver->count; i++) assert_int_equal(giver->jobs[i].settled, 1);
    struct ear_buf text;
    ear_buf_init(&text, 1 << 20);
    assert_int_equal(ear_metric_render(&text), EAR_OK);
    assert_null(strstr(text.data, "reason=\"malformed"));
    assert_null(strstr(text.data, "reason=\"protocol"));
    ear_buf_release(&text);
}

/* From the first Hello to the last settle, while one allocation after the other fails. */
static void test_starved__a_frame_waits_for_memory(void **state)
{
    struct ear_loop *loop = *state;
    char spec[32], where[64];
    uint64_t passed = 0;
    for (uint64_t nth = 1; nth == 1 || passed >= nth - 1; nth++) {
        snprintf(spec, sizeof(spec), "alloc:%u=fail", (unsigned)nth);
        starve(spec);
        struct giver *giver = giver_new(loop, "127.0.0.1:0", BATCHES, BATCH_POSTS);
        struct taker *taker =
            taker_new(loop, at_port(where, "127.0.0.1", ear_source_port(giver->source)), 8192);
        WAIT(loop, giver->finished == BATCHES);
        passed = ear_fault_passed();
        starve(NULL);
        assert_nobody_was_blamed(giver, taker);
        taker_free(&taker);
        giver_free(&giver);
    }
    assert_true(passed > 2 * BATCHES);
}

static void test_starved__who_waits_for_memory_longer_than_three_beats_loses_nothing(void **state)
{
    struct ear_loop *loop = *state;
    char where[64];
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 0, 0);
    struct taker *taker =
        taker_new(loop, at_port(where, "127.0.0.1", ear_source_port(giver->source)), 8192);
    WAIT(loop, ear_source_room(giver->source, EAR_LANE_LIVE) > 0);
    starve("alloc:*1=fail");
    giver->count = 1;
    giver->jobs[0] = (struct job){.id = ear_id_new(ear_clock_wall_us()), .count = BATCH_POSTS};
    giver_room(giver);
    turn_for(loop, 5 * BEAT_MS);
    assert_true(ear_fault_passed() > 0);
    assert_int_equal(taker->batches, 0);
    starve(NULL);
    WAIT(loop, giver->finished == 1);
    assert_nobody_was_blamed(giver, taker);
    taker_free(&taker);
    giver_free(&giver);
}

static char body[20000]; /* more than the first block of an arena holds, too */
static struct ear_str asked = {body, sizeof(body)};

static void not_answered(void *self, ear_err err, struct ear_str answer)
{
    (void)self;
    (void)answer;
    assert_int_equal(err, EAR_CLOSED);
}

/* A stranger's question to a source; nobody answers it, but it has to be read first. */
static void ask_source(struct ear_loop *loop, const char *where)
{
    struct ear_bus *bus = open_bus(loop, "operator");
    struct ear_client *client;
    struct ear_diag diag;
    assert_int_equal(ear_client_new(&client, bus, where, "ingest", &diag), EAR_OK);
    WAIT(loop, ear_client_reaches(client, &diag));
    ear_client_ask(client, asked, WAIT_MS, not_answered, NULL);
    starve("alloc:*1=fail");
    uint64_t before = ear_fault_passed();
    WAIT(loop, ear_fault_passed() > before);
    ear_client_free(&client);
    ear_bus_free(&bus);
}

static void test_starved__who_is_not_heard_for_want_of_memory_is_not_silent(void **state)
{
    struct ear_loop *loop = *state;
    char where[64];
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 1, BATCH_POSTS);
    at_port(where, "127.0.0.1", ear_source_port(giver->source));
    struct taker *taker = taker_new(loop, where, 8192);
    taker->lazy = true;
    WAIT(loop, taker->batches == 1);
    ask_source(loop, where);
    taker_settle(taker, 0);
    turn_for(loop, 5 * BEAT_MS);
    assert_int_equal(giver->finished, 0);
    starve(NULL);
    WAIT(loop, giver->finished == 1);
    assert_nobody_was_blamed(giver, taker);
    taker_free(&taker);
    giver_free(&giver);
}

static void echo(void *self, struct ear_call *call, struct ear_str request)
{
    struct ear_server **server = self;
    ear_server_answer(*server, &call, request);
}

static void answered(void *self, ear_err err, struct ear_str answer)
{
    bool *done = self;
    assert_int_equal(err, EAR_OK);
    assert_true(ear_str_eq(answer, asked));
    *done = true;
}

static void test_starved__a_question_is_answered(void **state)
{
    struct ear_loop *loop = *state;
    struct ear_bus *bus = open_bus(loop, "assignment"), *own = open_bus(loop, "operator");
    struct ear_server *server;
    struct ear_client *client;
    struct ear_diag diag;
    char where[64];
    bool done = false;
    uint64_t failed = 0;
    assert_int_equal(ear_server_new(&server, bus, "127.0.0.1:0", echo, &server, &diag), EAR_OK);
    at_port(where, "127.0.0.1", ear_server_port(server));
    assert_int_equal(ear_client_new(&client, own, where, "assignment", &diag), EAR_OK);
    WAIT(loop, ear_client_reaches(client, &diag));
    for (unsigned nth = 1; nth <= 8; nth++) {
        char spec[32];
        ear_client_ask(client, asked, WAIT_MS, answered, &done);
        snprintf(spec, sizeof(spec), "alloc:%u=fail", nth);
        starve(spec); /* behind the question's own copy */
        WAIT(loop, done);
        failed += ear_fault_passed() >= nth;
        starve(NULL);
        done = false;
    }
    assert_true(failed > 0);
    ear_client_free(&client);
    ear_server_free(&server);
    ear_bus_free(&own);
    ear_bus_free(&bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_starved__a_frame_waits_for_memory),
        RIG_TEST(test_starved__who_waits_for_memory_longer_than_three_beats_loses_nothing),
        RIG_TEST(test_starved__who_is_not_heard_for_want_of_memory_is_not_silent),
        RIG_TEST(test_starved__a_question_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 0; /* nothing can be made to fail */
}

#endif
