/* Posts made comparable: escapes, masks, negation, shape; any bytes, and twice is once. */
#include "base/base.h"
#include "model/model.h"
#include "model/normal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ear_normal n, again;

static int set_up(void **state)
{
    (void)state;
    ear_normal_init(&n);
    ear_normal_init(&again);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ear_normal_release(&n);
    ear_normal_release(&again);
    return 0;
}

static void test_normalise__writes_alike_what_means_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *text;
    } cases[] = {
        {"It\\u2019s fine", "it's fine"},
        {"It&#8217;s &#x66;ine", "it's fine"},
        {"It&amp;amp;#39;s", "it's"},
        {"\\ud83d\\ude02 ok", "\U0001F602 ok"},
        {"\\ud83d alone", "alone"},
        {"a\\nb", "a b"},
        {"AT&amp;T", "at & t"},
        {"AT&T", "at & t"},
        {"C:\\data", "c: data"},
        {"Sooooo GOOD", "soo good"},
        {"thanks@Acme!", "thanks @firm !"},
        {"@a@b@c@d", "@user @user"},
        {".@acme see https://t.co/x", ". @firm see @url"},
        {"&lt;3 &amp;lt;3", "<3 <3"},
        {"&#99999999;", "& #99999999;"},
        {"&#0;x", "x"},
        {"", ""},
        {"   ", ""},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        ear_normalise(&n, ear_str_from(cases[i].raw), EAR_STR("@acme"));
        struct ear_str text = ear_normal_text(&n);
        if (!ear_str_eq(text, ear_str_from(cases[i].text)))
            fail_msg("%s became \"%.*s\"", cases[i].raw, EAR_STR_ARG(text));
    }
}

static void test_normalise__marks_what_a_negation_reaches(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *flags; /* a token each: n negated */
    } cases[] = {
        {"not good at all, great", "-nnnn-"},
        {"i don't like it but love you", "--nn---"},
        {"das ist nicht gut", "---n"},
        {"no a b c d e f g h i", "-nnnnnnnn-"},
        {"good", "-"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        ear_normalise(&n, ear_str_from(cases[i].raw), EAR_STR_NONE);
        for (size_t k = 0; k < n.token_count && k < strlen(cases[i].flags); k++)
            if (n.tokens[k].negated != (cases[i].flags[k] == 'n'))
                fail_msg("%s: token %zu", cases[i].raw, k);
    }
}

static void test_normalise__notes_what_folding_takes_away(void **state)
{
    (void)state;
    ear_normalise(&n, EAR_STR("THIS is SOOO bad!!! why??\nwww.x.de... NO"), EAR_STR_NONE);
    assert_int_equal(n.shape.capitals, 3);
    assert_int_equal(n.shape.stretched, 1);
    assert_int_equal(n.shape.exclamations, 3);
    assert_int_equal(n.shape.questions, 2);
    assert_int_equal(n.shape.dots, 1);
    assert_int_equal(n.shape.lines, 1);
}

static uint64_t rnd_state = 0x9E3779B97F4A7C15;

static uint32_t rnd(uint32_t bound)
{
    rnd_state = rnd_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(rnd_state >> 33) % bound;
}

/* Pieces that masks, entities, escapes and folding stumble over, and raw bytes. */
static size_t make_text(char *text, size_t size)
{
    static const char *const pieces[] = {
        "&",        "amp;",   "lt;",    "#",      "39;",        "\\u",    "005c",   "0026",
        "u0041",    "@",      "user",   "firm",   "@acme",      "@url",   "url",    "http://",
        "https://", "www.",   ".com",   "/x",     ".",          " ",      "<",      ">",
        "hhh",      "ooo",    "!!!!",   "w",      "ww",         "-",      "'",      "a",
        "Z",        "\u212B", "\uFDFA", "\uFF06", "\uFF20",     "\u0345", "\u0301", "\u00DF",
        "\u1E9E",   "\u0130", "\u200D", "\u00AD", "\U0001F469", "\u2019", "\uFF3C", "\u3000",
        "\u0661",   "\u1100", "\u1161", "\u11A8", "\uAC00",     "\u03C2", "\n",     "\t",
        "#tag",     "_",      "\u00C5", "\u02BC", "\u00A8",     "\u2026", "\u00B4",
    };
    size_t len = 0;
    for (uint32_t count = rnd(30); count--;) {
        const char *piece = pieces[rnd(EAR_COUNT(pieces))];
        if (rnd(12) == 0) {
            text[len++] = (char)rnd(256);
        } else if (len + strlen(piece) < size) {
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
    }
    return len;
}

static void test_normalise__is_idempotent_on_any_bytes(void **state)
{
    (void)state;
    char text[512];
    for (size_t round = 0; round < 30000; round++) {
        size_t len = make_text(text, sizeof text - 32);
        ear_normalise(&n, (struct ear_str){text, len}, EAR_STR("acme"));
        assert_true(ear_text_is_utf8(ear_normal_text(&n)));
        ear_normalise(&again, ear_normal_text(&n), EAR_STR("acme"));
        if (!ear_str_eq(ear_normal_text(&n), ear_normal_text(&again)))
            fail_msg("%zu: \"%.*s\" became \"%.*s\", then \"%.*s\"", round, (int)len, text,
                     EAR_STR_ARG(ear_normal_text(&n)), EAR_STR_ARG(ear_normal_text(&again)));
    }
}

static void test_normalise__reads_the_beginning_of_long_text(void **state)
{
    (void)state;
    size_t len = EAR_MODEL_TEXT_MAX * 3;
    char *text = ear_alloc(len);
    for (size_t i = 0; i + 3 <= len; i += 3) memcpy(text + i, "\u2603", 3);
    ear_normalise(&n, (struct ear_str){text, len}, EAR_STR_NONE);
    assert_true(ear_text_is_utf8(ear_normal_text(&n)));
    assert_true(ear_normal_text(&n).len <= EAR_MODEL_TEXT_MAX);
    for (size_t i = 0; i + 3 <= len; i += 3) memcpy(text + i, "\uFDFA", 3);
    ear_normalise(&n, (struct ear_str){text, len}, EAR_STR_NONE);
    assert_true(n.token_count > 1000);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalise__writes_alike_what_means_the_same),
        cmocka_unit_test(test_normalise__marks_what_a_negation_reaches),
        cmocka_unit_test(test_normalise__notes_what_folding_takes_away),
        cmocka_unit_test(test_normalise__is_idempotent_on_any_bytes),
        cmocka_unit_test(test_normalise__reads_the_beginning_of_long_text),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
