#include "base/check.h"
#include "base/err.h"
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_err__names_are_those_of_the_codes(void **state)
{
    (void)state;
    static const char *const codes[] = {
#define X(code, name, retry, text) #code,
        EAR_ERR_TABLE(X)
#undef X
    };
    for (size_t i = 0; i < EAR_ERR_COUNT; i++) {
        char lower[32] = "";
        for (size_t c = 0; codes[i][c + 4]; c++) lower[c] = (char)tolower(codes[i][c + 4]);
        assert_string_equal(ear_err_name((ear_err)i), lower);
        assert_true(strlen(ear_err_text((ear_err)i)) > 1);
    }
    assert_string_equal(ear_err_name(EAR_ERR_COUNT), "unknown_error");
    assert_false(ear_err_retryable(EAR_ERR_COUNT));
    assert_true(ear_err_retryable(EAR_UNAVAILABLE));
    assert_false(ear_err_retryable(EAR_UNKNOWN_FATE));
}

static void test_fail__fills_a_diag_or_none(void **state)
{
    (void)state;
    struct ear_diag diag = {0};
    assert_int_equal(ear_fail(NULL, EAR_IO, "%s", "x"), EAR_IO);
    assert_int_equal(ear_fail(&diag, EAR_IO, "disk %d is full", 3), EAR_IO);
    assert_string_equal(diag.text, "disk 3 is full");
    assert_int_equal(ear_fail_in(&diag, EAR_TIMEOUT, "account firm"), EAR_IO);
    assert_string_equal(diag.text, "account firm: disk 3 is full");
    assert_int_equal(ear_fail_in(NULL, EAR_TIMEOUT, "x"), EAR_TIMEOUT);
    struct ear_diag empty = {0};
    assert_int_equal(ear_fail_in(&empty, EAR_TIMEOUT, "x"), EAR_TIMEOUT);
    assert_string_equal(empty.text, "x: no answer in time");
}

static void test_fail__may_quote_its_own_text(void **state)
{
    (void)state;
    struct ear_diag diag = {0};
    ear_fail(&diag, EAR_IO, "inner");
    ear_fail(&diag, EAR_INVALID, "outer (%s)", diag.text);
    assert_string_equal(diag.text, "outer (inner)");
    assert_int_equal(diag.err, EAR_INVALID);
}

static void test_fail__cuts_on_a_character(void **state)
{
    (void)state;
    /* Sequences of 1 to 4 bytes, each at each place across the end. */
    static const char *const chars[] = {"a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (size_t c = 0; c < EAR_COUNT(chars); c++) {
        size_t size = strlen(chars[c]);
        for (int shift = 0; shift < 5; shift++) {
            struct ear_diag diag;
            char many[EAR_DIAG_TEXT_BYTES * 2] = "";
            for (size_t at = 0; at + size < sizeof(many); at += size)
                memcpy(many + at, chars[c], size);
            ear_fail(&diag, EAR_IO, "%.*s%s", shift, "-----", many);
            size_t len = strlen(diag.text);
            size_t room = EAR_DIAG_TEXT_BYTES - 1 - (size_t)shift;
            assert_int_equal(len, (size_t)shift + room / size * size);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err__names_are_those_of_the_codes),
        cmocka_unit_test(test_fail__fills_a_diag_or_none),
        cmocka_unit_test(test_fail__may_quote_its_own_text),
        cmocka_unit_test(test_fail__cuts_on_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
