/* A network beside linear scores: it learns what the order of words says and no bag of them can,
 * says nothing where there is nothing to learn, and the file says what the trainer said. */
#include "trained.h"

#include "learn/folder.h"
#include "learn/stack.h"
#include <stdio.h>
#include <unistd.h>

#define POSTS 360

enum { ORDER, LUCK, ECHO, HEADS };

static char path[] = "/tmp/earshot-blend-XXXXXX";
static char texts[POSTS][TEXT_BYTES];

static const char *const fillers[] = {"the", "some", "my", "your", "this", "that", "any", "one"};

static unsigned draw(uint32_t *state, unsigned count)
{
    *state = *state * 1664525 + 1013904223;
    return (*state >> 16) % count;
}

/* `order` is which of two words comes first, with another between them: of words, pairs of words
 * and pairs of letters both posts have the same. `luck` is no matter of the text. `echo` is as
 * `order` but for posts of rain; it has no network and hears what the others say. */
static int make_posts(void **state)
{
    struct ear_buf posts;
    struct ear_diag diag;
    uint32_t random = 5;
    (void)state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    (void)close(file);
    ear_buf_init(&posts, 1 << 20);
    assert_int_equal(ear_buf_append_str(&posts, EAR_STR("order\tluck\techo\ttext\n")), EAR_OK);
    for (unsigned i = 0; i < POSTS; i++) {
        unsigned first = draw(&random, 2), luck = draw(&random, 2);
        bool rain = draw(&random, 4) == 0;
        const char *f[4], *order = first ? "pay" : "now";
        for (size_t k = 0; k < 4; k++) f[k] = fillers[draw(&random, 8)];
        (void)snprintf(texts[i], sizeof texts[i], "%s %s %s %s %s %s", f[0], rain ? "rain" : f[1],
                       order, f[2], first ? "now" : "pay", f[3]);
        assert_int_equal(ear_buf_printf(&posts, "%s\t%s\t%s\t%s\n", order, luck ? "good" : "bad",
                                        rain ? "rain" : order, texts[i]),
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

static struct ear_lessons *read_lessons(bool network)
{
    struct ear_lessons *lessons = ear_alloc(sizeof *lessons);
    struct ear_diag diag = {.text = ""};
    char *paths[] = {path};
    ear_lessons_init(lessons);
    assert_true(ear_str_copy(lessons->name, sizeof lessons->name, EAR_STR("t")));
    lessons->spec.word_max = 1;
    lessons->spec.char_min = lessons->spec.char_max = 2;
    lessons->fit.folds = 3;
    lessons->network.dims = lessons->network.filters = 16;
    lessons->network.epochs = 20;
    lessons->network.rate = 0.01f;
    struct ear_folder folder = {.paths = paths, .path_count = 1, .heads = "order,luck,echo"};
    if (ear_folder_read(&folder, lessons, &diag)) fail_msg("%s", diag.text);
    assert_int_equal(lessons->task_count, HEADS);
    lessons->tasks[ORDER].network = lessons->tasks[LUCK].network = network;
    lessons->tasks[ECHO].stacked = true;
    ear_corpus_finish(&lessons->corpus, lessons->posts_min);
    return lessons;
}

/* Of the examples whose place in `use` is not set. */
static double right(const struct ear_lessons *lessons, const struct ear_trained *trained,
                    size_t head, const bool *use)
{
    const struct ear_task *task = &lessons->tasks[head];
    size_t hits = 0, posts = 0;
    for (size_t i = 0; i < task->count; i++) {
        float p[EAR_MODEL_LABELS_MAX];
        if (use[i]) continue;
        ear_stack_read(lessons, trained, head, task->examples[i].row, p);
        hits += ear_calibrated_label(p, task->label_count) == task->examples[i].labels;
        posts++;
    }
    return (double)hits / (double)posts;
}

static void test_blend__hears_the_order_of_words(void **state)
{
    bool use[POSTS], *uses[HEADS] = {use, use, use};
    struct ear_trained trained;
    double by[2], echo[2], luck = 0;
    (void)state;
    for (size_t i = 0; i < POSTS; i++) use[i] = i % 4 != 0;
    for (int network = 0; network < 2; network++) {
        struct ear_lessons *lessons = read_lessons(network);
        ear_stack_fit(lessons, uses, &trained);
        by[network] = right(lessons, &trained, ORDER, use);
        echo[network] = right(lessons, &trained, ECHO, use);
        luck = right(lessons, &trained, LUCK, use);
        assert_true(trained.heads[LUCK].network_share ==
                    0); /* as it would not be if it knew the posts */
        forget(lessons, &trained);
    }
    if (by[0] > 0.7 || by[1] < 0.95 || luck > 0.7)
        fail_msg("linear %.3f, with a network %.3f; of luck %.3f", by[0], by[1], luck);
    if (echo[0] > 0.8 || echo[1] < 0.9)
        fail_msg("hears linear scores %.3f, a network %.3f", echo[0], echo[1]);
}

/* One network that saw no validation example judges them all. */
static void test_blend__validated(void **state)
{
    struct ear_trained trained;
    (void)state;
    struct ear_lessons *lessons = read_lessons(true);
    for (size_t t = 0; t < HEADS; t++)
        for (size_t i = 0; i < POSTS; i += 3)
            lessons->tasks[t].examples[i].part = EAR_PART_VALIDATION;
    ear_stack_fit(lessons, NULL, &trained);
    assert_int_equal(trained.heads[ORDER].heldout_count, POSTS / 3);
    assert_true(trained.heads[ORDER].network_share > 0);
    size_t hits = 0;
    for (size_t i = 0; i < POSTS / 3; i++)
        hits += (trained.heads[ORDER].scores[i] > 0) ==
                (lessons->tasks[ORDER].examples[trained.heads[ORDER].heldout[i]].labels == 1);
    if (hits < POSTS / 3 * 9 / 10) fail_msg("%zu of %d", hits, POSTS / 3);
    forget(lessons, &trained);
}

/* Of two networks at a time each is what it is alone. */
static void test_blend__same_each_time(void **state)
{
    struct ear_trained first, second;
    struct ear_buf files[2];
    struct ear_goals goals;
    struct ear_network_learned alone = {0};
    bool all[POSTS];
    (void)state;
    struct ear_lessons *lessons = read_lessons(true);
    ear_stack_fit(lessons, NULL, &first);
    ear_stack_fit(lessons, NULL, &second);
    ship(lessons, &first, &files[0]);
    ship(lessons, &second, &files[1]);
    assert_int_equal(files[0].len, files[1].len);
    assert_memory_equal(files[0].data, files[1].data, files[0].len);
    memset(all, true, sizeof all);
    ear_goals_init(&goals, lessons, NULL);
    ear_network_learn(&goals, all, &alone);
    assert_int_equal(alone.layers.count, first.network.layers.count);
    assert_memory_equal(alone.layers.vectors, first.network.layers.vectors,
                        alone.layers.count * sizeof(float));
    ear_network_learned_release(&alone);
    ear_goals_release(&goals);
    ear_buf_release(&files[0]);
    ear_buf_release(&files[1]);
    ear_trained_release(&second);
    forget(lessons, &first);
}

static void test_blend__file_says_the_same(void **state)
{
    struct ear_trained trained;
    (void)state;
    struct ear_lessons *lessons = read_lessons(true);
    ear_stack_fit(lessons, NULL, &trained);
    assert_true(trained.heads[ORDER].network_share > 0);
    assert_file_says_the_same(lessons, &trained, texts, POSTS);
    forget(lessons, &trained);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blend__hears_the_order_of_words),
        cmocka_unit_test(test_blend__validated),
        cmocka_unit_test(test_blend__same_each_time),
        cmocka_unit_test(test_blend__file_says_the_same),
    };
    return cmocka_run_group_tests(tests, make_posts, remove_posts);
}
