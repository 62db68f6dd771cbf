/* Phrases found all at once: the longest, whole words or prefixes, never over a break. */
#include "base/base.h"
#include "model/cues/lexicon.h"
#include "model/cues/rules.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define WORDS_MAX 64

static const struct ear_cue cues[] = {
    {"not working | works", {{EAR_SIGNAL_TROUBLE, 1}}},
    {"working", {{EAR_SIGNAL_JOY, 1}}},
    {"refund*", {{EAR_SIGNAL_REFUND, 1}}},
    {"for _ days", {{EAR_SIGNAL_AGAIN, 1}}},
    {"for two days", {{EAR_SIGNAL_SAD, 1}}},
    {"c'est nul", {{EAR_SIGNAL_BLAME, 1}}},
    {"😡", {{EAR_SIGNAL_RAGE, 1}}},
    {"works", {{EAR_SIGNAL_THANK, 1}}},
};

static int set_up(void **state)
{
    *state = ear_lexicon_new(cues, EAR_COUNT(cues));
    return 0;
}

static int tear_down(void **state)
{
    struct ear_lexicon *lexicon = *state;
    ear_lexicon_free(&lexicon);
    return 0;
}

static void note(void *self, const struct ear_match *match)
{
    struct ear_buf *out = self;
    assert_int_equal(
        ear_buf_printf(out, "%s%.*s", out->len ? "; " : "", EAR_STR_ARG(match->phrase)), EAR_OK);
}

static void test_lexicon__cases(void **state)
{
    static const struct {
        const char *text, *found;
    } cases[] = {
        {"it is not working", "not working"},
        {"not, working", "working"},
        {"not (working)", "not working"},
        {"Not WORKING. working", "not working; working"},
        {"refunds refunded refund prefund", "refund*; refund*; refund*"},
        {"for 3 days", "for _ days"},
        {"for two days", "for two days"},
        {"for days", ""},
        {"C’est nul !", "c'est nul"},
        {"no 😡😡", "😡; 😡"},
        {"it works", "works; works"},
        {"networking", ""},
        {"", ""},
    };
    struct ear_text text;
    struct ear_buf found;
    ear_text_init(&text, 1000);
    ear_buf_init(&found, 1000);
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_word words[WORDS_MAX];
        ear_buf_reset(&found);
        assert_int_equal(ear_text_normalise(&text, ear_str_from(cases[i].text), EAR_STR_NONE),
                         EAR_OK);
        size_t count = ear_words_of(ear_buf_str(&text.text), words, WORDS_MAX);
        ear_lexicon_scan(*state, words, count, note, &found);
        if (!ear_str_eq(ear_buf_str(&found), ear_str_from(cases[i].found)))
            print_message("[%s]: %.*s\n", cases[i].text, EAR_STR_ARG(ear_buf_str(&found)));
        assert_true(ear_str_eq(ear_buf_str(&found), ear_str_from(cases[i].found)));
    }
    ear_buf_release(&found);
    ear_text_release(&text);
}

static void test_words__stop_at_the_ceiling(void **state)
{
    (void)state;
    struct ear_word words[3];
    assert_int_equal(ear_words_of(EAR_STR("a b. c d e"), words, 3), 3);
    assert_true(words[0].breaks && !words[1].breaks && words[2].breaks);
}

static void test_rules__every_table_compiles(void **state)
{
    (void)state;
    static const char *const codes[] = {"de", "en", "es", "fr", "it", "nl", "pt"};
    struct ear_rules *rules = ear_rules_new();
    assert_non_null(ear_rules_common(rules));
    for (size_t i = 0; i < EAR_COUNT(codes); i++) assert_non_null(ear_rules_of(rules, codes[i]));
    assert_null(ear_rules_of(rules, "und"));
    assert_null(ear_rules_of(rules, "common"));
    ear_rules_free(&rules);
    assert_null(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lexicon__cases),
        cmocka_unit_test(test_words__stop_at_the_ceiling),
        cmocka_unit_test(test_rules__every_table_compiles),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
