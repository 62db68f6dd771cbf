/* A process that is kept waiting between setting a limit and the poll: libuv runs the limit's timer
 * before it polls, too, and must then not wait for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"
#include <cmocka.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#define LIMIT_MS 1
#define LATE_MS  20
#define HANGS_S  20

static bool late;

/* libuv's, and then nothing runs here until what was set has run out. */
int uv_timer_start(void *timer, void *fn, uint64_t timeout_ms, uint64_t repeat_ms);
int uv_timer_start(void *timer, void *fn, uint64_t timeout_ms, uint64_t repeat_ms)
{
    int (*real)(void *, void *, uint64_t, uint64_t);
    *(void **)&real = dlsym(RTLD_NEXT, "uv_timer_start");
    assert_non_null(real);
    int rc = real(timer, fn, timeout_ms, repeat_ms);
    if (late) usleep(LATE_MS * 1000);
    return rc;
}

static void never(void *self)
{
    (void)self;
    fail_msg("an hour is not over");
}

static void test_turn__does_not_wait_once_its_limit_ran_out_before_the_poll(void **state)
{
    struct ear_loop *loop;
    struct ear_timer *timer;
    (void)state;
    assert_int_equal(ear_loop_new(&loop), EAR_OK);
    ear_timer_new(&timer, loop, never, NULL);
    ear_timer_start(timer, INT64_C(3600) * 1000,
                    0); /* the next thing that the poll would wait for */
    alarm(HANGS_S);
    late = true;
    for (int i = 0; i < 10; i++) ear_loop_turn(loop, LIMIT_MS);
    late = false;
    alarm(0);
    ear_timer_free(&timer);
    ear_loop_free(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turn__does_not_wait_once_its_limit_ran_out_before_the_poll),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
