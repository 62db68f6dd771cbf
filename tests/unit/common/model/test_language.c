/* Letters out of posts, scripts that say the language themselves, and tables that are refused. What
 * a trained table says is tested with its trainer. */
#include "base/base.h"
#include "model/language.h"
#include "model/language_layout.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_letters(const char *text, const char *expected)
{
    struct ear_letters letters;
    char got[EAR_LETTERS_MAX + 1];
    ear_letters_cut(ear_str_from(text), &letters);
    for (size_t i = 0; i < letters.count; i++)
        got[i] = letters.points[i] < 0x80 ? (char)letters.points[i] : '?';
    got[letters.count] = '\0';
    assert_string_equal(got, expected);
    assert_int_equal(letters.read_bytes, strlen(text));
}

static void test_letters__leave_out_what_is_no_talk(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"hello there", " hello there "},
        {"@firm hello @url !!", " hello "},
        {"it's 5 o'clock", " it's o'clock "},
        {"late again #fail #neveragain", " late again "},
        {"#fail #again", " fail again "},
        {"watching \"the office\" tonight", " watching tonight "},
        {"he said \"this is far too long a quote\" to me",
         " he said this is far too long a quote to me "},
        {"\"ok\"", " ok "},
        {"hahaha so funny hehehe", " so funny "},
        {"mama papa", " "},
        {"caf\xC3\xA9 \xF0\x9F\x98\x80 au lait", " caf? au lait "},
        {"mail@user", " mail "},
        {"a\xFF\xC3 b\x80", " a b "},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) assert_letters(cases[i].text, cases[i].expected);
}

static void test_letters__of_nothing_are_none(void **state)
{
    (void)state;
    static const char *const cases[] = {"",       " ", "123 4.5", "@user @url", "\xF0\x9F\x98\x80",
                                        ":-) !!!"};
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_letters letters;
        ear_letters_cut(ear_str_from(cases[i]), &letters);
        assert_int_equal(letters.count, 0);
        assert_null(letters.only);
    }
}

static void test_letters__are_read_in_pieces_when_long(void **state)
{
    (void)state;
    enum { LONG = 100000 };
    char *text = ear_alloc(LONG);
    for (size_t i = 0; i < LONG; i++) text[i] = i % 7 ? (char)('a' + i % 5) : ' ';
    size_t read = 0, pieces = 0;
    while (read < LONG) {
        struct ear_letters letters;
        ear_letters_cut((struct ear_str){text + read, LONG - read}, &letters);
        assert_true(letters.read_bytes > 0 && letters.count <= EAR_LETTERS_MAX);
        read += letters.read_bytes;
        pieces++;
    }
    assert_int_equal(read, LONG);
    assert_true(pieces > LONG / EAR_LETTERS_MAX / 2);
    EAR_FREE(text);
}

static void assert_guess(const struct ear_language *language, const char *text, const char *code)
{
    struct ear_language_guess guess;
    ear_language_guess(language, ear_str_from(text), EAR_STR_NONE, &guess);
    assert_string_equal(guess.code, code);
    assert_true(guess.p >= 0 && guess.p <= 1);
}

static void test_language__scripts_of_one_language_need_no_table(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code;
    } cases[] = {
        {"\xEB\xB0\xB0\xEC\x86\xA1\xEC\x9D\xB4 \xEC\x95\x88 \xEC\x99\x94\xEC\x96\xB4\xEC\x9A\x94",
         "ko"},
        {"\xE5\xA3\x8A\xE3\x82\x8C\xE3\x81\xBE\xE3\x81\x97\xE3\x81\x9F", "ja"},
        {"\xE6\x88\x91\xE7\x9A\x84\xE8\xAE\xA2\xE5\x8D\x95\xE5\x9C\xA8\xE5\x93\xAA\xE9\x87\x8C",
         "zh"},
        {"iphone \xE5\xA3\x8A\xE3\x82\x8C\xE3\x81\x9F", "ja"},
        {"\xCF\x80\xCE\xBF\xCF\x8D \xCE\xB5\xCE\xAF\xCE\xBD\xCE\xB1\xCE\xB9", "el"},
        {"\xE0\xB8\xAA\xE0\xB8\xA7\xE0\xB8\xB1\xE0\xB8\xAA\xE0\xB8\x94\xE0\xB8\xB5", "th"},
        {"\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D", "he"},
        {"\xE0\xA4\xA8\xE0\xA4\xAE\xE0\xA4\xB8\xE0\xA5\x8D\xE0\xA4\xA4\xE0\xA5\x87", "hi"},
        {"t\xC3\xB4i mu\xE1\xBB\x91n h\xE1\xBB\x8Fi v\xE1\xBB\x81 \xC4\x91\xC6\xA1n h\xC3\xA0ng",
         "vi"},
        {"where is my order \xE5\x93\xAA", "und"}, /* one sign among English words */
        {"", "und"},
        {"\xF0\x9F\x98\x80 !!", "und"},
    };
    struct ear_language none = {0};
    for (size_t i = 0; i < EAR_COUNT(cases); i++) assert_guess(&none, cases[i].text, cases[i].code);
    assert_int_equal(ear_language_count(&none), 0);
}

/* The smallest table there is: one row a script, two languages. */
struct small {
    struct ear_language_layout layout;
    uint8_t rows[EAR_LETTERED][EAR_LANGUAGE_ROW_BYTES];
};

static struct small *small_new(void)
{
    struct small *s = aligned_alloc(EAR_LANGUAGE_ALIGN, (sizeof *s + 63) / 64 * 64);
    assert_non_null(s);
    memset(s, 0, sizeof *s);
    memcpy(s->layout.magic, EAR_LANGUAGE_MAGIC, sizeof s->layout.magic);
    s->layout.step = 1;
    s->layout.sharpness = 1;
    for (uint32_t i = 0; i < EAR_LETTERED; i++) {
        s->layout.row_first[i] = i;
        s->layout.row_count[i] = 1;
    }
    memcpy(s->layout.codes[EAR_LATIN][0], "aa", 2);
    memcpy(s->layout.codes[EAR_LATIN][1], "bb", 2);
    s->rows[EAR_LATIN][0] = 2 | 5 << 4;
    return s;
}

static ear_err open_small(const struct small *s, size_t len)
{
    struct ear_language language;
    struct ear_diag diag = {0};
    ear_err err = ear_language_open((struct ear_str){(const char *)s, len}, &language, &diag);
    if (err) assert_true(strncmp(diag.text, "language table: ", 16) == 0);
    return err;
}

static void test_language__adds_the_columns_of_all_grams(void **state)
{
    (void)state;
    struct small *s = small_new();
    struct ear_language language;
    assert_int_equal(ear_language_open((struct ear_str){(char *)s, sizeof *s}, &language, NULL),
                     EAR_OK);
    assert_int_equal(ear_language_count(&language), 2);
    struct ear_language_guess guess;
    /* " ab ": 2-, 3- and 4-grams from the blank, three from a, two from b; 3 nats each */
    ear_language_guess(&language, EAR_STR("ab"), EAR_STR_NONE, &guess);
    assert_string_equal(guess.best, "bb");
    assert_true(guess.p > 0.9999f);
    /* a hundred grams and more: sums are wider than a byte */
    char many[400];
    memset(many, 'x', sizeof many);
    ear_language_guess(&language, (struct ear_str){many, sizeof many}, EAR_STR_NONE, &guess);
    assert_string_equal(guess.best, "bb");
    free(s);
}

static void test_language__refuses_damage(void **state)
{
    (void)state;
    struct small *s = small_new();
    assert_int_equal(open_small(s, sizeof *s), EAR_OK);
    assert_int_equal(open_small(s, sizeof *s - 1), EAR_INVALID);
    assert_int_equal(open_small(s, sizeof s->layout - 1), EAR_INVALID);
    assert_int_equal(open_small(s, sizeof s->layout), EAR_INVALID); /* no rows */
    assert_int_equal(
        open_small((const struct small *)(const void *)((const char *)s + 16), sizeof *s - 16),
        EAR_INVALID);
    s->layout.magic[7] = '2';
    assert_int_equal(open_small(s, sizeof *s), EAR_INVALID);
    s->layout.magic[7] = '1';
    s->layout.step = NAN;
    assert_int_equal(open_small(s, sizeof *s), EAR_INVALID);
    s->layout.step = 1;
    s->layout.prior[EAR_ARABIC][3] = INFINITY;
    assert_int_equal(open_small(s, sizeof *s), EAR_INVALID);
    s->layout.prior[EAR_ARABIC][3] = 0;
    s->layout.row_first[EAR_CYRILLIC] = UINT32_MAX;
    assert_int_equal(open_small(s, sizeof *s), EAR_INVALID);
    s->layout.row_first[EAR_CYRILLIC] = 1;
    s->layout.codes[EAR_LATIN][0][3] = 'x';
    assert_int_equal(open_small(s, sizeof *s), EAR_INVALID);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters__leave_out_what_is_no_talk),
        cmocka_unit_test(test_letters__of_nothing_are_none),
        cmocka_unit_test(test_letters__are_read_in_pieces_when_long),
        cmocka_unit_test(test_language__scripts_of_one_language_need_no_table),
        cmocka_unit_test(test_language__adds_the_columns_of_all_grams),
        cmocka_unit_test(test_language__refuses_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
