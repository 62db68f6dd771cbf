/* The shape of raw text: what is counted sixteen bytes at a time against a count byte by byte. */
#include "base/base.h"
#include "model/shape.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES_MAX 700

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
    return is_upper(c) || (c >= 'a' && c <= 'z');
}

static char at(struct ear_str s, size_t i)
{
    return i < s.len ? s.ptr[i] : '\0';
}

/* Runs of `c` that are `least` long or longer. */
static size_t runs_of(struct ear_str s, char c, size_t least)
{
    size_t runs = 0, run = 0;
    for (size_t i = 0; i < s.len; i++) {
        run = s.ptr[i] == c ? run + 1 : 0;
        runs += run == least;
    }
    return runs;
}

static size_t count_of(struct ear_str s, char c)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++) count += s.ptr[i] == c;
    return count;
}

static void count_words(struct ear_str s, size_t *capitals, size_t *stretched)
{
    *capitals = *stretched = 0;
    for (size_t from = 0, to; from < s.len; from = to + 1) {
        size_t upper = 0, thirds = 0;
        for (to = from; is_letter(at(s, to)); to++) {
            upper += is_upper(s.ptr[to]);
            size_t run = 1;
            while (run <= to - from && s.ptr[to - run] == s.ptr[to]) run++;
            thirds += run == 3;
        }
        *capitals += to - from >= 2 && upper == to - from;
        if ((at(s, from) | 0x20) != 'w') *stretched += thirds;
    }
}

static void check(struct ear_str s)
{
    struct ear_normal_shape shape = ear_shape_of(s);
    size_t capitals, stretched;
    count_words(s, &capitals, &stretched);
    assert_int_equal(shape.exclamations, count_of(s, '!'));
    assert_int_equal(shape.questions, count_of(s, '?'));
    assert_int_equal(shape.dots, runs_of(s, '.', 2));
    assert_int_equal(shape.lines, runs_of(s, '\n', 1));
    assert_int_equal(shape.capitals, capitals);
    assert_int_equal(shape.stretched, stretched);
}

static void test_shape__is_what_a_count_byte_by_byte_finds(void **state)
{
    (void)state;
    static const char signs[] = "AABCaabwW!?..\n\n \xC3\xA4z[@`{";
    char text[BYTES_MAX];
    srandom(7);
    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)random() % (round % 8 ? 64 : BYTES_MAX), kinds = sizeof signs - 1;
        if (round % 3 == 0) kinds = 1 + (size_t)random() % kinds;
        for (size_t i = 0; i < len; i++) text[i] = signs[(size_t)random() % kinds];
        check((struct ear_str){text, len});
    }
}

static void test_shape__counts_one_sign_all_over(void **state)
{
    (void)state;
    static const char signs[] = "!?.\nAaw";
    char text[BYTES_MAX];
    for (size_t i = 0; signs[i]; i++) {
        memset(text, signs[i], sizeof text);
        for (size_t len = 0; len <= sizeof text; len++) check((struct ear_str){text, len});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape__is_what_a_count_byte_by_byte_finds),
        cmocka_unit_test(test_shape__counts_one_sign_all_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
