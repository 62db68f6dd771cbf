/* Words that keep the same company get vectors that lie together. */
#include "learn/skipgram.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define POSTS  400
#define GROUPS 2
#define WORDS  6

static const char *const words[GROUPS][WORDS] = {
    {"train", "platform", "delay", "seat", "ticket", "carriage"},
    {"card", "invoice", "refund", "payment", "charge", "account"},
};

static uint32_t posts[POSTS];

static void make_posts(struct ear_vocabulary *v)
{
    struct ear_normal normal;
    uint32_t state = 3;
    ear_normal_init(&normal);
    ear_vocabulary_init(v);
    for (uint32_t i = 0; i < POSTS; i++) {
        char text[128] = "";
        for (size_t k = 0, at = 0; k < 6; k++) {
            state = state * 1664525 + 1013904223;
            int length = snprintf(text + at, sizeof text - at, "%s ",
                                  words[i % GROUPS][(state >> 16) % WORDS]);
            at += (size_t)length;
        }
        ear_normalise(&normal, ear_str_from(text), EAR_STR_NONE);
        ear_vocabulary_add(v, &normal);
        posts[i] = i;
    }
    ear_normal_release(&normal);
}

static const float *vector_of(const struct ear_word_vectors *vectors,
                              const struct ear_vocabulary *v, const char *word)
{
    uintptr_t number = (uintptr_t)ear_map_get(v->numbers, ear_str_from(word));
    assert_true(number > 0);
    assert_true(vectors->places[number - 1] < vectors->count);
    return vectors->vectors + vectors->places[number - 1] * vectors->dims;
}

static float cosine(const float *a, const float *b, size_t dims)
{
    float ab = 0, aa = 0, bb = 0;
    for (size_t d = 0; d < dims; d++) {
        ab += a[d] * b[d];
        aa += a[d] * a[d];
        bb += b[d] * b[d];
    }
    return ab / sqrtf(aa * bb);
}

static void learn(const struct ear_vocabulary *v, struct ear_word_vectors *out)
{
    struct ear_skipgram_options options = {
        .words = 100, .dims = 16, .epochs = 30, .rate = 0.1f, .seed = 1};
    ear_skipgram(v, posts, POSTS, &options, out);
}

static void test_skipgram__company_tells(void **state)
{
    struct ear_vocabulary v;
    struct ear_word_vectors vectors;
    (void)state;
    make_posts(&v);
    learn(&v, &vectors);
    assert_int_equal(vectors.count, GROUPS * WORDS);
    for (size_t g = 0; g < GROUPS; g++)
        for (size_t i = 1; i < WORDS; i++) {
            const float *word = vector_of(&vectors, &v, words[g][i]);
            float own = cosine(word, vector_of(&vectors, &v, words[g][0]), vectors.dims);
            float other = cosine(word, vector_of(&vectors, &v, words[1 - g][0]), vectors.dims);
            if (own < other + 0.3f)
                fail_msg("%s: %.2f to its own, %.2f to others", words[g][i], (double)own,
                         (double)other);
        }
    ear_word_vectors_release(&vectors);
    ear_vocabulary_release(&v);
}

static void test_skipgram__same_each_time(void **state)
{
    struct ear_vocabulary v;
    struct ear_word_vectors first, second;
    (void)state;
    make_posts(&v);
    learn(&v, &first);
    learn(&v, &second);
    assert_int_equal(first.count, second.count);
    assert_memory_equal(first.vectors, second.vectors,
                        first.count * first.dims * sizeof *first.vectors);
    ear_word_vectors_release(&first);
    ear_word_vectors_release(&second);
    ear_vocabulary_release(&v);
}

/* The most frequent come first, and what is rare or one too many has no place. */
static void test_vocabulary__ranks_by_posts(void **state)
{
    static const char *const texts[] = {"tea tea tea tea", "cake tea", "cake jam", "jam cake",
                                        "salt"};
    static const uint32_t all[] = {0, 1, 2, 3, 4};
    struct ear_vocabulary v;
    struct ear_normal normal;
    uint32_t places[4];
    (void)state;
    ear_normal_init(&normal);
    ear_vocabulary_init(&v);
    for (size_t i = 0; i < 5; i++) {
        ear_normalise(&normal, ear_str_from(texts[i]), EAR_STR_NONE);
        ear_vocabulary_add(&v, &normal);
    }
    assert_int_equal(v.word_count, 4); /* tea cake jam salt, as they came */
    struct ear_vocabulary_choice choice = {all, 5, 2, 2};
    assert_int_equal(ear_vocabulary_rank(&v, &choice, places), 2);
    assert_int_equal(places[1], 0);
    assert_int_equal(places[0], 1);
    assert_int_equal(places[2], 2);
    assert_int_equal(places[3], 2);
    choice.max = 100;
    assert_int_equal(ear_vocabulary_rank(&v, &choice, places), 3);
    assert_int_equal(places[2], 2);
    assert_int_equal(places[3], 3);
    ear_vocabulary_release(&v);
    ear_normal_release(&normal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_skipgram__company_tells),
        cmocka_unit_test(test_skipgram__same_each_time),
        cmocka_unit_test(test_vocabulary__ranks_by_posts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
