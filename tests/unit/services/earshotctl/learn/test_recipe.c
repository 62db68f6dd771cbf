/* A recipe from words to a model: what it refuses, what it learns, and the same bytes each time. */
#include "learn/recipe.h"
#include "learn/ship.h"
#include "learn/stack.h"
#include "learn/texts.h"
#include "model/model.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/earshot-recipe-XXXXXX";

static void put(const char *name, struct ear_str content)
{
    char path[256];
    struct ear_diag diag;
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(ear_file_write(path, content, 0644, &diag), EAR_OK);
}

static void put_posts(const char *name, const char *head)
{
    struct ear_buf posts;
    ear_buf_init(&posts, 1 << 20);
    assert_int_equal(ear_buf_append_str(&posts, EAR_STR("mood\ttext\n")), EAR_OK);
    static const char *const things[] = {"phone", "order", "app", "router", "coffee",
                                         "train", "card",  "bag", "shoe",   "letter"};
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(ear_buf_printf(&posts, "%s\t%s %s and %s %s\n", i % 2 ? "good" : "bad",
                                        head, things[i / 10], things[i % 10],
                                        i % 2 ? "are lovely thanks" : "are broken again"),
                         EAR_OK);
    put(name, ear_buf_str(&posts));
    ear_buf_release(&posts);
}

static int make_posts(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    put_posts("posts.tsv", "my");
    put_posts("texts.tsv", "their");
    return 0;
}

static int remove_posts(void **state)
{
    static const char *const names[] = {"posts.tsv", "texts.tsv", "recipe", "labels.tsv"};
    char path[256];
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(names); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    return rmdir(dir);
}

static ear_err read_recipe(const char *recipe, struct ear_lessons *lessons, struct ear_diag *diag)
{
    char path[256];
    put("recipe", ear_str_from(recipe));
    (void)snprintf(path, sizeof path, "%s/recipe", dir);
    ear_lessons_init(lessons);
    return ear_recipe_read(path, dir, lessons, diag);
}

#define HEAD "head mood kind=binary labels=bad,good\n"

static void test_recipe__refuses_by_line(void **state)
{
    static const struct {
        const char *recipe, *said;
    } cases[] = {
        {"", "no file to learn from"},
        {"colour red\n", "recipe:1: no line of a recipe begins with \"colour\""},
        {"name\n", "recipe:1: nothing behind \"name\""},
        {"# x\nfeatures words=9\n", "recipe:2: no such number: \"9\""},
        {"head mood kind=oracle\n", "recipe:1: no kind of head"},
        {HEAD HEAD, "recipe:2: this head stood there before: \"mood\""},
        {"use mood column=mood\n", "recipe:1: no file before"},
        {"head mood kind=binary network=no\n", "recipe:1: this line takes no \"network=no\""},
        {"network epoch=50\n", "recipe:1: this line takes no \"epoch=50\""},
        {HEAD "file none.tsv\n", "none.tsv"},
        {HEAD "file posts.tsv\nuse spirit column=mood\n", "recipe:3: no such head: \"spirit\""},
        {HEAD "file posts.tsv\nuse mood column=text2\n", "recipe:3: no such column: \"text2\""},
        {HEAD "file posts.tsv\nuse mood column=mood joined\n", "recipe:3: no labels were joined"},
        {"head mood kind=binary labels=x,y\nfile posts.tsv\nuse mood column=mood\n",
         "\"bad\" is no label of head mood"},
        {HEAD "file posts.tsv\nlist posts.tsv channel=mood\n", "lists stand before"},
        {"list posts.tsv channel=mood\n", "posts.tsv:2: not a word, a tab and a number"},
        {"own-list none.tsv channel=mood\n", "none.tsv"},
        {"own-list posts.tsv channel=mood languages=x\n", "no code of a language: \"x\""},
        {"head mood kind=binary labels=bad,good for=mood\n", "no such head to speak for: \"mood\""},
        {"head mood kind=binary labels=bad,good temper=2\n", "no such number: \"2\""},
        {"network words=0\n", "recipe:1: no such number: \"0\""},
        {"network words=100 epochs=x\n", "recipe:1: no such number: \"x\""},
        {"network filters=20\n", "recipe:1: dims and filters are multiples of 16"},
        {HEAD "file posts.tsv\nuse mood column=mood\ntexts none.tsv\n", "none.tsv"},
        {HEAD "file posts.tsv\nuse mood column=mood\ntexts posts.tsv\nfile posts.tsv\n",
         "recipe:5: files stand before texts: \"posts.tsv\""},
        {"network dims=512\n", "recipe:1: no such number: \"512\""},
        {"head mood kind=softmax labels=a,b,c lean=1,x\n", "no such number: \"x\""},
        {"head mood kind=softmax labels=a,b lean=1,2,3\n", "one number a label"},
        {"head mood kind=softmax labels=a,b soft=0.5\n", "no such number: \"0.5\""},
        {"head mood kind=binary labels=a,b soft=0.1\n", "soft are softmax heads only: \"mood\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ear_lessons *lessons = ear_alloc(sizeof *lessons);
        struct ear_diag diag = {.text = ""};
        assert_int_not_equal(read_recipe(cases[i].recipe, lessons, &diag), EAR_OK);
        if (!strstr(diag.text, cases[i].said)) fail_msg("%zu: said \"%s\"", i, diag.text);
        ear_lessons_release(lessons);
        free(lessons);
    }
}

static void train(const char *recipe, struct ear_buf *file)
{
    struct ear_lessons *lessons = ear_alloc(sizeof *lessons);
    struct ear_trained trained;
    struct ear_diag diag = {.text = ""};
    if (read_recipe(recipe, lessons, &diag)) fail_msg("%s", diag.text);
    ear_corpus_finish(&lessons->corpus, lessons->posts_min);
    ear_texts_read(lessons);
    ear_stack_fit(lessons, NULL, &trained);
    ear_buf_init(file, 1 << 26);
    if (ear_ship(lessons, &trained, file, &diag)) fail_msg("%s", diag.text);
    ear_trained_release(&trained);
    ear_lessons_release(lessons);
    free(lessons);
}

#define RECIPE \
    "name t\nlicence ours\nfeatures bits=16\n" HEAD "file posts.tsv\nuse mood column=mood\n"

#define NETWORK                                                                             \
    "name t\nfeatures bits=16\nnetwork words=9 dims=16 filters=16 epochs=4 text-epochs=2\n" \
    "head mood kind=binary labels=bad,good network\nfile posts.tsv\nuse mood column=mood\n" \
    "texts texts.tsv\n"

static void test_recipe__same_data_same_bytes(void **state)
{
    struct ear_buf a, b;
    (void)state;
    train(RECIPE, &a);
    train(RECIPE, &b);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    ear_buf_release(&a);
    ear_buf_release(&b);
}

static void test_recipe__network_as_described(void **state)
{
    struct ear_lessons *lessons = ear_alloc(sizeof *lessons);
    struct ear_diag diag = {.text = ""};
    (void)state;
    if (read_recipe(NETWORK, lessons, &diag)) fail_msg("%s", diag.text);
    assert_true(lessons->tasks[0].network);
    assert_int_equal(lessons->network.words, 9);
    assert_int_equal(lessons->network.dims, 16);
    assert_int_equal(lessons->network.epochs, 4);
    assert_int_equal(lessons->corpus.x.row_count, 100);
    assert_int_equal(lessons->corpus.vocabulary.post_count, 200);
    ear_texts_read(lessons);
    assert_int_equal(lessons->words.count, 9);
    assert_int_equal(lessons->words.dims, 16);
    ear_lessons_release(lessons);
    free(lessons);
}

static void test_recipe__soft_as_described(void **state)
{
    static const struct {
        const char *recipe;
        float soft;
    } cases[] = {{"head mood kind=softmax labels=bad,so,good soft=0.1\nfile posts.tsv\n"
                  "use mood column=mood\n",
                  0.1f},
                 {HEAD "file posts.tsv\nuse mood column=mood\n", 0}};
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_lessons *lessons = ear_alloc(sizeof *lessons);
        struct ear_diag diag = {.text = ""};
        if (read_recipe(cases[i].recipe, lessons, &diag)) fail_msg("%s", diag.text);
        assert_float_equal(lessons->tasks[0].soft, cases[i].soft, 0);
        ear_lessons_release(lessons);
        free(lessons);
    }
}

/* What is but a copy of a post by which a head is judged is not read, wherever it stands. */
static void test_recipe__no_words_of_posts_to_be_judged_by(void **state)
{
    static const char recipe[] =
        "name t\nnetwork words=9 dims=16 filters=16\n"
        "head mood kind=binary labels=bad,good network\nfile posts.tsv\nuse mood column=mood\n"
        "texts posts.tsv\n";
    struct ear_lessons *lessons = ear_alloc(sizeof *lessons);
    struct ear_diag diag = {.text = ""};
    (void)state;
    if (read_recipe(recipe, lessons, &diag)) fail_msg("%s", diag.text);
    ear_texts_read(lessons);
    assert_int_equal(lessons->corpus.vocabulary.post_count, 200);
    assert_int_equal(lessons->words.count, 0);
    ear_lessons_release(lessons);
    free(lessons);
}

static void test_recipe__model_says_what_was_taught(void **state)
{
    static const struct {
        const char *text;
        uint16_t label;
    } posts[] = {{"the lamp is broken again", 0}, {"lovely lamp, thanks", 1}};
    struct ear_buf file;
    struct ear_diag said;
    struct ear_model *model;
    struct ear_reading reading;
    (void)state;
    train(RECIPE, &file);
    void *bytes = aligned_alloc(64, (file.len + 63) / 64 * 64);
    memcpy(bytes, file.data, file.len);
    assert_int_equal(ear_model_open((struct ear_str){bytes, file.len}, &model, &said), EAR_OK);
    struct ear_model_reader *reader = ear_model_reader_new(model);
    for (size_t i = 0; i < 2; i++) {
        struct ear_model_post post = {.text = ear_str_from(posts[i].text)};
        ear_model_read(reader, &post, &reading);
        assert_int_equal(reading.heads[0].label, posts[i].label);
        assert_true(reading.heads[0].p > 0.6f);
    }
    ear_model_reader_free(&reader);
    ear_model_free(&model);
    ear_buf_release(&file);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipe__refuses_by_line),
        cmocka_unit_test(test_recipe__same_data_same_bytes),
        cmocka_unit_test(test_recipe__network_as_described),
        cmocka_unit_test(test_recipe__soft_as_described),
        cmocka_unit_test(test_recipe__no_words_of_posts_to_be_judged_by),
        cmocka_unit_test(test_recipe__model_says_what_was_taught),
    };
    return cmocka_run_group_tests(tests, make_posts, remove_posts);
}
