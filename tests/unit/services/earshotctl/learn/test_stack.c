/* A head that hears another learns what no sum of words can tell, and the file says the same. */
#include "trained.h"

#include "learn/folder.h"
#include <stdio.h>
#include <unistd.h>

#define POSTS 400

static char path[] = "/tmp/earshot-stack-XXXXXX";

static char texts[POSTS][TEXT_BYTES];

static void write_text(unsigned i, char text[TEXT_BYTES])
{
    static const char *const things[] = {"phone",  "order", "app",    "router", "coffee",
                                         "train",  "card",  "bag",    "shoe",   "letter",
                                         "lamp",   "desk",  "window", "garden", "piano",
                                         "kettle", "fence", "bread",  "camera", "ticket"};
    (void)snprintf(text, TEXT_BYTES, "%s %s %s %s", i & 1 ? "invoice" : "parcel",
                   things[i / 20 % 20], things[i * 7 % 20],
                   i % 5 == 4 ? "rainy"
                   : i & 2    ? "yesterday"
                              : "tomorrow");
}

/* `pair` is which two words a post has; `odd` is "yes" where just one of them is the second of its
 * kind: words alone say nothing about it, pairs all. */
static int make_posts(void **state)
{
    struct ear_buf posts;
    struct ear_diag diag;
    (void)state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    (void)close(file);
    ear_buf_init(&posts, 1 << 20);
    assert_int_equal(ear_buf_append_str(&posts, EAR_STR("pair\todd\ttext\n")), EAR_OK);
    for (unsigned i = 0; i < POSTS; i++) {
        unsigned a = i & 1, b = i >> 1 & 1, rainy = i % 5 == 4;
        write_text(i, texts[i]);
        assert_int_equal(ear_buf_printf(&posts, "%u%u\t%s\t%s\n", a, b,
                                        rainy    ? "rain"
                                        : a != b ? "yes"
                                                 : "no",
                                        texts[i]),
                         EAR_OK);
    }
    assert_int_equal(ear_file_write(path, ear_buf_str(&posts), 0644, &diag), EAR_OK);
    ear_buf_release(&posts);
    return 0;
}

static int remove_posts(void **state)
{
    (void)state;
    return unlink(path);
}

/* Word n-grams only of single words, so that no feature holds both. */
static struct ear_lessons *learn(bool stacked, struct ear_trained *trained)
{
    struct ear_lessons *lessons = ear_alloc(sizeof *lessons);
    struct ear_diag diag = {.text = ""};
    char *paths[] = {path};
    ear_lessons_init(lessons);
    assert_true(ear_str_copy(lessons->name, sizeof lessons->name, EAR_STR("t")));
    lessons->spec.word_max = 1;
    lessons->spec.char_min = lessons->spec.char_max = 2;
    struct ear_folder folder = {.paths = paths, .path_count = 1, .heads = "pair,odd"};
    if (ear_folder_read(&folder, lessons, &diag)) fail_msg("%s", diag.text);
    assert_string_equal(lessons->tasks[1].name, "odd");
    lessons->tasks[1].stacked = stacked;
    ear_corpus_finish(&lessons->corpus, lessons->posts_min);
    ear_stack_fit(lessons, NULL, trained);
    return lessons;
}

static double right(const struct ear_lessons *lessons, const struct ear_trained *trained)
{
    const struct ear_task *task = &lessons->tasks[1];
    size_t hits = 0;
    for (size_t i = 0; i < task->count; i++) {
        float p[EAR_MODEL_LABELS_MAX];
        ear_stack_read(lessons, trained, 1, task->examples[i].row, p);
        hits += ear_calibrated_label(p, task->label_count) == task->examples[i].labels;
    }
    return (double)hits / (double)task->count;
}

static void test_stack__hears_what_no_word_says(void **state)
{
    struct ear_trained trained;
    (void)state;
    struct ear_lessons *lessons = learn(false, &trained);
    double alone = right(lessons, &trained);
    forget(lessons, &trained);
    lessons = learn(true, &trained);
    double stacked = right(lessons, &trained);
    forget(lessons, &trained);
    if (alone > 0.9 || stacked < 0.97) fail_msg("alone %.3f, stacked %.3f", alone, stacked);
}

static void test_stack__file_says_the_same(void **state)
{
    struct ear_trained trained;
    (void)state;
    struct ear_lessons *lessons = learn(true, &trained);
    assert_file_says_the_same(lessons, &trained, texts, POSTS);
    forget(lessons, &trained);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stack__hears_what_no_word_says),
        cmocka_unit_test(test_stack__file_says_the_same),
    };
    return cmocka_run_group_tests(tests, make_posts, remove_posts);
}
