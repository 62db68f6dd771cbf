#include "base/check.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void test_check__aborts_with_its_place(void **state)
{
    (void)state;
    int ends[2];
    char text[512] = "";
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        EAR_CHECK(1 + 1 == 3);
        _exit(0);
    }
    int status = 0;
    close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
    close(ends[0]);
    assert_non_null(strstr(text, "event=check_failed"));
    assert_non_null(strstr(text, "test_check.c:"));
    assert_non_null(strstr(text, "1 + 1 == 3"));
}

static void test_alloc__is_zeroed_and_never_null(void **state)
{
    (void)state;
    unsigned char *p = ear_alloc(100);
    for (int i = 0; i < 100; i++) assert_int_equal(p[i], 0);
    EAR_FREE(p);
    assert_null(p);
    p = ear_alloc(0);
    assert_non_null(p);
    free(p);
    char *copy = ear_strdup("text");
    assert_string_equal(copy, "text");
    free(copy);
}

static void test_try_alloc__says_no_instead_of_aborting(void **state)
{
    (void)state;
    void *p = ear_try_alloc(0);
    assert_non_null(p);
    p = ear_try_realloc(p, 0);
    assert_non_null(p);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check__aborts_with_its_place),
        cmocka_unit_test(test_alloc__is_zeroed_and_never_null),
        cmocka_unit_test(test_try_alloc__says_no_instead_of_aborting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
