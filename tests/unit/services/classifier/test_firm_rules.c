/* A firm's rules: what a pattern means, what a mistake says, and what a post raises. */
#include "base/base.h"
#include "firm_rules.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ear_firm_rules *rules_of(const char *text)
{
    struct ear_firm_rules *rules = NULL;
    struct ear_diag diag = {0};
    if (ear_firm_rules_parse("care.rules", ear_str_from(text), &rules, &diag))
        fail_msg("%s", diag.text);
    return rules;
}

static struct ear_rule_hits hits_of(const char *file, const char *post)
{
    static struct ear_firm_rules *rules;
    struct ear_rule_hits hits;
    ear_firm_rules_free(&rules); /* tags stay until the next call */
    rules = rules_of(file);
    ear_firm_rules_apply(rules, ear_str_from(post), &hits);
    if (post[0] == '\0') ear_firm_rules_free(&rules);
    return hits;
}

static void test_firm_rules__match_whole_words_of_any_case(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *post;
        bool hit;
    } cases[] = {
        {"fire", "FIRE in the kitchen", true},
        {"fire", "there is a fire", true},
        {"fire", "campfire stories", false},
        {"fire", "fired again", false},
        {"fire", "#fire!", true},
        {"gas leak", "a Gas   leak here", true},
        {"gas leak", "gas leaks", false},
        {"injur*", "two injured people", true},
        {"injur*", "Injuries", true},
        {"m\xC3\xBCll", "ein M\xC3\x9CLL!", true},
        {"m\xC3\xBCll", "m\xC3\xBCller", false},
        {"m\xC3\xBCll", "xm\xC3\xBCll", false},
        {"can't log in", "I can\xE2\x80\x99t log in", true},
        {"@acme_help", "hey @Acme_Help please", true},
        {"@acme", "@acme_help", false},
        {"c++", "my C++ app", true},
        {"/x-?200( pro)?/", "the X200 died", true},
        {"/x-?200( pro)?/", "the x-200 pro died", true},
        {"/x-?200( pro)?/", "x2000", false},
        {"/a|b/", "b", true},
        {"火事", "家で火事です", true},
        {"fire", "a fire\xE2\x80\x94now", true},
        {"fire",
         "\xF0\x9F\x94\xA5"
         "fire\xF0\x9F\x94\xA5",
         true},
        {"fire", "\xFF fire \xC3", true},
        {"fire", "", false},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_buf file;
        ear_buf_init(&file, 1000);
        assert_int_equal(ear_buf_printf(&file, "2 tag: %s\n", cases[i].pattern), EAR_OK);
        struct ear_rule_hits hits = hits_of(file.data, cases[i].post);
        if ((hits.count == 1) != cases[i].hit) print_error("%s: %s\n", file.data, cases[i].post);
        assert_int_equal(hits.count, cases[i].hit);
        ear_buf_release(&file);
    }
}

static void test_firm_rules__the_highest_counts_and_comes_first(void **state)
{
    (void)state;
    static const char file[] = "# a comment\n"
                               "\n"
                               "0 router: x200 | x300   # our product\n"
                               "1 outage: is down\n"
                               "2 safety: smoke | on fire\r\n"
                               "  2 other: nothing here\n";
    struct ear_rule_hits hits = hits_of(file, "the X300 is down and on fire, smoke everywhere");
    assert_int_equal(hits.level, 2);
    assert_int_equal(hits.count, 3);
    assert_true(ear_str_eq(hits.tags[0], EAR_STR("safety")));
    assert_true(ear_str_eq(hits.tags[1], EAR_STR("outage")));
    assert_true(ear_str_eq(hits.tags[2], EAR_STR("router")));
    hits = hits_of(file, "a new x200");
    assert_int_equal(hits.level, 0);
    assert_int_equal(hits.count, 1);
    assert_int_equal(hits_of(file, "all is well").count, 0);
    hits_of(file, "");
}

static void test_firm_rules__a_mistake_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *file, *said;
    } cases[] = {
        {"2 a: b\n3 a: b\n", "care.rules:2: a rule begins with its level"},
        {"urgent: b", "care.rules:1: a rule begins"},
        {"\n\n2 no colon\n", "care.rules:3: no ':'"},
        {"2 : b\n", "care.rules:1: a tag has"},
        {"2 a:\n", "care.rules:1: no pattern"},
        {"2 a: b |  | c\n", "care.rules:1: an empty pattern"},
        {"1 a: b\n2 c: fine | /(/ | fine\n", "care.rules:2: \"/(/\": "},
        {"2 a: /(?=x)/\n", "care.rules:1: \"/(?=x)/\": "},
        {"2 a: \xFF\n", "care.rules:1: not UTF-8"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_firm_rules *rules = NULL;
        struct ear_diag diag = {0};
        assert_int_equal(
            ear_firm_rules_parse("care.rules", ear_str_from(cases[i].file), &rules, &diag),
            EAR_INVALID);
        assert_null(rules);
        if (strncmp(diag.text, cases[i].said, strlen(cases[i].said)) != 0)
            fail_msg("\"%s\", not \"%s\"", diag.text, cases[i].said);
    }
}

/* As some editors and other systems write it. */
static void test_firm_rules__marks_and_line_ends_of_editors(void **state)
{
    (void)state;
    static const char *const files[] = {"2 fire: burns\n", "2 fire: burns\r\n",
                                        "\357\273\2772 fire: burns\r\n",
                                        "\357\273\277# ours\r\n2 fire: burns"};
    for (size_t i = 0; i < EAR_COUNT(files); i++)
        assert_int_equal(hits_of(files[i], "it burns").level, 2);
}

static void test_firm_rules__an_empty_file_raises_nothing(void **state)
{
    (void)state;
    static const char *const files[] = {"", "\n", "# nothing\n"};
    for (size_t i = 0; i < EAR_COUNT(files); i++) {
        struct ear_firm_rules *rules = rules_of(files[i]);
        struct ear_rule_hits hits;
        assert_int_equal(ear_firm_rules_count(rules), 0);
        ear_firm_rules_apply(rules, EAR_STR("fire"), &hits);
        assert_int_equal(hits.count, 0);
        ear_firm_rules_free(&rules);
    }
}

/* Hundreds of patterns, a long post: still one pass. */
static void test_firm_rules__many_patterns_and_long_posts(void **state)
{
    (void)state;
    struct ear_buf file, post;
    struct ear_rule_hits hits;
    ear_buf_init(&file, EAR_FIRM_RULES_BYTES_MAX);
    ear_buf_init(&post, 200000);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(ear_buf_printf(&file, "1 tag%u: word%ux | other word%uy\n", i, i, i),
                         EAR_OK);
    while (post.len < 100000) assert_int_equal(ear_buf_append_str(&post, EAR_STR("word ")), EAR_OK);
    struct ear_firm_rules *rules = rules_of(file.data);
    ear_firm_rules_apply(rules, ear_buf_str(&post), &hits);
    assert_int_equal(hits.count, 0);
    ear_firm_rules_apply(rules, EAR_STR("so word7x, other  word99y"), &hits);
    assert_int_equal(hits.count, 2);
    assert_true(ear_str_eq(hits.tags[1], EAR_STR("tag99")));
    ear_firm_rules_free(&rules);
    ear_buf_release(&file);
    ear_buf_release(&post);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_firm_rules__match_whole_words_of_any_case),
        cmocka_unit_test(test_firm_rules__the_highest_counts_and_comes_first),
        cmocka_unit_test(test_firm_rules__a_mistake_is_told_with_its_line),
        cmocka_unit_test(test_firm_rules__marks_and_line_ends_of_editors),
        cmocka_unit_test(test_firm_rules__an_empty_file_raises_nothing),
        cmocka_unit_test(test_firm_rules__many_patterns_and_long_posts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
