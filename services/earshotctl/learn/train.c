#include "learn/train.h"

#include "crossval.h"
#include "folder.h"
#include "recipe.h"
#include "ship.h"
#include "stack.h"
#include "texts.h"
#include <stdio.h>
#include <stdlib.h>

#define MODEL_BYTES_MAX ((size_t)1024 * 1024 * 1024)

static ear_exit read_count(const char *text, const char *option, uint64_t max, uint64_t *out)
{
    if (!text || !ear_num_u64(ear_str_from(text), max, out)) return EAR_EXIT_OK;
    (void)ear_ctl_fail(EAR_INVALID, "--%s wants a number up to %llu, not \"%s\"", option,
                       (unsigned long long)max, text);
    return EAR_EXIT_USAGE;
}

static ear_exit check_words(const struct ear_ctl_options *o, int argc, uint64_t folds)
{
    const char *wrong = NULL;
    bool without_recipe = o->heads || o->validation || o->lexicons || o->texts || o->outside ||
                          o->network || o->no_network;
    if (!o->out && folds < 2) wrong = "where to? -o MODEL (or --cross-validate K)";
    if (o->recipe && argc != 1) wrong = "--recipe wants one folder: that of the datasets";
    if (o->recipe && without_recipe)
        wrong = "--recipe says itself which heads, files, lists, texts and network";
    if (!wrong) return EAR_EXIT_OK;
    (void)ear_ctl_fail(EAR_INVALID, "%s", wrong);
    return EAR_EXIT_USAGE;
}

static ear_err read_lessons(const struct ear_ctl_options *o, int argc, char **argv,
                            struct ear_lessons *lessons, struct ear_diag *diag)
{
    if (o->recipe) return ear_recipe_read(o->recipe, argv[0], lessons, diag);
    const char *slash = o->out ? strrchr(o->out, '/') : NULL;
    struct ear_str name = ear_str_from(slash ? slash + 1 : o->out ? o->out : "model");
    if (!ear_text_is_utf8(name) || !ear_str_copy(lessons->name, sizeof lessons->name, name))
        return ear_fail(diag, EAR_INVALID, "%s: too long a name, or no UTF-8", o->out);
    struct ear_folder folder = {.paths = argv,
                                .path_count = (size_t)argc,
                                .validation = o->validation,
                                .heads = o->heads,
                                .outside = o->outside,
                                .lexicons = o->lexicons,
                                .texts = o->texts,
                                .network = o->network,
                                .no_network = o->no_network};
    return ear_folder_read(&folder, lessons, diag);
}

/* Before minutes go into a model that nobody could load, or whose answers would not be JSON. */
static ear_err check_names(const struct ear_task *task, struct ear_diag *diag)
{
    struct ear_str name = ear_str_from(task->name);
    if (!ear_text_is_utf8(name) || ear_str_eq(name, EAR_STR("lang")) ||
        ear_str_eq(name, EAR_STR("lang_p")))
        return ear_fail(diag, EAR_INVALID,
                        "head %s: no head can be called so: it is taken, or no UTF-8", task->name);
    for (size_t i = 0; i < task->label_count; i++)
        if (!ear_text_is_utf8(task->labels[i]) || task->labels[i].len > EAR_MODEL_NAME_BYTES)
            return ear_fail(diag, EAR_INVALID, "head %s: label \"%.40s\" is no UTF-8 or too long",
                            task->name, task->labels[i].ptr);
    return EAR_OK;
}

static ear_err check_tasks(const struct ear_lessons *lessons, struct ear_diag *diag)
{
    for (size_t t = 0; t < lessons->task_count; t++) {
        const struct ear_task *task = &lessons->tasks[t];
        if (task->label_count < 2 || !task->count)
            return ear_fail(diag, EAR_INVALID,
                            "head %s: %zu posts with %zu labels; two labels at least are wanted",
                            task->name, task->count, task->label_count);
        if (task->stacked && task->kind != EAR_HEAD_SOFTMAX)
            return ear_fail(diag, EAR_INVALID,
                            "head %s: stacked is for heads of one in three labels or more",
                            task->name);
        ear_err err = check_names(task, diag);
        if (err) return err;
    }
    return EAR_OK;
}

static void tell(const struct ear_lessons *lessons)
{
    fprintf(stderr, "%zu posts, %zu features\n", lessons->corpus.x.row_count,
            lessons->corpus.kept_count);
    for (size_t t = 0; t < lessons->task_count; t++)
        fprintf(stderr, "%-16s %6zu examples  %3zu labels\n", lessons->tasks[t].name,
                lessons->tasks[t].count, lessons->tasks[t].label_count);
}

/* All posts are there. */
static void settle(struct ear_lessons *lessons)
{
    ear_corpus_finish(&lessons->corpus, lessons->posts_min);
    tell(lessons);
    ear_texts_read(lessons);
}

static void tell_trained(const struct ear_lessons *lessons, const struct ear_trained *trained)
{
    for (size_t t = 0; t < lessons->task_count; t++) {
        const struct ear_fitted *head = &trained->heads[t];
        fprintf(stderr, "%-16s cost %.2g, ratio %.2g", lessons->tasks[t].name,
                (double)head->choice.cost, (double)head->choice.ratio);
        if (lessons->tasks[t].network)
            fprintf(stderr, ", network %.2g: %+.3f nats", (double)head->network_share, head->gain);
        (void)fputc('\n', stderr);
    }
    if (trained->network.layers.count)
        fprintf(stderr, "network of %zu words\n", trained->network.layers.shape.words);
}

static ear_err write_model(const struct ear_lessons *lessons, const char *path,
                           struct ear_diag *diag)
{
    struct ear_trained *trained = ear_alloc(sizeof *trained);
    struct ear_buf file;
    ear_buf_init(&file, MODEL_BYTES_MAX);
    ear_stack_fit(lessons, NULL, trained);
    tell_trained(lessons, trained);
    ear_err err = ear_ship(lessons, trained, &file, diag);
    if (!err) err = ear_file_write(path, ear_buf_str(&file), 0644, diag);
    if (!err) fprintf(stderr, "%s: %zu bytes\n", path, file.len);
    ear_trained_release(trained);
    ear_buf_release(&file);
    free(trained);
    return err;
}

ear_exit ear_train(struct ear_ctl *ctl, int argc, char **argv)
{
    const struct ear_ctl_options *o = &ctl->options;
    uint64_t folds = 0, seed = 1, rows = 0;
    struct ear_diag diag;
    ear_exit bad = read_count(o->cross_validate, "cross-validate", 50, &folds);
    if (!bad) bad = read_count(o->seed, "seed", UINT32_MAX, &seed);
    if (!bad) bad = read_count(o->rows, "rows", UINT64_C(1) << 24, &rows);
    if (!bad) bad = check_words(o, argc, folds);
    if (bad) return bad;
    struct ear_lessons *lessons = ear_alloc(sizeof *lessons);
    ear_lessons_init(lessons);
    lessons->fit.seed = seed;
    ear_err err = o->out ? ear_file_can_write(o->out, &diag) : EAR_OK;
    if (!err) err = read_lessons(o, argc, argv, lessons, &diag);
    if (!err) err = check_tasks(lessons, &diag);
    if (rows) lessons->rows_max = (size_t)rows;
    if (!err) settle(lessons);
    if (!err && folds >= 2) ear_cross_validate(lessons, (unsigned)folds, seed, o->all);
    if (!err && o->out) err = write_model(lessons, o->out, &diag);
    ear_lessons_release(lessons);
    free(lessons);
    return err ? ear_ctl_fail_file("%s", diag.text) : EAR_EXIT_OK;
}
