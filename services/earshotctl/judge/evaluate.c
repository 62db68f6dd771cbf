#include "judge/evaluate.h"

#include "judge/contamination.h"
#include "judge/model_file.h"
#include "judge/report.h"
#include "show.h"

#include <stdlib.h>

#define NOTES_BYTES_MAX ((size_t)1024 * 1024)

struct evaluate {
    struct ear_ctl *ctl;
    struct ear_model *model, *other; /* other: of --against, or NULL */
    struct ear_str wanted[2 * EAR_MODEL_HEADS_MAX];
    size_t wanted_count;
    struct ear_gold gold;
    struct ear_evaluation now, before;
};

static bool is_named(const struct ear_ctl *ctl, struct ear_str head)
{
    struct ear_str rest = ear_str_from(ctl->options.heads), name;
    if (!rest.len) return true;
    while (ear_str_split(&rest, ',', &name))
        if (ear_str_eq(ear_str_trim(name), head)) return true;
    return false;
}

/* Heads that are judged: those of --heads, else all, auxiliary ones too, that have labels. */
static ear_exit choose_heads(struct evaluate *e)
{
    struct ear_model_info info = ear_model_info(e->model);
    struct ear_str rest = ear_str_from(e->ctl->options.heads), name;
    for (size_t i = 0; i < info.head_count; i++)
        if (is_named(e->ctl, info.heads[i].name)) e->wanted[e->wanted_count++] = info.heads[i].name;
    while (ear_str_split(&rest, ',', &name)) {
        name = ear_str_trim(name);
        if (ear_model_head(e->model, name) >= 0 || ear_str_eq(name, EAR_STR("language"))) continue;
        ear_ctl_fail(EAR_INVALID, "--heads: the model has no head \"%.*s\"", EAR_STR_ARG(name));
        return EAR_EXIT_USAGE;
    }
    return EAR_EXIT_OK;
}

/* The one head of --heads besides language; none where it names several. */
static struct ear_str only_named(const struct ear_ctl *ctl)
{
    struct ear_str rest = ear_str_from(ctl->options.heads), name, only = EAR_STR_NONE;
    while (ear_str_split(&rest, ',', &name)) {
        name = ear_str_trim(name);
        if (ear_str_eq(name, EAR_STR("language"))) continue;
        if (only.len) return EAR_STR_NONE;
        only = name;
    }
    return only;
}

static json_t *heads_of(const struct evaluate *e)
{
    json_t *array = json_array();
    for (size_t i = 0; i < e->now.head_count; i++) {
        const struct ear_judged_head *head = &e->now.heads[i];
        if (!head->count || !is_named(e->ctl, head->name)) continue;
        json_array_append_new(array, ear_report_head(&e->now, head));
    }
    return array;
}

static json_t *compared_heads(struct evaluate *e)
{
    json_t *array = json_array();
    for (size_t i = 0; i < e->now.head_count; i++) {
        struct ear_judged_head *now = &e->now.heads[i];
        if (!is_named(e->ctl, now->name)) continue;
        for (size_t b = 0; b < e->before.head_count; b++) {
            struct ear_judged_head *before = &e->before.heads[b];
            if (!ear_str_eq(before->name, now->name)) continue;
            ear_judged_align(before, now);
            if (now->count) json_array_append_new(array, ear_report_comparison(before, now));
        }
    }
    return array;
}

static size_t rows_of(const struct ear_evaluation *of, struct ear_str head)
{
    for (size_t i = 0; i < of->head_count; i++)
        if (ear_str_eq(of->heads[i].name, head)) return of->heads[i].count;
    return 0;
}

/* Whether there is a head that is to be judged and has rows, in `also` too. */
static bool has_rows(const struct evaluate *e, const struct ear_evaluation *also)
{
    for (size_t i = 0; i < e->now.head_count; i++) {
        const struct ear_judged_head *head = &e->now.heads[i];
        if (is_named(e->ctl, head->name) && head->count && rows_of(also, head->name)) return true;
    }
    return false;
}

static json_t *report_of(struct evaluate *e)
{
    json_t *report = json_object();
    json_object_set_new(report, "model", ear_report_model(e->model));
    json_object_set_new(report, "data", ear_report_data(&e->gold));
    json_object_set_new(report, "rows", json_integer((json_int_t)e->gold.row_count));
    json_object_set_new(report, "read_us", ear_report_read_us(&e->now));
    json_object_set_new(report, "heads", heads_of(e));
    if (!e->other) return report;
    json_t *against = json_object();
    json_object_set_new(against, "model", ear_report_model(e->other));
    json_object_set_new(against, "heads", compared_heads(e));
    json_object_set_new(report, "against", against);
    return report;
}

static ear_exit print(struct evaluate *e)
{
    struct ear_diag diag = {0};
    struct ear_buf notes;
    ear_buf_init(&notes, NOTES_BYTES_MAX);
    const char *path = e->ctl->options.notes;
    ear_err err = path ? ear_file_read(path, &notes, &diag) : EAR_OK;
    if (!err) {
        json_t *report = report_of(e);
        ear_sheet_style style = e->ctl->options.card ? EAR_SHEET_MARKDOWN : EAR_SHEET_PLAIN;
        if (e->ctl->options.json)
            ear_show_json(report);
        else
            ear_report_print(report, style, ear_buf_str(&notes), stdout);
        json_decref(report);
    }
    ear_buf_release(&notes);
    return err ? ear_ctl_fail_file("%s", diag.text) : EAR_EXIT_OK;
}

static ear_exit run(struct evaluate *e, char **paths, size_t count)
{
    struct ear_diag diag = {0};
    ear_exit status = choose_heads(e);
    if (status) return status;
    ear_err err = ear_gold_read(paths, count, e->wanted, e->wanted_count, only_named(e->ctl),
                                &e->gold, &diag);
    if (err) return ear_ctl_fail_file("%s", diag.text);
    ear_evaluate_model(e->model, e->other, &e->gold, &e->now);
    if (e->other) ear_evaluate_model(e->other, e->model, &e->gold, &e->before);
    if (!has_rows(e, &e->now))
        return ear_ctl_fail(EAR_INVALID, "these files have no labels of the model's heads");
    if (e->other && !has_rows(e, &e->before))
        return ear_ctl_fail(EAR_INVALID, "nothing to compare: the model of --against has none of "
                                         "the heads that these files have labels of");
    return print(e);
}

static const struct ear_show_column pair_columns[] = {
    {"held", "JUDGED BY", EAR_SHOW_TEXT, 0, 0}, {"train", "TRAINED WITH", EAR_SHOW_TEXT, 0, 0},
    {"copies", "COPIES", EAR_SHOW_INT, 0, 0},   {"of", "OF", EAR_SHOW_INT, 0, 0},
    {"line", "LINE", EAR_SHOW_INT, 0, 0},       {"twin", "ITS TWIN", EAR_SHOW_INT, 0, 0},
    {"short", "SHORT", EAR_SHOW_INT, 0, 0},
};

static ear_exit check_contamination(struct ear_ctl *ctl, int argc, char **argv)
{
    struct ear_contamination_count count;
    struct ear_diag diag = {0};
    json_t *pairs = json_array();
    ear_err err = ear_contamination_check(argv, (size_t)argc, pairs, &count, &diag);
    if (!err) ear_show_table(ctl, pairs, pair_columns, EAR_COUNT(pair_columns), "nothing shared");
    json_decref(pairs);
    if (err) return ear_ctl_fail_file("%s", diag.text);
    fprintf(stderr, "%zu of %zu posts in %zu files to judge by are in %zu files to train with\n",
            count.copies, count.held_rows, count.held_files, count.train_files);
    return count.copies ? EAR_EXIT_REFUSED : EAR_EXIT_OK;
}

static ear_exit evaluate_model(struct ear_ctl *ctl, int argc, char **argv)
{
    struct evaluate *e = ear_alloc(sizeof(*e)); /* too large for a stack */
    e->ctl = ctl;
    ear_exit status = ear_ctl_model_open(ctl, argv[0], &e->model);
    if (!status && ctl->options.against)
        status = ear_ctl_model_open(ctl, ctl->options.against, &e->other);
    if (!status) status = run(e, argv + 1, (size_t)argc - 1);
    ear_evaluation_release(&e->now);
    ear_evaluation_release(&e->before);
    ear_gold_release(&e->gold);
    ear_model_free(&e->model);
    ear_model_free(&e->other);
    free(e);
    return status;
}

ear_exit ear_evaluate(struct ear_ctl *ctl, int argc, char **argv)
{
    if (ctl->options.contamination) return check_contamination(ctl, argc, argv);
    if (argc >= 2) return evaluate_model(ctl, argc, argv);
    ear_ctl_fail(EAR_INVALID, "evaluate: name the model, then files or folders of labelled posts");
    return EAR_EXIT_USAGE;
}
