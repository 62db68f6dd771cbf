/* Files that come from anywhere: rows of equal width, or one line that names file and line. */
#include "learn/dataset.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static ear_err parse(const char *bytes, size_t len, struct ear_dataset *out, struct ear_diag *diag)
{
    struct ear_buf buf;
    ear_buf_init(&buf, 1 << 20);
    assert_int_equal(ear_buf_append(&buf, bytes, len), EAR_OK);
    return ear_dataset_parse("posts.tsv", &buf, "text", out, diag);
}

static void test_dataset__reads_cells_by_column(void **state)
{
    static const char file[] = "\xEF\xBB\xBFlabel\ttext\r\njoy\tso \"good\"\r\n\n\tno label";
    struct ear_dataset d;
    struct ear_diag diag;
    (void)state;
    assert_int_equal(parse(file, sizeof file - 1, &d, &diag), EAR_OK);
    assert_int_equal(d.row_count, 2);
    assert_int_equal(ear_dataset_column(&d, EAR_STR("label")), 0);
    assert_int_equal(ear_dataset_column(&d, EAR_STR("labels")), -1);
    assert_true(ear_str_eq(ear_dataset_cell(&d, 0, 1), EAR_STR("so \"good\"")));
    assert_true(ear_str_eq(ear_dataset_cell(&d, 1, 0), EAR_STR("")));
    assert_true(ear_str_eq(ear_dataset_cell(&d, 1, 1), EAR_STR("no label")));
    ear_dataset_release(&d);
}

static void test_dataset__says_what_is_wrong_where(void **state)
{
    static const struct {
        const char *file;
        size_t len;
        const char *said;
    } cases[] = {
#define CASE(file, said) {file, sizeof file - 1, said}
        CASE("", "posts.tsv: empty"),
        CASE("label\n", "posts.tsv:1: no column \"text\""),
        CASE("label\tkey\nx\t0123456789abcdef\n", "posts.tsv:1: no column \"text\""),
        CASE("text\t\n", "posts.tsv:1: a column without a name"),
        CASE("text\tx\ttext\n", "posts.tsv:1: column \"text\" stands there twice"),
        CASE("label\ttext\na\tb\na\n", "posts.tsv:3: 1 cells where the header has 2"),
        CASE("label\ttext\na\tb\tc\n", "posts.tsv:2: 3 cells"),
        CASE("label\ttext\na\tb\0c\n", "posts.tsv:2: a NUL byte"),
#undef CASE
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ear_dataset d;
        struct ear_diag diag = {.text = ""};
        assert_int_equal(parse(cases[i].file, cases[i].len, &d, &diag), EAR_INVALID);
        if (!strstr(diag.text, cases[i].said)) fail_msg("%zu: said \"%s\"", i, diag.text);
    }
}

/* Any bytes: cut and garbled at every place of a good file, it is read or refused. */
static void test_dataset__survives_damage(void **state)
{
    static const char file[] = "label\ttext\njoy\tgood\nanger\tbad\n";
    (void)state;
    for (size_t at = 0; at < sizeof file - 1; at++) {
        for (int byte = 0; byte < 256; byte += 5) {
            char damaged[sizeof file];
            struct ear_dataset d;
            struct ear_diag diag;
            memcpy(damaged, file, sizeof file);
            damaged[at] = (char)byte;
            if (parse(damaged, sizeof file - 1, &d, &diag) == EAR_OK) {
                for (size_t row = 0; row < d.row_count; row++)
                    assert_true(ear_dataset_cell(&d, row, d.column_count - 1).len < sizeof file);
                ear_dataset_release(&d);
            }
        }
    }
}

/* The trainer and the judges go by the same words: what one learns from the other does not judge
 * by. */
static void test_dataset__parts_go_by_words_of_the_name(void **state)
{
    static const struct {
        const char *path;
        ear_dataset_part part;
    } cases[] = {
        {"set/train.tsv", EAR_DATASET_TRAIN},
        {"val.tsv", EAR_DATASET_VALIDATION},
        {"set/emotion.val.tsv", EAR_DATASET_VALIDATION},
        {"my validation.tsv", EAR_DATASET_VALIDATION},
        {"x-dev-2.tsv", EAR_DATASET_VALIDATION},
        {"x_test.tsv", EAR_DATASET_TEST},
        {"test/train.tsv", EAR_DATASET_TRAIN},
        {"latest.tsv", EAR_DATASET_TRAIN},
        {"devices.tsv", EAR_DATASET_TRAIN},
        {"evaluated..tsv", EAR_DATASET_TRAIN},
        {"", EAR_DATASET_TRAIN},
    };
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(cases); i++)
        if (ear_dataset_part_of(cases[i].path) != cases[i].part) fail_msg("%s", cases[i].path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dataset__reads_cells_by_column),
        cmocka_unit_test(test_dataset__says_what_is_wrong_where),
        cmocka_unit_test(test_dataset__survives_damage),
        cmocka_unit_test(test_dataset__parts_go_by_words_of_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
