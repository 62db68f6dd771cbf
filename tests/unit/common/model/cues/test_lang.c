/* Language by script, small words, letters and pieces. */
#include "base/base.h"
#include "model/cues/lang.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define WORDS_MAX 200

static int set_up(void **state)
{
    *state = ear_lang_new();
    return 0;
}

static int tear_down(void **state)
{
    struct ear_lang *lang = *state;
    ear_lang_free(&lang);
    return 0;
}

static struct ear_lang_guess guess_of(void **state, const char *raw, const char *hint)
{
    struct ear_text text;
    struct ear_word words[WORDS_MAX];
    ear_text_init(&text, 4096);
    assert_int_equal(ear_text_normalise(&text, ear_str_from(raw), EAR_STR_NONE), EAR_OK);
    struct ear_str s = ear_buf_str(&text.text);
    size_t count = ear_words_of(s, words, WORDS_MAX);
    struct ear_lang_guess guess = ear_lang_guess(*state, s, words, count, ear_str_from(hint));
    ear_text_release(&text);
    return guess;
}

static void test_lang__cases(void **state)
{
    static const struct {
        const char *want, *text;
    } cases[] = {
        {"en", "why is my train always late"},
        {"de", "Wo bleibt mein Paket?"},
        {"de", "kein Internet seit gestern"},
        {"fr", "toujours pas de réponse"},
        {"es", "no me ha llegado el pedido"},
        {"it", "non è ancora arrivato niente"},
        {"pt", "não consigo entrar na minha conta"},
        {"nl", "ik kan niet inloggen"},
        {"sv", "jag har inte fått mitt paket än"},
        {"da", "hvornår kommer min pakke, jeg har ventet siden mandag"},
        {"pl", "gdzie jest moja paczka, proszę o pomoc"},
        {"tr", "paketim nerede, çok bekledim"},
        {"ru", "где моя посылка?"},
        {"uk", "де моя посилка? її досі немає"},
        {"el", "πού είναι το δέμα μου"},
        {"he", "איפה החבילה שלי"},
        {"ar", "أين الطرد الخاص بي"},
        {"hi", "मेरा पार्सल कहाँ है"},
        {"th", "พัสดุของฉันอยู่ที่ไหน"},
        {"ja", "荷物はどこですか"},
        {"zh", "我的包裹在哪里"},
        {"ko", "내 소포는 어디 있나요"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_lang_guess guess = guess_of(state, cases[i].text, "");
        if (strcmp(guess.best, cases[i].want) != 0) print_message("%s\n", cases[i].text);
        assert_string_equal(guess.best, cases[i].want);
    }
}

static void test_lang__is_unsure_without_words(void **state)
{
    static const char *const texts[] = {"",      "12345",  "👍👍", "https://x.example/y",
                                        "@a @b", "xq zzkw"};
    for (size_t i = 0; i < EAR_COUNT(texts); i++)
        assert_string_equal(guess_of(state, texts[i], "").code, "und");
}

static void test_lang__hint_breaks_ties_and_does_not_overrule(void **state)
{
    assert_string_equal(guess_of(state, "ok", "it").best, "it");
    assert_string_equal(guess_of(state, "ok", "pt-BR").best, "pt");
    assert_string_equal(guess_of(state, "ich warte immer noch auf das Paket", "fr").code, "de");
    assert_string_equal(guess_of(state, "ok", "xx-nonsense").code, "und");
}

static void test_lang__masks_and_handles_say_nothing(void **state)
{
    assert_string_equal(guess_of(state, "@the_and_is @of_to wo ist der Zug", "").best, "de");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lang__cases),
        cmocka_unit_test(test_lang__is_unsure_without_words),
        cmocka_unit_test(test_lang__hint_breaks_ties_and_does_not_overrule),
        cmocka_unit_test(test_lang__masks_and_handles_say_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
