/* The network by hand, against a plain reading of what it should be, and from hostile sections. */
#include "base/base.h"
#include "model/network.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FILTERS 16
#define OUTPUTS (EAR_NETWORK_WIDTHS * FILTERS)
#define NUMBERS (EAR_NETWORK_PLACES * FILTERS) /* of a word */
#define WORDS   4

static const struct ear_str words[WORDS] = {{"late", 4}, {"parcel", 6}, {"thanks", 6}, {"@url", 4}};

struct net {
    float rows[WORDS][NUMBERS], unknown[NUMBERS], negated[NUMBERS], bias[OUTPUTS];
    struct ear_buf section;
    struct ear_network network;
};

static struct ear_network_parts parts_of(const struct net *n)
{
    return (struct ear_network_parts){words,      WORDS,      FILTERS, *n->rows,
                                      n->unknown, n->negated, n->bias};
}

static void write_and_open(struct net *n)
{
    struct ear_diag diag;
    struct ear_network_parts parts = parts_of(n);
    ear_buf_init(&n->section, 1 << 20);
    assert_int_equal(ear_network_write(&parts, &n->section), EAR_OK);
    if (ear_network_open(ear_buf_str(&n->section), &n->network, &diag)) fail_msg("%s", diag.text);
    assert_int_equal(ear_network_outputs(&n->network), OUTPUTS);
}

static void normalise(struct ear_normal *normal, const char *text)
{
    ear_normal_init(normal);
    ear_normalise(normal, ear_str_from(text), EAR_STR("acme"));
}

/* ---- by hand ---- */

/* Of all outputs. */
static void windows_of(const struct net *n, const struct ear_normal *normal,
                       struct ear_network_window *window)
{
    uint16_t all[OUTPUTS];
    for (size_t i = 0; i < OUTPUTS; i++) all[i] = (uint16_t)i;
    ear_network_windows(&n->network, normal, all, OUTPUTS, window);
}

/* Of the first filter of each width; whole numbers, and 127 among them, are kept as they are. */
static void set_by_hand(struct net *n)
{
    static const float row[WORDS + 2][EAR_NETWORK_PLACES] = {
        {10, 3, 20, 5, 6, 7},             /* late */
        {-4, 30, 1, 8, 9, 10},            /* parcel */
        {-90, -80, -70, -60, -50, -40},   /* thanks */
        {127, 127, -127, 127, 127, -127}, /* @url */
        {1, 2, 3, 4, 5, -6},              /* unknown */
        {-20, -30, -40, 2, 2, 2},         /* negated */
    };
    *n = (struct net){.bias = {[0] = -2, [FILTERS] = 5, [2 * FILTERS] = -10}};
    for (size_t place = 0; place < EAR_NETWORK_PLACES; place++) {
        for (size_t w = 0; w < WORDS; w++) n->rows[w][place * FILTERS] = row[w][place];
        n->unknown[place * FILTERS] = row[WORDS][place];
        n->negated[place * FILTERS] = row[WORDS + 1][place];
    }
    write_and_open(n);
}

static void test_network_read__is_what_it_is_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        float answer[EAR_NETWORK_WIDTHS];
        struct ear_network_window window[EAR_NETWORK_WIDTHS];
    } cases[] = {
        {"", {0, 0, 0}, {{0, 0}, {0, 0}, {0, 0}}},
        /* Alone it stands in each place in turn. */
        {"late", {8, 25, 0}, {{0, 1}, {0, 1}, {0, 1}}},
        {"thanks", {0, 0, 0}, {{0, 1}, {0, 1}, {0, 1}}},
        /* 30 + 20; 9 + 7, nothing before them */
        {"parcel late", {8, 55, 6}, {{1, 1}, {0, 2}, {0, 2}}},
        /* a known word behind one that is not: 2 + 20; 5 + 7 */
        {"zounds late", {8, 27, 2}, {{1, 1}, {0, 2}, {0, 2}}},
        /* 4 + 9 + 7 in the middle of five */
        {"zounds parcel late thanks thanks", {8, 55, 10}, {{2, 1}, {1, 2}, {0, 3}}},
        /* "late" is negated: 10 - 20, so that 1 is the most; 2 + 3; 4 + 5 + 9 */
        {"zounds not late", {0, 10, 8}, {{0, 1}, {0, 2}, {0, 3}}},
        /* a mask, with nothing behind it */
        {"see https://t.co/x", {125, 132, 121}, {{1, 1}, {1, 1}, {0, 2}}},
    };
    struct net n;
    set_by_hand(&n);
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_normal normal;
        float out[OUTPUTS];
        struct ear_network_window window[OUTPUTS];
        normalise(&normal, cases[i].text);
        ear_network_read(&n.network, &normal, out);
        windows_of(&n, &normal, window);
        for (size_t width = 0; width < EAR_NETWORK_WIDTHS; width++) {
            float answer = out[width * FILTERS];
            const struct ear_network_window *w = &window[width * FILTERS];
            const struct ear_network_window *hand = &cases[i].window[width];
            if (answer != cases[i].answer[width] || w->first != hand->first ||
                w->words != hand->words)
                fail_msg("\"%s\", width %zu: %f by %u words from %u", cases[i].text, width + 1,
                         (double)answer, w->words, w->first);
        }
        for (size_t o = 0; o < OUTPUTS; o++) assert_true(o % FILTERS == 0 || out[o] == 0);
        ear_normal_release(&normal);
    }
    ear_buf_release(&n.section);
}

/* ---- against a plain reading, in floating point ---- */

static uint64_t rnd_state = 3;

static float rnd(void)
{
    rnd_state = rnd_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (float)(int32_t)(rnd_state >> 32) / 2147483648.0f;
}

static void set_at_random(struct net *n)
{
    *n = (struct net){.section = {0}};
    for (size_t i = 0; i < NUMBERS; i++) {
        for (size_t w = 0; w < WORDS; w++) n->rows[w][i] = rnd() * (float)(1 + i % 5);
        n->unknown[i] = rnd() / 2;
        n->negated[i] = rnd();
    }
    for (size_t i = 0; i < OUTPUTS; i++) n->bias[i] = 2 * rnd();
    write_and_open(n);
}

static float adds(const struct net *n, const struct ear_normal_token *token, size_t number)
{
    const float *row = n->unknown;
    for (size_t w = 0; w < WORDS; w++)
        if (ear_str_eq(token->text, words[w])) row = n->rows[w];
    return row[number] + (token->negated ? n->negated[number] : 0);
}

static float plainly(const struct net *n, const struct ear_normal *normal, size_t width,
                     size_t filter)
{
    static const size_t first_place[] = {0, 1, 3};
    int count =
        normal->token_count < EAR_NETWORK_TOKENS ? (int)normal->token_count : EAR_NETWORK_TOKENS;
    float most = -INFINITY;
    for (int from = -(int)width; from < count; from++) {
        float sum = 0;
        for (int k = 0; k <= (int)width; k++)
            if (from + k >= 0 && from + k < count)
                sum += adds(n, &normal->tokens[from + k],
                            (first_place[width] + (size_t)k) * FILTERS + filter);
        most = fmaxf(most, sum);
    }
    return fmaxf(0, n->bias[width * FILTERS + filter] + most);
}

static void test_network_read__is_near_to_what_was_written(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "late",
        "my parcel is late, not the thanks you get https://t.co/x",
        "no parcel, never late",
        "thanks \U0001F621\U0001F621 late!! 12 days",
    };
    struct net n;
    set_at_random(&n);
    for (size_t t = 0; t < EAR_COUNT(texts); t++) {
        struct ear_normal normal;
        float out[OUTPUTS];
        normalise(&normal, texts[t]);
        ear_network_read(&n.network, &normal, out);
        for (size_t o = 0; o < OUTPUTS; o++) {
            float plain = plainly(&n, &normal, o / FILTERS, o % FILTERS);
            /* half a step for each row of a window and the bias */
            float error = n.network.scale[o] * (float)(2 * (o / FILTERS + 1) + 1) / 2 + 1e-5f;
            if (!(fabsf(out[o] - plain) <= error))
                fail_msg("\"%s\": %f is not %f", texts[t], (double)out[o], (double)plain);
        }
        ear_normal_release(&normal);
    }
    ear_buf_release(&n.section);
}

static void test_network_read__hears_the_first_words_of_many(void **state)
{
    (void)state;
    struct net n;
    set_by_hand(&n);
    for (size_t before = EAR_NETWORK_TOKENS - 2; before < EAR_NETWORK_TOKENS + 2; before++) {
        struct ear_normal normal;
        char text[4 * EAR_NETWORK_TOKENS];
        float out[OUTPUTS];
        struct ear_network_window window[OUTPUTS];
        for (size_t i = 0; i < before; i++) memcpy(text + 2 * i, "x ", 2);
        snprintf(text + 2 * before, sizeof text - 2 * before, "late late late");
        normalise(&normal, text);
        assert_int_equal(normal.token_count, before + 3);
        ear_network_read(&n.network, &normal, out);
        windows_of(&n, &normal, window);
        assert_int_equal((int)out[0], before < EAR_NETWORK_TOKENS ? 8 : 0);
        for (size_t o = 0; o < OUTPUTS; o++)
            assert_true(window[o].words > 0 &&
                        window[o].first + window[o].words <= EAR_NETWORK_TOKENS);
        ear_normal_release(&normal);
    }
    ear_buf_release(&n.section);
}

static void test_network_read__says_nothing_without_a_network(void **state)
{
    (void)state;
    struct ear_network none = {0};
    struct ear_normal normal;
    float out[1] = {7};
    normalise(&normal, "late");
    ear_network_read(&none, &normal, out);
    assert_int_equal(ear_network_outputs(&none), 0);
    assert_true(out[0] == 7);
    ear_normal_release(&normal);
}

/* ---- sections ---- */

#define HEAD   64
#define SLOTS  64 /* of four words */
#define SCALES (HEAD + SLOTS * 8)
#define BIASES (SCALES + OUTPUTS * 4)

static void test_network_open__refuses_what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint32_t value;
        const char *because;
    } cases[] = {
        {0, 0, "counts"},                        /* no words */
        {0, 5, "counts"},                        /* more than there are rows */
        {0, 65536, "counts"},                    /* more than a section may have */
        {0, UINT32_MAX, "counts"},               /* sizes that wrap around */
        {4, 0, "counts"},                        /* no filters */
        {4, 24, "counts"},                       /* no multiple of 16 */
        {4, 144, "counts"},                      /* too many */
        {4, 32, "counts"},                       /* more than there are */
        {8, 0, "counts"},                        /* no slots */
        {8, 63, "counts"},                       /* no power of two */
        {8, 128, "counts"},                      /* more than there are */
        {8, UINT32_C(1) << 31, "counts"},        /* far too many */
        {HEAD + 4, WORDS, "a slot's word"},      /* a row behind the last */
        {HEAD + 4, UINT32_MAX, "a slot's word"}, /* far behind */
        {SCALES, 0x7FC00000, "a scale"},         /* not a number */
        {SCALES + 4, 0x7F800000, "a scale"},     /* infinite */
        {SCALES + 8, 0xBF800000, "a scale"},     /* -1 */
        {BIASES, 16385, "a bias"},               /* too large for sums of 16 bits */
        {BIASES + 4, 0x8000, "a bias"},          /* too small for them */
    };
    struct net n;
    set_by_hand(&n);
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_network network;
        struct ear_diag diag = {.err = EAR_OK};
        uint32_t good;
        memcpy(&good, n.section.data + cases[i].at, sizeof good);
        memcpy(n.section.data + cases[i].at, &cases[i].value, sizeof good);
        assert_int_equal(ear_network_open(ear_buf_str(&n.section), &network, &diag), EAR_INVALID);
        if (!strstr(diag.text, cases[i].because)) fail_msg("case %zu: %s", i, diag.text);
        assert_int_equal(ear_network_outputs(&network), 0);
        memcpy(n.section.data + cases[i].at, &good, sizeof good);
    }
    ear_buf_release(&n.section);
}

/* A table without a free slot would be searched for ever. */
static void test_network_open__refuses_a_full_table(void **state)
{
    (void)state;
    struct net n;
    struct ear_network network;
    struct ear_diag diag;
    set_by_hand(&n);
    for (uint32_t i = 0; i < SLOTS; i++)
        memcpy(n.section.data + HEAD + i * 8, &(uint32_t){i + 1}, 4);
    assert_int_equal(ear_network_open(ear_buf_str(&n.section), &network, &diag), EAR_INVALID);
    assert_non_null(strstr(diag.text, "overfull"));
    ear_buf_release(&n.section);
}

/* From memory that ends where the section is cut. */
static void test_network_open__refuses_a_cut_section(void **state)
{
    (void)state;
    struct net n;
    struct ear_network network;
    struct ear_diag diag;
    set_by_hand(&n);
    for (size_t len = 0; len < n.section.len; len += 61) {
        char *cut = ear_alloc(len + !len);
        memcpy(cut, n.section.data, len);
        assert_int_equal(ear_network_open((struct ear_str){cut, len}, &network, &diag),
                         EAR_INVALID);
        assert_non_null(strstr(diag.text, len < HEAD ? "too short" : "size does not fit"));
        free(cut);
    }
    ear_buf_release(&n.section);
}

/* Half is free, but all that is used lies in a row, which every search would walk through. */
static void test_network_open__refuses_a_crowd(void **state)
{
    (void)state;
    enum { CROWD = 4096 };
    struct net n;
    struct ear_network network;
    struct ear_diag diag;
    struct ear_buf crowded;
    set_by_hand(&n);
    ear_buf_init(&crowded, 1 << 20);
    assert_int_equal(ear_buf_append(&crowded, n.section.data, HEAD), EAR_OK);
    memcpy(crowded.data + 8, &(uint32_t){CROWD}, 4);
    for (uint32_t i = 0; i < CROWD; i++)
        assert_int_equal(ear_buf_append(&crowded, (uint32_t[]){i < CROWD / 2 ? i + 1 : 0, 0}, 8),
                         EAR_OK);
    size_t behind = HEAD + SLOTS * 8;
    assert_int_equal(ear_buf_append(&crowded, n.section.data + behind, n.section.len - behind),
                     EAR_OK);
    assert_int_equal(ear_network_open(ear_buf_str(&crowded), &network, &diag), EAR_INVALID);
    assert_non_null(strstr(diag.text, "overfull in one place"));
    ear_buf_release(&crowded);
    ear_buf_release(&n.section);
}

static void test_network_write__refuses_what_does_not_fit(void **state)
{
    (void)state;
    struct net n;
    struct ear_buf out;
    set_by_hand(&n);
    ear_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < 6; i++) {
        struct net changed = n;
        struct ear_network_parts parts = parts_of(&changed);
        if (i == 0) parts.word_count = 0;
        if (i == 1) parts.word_count = EAR_NETWORK_WORDS + 1;
        if (i == 2) parts.filters = 8;
        if (i == 3) parts.filters = EAR_NETWORK_FILTERS + 16;
        if (i == 4) changed.rows[1][7] = NAN;
        if (i == 5) changed.bias[3] = INFINITY;
        assert_int_equal(ear_network_write(&parts, &out), EAR_INVALID);
        assert_int_equal(out.len, 0);
    }
    ear_buf_release(&out);
    ear_buf_release(&n.section);
}

/* All of a filter that is never moved, and a bias that dwarfs all words. */
static void test_network_write__keeps_odd_filters(void **state)
{
    (void)state;
    struct net n = {.bias = {1000, 0, -1000}};
    struct ear_normal normal;
    float out[OUTPUTS];
    n.rows[0][0] = 1;
    n.rows[0][2] = 1;
    write_and_open(&n);
    normalise(&normal, "late");
    ear_network_read(&n.network, &normal, out);
    assert_true(fabsf(out[0] - 1001) < 0.1f);
    for (size_t o = 1; o < OUTPUTS; o++) assert_true(out[o] == 0);
    ear_normal_release(&normal);
    ear_buf_release(&n.section);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network_read__is_what_it_is_by_hand),
        cmocka_unit_test(test_network_read__is_near_to_what_was_written),
        cmocka_unit_test(test_network_read__hears_the_first_words_of_many),
        cmocka_unit_test(test_network_read__says_nothing_without_a_network),
        cmocka_unit_test(test_network_open__refuses_what_does_not_fit),
        cmocka_unit_test(test_network_open__refuses_a_full_table),
        cmocka_unit_test(test_network_open__refuses_a_cut_section),
        cmocka_unit_test(test_network_open__refuses_a_crowd),
        cmocka_unit_test(test_network_write__refuses_what_does_not_fit),
        cmocka_unit_test(test_network_write__keeps_odd_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
