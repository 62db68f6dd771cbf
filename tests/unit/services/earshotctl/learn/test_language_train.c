/* A table trained on a handful of sentences, and what it says of posts; damage of encoding mended.
 */
#include "learn/language_train.h"
#include "learn/mojibake.h"
#include "model/language.h"
#include "text/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* With the first text of each its phrases of talk.def are learnt. */
static const struct lesson {
    const char *code, *text;
} lessons[] = {
    {"en", "All human beings are born free and equal in dignity and rights."},
    {"de", "Alle Menschen sind frei und gleich an Würde und Rechten geboren."},
    {"fr", "Tous les êtres humains naissent libres et égaux en dignité et en droits."},
    {"es", "Todos los seres humanos nacen libres e iguales en dignidad y derechos."},
    {"it", "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti."},
    {"nl", "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren."},
    {"pt", "Todos os seres humanos nascem livres e iguais em dignidade e em direitos."},
    {"ru", "Все люди рождаются свободными и равными в своем достоинстве и правах."},
    {"uk", "Всі люди народжуються вільними і рівними у своїй гідності та правах."},
    {"ar", "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق."},
    {"fa", "تمام افراد بشر آزاد به دنیا می‌آیند"},
    {"ko", "모든 인간은 태어날 때부터 자유로우며"},
};

struct table {
    struct ear_buf bytes;
    void *aligned;
    struct ear_language language;
    struct ear_text text;
};
static struct table table;

static void train(struct ear_buf *out)
{
    struct ear_language_trainer *t = ear_language_trainer_new();
    struct ear_diag diag;
    for (size_t i = 0; i < EAR_COUNT(lessons); i++)
        assert_int_equal(ear_language_trainer_add(t, ear_str_from(lessons[i].code),
                                                  ear_str_from(lessons[i].text), &diag),
                         EAR_OK);
    assert_int_equal(ear_language_trainer_write(t, out, &diag), EAR_OK);
    ear_language_trainer_free(&t);
    assert_null(t);
}

static int set_up(void **state)
{
    (void)state;
    ear_buf_init(&table.bytes, EAR_LANGUAGE_BYTES_MAX);
    ear_text_init(&table.text, 100000);
    train(&table.bytes);
    table.aligned = aligned_alloc(EAR_LANGUAGE_ALIGN, (table.bytes.len + 63) / 64 * 64);
    memcpy(table.aligned, table.bytes.data, table.bytes.len);
    struct ear_str section = {table.aligned, table.bytes.len};
    return ear_language_open(section, &table.language, NULL) ? 1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    ear_buf_release(&table.bytes);
    ear_text_release(&table.text);
    free(table.aligned);
    return 0;
}

static struct ear_language_guess guess_of(struct ear_str raw, const char *hint)
{
    struct ear_language_guess guess;
    assert_int_equal(ear_text_normalise(&table.text, raw, EAR_STR("@acme")), EAR_OK);
    ear_language_guess(&table.language, ear_buf_str(&table.text.text), ear_str_from(hint), &guess);
    return guess;
}

static void assert_best(const char *raw, const char *hint, const char *best)
{
    struct ear_language_guess guess = guess_of(ear_str_from(raw), hint);
    if (strcmp(guess.best, best) != 0) print_error("%s: %s, not %s\n", raw, guess.best, best);
    assert_string_equal(guess.best, best);
}

static const struct {
    const char *text, *best;
} posts[] = {
    {"I still haven't got what I ordered, what's going on?", "en"},
    {"Ich hab mein Paket immer noch nicht, was ist los?", "de"},
    {"Wo bleibt mein Zug schon wieder?!", "de"},
    {"Je n'ai toujours pas reçu le colis, c'est pas sérieux", "fr"},
    {"¿Por qué todavía no me ha llegado el pedido?", "es"},
    {"Perché il pacco non è ancora arrivato?", "it"},
    {"Waarom is mijn pakje nog steeds niet gekomen?", "nl"},
    {"Ainda não recebi a encomenda, o que vocês estão fazendo?", "pt"},
    {"Все люди рождаются со своими правами", "ru"},
    {"Чому всі люди чекають у своїй гідності", "uk"},
    {"هم برابرند و حقوق افراد", "fa"},
    {"جميع الناس في الحقوق", "ar"},
    {"배송이 안 왔어요", "ko"},
    /* short */
    {"gracias!!", "es"},
    {"merci beaucoup", "fr"},
    {"dankjewel", "nl"},
    {"danke schön", "de"},
    {"grazie mille", "it"},
    {"obrigado", "pt"},
    {"thx", "en"},
    /* code-switching: what most is written in */
    {"@acme der Support ist leider gar nicht awesome, was soll das?", "de"},
    {"le service de @acme c'est vraiment pas fun en ce moment", "fr"},
    /* only tags */
    {"@acme #danke #schön", "de"},
    /* a name in quotes */
    {"gestern abend \"the walking dead\" gesehen, echt krass", "de"},
};

static void test_language__knows_posts(void **state)
{
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(posts); i++) assert_best(posts[i].text, "", posts[i].best);
}

static void test_language__passes_over_what_is_no_talk(void **state)
{
    (void)state;
    static const char *const around[] = {
        "@acme %s",
        "%s http://the.example/what-is-this-all-about",
        "%s #thisisfunny",
        "%s 😀😀",
        "RT @with_the_boys: %s",
        "%s 12.11. 5€",
    };
    for (size_t i = 0; i < EAR_COUNT(posts); i++)
        for (size_t k = 0; k < EAR_COUNT(around); k++) {
            if (strchr(posts[i].text, '#')) continue; /* tags count where nothing else does */
            struct ear_buf raw;
            ear_buf_init(&raw, 1000);
            const char *at = strchr(around[k], '%');
            assert_int_equal(ear_buf_append(&raw, around[k], (size_t)(at - around[k])), EAR_OK);
            assert_int_equal(ear_buf_append_str(&raw, ear_str_from(posts[i].text)), EAR_OK);
            assert_int_equal(ear_buf_append_str(&raw, ear_str_from(at + 2)), EAR_OK);
            assert_best(raw.data, "", posts[i].best);
            ear_buf_release(&raw);
        }
}

static void test_language__is_unsure_of_what_says_nothing(void **state)
{
    (void)state;
    static const char *const cases[] = {"",         "😀👍", "@acme",          "12:30",
                                        "hahahaha", "x",  "@user @user !!!"};
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_language_guess guess = guess_of(ear_str_from(cases[i]), "");
        assert_string_equal(guess.code, "und");
    }
}

static void test_language__hint_breaks_ties_only(void **state)
{
    (void)state;
    assert_best("no", "es", "es");
    assert_best("no", "en-GB", "en");
    assert_best("no", "IT_it", "it");
    assert_best("Waarom is mijn pakje nog steeds niet gekomen?", "en", "nl");
    assert_best("Ich hab mein Paket immer noch nicht, was ist los?", "nl", "de");
    assert_best("no", "zz", guess_of(EAR_STR("no"), "").best);
}

static void test_language__same_texts_give_the_same_bytes(void **state)
{
    (void)state;
    struct ear_buf again;
    ear_buf_init(&again, EAR_LANGUAGE_BYTES_MAX);
    train(&again);
    assert_int_equal(again.len, table.bytes.len);
    assert_memory_equal(again.data, table.bytes.data, again.len);
    assert_int_equal(ear_language_count(&table.language), 11); /* Korean needs no column */
    ear_buf_release(&again);
}

/* Any bytes: no crash, a code of the table or und, a probability. */
static void test_language__takes_any_bytes(void **state)
{
    (void)state;
    uint32_t x = 12345;
    char bytes[700];
    for (size_t round = 0; round < 3000; round++) {
        size_t len = round % sizeof bytes;
        for (size_t i = 0; i < len; i++) {
            x = x * 1664525 + 1013904223;
            bytes[i] = (char)(x >> 24);
        }
        struct ear_language_guess guess;
        ear_language_guess(&table.language, (struct ear_str){bytes, len}, EAR_STR_NONE, &guess);
        assert_true(guess.p >= 0 && guess.p <= 1);
        assert_true(strlen(guess.best) >= 2 && strlen(guess.code) >= 2);
        assert_true(strcmp(guess.code, "und") == 0 || strcmp(guess.code, guess.best) == 0);
    }
}

static void test_trainer__refuses_what_teaches_nothing(void **state)
{
    (void)state;
    struct ear_language_trainer *t = ear_language_trainer_new();
    struct ear_diag diag;
    struct ear_buf out;
    ear_buf_init(&out, EAR_LANGUAGE_BYTES_MAX);
    static const char *const codes[] = {"", "e", "English", "EN", "e1"};
    for (size_t i = 0; i < EAR_COUNT(codes); i++)
        assert_int_equal(
            ear_language_trainer_add(t, ear_str_from(codes[i]), EAR_STR("text"), &diag),
            EAR_INVALID);
    assert_int_equal(ear_language_trainer_add(t, EAR_STR("en"), EAR_STR("some text"), &diag),
                     EAR_OK);
    assert_int_equal(ear_language_trainer_write(t, &out, &diag), EAR_INVALID);
    ear_buf_release(&out);
    ear_language_trainer_free(&t);
}

static void test_mojibake__mends_what_was_read_wrongly(void **state)
{
    (void)state;
    static const struct {
        const char *text, *mended;
    } cases[] = {
        {"fÃ¼r mÃ¶gen", "für mögen"}, {"â‚¬ 5", "€ 5"}, {"ÐŸÑ€Ð¸", "При"},
        {"für Äpfel", "für Äpfel"},   {"Ã", "Ã"},       {"Ãber", "Ãber"},
        {"plain", "plain"},           {"", ""},         {"São José", "São José"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_buf out;
        ear_buf_init(&out, 100);
        assert_int_equal(ear_mojibake_mend(ear_str_from(cases[i].text), &out), EAR_OK);
        assert_true(ear_str_eq(ear_buf_str(&out), ear_str_from(cases[i].mended)));
        ear_buf_release(&out);
    }
}

/* Without any text of a language, by what we know ourselves. */
static const struct {
    const char *text, *best;
} plain[] = {
    {"why is my train always late", "en"},
    {"Wo bleibt mein Paket?", "de"},
    {"kein Internet seit gestern", "de"},
    {"toujours pas de réponse", "fr"},
    {"no me ha llegado el pedido", "es"},
    {"non è ancora arrivato niente", "it"},
    {"não consigo entrar na minha conta", "pt"},
    {"ik kan niet inloggen", "nl"},
    {"jag har inte fått mitt paket än", "sv"},
    {"hvornår kommer min pakke, jeg har ventet siden mandag", "da"},
    {"gdzie jest moja paczka, proszę o pomoc", "pl"},
    {"paketim nerede, çok bekledim", "tr"},
    {"где моя посылка?", "ru"},
    {"де моя посилка? її досі немає", "uk"},
    {"πού είναι το δέμα μου", "el"},
    {"איפה החבילה שלי", "he"},
    {"أين الطرد الخاص بي", "ar"},
    {"मेरा पार्सल कहाँ है", "hi"},
    {"荷物はどこですか", "ja"},
    {"내 소포는 어디 있나요", "ko"},
};

static void test_language__our_own_words_tell_languages(void **state)
{
    (void)state;
    struct ear_language_trainer *t = ear_language_trainer_new();
    struct ear_language whole = table.language;
    struct ear_buf bytes;
    struct ear_diag diag;
    ear_buf_init(&bytes, EAR_LANGUAGE_BYTES_MAX);
    assert_int_equal(ear_language_trainer_add_own(t, &diag), EAR_OK);
    assert_int_equal(ear_language_trainer_write(t, &bytes, &diag), EAR_OK);
    void *aligned = aligned_alloc(EAR_LANGUAGE_ALIGN, (bytes.len + 63) / 64 * 64);
    memcpy(aligned, bytes.data, bytes.len);
    struct ear_str section = {aligned, bytes.len};
    assert_int_equal(ear_language_open(section, &table.language, &diag), EAR_OK);
    for (size_t i = 0; i < EAR_COUNT(plain); i++) assert_best(plain[i].text, "", plain[i].best);
    table.language = whole;
    ear_language_trainer_free(&t);
    ear_buf_release(&bytes);
    free(aligned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_language__knows_posts),
        cmocka_unit_test(test_language__passes_over_what_is_no_talk),
        cmocka_unit_test(test_language__is_unsure_of_what_says_nothing),
        cmocka_unit_test(test_language__hint_breaks_ties_only),
        cmocka_unit_test(test_language__our_own_words_tell_languages),
        cmocka_unit_test(test_language__same_texts_give_the_same_bytes),
        cmocka_unit_test(test_language__takes_any_bytes),
        cmocka_unit_test(test_trainer__refuses_what_teaches_nothing),
        cmocka_unit_test(test_mojibake__mends_what_was_read_wrongly),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
