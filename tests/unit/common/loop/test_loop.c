#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct seen {
    struct ear_loop *loop;
    struct ear_timer *timer;
    struct ear_watch *watch;
    struct ear_hook *hook;
    int calls;
    int left;
    unsigned events;
    int signum;
    ear_err err;
    size_t addresses;
    char first[64];
    int fd;
    int64_t at_ms;
};

static int set_up(void **state)
{
    struct seen *seen = ear_alloc(sizeof(*seen));
    assert_int_equal(ear_loop_new(&seen->loop), EAR_OK);
    *state = seen;
    return 0;
}

static int tear_down(void **state)
{
    struct seen *seen = *state;
    ear_loop_free(&seen->loop);
    assert_null(seen->loop);
    free(seen);
    return 0;
}

static void turn_until(struct seen *seen, int calls)
{
    int64_t end = ear_clock_mono_ms() + 5000;
    while (seen->calls < calls && ear_clock_mono_ms() < end) ear_loop_turn(seen->loop, 100);
    assert_true(seen->calls >= calls);
}

static void count(void *self)
{
    ((struct seen *)self)->calls++;
}

static void count_and_free_timer(void *self)
{
    struct seen *seen = self;
    seen->calls++;
    ear_timer_free(&seen->timer);
}

static void note_time(void *self)
{
    struct seen *seen = self;
    seen->calls++;
    seen->at_ms = ear_loop_now_ms(seen->loop);
}

/* What repeats by the second wakes the process once for all of it. */
static void test_timer__slow_repeats_share_their_turns(void **state)
{
    struct seen *seen = *state;
    struct seen other = {.loop = seen->loop};
    ear_timer_new(&seen->timer, seen->loop, note_time, seen);
    ear_timer_new(&other.timer, seen->loop, note_time, &other);
    ear_timer_start(seen->timer, 1000, 1000);
    int64_t began_ms = ear_clock_mono_ms();
    while (ear_clock_mono_ms() < began_ms + 130) ear_loop_turn(seen->loop, 10);
    ear_timer_start(other.timer, 2000, 2000);
    for (int times = 1; times <= 2; times++) {
        turn_until(&other, times);
        assert_int_equal(other.at_ms, seen->at_ms);
    }
    assert_true(seen->calls >= other.calls);
    assert_true(ear_timer_active(other.timer));
    ear_timer_free(&seen->timer);
    ear_timer_free(&other.timer);
}

static void test_timer__fires_once(void **state)
{
    struct seen *seen = *state;
    ear_timer_new(&seen->timer, seen->loop, count, seen);
    assert_false(ear_timer_active(seen->timer));
    int64_t before = ear_loop_now_ms(seen->loop); /* timers count from the turn's time */
    ear_timer_start(seen->timer, 20, 0);
    assert_true(ear_timer_active(seen->timer));
    turn_until(seen, 1);
    assert_true(ear_loop_now_ms(seen->loop) - before >= 20);
    assert_false(ear_timer_active(seen->timer));
    ear_loop_turn(seen->loop, 30);
    assert_int_equal(seen->calls, 1);
    ear_timer_free(&seen->timer);
}

static void test_timer__repeats_until_freed_in_its_callback(void **state)
{
    struct seen *seen = *state;
    ear_timer_new(&seen->timer, seen->loop, count, seen);
    ear_timer_start(seen->timer, 1, 1);
    turn_until(seen, 3);
    ear_timer_free(&seen->timer);
    ear_timer_new(&seen->timer, seen->loop, count_and_free_timer, seen);
    ear_timer_start(seen->timer, 1, 1);
    turn_until(seen, seen->calls + 1);
    int calls = seen->calls;
    ear_loop_turn(seen->loop, 20);
    assert_int_equal(seen->calls, calls);
    assert_null(seen->timer);
}

static void stop_loop(void *self)
{
    struct seen *seen = self;
    seen->calls++;
    ear_loop_stop(seen->loop);
}

static void test_loop__runs_until_stopped_and_again(void **state)
{
    struct seen *seen = *state;
    ear_timer_new(&seen->timer, seen->loop, stop_loop, seen);
    for (int i = 1; i <= 2; i++) {
        ear_timer_start(seen->timer, 1, 0);
        ear_loop_run(seen->loop);
        assert_int_equal(seen->calls, i);
    }
    ear_timer_free(&seen->timer);
}

static void again_later(void *self)
{
    struct seen *seen = self;
    seen->calls++;
    if (seen->left-- > 0) ear_loop_later(seen->loop, again_later, seen);
}

static void test_later__comes_in_the_next_turn_once(void **state)
{
    struct seen *seen = *state;
    seen->left = 1;
    ear_loop_later(seen->loop, again_later, seen);
    assert_int_equal(seen->calls, 0);
    ear_loop_turn(seen->loop, 0);
    assert_int_equal(seen->calls, 1);
    ear_loop_turn(seen->loop, 0);
    assert_int_equal(seen->calls, 2);
    ear_loop_turn(seen->loop, 0);
    assert_int_equal(seen->calls, 2);
}

static void test_later__is_not_lost_when_the_loop_is_freed(void **state)
{
    struct seen *seen = *state;
    ear_loop_later(seen->loop, count, seen);
    ear_loop_free(&seen->loop);
    assert_int_equal(seen->calls, 1);
    assert_int_equal(ear_loop_new(&seen->loop), EAR_OK);
}

static void on_events(void *self, unsigned events)
{
    struct seen *seen = self;
    seen->calls++;
    seen->events = events;
    ear_watch_set(seen->watch, 0);
}

static void test_watch__tells_what_can_be_done(void **state)
{
    struct seen *seen = *state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(ear_watch_new(&seen->watch, seen->loop, pair[0], on_events, seen), EAR_OK);
    struct ear_watch *second = NULL;
    ear_watch_set(seen->watch, EAR_READABLE);
    assert_int_equal(ear_watch_new(&second, seen->loop, pair[0], on_events, seen), EAR_CONFLICT);
    ear_loop_turn(seen->loop, 10);
    assert_int_equal(seen->calls, 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    turn_until(seen, 1);
    assert_int_equal(seen->events, EAR_READABLE);
    ear_loop_turn(seen->loop, 10);
    assert_int_equal(seen->calls, 1);
    ear_watch_set(seen->watch, EAR_READABLE | EAR_WRITABLE);
    turn_until(seen, 2);
    assert_int_equal(seen->events, EAR_READABLE | EAR_WRITABLE);
    ear_watch_free(&seen->watch);
    close(pair[0]);
    close(pair[1]);
}

static bool busy_hook(void *self)
{
    struct seen *seen = self;
    seen->calls++;
    return --seen->left > 0;
}

static bool freeing_hook(void *self)
{
    struct seen *seen = self;
    seen->calls++;
    ear_hook_free(&seen->hook);
    return true;
}

static void test_hook__keeps_the_loop_awake_while_it_has_more(void **state)
{
    struct seen *seen = *state;
    seen->left = 5;
    ear_hook_new(&seen->hook, seen->loop, busy_hook, seen);
    int64_t before = ear_clock_mono_ms();
    for (int i = 0; i < 4; i++) ear_loop_turn(seen->loop, 8000);
    assert_int_equal(seen->calls, 4);
    assert_true(ear_clock_mono_ms() - before < 7000); /* no turn slept */
    ear_loop_turn(seen->loop, 5); /* the last one said it has nothing more: this turn sleeps */
    assert_int_equal(seen->calls, 5);
    ear_hook_free(&seen->hook);
    ear_hook_new(&seen->hook, seen->loop, freeing_hook, seen);
    ear_loop_turn(seen->loop, 1);
    ear_loop_turn(seen->loop, 1);
    assert_int_equal(seen->calls, 6);
}

static void on_signal(void *self, int signum)
{
    struct seen *seen = self;
    seen->calls++;
    seen->signum = signum;
}

static void test_signal__comes_on_the_loop(void **state)
{
    struct seen *seen = *state;
    assert_int_equal(ear_loop_on_signal(seen->loop, SIGUSR1, on_signal, seen), EAR_OK);
    assert_int_equal(ear_loop_on_signal(seen->loop, SIGKILL, on_signal, seen), EAR_INVALID);
    raise(SIGUSR1);
    assert_int_equal(seen->calls, 0);
    turn_until(seen, 1);
    assert_int_equal(seen->signum, SIGUSR1);
}

static void on_addresses(void *self, ear_err err, const char *const *addresses, size_t n)
{
    struct seen *seen = self;
    seen->calls++;
    seen->err = err;
    seen->addresses = n;
    if (n) assert_true(ear_str_copy(seen->first, sizeof(seen->first), ear_str_from(addresses[0])));
}

static void test_resolve__gives_numeric_addresses(void **state)
{
    struct seen *seen = *state;
    static const struct {
        const char *host;
        ear_err err;
        const char *first;
    } rows[] = {
        {"127.0.0.1", EAR_OK, "127.0.0.1"},
        {"::1", EAR_OK, "::1"},
        {"localhost", EAR_OK, NULL},
        {"", EAR_NOT_FOUND, NULL},
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_resolve *token = NULL;
        ear_resolve_start(&token, seen->loop, rows[i].host, on_addresses, seen);
        assert_int_equal(seen->calls, (int)i);
        turn_until(seen, (int)i + 1);
        assert_int_equal(seen->err, rows[i].err);
        assert_true((seen->addresses > 0) == (rows[i].err == EAR_OK));
        if (rows[i].first) assert_string_equal(seen->first, rows[i].first);
    }
}

static void test_resolve__says_nothing_once_forgotten(void **state)
{
    struct seen *seen = *state;
    struct ear_resolve *token = NULL;
    ear_resolve_start(&token, seen->loop, "localhost", on_addresses, seen);
    ear_resolve_forget(&token);
    assert_null(token);
    ear_loop_free(&seen->loop);
    assert_int_equal(seen->calls, 0);
    assert_int_equal(ear_loop_new(&seen->loop), EAR_OK);
}

struct job {
    struct seen *seen;
    int worked;
    bool wanted;
    sigset_t held; /* signals, where it worked */
};

static void work_elsewhere(void *self)
{
    struct job *job = self;
    job->worked++;
    pthread_sigmask(SIG_SETMASK, NULL, &job->held);
}

static void on_worked(void *self, bool wanted)
{
    struct job *job = self;
    job->wanted = wanted;
    job->seen->calls++;
}

static void test_offload__works_elsewhere_and_tells_here(void **state)
{
    struct seen *seen = *state;
    struct job job = {.seen = seen};
    struct ear_offload *token;
    ear_offload_start(&token, seen->loop, work_elsewhere, on_worked, &job);
    assert_int_equal(seen->calls, 0);
    turn_until(seen, 1);
    assert_int_equal(job.worked, 1);
    assert_true(job.wanted);
    assert_true(sigismember(&job.held, SIGINT)); /* it comes to the loop's thread */
    assert_true(sigismember(&job.held, SIGTERM));
}

static void test_offload__gives_the_job_back_though_forgotten(void **state)
{
    struct seen *seen = *state;
    struct job job = {.seen = seen, .wanted = true};
    struct ear_offload *token;
    ear_offload_start(&token, seen->loop, work_elsewhere, on_worked, &job);
    ear_offload_forget(&token);
    assert_null(token);
    ear_loop_free(&seen->loop);
    assert_int_equal(seen->calls, 1);
    assert_false(job.wanted);
    assert_int_equal(ear_loop_new(&seen->loop), EAR_OK);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_timer__fires_once),
        TEST(test_timer__slow_repeats_share_their_turns),
        TEST(test_timer__repeats_until_freed_in_its_callback),
        TEST(test_loop__runs_until_stopped_and_again),
        TEST(test_later__comes_in_the_next_turn_once),
        TEST(test_later__is_not_lost_when_the_loop_is_freed),
        TEST(test_watch__tells_what_can_be_done),
        TEST(test_hook__keeps_the_loop_awake_while_it_has_more),
        TEST(test_signal__comes_on_the_loop),
        TEST(test_resolve__gives_numeric_addresses),
        TEST(test_resolve__says_nothing_once_forgotten),
        TEST(test_offload__works_elsewhere_and_tells_here),
        TEST(test_offload__gives_the_job_back_though_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
