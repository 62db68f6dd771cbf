/* What a post comes to: groups, values, dense inputs; the worked example of docs/classifier.md. */
#include "base/base.h"
#include "language_table.h"
#include "model/features.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* How often `wanted` stands among the words of the last post, and the feature it comes to. */
struct seen {
    size_t count;
    uint32_t index;
};

static struct seen look_for(struct ear_extractor *x, const struct ear_features *f,
                            const char *wanted)
{
    struct seen seen = {0};
    struct ear_feature_place *place = ear_alloc((f->end[EAR_FEATURE_CUES] + 1) * sizeof *place);
    ear_extract_places(x, EAR_FEATURE_WORDS, place);
    for (size_t i = 0; i < f->end[EAR_FEATURE_WORDS]; i++) {
        if (!ear_str_eq(place[i].text, ear_str_from(wanted))) continue;
        seen.count++;
        seen.index = f->index[i];
    }
    free(place);
    return seen;
}

static struct ear_extractor *extractor_with(const struct ear_feature_tables *tables)
{
    struct ear_feature_spec spec = ear_feature_spec_default();
    return ear_extractor_new(&spec, tables, NULL);
}

static struct ear_model_post post_of(const char *text)
{
    return (struct ear_model_post){.text = ear_str_from(text), .account = EAR_STR("@acme")};
}

static bool near(float a, float b)
{
    return fabsf(a - b) < 1e-4f;
}

static void test_extract__comes_to_the_worked_example(void **state)
{
    (void)state;
    struct ear_feature_tables none = {0};
    struct ear_extractor *x = extractor_with(&none);
    struct ear_model_post post = post_of("@Acme It\\u2019s not GOOD: order 123 lost!! &lt;3");
    const struct ear_features *f = ear_extract(x, &post);
    assert_true(ear_str_eq(ear_normal_text(ear_extractor_normal(x)),
                           EAR_STR("@firm it's not good: order 123 lost!! <3")));
    assert_true(near(f->value[EAR_FEATURE_WORDS], 0.5f / sqrtf(22)));
    assert_true(near(f->value[EAR_FEATURE_CHARS], 1.0f / sqrtf(175)));
    assert_true(near(f->value[EAR_FEATURE_CUES], 0.5f / sqrtf(27)));
    assert_int_equal(f->end[EAR_FEATURE_WORDS], 22);
    assert_int_equal(f->end[EAR_FEATURE_CHARS] - f->end[EAR_FEATURE_WORDS], 173);
    assert_int_equal(f->end[EAR_FEATURE_CUES] - f->end[EAR_FEATURE_CHARS], 27);
    assert_int_equal(look_for(x, f, "good").count, 2); /* itself and negated */
    for (size_t i = 0; i < ear_dense_count(&none); i++) {
        if (strcmp(ear_dense_name(i), "capitals") == 0) assert_true(near(f->dense[i], 0.2f));
        if (strcmp(ear_dense_name(i), "exclamation marks") == 0)
            assert_true(near(f->dense[i], 2.0f / 6));
        if (strcmp(ear_dense_name(i), "names the firm") == 0) assert_true(near(f->dense[i], 1));
    }
    ear_extractor_free(&x);
}

static uint32_t index_of(struct ear_extractor *x, const char *text, const char *word)
{
    struct ear_model_post post = post_of(text);
    struct seen seen = look_for(x, ear_extract(x, &post), word);
    if (!seen.count) fail_msg("no %s in %s", word, text);
    return seen.index;
}

static void test_extract__numbers_of_one_shape_are_one(void **state)
{
    (void)state;
    struct ear_feature_tables none = {0};
    struct ear_extractor *x = extractor_with(&none);
    uint32_t shape = index_of(x, "flight 4711", "4711");
    assert_int_equal(index_of(x, "flight 1234", "1234"), shape);
    assert_int_not_equal(index_of(x, "flight 123", "123"), shape);
    ear_extractor_free(&x);
}

static void test_extract__cuts_hashtags_and_looks_words_up(void **state)
{
    (void)state;
    static const struct ear_score scores[] = {
        {{"so", 2}, "", {0, 0, 0, 0, 120}},       {{"frustrated", 10}, "", {0, 0, 0, 0, 60}},
        {{"sof", 3}, "", {0, 0, 0, 0, 5}},        {{"rustrated", 9}, "", {0, 0, 0, 0, 5}},
        {{"good", 4}, "en", {127, 64, 0, 0, 90}}, {{"damn", 4}, "en", {-127, 0, 127, 0, 90}},
    };
    struct ear_buf section;
    struct ear_feature_tables tables = {0};
    ear_buf_init(&section, 1 << 20);
    assert_int_equal(ear_scores_write(scores, EAR_COUNT(scores), &section), EAR_OK);
    assert_int_equal(ear_scores_open(ear_buf_str(&section), &tables.scores, NULL), EAR_OK);
    assert_int_equal(ear_language_open(language_table(), &tables.language, NULL), EAR_OK);
    struct ear_extractor *x = extractor_with(&tables);
    uint32_t word = index_of(x, "i am frustrated", "frustrated");
    assert_int_equal(index_of(x, "#sofrustrated by you", "frustrated"), word);
    struct ear_model_post post = post_of("this is not good at all, damn it, where is my parcel");
    const struct ear_features *f = ear_extract(x, &post);
    for (size_t i = 0; i < ear_dense_count(&tables); i++) {
        if (strcmp(ear_dense_name(i), "glad words") == 0) assert_true(near(f->dense[i], 0));
        if (strcmp(ear_dense_name(i), "bitter words") == 0)
            assert_true(near(f->dense[i], 1.7f / 5.7f)); /* "good" is negated */
        if (strcmp(ear_dense_name(i), "rude words") == 0) assert_true(near(f->dense[i], 2.0f / 6));
    }
    ear_extractor_free(&x);
    ear_buf_release(&section);
}

static void test_extract__places_lie_in_the_text(void **state)
{
    (void)state;
    struct ear_feature_tables none = {0};
    struct ear_extractor *x = extractor_with(&none);
    char *text = ear_strdup("hello @AcmeCares"), *account = ear_strdup("AcmeCares");
    struct ear_model_post post = {.text = ear_str_from(text), .account = ear_str_from(account)};
    const struct ear_features *f = ear_extract(x, &post);
    free(text); /* places are asked for when the post may be gone */
    free(account);
    struct ear_feature_place place[256];
    size_t words = f->end[EAR_FEATURE_WORDS], chars = f->end[EAR_FEATURE_CHARS];
    assert_in_range(f->end[EAR_FEATURE_CUES], 1, EAR_COUNT(place));
    ear_extract_places(x, EAR_FEATURE_WORDS, place);
    ear_extract_places(x, EAR_FEATURE_CHARS, place + words);
    assert_true(ear_str_eq(place[words].text, EAR_STR("h"))); /* behind a blank */
    assert_true(ear_str_eq(place[words + 1].text, EAR_STR("he")));
    assert_true(ear_str_eq(place[chars - 1].text, EAR_STR("llo @firm"))); /* before one */
    struct ear_str normal = ear_normal_text(ear_extractor_normal(x));
    for (size_t i = words; i < chars; i++) {
        assert_true(place[i].text.ptr >= normal.ptr);
        assert_true(place[i].text.ptr + place[i].text.len <= normal.ptr + normal.len);
    }
    for (size_t i = 0; i < chars; i++) assert_int_equal(place[i].input, SIZE_MAX);
    float weight[256], rise[3][EAR_FEATURE_RISES] = {{0}}, token[2] = {0};
    for (size_t i = words; i < chars; i++) {
        bool firm = memchr(place[i].text.ptr, '@', place[i].text.len);
        bool hello = *place[i].text.ptr >= 'a';
        assert_int_equal(place[i].first, hello || !firm ? 0 : 1);
        assert_int_equal(place[i].behind, firm ? 2 : 1);
        float share = weight[i - words] = hello && firm ? 2 : 1;
        for (size_t t = place[i].first; t < place[i].behind; t++)
            token[t] += share / (float)(place[i].behind - place[i].first);
    }
    ear_extract_share(x, weight, rise);
    assert_true(near(rise[0][0] + rise[0][1], token[0]));
    assert_true(near(rise[1][0] + rise[1][1], token[1] - token[0]));
    assert_true(near(rise[2][0] + rise[2][1], -token[1]));
    ear_extractor_free(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extract__comes_to_the_worked_example),
        cmocka_unit_test(test_extract__numbers_of_one_shape_are_one),
        cmocka_unit_test(test_extract__cuts_hashtags_and_looks_words_up),
        cmocka_unit_test(test_extract__places_lie_in_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
