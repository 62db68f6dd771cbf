/* Cases and properties of common/text. */
#include "base/base.h"
#include "text/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAX_BYTES ((size_t)1 << 20)

static void assert_str(struct ear_str got, const char *want)
{
    if (ear_str_eq(got, ear_str_from(want))) return;
    print_error("got  [%.*s]\nwant [%s]\n", EAR_STR_ARG(got), want);
    fail();
}

static void test_repair__makes_any_bytes_storable(void **state)
{
    (void)state;
    static const struct {
        struct ear_str raw;
        const char *want;
        bool valid;
    } cases[] = {
        {{"plain", 5}, "plain", true},
        {{"Zug fährt\t\n", 12}, "Zug fährt\t\n", true},
        {{"a\0b", 3},
         "a\xEF\xBF\xBD"
         "b",
         true},
        {{"a\xFFz", 3}, "a\xEF\xBF\xBDz", false},
        {{"\xC3", 1}, "\xEF\xBF\xBD", false},
        {{"\xED\xA0\x80", 3}, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", false},
        {{"\xC0\x80", 2}, "\xEF\xBF\xBD\xEF\xBF\xBD", false},
        {{"x\r\ny\x07z\x7F", 7}, "x\ny z ", true},
        {{"", 0}, "", true},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_buf out;
        ear_buf_init(&out, 100);
        assert_int_equal(ear_text_repair(cases[i].raw, &out), EAR_OK);
        assert_str(ear_buf_str(&out), cases[i].want);
        assert_true(ear_text_is_utf8(ear_buf_str(&out)));
        assert_int_equal(ear_text_is_utf8(cases[i].raw), cases[i].valid);
        ear_buf_release(&out);
    }
}

static void test_repair__holds_the_ceiling_and_appends_nothing_then(void **state)
{
    (void)state;
    struct ear_buf out;
    ear_buf_init(&out, 4);
    assert_int_equal(ear_buf_append_char(&out, '<'), EAR_OK);
    assert_int_equal(ear_text_repair(EAR_STR("too long"), &out), EAR_TOO_LARGE);
    assert_str(ear_buf_str(&out), "<");
    ear_buf_release(&out);
}

static void test_normalise__cases(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *own, *want;
    } cases[] = {
        {"Hello  World\n", "", "hello world"},
        {"WEISS Straße STRASSE", "", "weiss strasse strasse"},
        {"don’t “stop” – now…", "", "don't \"stop\" - now..."},
        {"Sooooo baaaad!!!!!!", "", "soo baad!!!"},
        {"1000000 www.x.example 555", "", "1000000 @url 555"},
        {"ﬁne ﬀ ①２", "", "fine ff 12"},
        {"e\xCC\x81t\xC3\xA9", "", "\xC3\xA9t\xC3\xA9"},
        {"&lt;b&gt; A&amp;amp;B &amp;#39;s", "", "<b> a&b 's"},
        {"@Norrline where is it? cc @someone.else.example", "@norrline",
         "@firm where is it? cc @user"},
        {"@norrline", "Norrline", "@firm"},
        {"@a@social.example hi", "", "@user hi"},
        {"see https://x.example/a?b=c. and bit.ly/Abc!", "", "see @url. and @url!"},
        {"mail jo.doe+x@mail.example, please", "", "mail @mail, please"},
        {"1/2 and/or a.b 3.5/4", "", "1/2 and/or a.b 3.5/4"},
        {"zero\xE2\x80\x8Bwidth soft\xC2\xADhyphen", "", "zerowidth softhyphen"},
        {"bad\xFF"
         "byte",
         "",
         "bad\xEF\xBF\xBD"
         "byte"},
        {"Ｆｕｌｌ　ｗｉｄｔｈ", "", "full width"},
        {"   ", "", ""},
        {"", "", ""},
        {"@", "", "@"},
        {"@url @mail @firm @user", "", "@url @mail @firm @user"},
    };
    struct ear_text t;
    ear_text_init(&t, MAX_BYTES);
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_str own = ear_str_from(cases[i].own);
        assert_int_equal(ear_text_normalise(&t, ear_str_from(cases[i].raw), own), EAR_OK);
        assert_str(ear_buf_str(&t.text), cases[i].want);
    }
    ear_text_release(&t);
}

/* So many plain letters. */
static void put_letters(struct ear_buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ear_buf_append_char(out, i % 2 ? 'b' : 'a'), EAR_OK);
}

static void put_word(struct ear_buf *out, size_t before, const char *word)
{
    assert_int_equal(ear_buf_printf(out, "%s%s ", before ? " " : "", word), EAR_OK);
}

static void test_normalise__masks_wherever_it_stands(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *text;
    } cases[] = {
        {"http://t.co/x", "@url"},
        {"www.x.de", "@url"},
        {"bit.ly/x", "@url"},
        {"me@x.de", "@mail"},
        {"@acme", "@firm"},
        {"@bob@x.de", "@user"},
        {"x-http://t.co/x", "x-@url"},
        {"9.5/10", "9.5/10"},
        {"a:b", "a:b"},
        {"wwww.x", "@url"},
        {"http:x", "http:x"},
        {"a/b", "a/b"},
        {"\u00E9@x.de", "@mail"},
        {"@url/@x", "@url/@user"},
        {":w@", ":w@"},
    };
    struct ear_text t;
    struct ear_buf raw, want;
    ear_text_init(&t, 4096);
    ear_buf_init(&raw, 4096);
    ear_buf_init(&want, 4096);
    for (size_t i = 0; i < EAR_COUNT(cases); i++)
        for (size_t before = 0; before < 40; before++)
            for (size_t behind = 0; behind < 20; behind++) {
                ear_buf_reset(&raw);
                ear_buf_reset(&want);
                put_letters(&raw, before);
                put_letters(&want, before);
                put_word(&raw, before, cases[i].raw);
                put_word(&want, before, cases[i].text);
                put_letters(&raw, behind + 1);
                put_letters(&want, behind + 1);
                assert_int_equal(ear_text_normalise(&t, ear_buf_str(&raw), EAR_STR("acme")),
                                 EAR_OK);
                if (!ear_str_eq(ear_buf_str(&t.text), ear_buf_str(&want)))
                    fail_msg("%s became \"%s\"", raw.data, t.text.data);
            }
    ear_buf_release(&raw);
    ear_buf_release(&want);
    ear_text_release(&t);
}

static void test_normalise__holds_the_ceiling(void **state)
{
    (void)state;
    struct ear_text t;
    ear_text_init(&t, 16);
    assert_int_equal(ear_text_normalise(&t, EAR_STR("ﷺﷺ"), EAR_STR_NONE), EAR_TOO_LARGE);
    assert_int_equal(ear_text_normalise(&t, EAR_STR("@a @b @c @d"), EAR_STR_NONE), EAR_TOO_LARGE);
    assert_int_equal(ear_text_normalise(&t, EAR_STR("fits"), EAR_STR_NONE), EAR_OK);
    ear_text_release(&t);
}

static void append_utf8(struct ear_buf *buf, uint32_t cp)
{
    char b[4];
    size_t n = 0;
    if (cp < 0x80) {
        b[n++] = (char)cp;
    } else if (cp < 0x800) {
        b[n++] = (char)(0xC0 | cp >> 6);
    } else if (cp < 0x10000) {
        b[n++] = (char)(0xE0 | cp >> 12);
        b[n++] = (char)(0x80 | ((cp >> 6) & 63));
    } else {
        b[n++] = (char)(0xF0 | cp >> 18);
        b[n++] = (char)(0x80 | ((cp >> 12) & 63));
        b[n++] = (char)(0x80 | ((cp >> 6) & 63));
    }
    if (cp >= 0x80) b[n++] = (char)(0x80 | (cp & 63));
    assert_int_equal(ear_buf_append(buf, b, n), EAR_OK);
}

static void test_normalise__takes_every_code_point_there_is(void **state)
{
    (void)state;
    struct ear_text t;
    struct ear_buf raw;
    ear_text_init(&t, MAX_BYTES);
    ear_buf_init(&raw, MAX_BYTES);
    for (uint32_t cp = 1; cp < 0x110000; cp++) {
        if (cp >= 0xD800 && cp < 0xE000) continue;
        append_utf8(&raw, cp);
        if (cp % 4096) continue;
        assert_int_equal(ear_text_normalise(&t, ear_buf_str(&raw), EAR_STR_NONE), EAR_OK);
        assert_true(ear_text_is_utf8(ear_buf_str(&t.text)));
        ear_buf_reset(&raw);
    }
    ear_buf_release(&raw);
    ear_text_release(&t);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static const char *const scraps[] = {
    "hello ",
    "WORLD",
    "é",
    "e\xCC\x81",
    "ß",
    "@Norrline ",
    "@joe",
    " ",
    "!!",
    "zzz",
    "ooo",
    "1000",
    "&amp; ",
    "ü ",
    "https://x.example/a ",
    "a@b.example ",
    "👍🏽",
    "🇩🇪",
    "中文",
    "สวัสดี",
    "привет ",
    "’",
    "l’app",
    "www.x.example ",
    "\xFF",
    ". ",
    "?",
    "#tag ",
    "\n",
    "12:30 ",
    "...",
    "😡😡😡😡",
    "ＡＢ",
    " \xC3",
    "ﬁ",
    "\xF0\x9F",
    "مرحبا ",
    "cut-off ",
    "#",
    "'",
};

static void random_text(struct ear_buf *buf, uint64_t *seed)
{
    ear_buf_reset(buf);
    size_t count = next_random(seed) % 30;
    for (size_t i = 0; i < count; i++) {
        const char *scrap = scraps[next_random(seed) % EAR_COUNT(scraps)];
        assert_int_equal(ear_buf_append_str(buf, ear_str_from(scrap)), EAR_OK);
    }
}

static void test_normalise__gives_well_formed_text_without_doubled_blanks(void **state)
{
    (void)state;
    struct ear_text t;
    struct ear_buf raw;
    uint64_t seed = 88172645463325252u;
    ear_text_init(&t, MAX_BYTES);
    ear_buf_init(&raw, MAX_BYTES);
    for (int i = 0; i < 20000; i++) {
        random_text(&raw, &seed);
        assert_int_equal(ear_text_normalise(&t, ear_buf_str(&raw), EAR_STR("norrline")), EAR_OK);
        struct ear_str got = ear_buf_str(&t.text);
        assert_true(ear_text_is_utf8(got));
        assert_int_equal(ear_str_find(got, EAR_STR("  ")), SIZE_MAX);
        assert_true(got.len == 0 || (got.ptr[0] != ' ' && got.ptr[got.len - 1] != ' '));
        assert_int_equal(ear_str_find(got, EAR_STR("https://")), SIZE_MAX);
        assert_int_equal(ear_str_find(got, EAR_STR("@joe")), SIZE_MAX);
    }
    ear_buf_release(&raw);
    ear_text_release(&t);
}

static void test_next__slices_lie_in_order_within_the_text(void **state)
{
    (void)state;
    struct ear_text t;
    struct ear_buf raw;
    uint64_t seed = 4101842887655102017u;
    ear_text_init(&t, MAX_BYTES);
    ear_buf_init(&raw, MAX_BYTES);
    for (int i = 0; i < 20000; i++) {
        random_text(&raw, &seed);
        assert_int_equal(ear_text_normalise(&t, ear_buf_str(&raw), EAR_STR_NONE), EAR_OK);
        struct ear_str rest = ear_buf_str(&t.text);
        const char *at = rest.ptr, *end = rest.ptr + rest.len;
        struct ear_token token;
        while (ear_text_next(&rest, &token)) {
            assert_true(token.text.len > 0 && token.text.ptr >= at);
            at = token.text.ptr + token.text.len;
            assert_true(at <= end && ear_text_is_utf8(token.text));
        }
    }
    ear_buf_release(&raw);
    ear_text_release(&t);
}

static void tokens_of(struct ear_str text, struct ear_buf *out)
{
    static const char kinds[] = {'w', 'n', 't', 'm', 'f', 'p'};
    struct ear_token token;
    ear_buf_reset(out);
    while (ear_text_next(&text, &token))
        assert_int_equal(ear_buf_printf(out, "%s%c:%.*s", out->len ? " " : "", kinds[token.kind],
                                        EAR_STR_ARG(token.text)),
                         EAR_OK);
}

static void test_next__cases(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"can't log-in, help!!", "w:can't w:log-in p:, w:help p:!!"},
        {"l'app c'est dell'ordine qu'on", "w:l w:app w:c w:est w:dell w:ordine w:qu w:on"},
        {"@firm #fail @url", "m:@firm t:fail m:@url"},
        {"#", "p:#"},
        {"at 12:30, 5g 3,50€ 10-12", "w:at n:12:30 p:, n:5g n:3,50 p:€ n:10-12"},
        {":( ok :) 8:d", "f::( w:ok f::) n:8 f::d"},
        {"😡😡 no", "f:😡 f:😡 w:no"},
        {"网络坏了", "w:网 w:络 w:坏 w:了"},
        {"geht's nicht", "w:geht's w:nicht"},
        {"'quoted' -dash-", "p:' w:quoted p:' p:- w:dash p:-"},
        {"привет, мир", "w:привет p:, w:мир"},
        {"it's £5", "w:it's p:£ n:5"},
        {"", ""},
    };
    struct ear_buf out;
    ear_buf_init(&out, 1000);
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        tokens_of(ear_str_from(cases[i].text), &out);
        assert_str(ear_buf_str(&out), cases[i].want);
    }
    ear_buf_release(&out);
}

static void test_length__cases(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes, points, utf16, graphemes, columns, x;
    } cases[] = {
        {"", 0, 0, 0, 0, 0, 0},
        {"abc", 3, 3, 3, 3, 3, 3},
        {"für", 4, 3, 3, 3, 3, 3},
        {"e\xCC\x81", 3, 2, 2, 1, 1, 2},
        {"👍🏽", 8, 2, 4, 1, 4, 2},
        {"👨‍👩‍👧", 18, 5, 8, 1, 6, 2},
        {"🇩🇪🇫🇷", 16, 4, 8, 2, 4, 4},
        {"日本", 6, 2, 2, 2, 4, 4},
        {"ㅎㅏ한 ก็", 16, 6, 6, 5, 8, 9},
        {"\r\n", 2, 2, 2, 1, 0, 2},
        {"a https://example.org/a/very/long/path?x=1.", 43, 43, 43, 43, 43, 26},
        {"http://a.b/ x", 13, 13, 13, 13, 13, 25},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_str s = ear_str_from(cases[i].text);
        assert_int_equal(ear_text_length(s, EAR_TEXT_BYTES), cases[i].bytes);
        assert_int_equal(ear_text_length(s, EAR_TEXT_CODE_POINTS), cases[i].points);
        assert_int_equal(ear_text_length(s, EAR_TEXT_UTF16), cases[i].utf16);
        assert_int_equal(ear_text_graphemes(s), cases[i].graphemes);
        assert_int_equal(ear_text_length(s, EAR_TEXT_COLUMNS), cases[i].columns);
        assert_int_equal(ear_text_length(s, EAR_TEXT_X_WEIGHT), cases[i].x);
    }
}

static void test_cut__cases(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        ear_text_unit unit;
        size_t limit;
        ear_text_edge edge;
        const char *want;
    } cases[] = {
        {"hello world", EAR_TEXT_GRAPHEMES, 11, EAR_TEXT_AT_WORD, "hello world"},
        {"hello world", EAR_TEXT_GRAPHEMES, 8, EAR_TEXT_AT_GRAPHEME, "hello wo"},
        {"hello world", EAR_TEXT_GRAPHEMES, 7, EAR_TEXT_AT_WORD, "hello"},
        {"hello world", EAR_TEXT_GRAPHEMES, 6, EAR_TEXT_AT_WORD, "hello"},
        {"hello world", EAR_TEXT_GRAPHEMES, 5, EAR_TEXT_AT_WORD, "hello"},
        {"a unbreakablylong", EAR_TEXT_GRAPHEMES, 10, EAR_TEXT_AT_WORD, "a unbreaka"},
        {"für dich", EAR_TEXT_BYTES, 2, EAR_TEXT_AT_GRAPHEME, "f"},
        {"ok 👨‍👩‍👧!", EAR_TEXT_BYTES, 12, EAR_TEXT_AT_GRAPHEME, "ok "},
        {"ok 👨‍👩‍👧!", EAR_TEXT_GRAPHEMES, 4, EAR_TEXT_AT_GRAPHEME,
         "ok 👨‍👩‍👧"},
        {"go https://example.org/x now", EAR_TEXT_X_WEIGHT, 25, EAR_TEXT_AT_GRAPHEME, "go "},
        {"go https://example.org/x now", EAR_TEXT_X_WEIGHT, 26, EAR_TEXT_AT_GRAPHEME,
         "go https://example.org/x"},
        {"日本語", EAR_TEXT_COLUMNS, 5, EAR_TEXT_AT_GRAPHEME, "日本"},
        {"o\xCC\x88o\xCC\x88o", EAR_TEXT_COLUMNS, 2, EAR_TEXT_AT_GRAPHEME, "o\xCC\x88o\xCC\x88"},
        {"abc", EAR_TEXT_GRAPHEMES, 0, EAR_TEXT_AT_WORD, ""},
        {"", EAR_TEXT_GRAPHEMES, 5, EAR_TEXT_AT_WORD, ""},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++)
        assert_str(
            ear_text_cut(ear_str_from(cases[i].text), cases[i].unit, cases[i].limit, cases[i].edge),
            cases[i].want);
}

static void test_cut__never_longer_than_the_limit_and_never_needlessly_short(void **state)
{
    (void)state;
    struct ear_buf raw;
    uint64_t seed = 2685821657736338717u;
    ear_buf_init(&raw, MAX_BYTES);
    for (int i = 0; i < 20000; i++) {
        random_text(&raw, &seed);
        struct ear_str s = ear_buf_str(&raw);
        ear_text_unit unit = (ear_text_unit)(next_random(&seed) % (EAR_TEXT_X_WEIGHT + 1));
        size_t limit = next_random(&seed) % 40;
        struct ear_str cut = ear_text_cut(s, unit, limit, EAR_TEXT_AT_GRAPHEME);
        assert_true(cut.len <= s.len);
        if (unit != EAR_TEXT_X_WEIGHT) assert_true(ear_text_length(cut, unit) <= limit);
        if (ear_text_length(s, unit) <= limit) assert_int_equal(cut.len, s.len);
        struct ear_str word = ear_text_cut(s, unit, limit, EAR_TEXT_AT_WORD);
        assert_true(word.len <= cut.len);
    }
    ear_buf_release(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repair__makes_any_bytes_storable),
        cmocka_unit_test(test_repair__holds_the_ceiling_and_appends_nothing_then),
        cmocka_unit_test(test_normalise__cases),
        cmocka_unit_test(test_normalise__masks_wherever_it_stands),
        cmocka_unit_test(test_normalise__holds_the_ceiling),
        cmocka_unit_test(test_normalise__takes_every_code_point_there_is),
        cmocka_unit_test(test_normalise__gives_well_formed_text_without_doubled_blanks),
        cmocka_unit_test(test_next__slices_lie_in_order_within_the_text),
        cmocka_unit_test(test_next__cases),
        cmocka_unit_test(test_length__cases),
        cmocka_unit_test(test_cut__cases),
        cmocka_unit_test(test_cut__never_longer_than_the_limit_and_never_needlessly_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
