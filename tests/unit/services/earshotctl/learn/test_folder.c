/* A folder without a recipe: what its labels ask for. */
#include "learn/folder.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/earshot-folder-XXXXXX";

static void write_posts(unsigned labels)
{
    struct ear_buf posts;
    struct ear_diag diag;
    ear_buf_init(&posts, 1 << 16);
    assert_int_equal(ear_buf_append_str(&posts, EAR_STR("label\ttext\n")), EAR_OK);
    for (unsigned i = 0; i < labels; i++)
        assert_int_equal(ear_buf_printf(&posts, "l%u\tword%u\n", i, i), EAR_OK);
    assert_int_equal(ear_file_write(path, ear_buf_str(&posts), 0644, &diag), EAR_OK);
    ear_buf_release(&posts);
}

static void test_folder__many_labels_have_a_larger_network(void **state)
{
    static const struct {
        unsigned labels;
        bool network, no_network; /* the options */
        bool has_network;
        unsigned epochs;
        size_t dims;
    } cases[] = {
        {24, false, false, false, 9, 64},
        {24, true, false, true, 9, 64},
        {25, false, false, true, 40, 128},
        {25, false, true, false, 40, 128},
    };
    (void)state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    (void)close(file);
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_lessons *lessons = ear_alloc(sizeof *lessons);
        struct ear_diag diag = {.text = ""};
        char *paths[] = {path};
        struct ear_folder folder = {.paths = paths,
                                    .path_count = 1,
                                    .heads = "label",
                                    .network = cases[i].network,
                                    .no_network = cases[i].no_network};
        write_posts(cases[i].labels);
        ear_lessons_init(lessons);
        if (ear_folder_read(&folder, lessons, &diag)) fail_msg("%s", diag.text);
        assert_int_equal(lessons->task_count, 1);
        assert_int_equal(lessons->tasks[0].label_count, cases[i].labels);
        assert_int_equal(lessons->tasks[0].network, cases[i].has_network);
        assert_int_equal(lessons->network.epochs, cases[i].epochs);
        assert_int_equal(lessons->network.dims, cases[i].dims);
        ear_lessons_release(lessons);
        free(lessons);
    }
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder__many_labels_have_a_larger_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
