#include "base/buf.h"
#include "base/check.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_buf__is_text_after_any_append(void **state)
{
    (void)state;
    struct ear_buf buf;
    ear_buf_init(&buf, 100);
    assert_int_equal(ear_buf_append(&buf, NULL, 0), EAR_OK);
    assert_string_equal(buf.data, "");
    assert_int_equal(ear_buf_append_str(&buf, EAR_STR("case ")), EAR_OK);
    assert_int_equal(ear_buf_append_char(&buf, '#'), EAR_OK);
    assert_int_equal(ear_buf_printf(&buf, "%d of %s", 7, "nine"), EAR_OK);
    assert_string_equal(buf.data, "case #7 of nine");
    assert_int_equal(buf.len, strlen(buf.data));
    ear_buf_reset(&buf);
    assert_string_equal(buf.data, "");
    ear_buf_release(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.max, 100);
}

static void test_buf__appends_nothing_past_its_ceiling(void **state)
{
    (void)state;
    static const size_t ceilings[] = {0, 1, 63, 64, 65, 1000};
    char *many = ear_alloc(2000);
    memset(many, 'x', 1999);
    for (size_t i = 0; i < EAR_COUNT(ceilings); i++) {
        size_t max = ceilings[i];
        struct ear_buf buf;
        ear_buf_init(&buf, max);
        assert_int_equal(ear_buf_append(&buf, many, max), EAR_OK);
        assert_int_equal(buf.len, max);
        assert_int_equal(ear_buf_append_char(&buf, 'y'), EAR_TOO_LARGE);
        assert_int_equal(ear_buf_printf(&buf, "%s", many), EAR_TOO_LARGE);
        volatile size_t all = SIZE_MAX; /* compilers that see through it warn */
        assert_int_equal(ear_buf_append(&buf, many, all), EAR_TOO_LARGE);
        assert_int_equal(buf.len, max);
        assert_int_equal(strlen(buf.data), max);
        ear_buf_release(&buf);
    }
    free(many);
}

static void test_buf__a_ceiling_of_all_memory_is_no_overflow(void **state)
{
    (void)state;
    struct ear_buf buf;
    ear_buf_init(&buf, SIZE_MAX);
    assert_int_equal(ear_buf_reserve(&buf, SIZE_MAX), EAR_TOO_LARGE);
    assert_int_equal(ear_buf_append_str(&buf, EAR_STR("x")), EAR_OK);
    assert_int_equal(ear_buf_reserve(&buf, SIZE_MAX - 1), EAR_TOO_LARGE);
    assert_string_equal(buf.data, "x");
    ear_buf_release(&buf);
}

static void test_buf__grows_in_many_small_steps(void **state)
{
    (void)state;
    struct ear_buf buf;
    ear_buf_init(&buf, 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(ear_buf_append_char(&buf, (char)('a' + i % 26)), EAR_OK);
    for (int i = 0; i < 100000; i++) assert_int_equal(buf.data[i], 'a' + i % 26);
    assert_true(buf.cap <= 100001);
    ear_buf_release(&buf);
}

static void test_buf__consumes_from_the_front(void **state)
{
    (void)state;
    struct ear_buf buf;
    ear_buf_init(&buf, 100);
    ear_buf_consume(&buf, 0);
    assert_int_equal(ear_buf_append_str(&buf, EAR_STR("line one\nline two")), EAR_OK);
    ear_buf_consume(&buf, 9);
    assert_string_equal(buf.data, "line two");
    ear_buf_consume(&buf, 8);
    assert_string_equal(buf.data, "");
    assert_int_equal(buf.len, 0);
    ear_buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf__is_text_after_any_append),
        cmocka_unit_test(test_buf__appends_nothing_past_its_ceiling),
        cmocka_unit_test(test_buf__a_ceiling_of_all_memory_is_no_overflow),
        cmocka_unit_test(test_buf__grows_in_many_small_steps),
        cmocka_unit_test(test_buf__consumes_from_the_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
