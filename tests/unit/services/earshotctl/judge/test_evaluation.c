/* Labelled files to figures: which columns belong to which head, what a label means, slices, two
 * models on the same rows. */
#include "judge/report.h"
#include "judge/slices.h"
#include "word_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/earshot-gold-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[256];
    struct ear_diag diag = {0};
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(ear_file_write(path, ear_str_from(text), 0600, &diag), EAR_OK);
}

static ear_err read_gold(const char *name, struct ear_str named, struct ear_gold *gold,
                         struct ear_diag *diag)
{
    static const struct ear_str wanted[] = {{"intent", 6}, {"urgency", 7}, {"banking77", 9}};
    char path[256];
    char *paths[] = {path};
    snprintf(path, sizeof(path), "%s%s%s", folder, *name ? "/" : "", name);
    return ear_gold_read(paths, 1, wanted, EAR_COUNT(wanted), named, gold, diag);
}

static int set_up(void **state)
{
    char path[256];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/banking77", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {
        "a.tsv", "intent.val.tsv", "banking77/val.tsv", "posts.tsv", "rows.tsv", "banking77", ""};
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(names); i++) {
        char path[256];
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        if (remove(path) != 0) return -1;
    }
    return 0;
}

static void test_gold__columns_are_heads(void **state)
{
    (void)state;
    struct ear_gold *gold = ear_alloc(sizeof(*gold));
    struct ear_diag diag = {0};
    write_file("a.tsv", "intent\tdirect\taccount\tdomain\tlang\turgency\tother\ttext\n"
                        "praise\t1\t@firm\tfood\ten\t-\tx\tgreat\n"
                        "?\t0\t\t\t\t1\ty\tnow\n");
    assert_int_equal(read_gold("a.tsv", EAR_STR_NONE, gold, &diag), EAR_OK);
    assert_int_equal(gold->row_count, 2);
    assert_int_equal(gold->head_count, 2);
    assert_true(ear_str_eq(ear_gold_label(gold, 0, 0), EAR_STR("praise")));
    assert_int_equal(ear_gold_label(gold, 0, 1).len, 0); /* "-" */
    assert_int_equal(ear_gold_label(gold, 1, 0).len, 0); /* "?" */
    assert_true(ear_str_eq(ear_gold_label(gold, 1, 1), EAR_STR("1")));
    assert_true(gold->rows[0].post.direct && !gold->rows[1].post.direct);
    assert_true(ear_str_eq(gold->rows[0].post.account, EAR_STR("@firm")));
    assert_true(ear_str_eq(gold->rows[0].language, EAR_STR("en")));
    ear_gold_release(gold);
    free(gold);
}

/* A column "label" belongs to the head that --heads, the stem or the folder names. */
static void test_gold__label_column_finds_its_head(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        struct ear_str named;
        const char *head; /* NULL: refused */
    } cases[] = {
        {"intent.val.tsv", EAR_STR_NONE, "intent"},
        {"banking77/val.tsv", EAR_STR_NONE, "banking77"},
        {"posts.tsv", EAR_STR("urgency"), "urgency"},
        {"posts.tsv", EAR_STR_NONE, NULL},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_gold *gold = ear_alloc(sizeof(*gold));
        struct ear_diag diag = {0};
        write_file(cases[i].file, "label\ttext\na\tone\n");
        ear_err err = read_gold(cases[i].file, cases[i].named, gold, &diag);
        assert_int_equal(err, cases[i].head ? EAR_OK : EAR_INVALID);
        if (cases[i].head)
            assert_true(ear_str_eq(gold->heads[0], ear_str_from(cases[i].head)));
        else
            assert_non_null(strstr(diag.text, "posts.tsv"));
        ear_gold_release(gold);
        free(gold);
    }
}

static void test_labels__meaning(void **state)
{
    (void)state;
    struct ear_labels labels = {0};
    static const char *const names[] = {"neg", "neu", "pos", "y", "card_arrival", "card_delivery"};
    for (size_t i = 0; i < EAR_COUNT(names); i++)
        assert_int_equal(ear_labels_add(&labels, ear_str_from(names[i])), (int)i);
    static const struct {
        const char *gold;
        int said, meant;
    } cases[] = {
        {"neg", 0, 0},     {"Negative", 0, 0}, {"POS", 0, 2},     {"card", 0, -1},
        {"yes", 0, -1},    {"card_del", 0, 5}, {"", 0, -1},       {"fear", 0, -1},
        {"neu,pos", 2, 2}, {"neu, pos", 0, 1}, {"joy,pos", 0, 2}, {",", 0, -1},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++)
        assert_int_equal(ear_labels_meant(&labels, ear_str_from(cases[i].gold), cases[i].said),
                         cases[i].meant);
}

/* 60 rows: 20 "awful" complaints, 20 "great" praise, 20 "when?" questions, the last ones of each
 * with a link; two rows carry a label that the head does not have. */
static void write_rows(void)
{
    struct ear_buf text;
    ear_buf_init(&text, 1 << 20);
    assert_int_equal(ear_buf_append_str(&text, EAR_STR("intent\ttext\nrant\tawful\nrant\tx\n")),
                     EAR_OK);
    for (int i = 0; i < 60; i++) {
        static const char *const rows[] = {"complaint\tawful", "praise\tgreat", "question\twhen?"};
        assert_int_equal(ear_buf_printf(&text, "%s%s\n", rows[i % 3], i < 30 ? "" : " http://x.y"),
                         EAR_OK);
    }
    write_file("rows.tsv", text.data);
    ear_buf_release(&text);
}

struct judged {
    void *bytes[2];
    struct ear_model *models[2];
    struct ear_gold gold;
    struct ear_evaluation of[2];
};

static struct judged *judge(void)
{
    struct judged *j = ear_alloc(sizeof(*j));
    struct ear_diag diag = {0};
    write_rows();
    assert_int_equal(read_gold("rows.tsv", EAR_STR_NONE, &j->gold, &diag), EAR_OK);
    for (int i = 0; i < 2; i++) j->models[i] = word_model_open(i == 1, &j->bytes[i]);
    for (int i = 0; i < 2; i++)
        ear_evaluate_model(j->models[i], j->models[!i], &j->gold, &j->of[i]);
    return j;
}

static void release(struct judged *j)
{
    for (int i = 0; i < 2; i++) {
        ear_evaluation_release(&j->of[i]);
        ear_model_free(&j->models[i]);
        free(j->bytes[i]);
    }
    ear_gold_release(&j->gold);
    free(j);
}

static void test_evaluation__counts_right_wrong_and_foreign(void **state)
{
    (void)state;
    struct judged *j = judge();
    struct ear_figures scores;
    for (int i = 0; i < 2; i++) {
        const struct ear_judged_head *head = &j->of[i].heads[0];
        assert_int_equal(head->count, 60);
        assert_int_equal(head->foreign, 2);
        ear_figures_of(head->rows, head->count, head->labels.count, &scores);
        assert_int_equal(scores.hits, i == 0 ? 60 : 40); /* the other takes praise for complaints */
    }
    release(j);
}

static void test_evaluation__slices_are_of_the_rows(void **state)
{
    (void)state;
    struct judged *j = judge();
    struct ear_slice_part parts[4];
    const struct ear_judged_head *head = &j->of[0].heads[0];
    assert_int_equal(ear_slice_parts(&j->of[0], head, EAR_SLICE_LINK, parts, 4), 2);
    assert_int_equal(parts[0].rows + parts[1].rows, 60);
    assert_int_equal(ear_slice_parts(&j->of[0], head, EAR_SLICE_FILE, parts, 4), 0);
    release(j);
}

static void test_evaluation__the_worse_model_is_called_worse(void **state)
{
    (void)state;
    struct judged *j = judge();
    ear_judged_align(&j->of[0].heads[0], &j->of[1].heads[0]);
    json_t *report = ear_report_comparison(&j->of[0].heads[0], &j->of[1].heads[0]);
    const json_t *accuracy = json_object_get(report, "accuracy");
    assert_string_equal(json_string_value(json_object_get(accuracy, "verdict")), "worse");
    assert_int_equal(json_integer_value(json_object_get(report, "only_before")), 20);
    assert_int_equal(json_integer_value(json_object_get(report, "only_after")), 0);
    json_decref(report);
    release(j);
}

static void test_report__card_has_the_figures(void **state)
{
    (void)state;
    struct judged *j = judge();
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    json_t *report = json_pack("{s:o, s:o, s:[o]}", "model", ear_report_model(j->models[0]), "data",
                               ear_report_data(&j->gold), "heads",
                               ear_report_head(&j->of[0], &j->of[0].heads[0]));
    ear_report_print(report, EAR_SHEET_MARKDOWN, EAR_STR("A note."), out);
    fclose(out);
    static const char *const parts[] = {
        "# Model words ",       "A note.",
        "- words.tsv: CC0-1.0", "| intent | 60 | 1.000 [1.000, 1.000]",
        "2 rows carry a label", "| link | no | 30 |"};
    for (size_t i = 0; i < EAR_COUNT(parts); i++)
        if (!strstr(text, parts[i])) fail_msg("\"%s\" is not in:\n%s", parts[i], text);
    json_decref(report);
    free(text);
    release(j);
}

int main(void)
{
    ear_crypt_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gold__columns_are_heads),
        cmocka_unit_test(test_gold__label_column_finds_its_head),
        cmocka_unit_test(test_labels__meaning),
        cmocka_unit_test(test_evaluation__counts_right_wrong_and_foreign),
        cmocka_unit_test(test_evaluation__slices_are_of_the_rows),
        cmocka_unit_test(test_evaluation__the_worse_model_is_called_worse),
        cmocka_unit_test(test_report__card_has_the_figures),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
