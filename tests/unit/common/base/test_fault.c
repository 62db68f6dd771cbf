#include "base/check.h"
#include "base/fault.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef EAR_FAULTS

static void arm(const char *spec)
{
    assert_int_equal(setenv("EAR_FAULT", spec, 1), 0);
}

static void test_fault__fails_at_each_nth_passing(void **state)
{
    (void)state;
    arm("alloc:*3=fail");
    for (uint64_t i = 1; i <= 12; i++) {
        assert_int_equal(ear_fault("alloc"), i % 3 == 0);
        assert_int_equal(ear_fault_passed(), i);
    }
}

static void test_fault__fails_at_its_nth_passing(void **state)
{
    (void)state;
    arm("commit:3=fail");
    assert_false(ear_fault("commit"));
    assert_false(ear_fault("other"));
    assert_false(ear_fault("commit"));
    assert_true(ear_fault("commit"));
    assert_false(ear_fault("commit"));
    arm("commit=fail");
    assert_int_equal(ear_fault_passed(), 0);
    assert_true(ear_fault("commit"));
    unsetenv("EAR_FAULT");
    assert_false(ear_fault("commit"));
}

static void test_fault__ignores_what_it_cannot_read(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "commit:0=fail", "commit:x=fail", "=fail", "commit:-1"};
    for (size_t i = 0; i < EAR_COUNT(bad); i++) {
        arm(bad[i]);
        for (int n = 0; n < 3; n++) assert_false(ear_fault("commit"));
    }
    unsetenv("EAR_FAULT");
}

static void test_fault__kills_for_real(void **state)
{
    (void)state;
    static const char *const specs[] = {"commit", "commit:1", "commit=kill"};
    for (size_t i = 0; i < EAR_COUNT(specs); i++) {
        int status = 0;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            setenv("EAR_FAULT", specs[i], 1);
            ear_fault("commit");
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
}

static void test_fault__makes_allocation_fail(void **state)
{
    (void)state;
    arm("alloc:2=fail");
    void *p = ear_try_alloc(10);
    assert_non_null(p);
    assert_null(ear_try_realloc(p, 20));
    void *q = ear_try_realloc(p, 20);
    assert_non_null(q);
    free(q);
    unsetenv("EAR_FAULT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fault__fails_at_its_nth_passing),
        cmocka_unit_test(test_fault__fails_at_each_nth_passing),
        cmocka_unit_test(test_fault__ignores_what_it_cannot_read),
        cmocka_unit_test(test_fault__kills_for_real),
        cmocka_unit_test(test_fault__makes_allocation_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* A release build: the points are not there, whatever the environment says. */
static void test_fault__is_compiled_out(void **state)
{
    (void)state;
    assert_int_equal(setenv("EAR_FAULT", "commit=fail", 1), 0);
    assert_false(ear_fault("commit"));
    unsetenv("EAR_FAULT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fault__is_compiled_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
