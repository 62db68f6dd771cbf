/* Processes that die or stand still in the middle of work. */
#include "bus_rig.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Three of them are longer than any of these processes is kept from running. */
#define LONG_BEAT_MS 1000

/* A sink as a process of its own; settles all or nothing, until it is killed. */
static pid_t spawn_sink(uint16_t port, bool lazy)
{
    pid_t pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* also where a test fails, nothing is left behind */
    char where[64];
    struct ear_loop *loop;
    if (ear_loop_new(&loop)) _exit(1);
    struct taker *taker = taker_new(loop, at_port(where, "127.0.0.1", port), 512);
    taker->lazy = lazy;
    ear_loop_run(loop);
    _exit(0);
}

static void reap(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The port is known, and its source closed, before anything forks: libzmq does not survive it. */
static uint16_t free_port(struct ear_loop *loop)
{
    struct giver *giver = giver_new(loop, "127.0.0.1:0", 0, 1);
    uint16_t port = ear_source_port(giver->source);
    giver_free(&giver);
    return port;
}

static void test_loss__a_killed_sinks_batches_go_to_another(void **state)
{
    struct ear_loop *loop = *state;
    char where[64];
    rig_beat_ms = LONG_BEAT_MS;
    uint16_t port = free_port(loop);
    pid_t lazy = spawn_sink(port, true), busy = spawn_sink(port, false);
    struct giver *giver = giver_new(loop, at_port(where, "127.0.0.1", port), 0, 1);
    struct ear_source_stats stats = {0};
    WAIT(loop, (ear_source_stats(giver->source, &stats), stats.sinks == 2));
    giver->count = 100;
    for (size_t i = 0; i < giver->count; i++)
        giver->jobs[i] = (struct job){.id = ear_id_new(ear_clock_wall_us()), .count = 20};
    WAIT(loop, giver->in_flight == 100 - giver->finished && giver->finished >= 60);
    turn_for(loop, 2 * BEAT_MS);
    assert_true(giver->in_flight > 0); /* with the one that settles nothing */
    unsigned held = (unsigned)giver->in_flight;
    int64_t from_ms = ear_clock_mono_ms();
    reap(lazy);
    WAIT(loop, giver->lost >= held);
    assert_true(ear_clock_mono_ms() - from_ms < 2 * LONG_BEAT_MS); /* not by silence */
    WAIT(loop, giver->finished == 100);
    for (size_t i = 0; i < giver->count; i++) assert_int_equal(giver->jobs[i].settled, 1);
    assert_int_equal(giver->lost, held);
    reap(busy);
    giver_free(&giver);
}

static void test_loss__a_sink_that_stands_still_is_given_up_and_comes_back(void **state)
{
    struct ear_loop *loop = *state;
    char where[64];
    rig_beat_ms = LONG_BEAT_MS;
    uint16_t port = free_port(loop);
    pid_t pid = spawn_sink(port, true);
    struct giver *giver = giver_new(loop, at_port(where, "127.0.0.1", port), 10, 20);
    struct ear_source_stats stats = {0};
    giver->keep_lost = true;
    WAIT(loop, giver->in_flight == 10);
    kill(pid, SIGSTOP);
    int64_t from_ms = ear_clock_mono_ms();
    WAIT(loop, giver->lost == 10);
    int64_t took_ms = ear_clock_mono_ms() - from_ms;
    assert_true(took_ms > LONG_BEAT_MS && took_ms < 10 * LONG_BEAT_MS);
    ear_source_stats(giver->source, &stats);
    assert_int_equal(stats.sinks, 0);
    kill(pid, SIGCONT);
    WAIT(loop, (ear_source_stats(giver->source, &stats), stats.sinks == 1));
    WAIT(loop, ear_source_room(giver->source, EAR_LANE_LIVE) > 0);
    reap(pid);
    giver_free(&giver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_loss__a_killed_sinks_batches_go_to_another),
        RIG_TEST(test_loss__a_sink_that_stands_still_is_given_up_and_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
