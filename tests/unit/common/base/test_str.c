#include "base/check.h"
#include "base/str.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_str_eq__compares_bytes(void **state)
{
    (void)state;
    assert_true(ear_str_eq(EAR_STR_NONE, EAR_STR("")));
    assert_true(ear_str_eq(EAR_STR("a\0b"), EAR_STR("a\0b")));
    assert_false(ear_str_eq(EAR_STR("a\0b"), EAR_STR("a\0c")));
    assert_false(ear_str_eq(EAR_STR("a"), EAR_STR("ab")));
    assert_false(ear_str_eq(EAR_STR("a"), EAR_STR("A")));
    assert_true(ear_str_eq_nocase(EAR_STR("Retry-After"), EAR_STR("rETRY-aFTER")));
    assert_false(ear_str_eq_nocase(EAR_STR("a["), EAR_STR("A{")));
    assert_false(ear_str_eq_nocase(EAR_STR("\xc3\x84"), EAR_STR("\xc3\xa4")));
    assert_true(ear_str_eq_nocase(EAR_STR_NONE, EAR_STR("")));
}

static void test_str_starts__needs_all_of_the_prefix(void **state)
{
    (void)state;
    assert_true(ear_str_starts(EAR_STR("did:plc:x"), EAR_STR("did:")));
    assert_true(ear_str_starts(EAR_STR("did"), EAR_STR("did")));
    assert_true(ear_str_starts(EAR_STR_NONE, EAR_STR("")));
    assert_false(ear_str_starts(EAR_STR("di"), EAR_STR("did")));
    assert_false(ear_str_starts(EAR_STR_NONE, EAR_STR("d")));
}

static void test_str_find__finds_the_first(void **state)
{
    (void)state;
    assert_int_equal(ear_str_find(EAR_STR("abcabc"), EAR_STR("bc")), 1);
    assert_int_equal(ear_str_find(EAR_STR("a\0bc"), EAR_STR("bc")), 2);
    assert_int_equal(ear_str_find(EAR_STR("abc"), EAR_STR("")), 0);
    assert_true(ear_str_find(EAR_STR("ab"), EAR_STR("abc")) == SIZE_MAX);
    assert_true(ear_str_find(EAR_STR_NONE, EAR_STR("a")) == SIZE_MAX);
}

static void test_str_trim__takes_white_space_off_both_ends(void **state)
{
    (void)state;
    assert_true(ear_str_eq(ear_str_trim(EAR_STR(" \t\r\n\v\fa b \n")), EAR_STR("a b")));
    assert_int_equal(ear_str_trim(EAR_STR(" \t ")).len, 0);
    assert_int_equal(ear_str_trim(EAR_STR_NONE).len, 0);
    assert_true(ear_str_eq(ear_str_trim(EAR_STR("\xc2\xa0x")), EAR_STR("\xc2\xa0x")));
}

static void test_str_split__gives_every_part(void **state)
{
    (void)state;
    static const struct {
        struct ear_str text;
        size_t count;
        const char *parts[4];
    } cases[] = {
        {{"a,b,c", 5}, 3, {"a", "b", "c"}},
        {{"a", 1}, 1, {"a"}},
        {{"", 0}, 1, {""}},
        {{NULL, 0}, 0, {NULL}},
        {{"a,", 2}, 2, {"a", ""}},
        {{",a", 2}, 2, {"", "a"}},
        {{",,", 2}, 3, {"", "", ""}},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_str rest = cases[i].text;
        struct ear_str part;
        size_t count = 0;
        for (; ear_str_split(&rest, ',', &part); count++) {
            assert_true(count < cases[i].count);
            assert_true(ear_str_eq(part, ear_str_from(cases[i].parts[count])));
        }
        assert_int_equal(count, cases[i].count);
    }
}

static void test_str_copy__fits_or_is_empty(void **state)
{
    (void)state;
    char dst[4] = "zzz";
    assert_true(ear_str_copy(dst, sizeof(dst), EAR_STR("abc")));
    assert_string_equal(dst, "abc");
    assert_false(ear_str_copy(dst, sizeof(dst), EAR_STR("abcd")));
    assert_string_equal(dst, "");
    assert_false(ear_str_copy(dst, sizeof(dst), EAR_STR("a\0b")));
    assert_string_equal(dst, "");
    assert_true(ear_str_copy(dst, 1, EAR_STR_NONE));
    assert_string_equal(dst, "");
}

static void test_str_dup__ends_with_nul_and_may_fall_back(void **state)
{
    (void)state;
    char *copies[] = {
        ear_str_dup((struct ear_str){"abcd", 3}),
        ear_str_dup(EAR_STR_NONE),
        ear_str_dup_or((struct ear_str){"abcd", 3}, "no"),
        ear_str_dup_or(EAR_STR(""), "instead"),
        ear_str_dup_or(EAR_STR_NONE, NULL),
    };
    static const char *const wanted[] = {"abc", "", "abc", "instead", NULL};
    for (size_t i = 0; i < EAR_COUNT(copies); i++) {
        if (wanted[i])
            assert_string_equal(copies[i], wanted[i]);
        else
            assert_null(copies[i]);
        free(copies[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str_eq__compares_bytes),
        cmocka_unit_test(test_str_starts__needs_all_of_the_prefix),
        cmocka_unit_test(test_str_find__finds_the_first),
        cmocka_unit_test(test_str_trim__takes_white_space_off_both_ends),
        cmocka_unit_test(test_str_split__gives_every_part),
        cmocka_unit_test(test_str_copy__fits_or_is_empty),
        cmocka_unit_test(test_str_dup__ends_with_nul_and_may_fall_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
