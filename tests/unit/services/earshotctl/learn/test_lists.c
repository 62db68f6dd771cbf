/* Lists of words: of any language and of certain ones, what they refuse, and the same bytes
 * whatever came first. */
#include "learn/lists.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ear_list list_of(const char *content, const char *languages, ear_score_channel at)
{
    return (struct ear_list){.path = "w.tsv",
                             .content = ear_str_from(content),
                             .languages = ear_str_from(languages),
                             .channel = at,
                             .scale = 25};
}

static void read_all(struct ear_lists *lists, const struct ear_list *all, size_t count)
{
    struct ear_diag diag;
    for (size_t i = 0; i < count; i++)
        if (ear_lists_read(lists, &all[i], &diag)) fail_msg("%s", diag.text);
}

static int valence(const struct ear_scores *scores, const char *word, const char *language)
{
    struct ear_score_found found;
    if (!ear_scores_find(scores, ear_str_from(word), language, &found)) return 1000;
    return found.channel[EAR_SCORE_VALENCE];
}

static void test_lists__a_word_counts_in_its_languages(void **state)
{
    static const struct {
        const char *word, *language;
        int says;
    } cases[] = {
        {"die", "en", -75},   /* of any language */
        {"die", "und", -75},  /* no list of it */
        {"die", "de", 0},     /* means nothing there */
        {"bonita", "es", 75}, /* one list for two languages */
        {"bonita", "pt", 75},    {"bonita", "it", 1000}, {"bonita", "en", 1000},
        {"super", "de", 75},     {"super", "en", 50},    {"terrible", "es", -127},
        {"terrible", "fr", -75}, /* a later list of that language */
    };
    (void)state;
    struct ear_list all[] = {
        list_of("word\tn\ndie\t-3\nsuper\t2\nterrible\t-3\n", "", EAR_SCORE_VALENCE),
        list_of("word\tn\ndie\t0\nsuper\t3\n", "de", EAR_SCORE_VALENCE),
        list_of("word\tn\nBonita\t3\nterrible\t-9\ntwo words\t4\n", "es,pt", EAR_SCORE_VALENCE),
        list_of("word\tn\ndie\t1\n", "en", EAR_SCORE_RUDE),
    };
    struct ear_lists lists;
    struct ear_buf section;
    struct ear_scores scores;
    ear_lists_init(&lists);
    ear_buf_init(&section, 1 << 20);
    read_all(&lists, all, 3);
    assert_int_equal(lists.count, 9);
    assert_int_equal(ear_lists_write(&lists, &section, NULL), EAR_OK);
    assert_int_equal(ear_scores_open(ear_buf_str(&section), &scores, NULL), EAR_OK);
    for (size_t i = 0; i < EAR_COUNT(cases); i++)
        if (valence(&scores, cases[i].word, cases[i].language) != cases[i].says)
            fail_msg("%s in %s: %d", cases[i].word, cases[i].language,
                     valence(&scores, cases[i].word, cases[i].language));
    read_all(&lists, &all[3], 1); /* a language's word is all there is to say of it */
    ear_buf_reset(&section);
    assert_int_equal(ear_lists_write(&lists, &section, NULL), EAR_OK);
    assert_int_equal(ear_scores_open(ear_buf_str(&section), &scores, NULL), EAR_OK);
    assert_int_equal(valence(&scores, "die", "en"), 0);
    ear_buf_release(&section);
    ear_lists_release(&lists);
}

static void test_lists__same_bytes_in_any_order(void **state)
{
    (void)state;
    struct ear_list all[] = {
        list_of("word\tn\ngut\t3\nlahm\t-2\n", "de", EAR_SCORE_VALENCE),
        list_of("word\tn\ngut\t-1\ngood\t3\n", "", EAR_SCORE_VALENCE),
        list_of("word\tn\ngut\t2\n", "de,nl", EAR_SCORE_MOOD),
    };
    struct ear_list turned[] = {all[2], all[1], all[0]};
    struct ear_buf section[2];
    for (size_t i = 0; i < 2; i++) {
        struct ear_lists lists;
        ear_lists_init(&lists);
        ear_buf_init(&section[i], 1 << 20);
        read_all(&lists, i ? turned : all, 3);
        assert_int_equal(ear_lists_write(&lists, &section[i], NULL), EAR_OK);
        ear_lists_release(&lists);
    }
    assert_int_equal(section[0].len, section[1].len);
    assert_memory_equal(section[0].data, section[1].data, section[0].len);
    for (size_t i = 0; i < 2; i++) ear_buf_release(&section[i]);
}

static void test_lists__refuse_by_name(void **state)
{
    static const struct {
        const char *content, *languages, *said;
    } cases[] = {
        {"word\tn\ngut\n", "de", "w.tsv:2: not a word, a tab and a number"},
        {"word\tn\ngut\tvery\n", "", "w.tsv:2: not a word"},
        {"word\tn\n", "German", "w.tsv: no code of a language: \"German\""},
        {"word\tn\n", "de,,fr", "no code of a language: \"\""},
        {"word\tn\n", "DE", "no code of a language: \"DE\""},
    };
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_lists lists;
        struct ear_diag diag = {.text = ""};
        struct ear_list list = list_of(cases[i].content, cases[i].languages, EAR_SCORE_MOOD);
        ear_lists_init(&lists);
        assert_int_equal(ear_lists_read(&lists, &list, &diag), EAR_INVALID);
        if (!strstr(diag.text, cases[i].said)) fail_msg("%zu: said \"%s\"", i, diag.text);
        ear_lists_release(&lists);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists__a_word_counts_in_its_languages),
        cmocka_unit_test(test_lists__same_bytes_in_any_order),
        cmocka_unit_test(test_lists__refuse_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
