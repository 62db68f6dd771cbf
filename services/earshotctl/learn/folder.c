#include "folder.h"

#include "material.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILES_MAX   256
#define PATH_BYTES  4096
#define MUCH_WORK   200000 /* examples times columns */
#define MANY_LABELS 25     /* where a network pays though no other texts prepare it */
#define MANY_EPOCHS 40     /* which it then takes */
#define MANY_DIMS   128    /* of its vectors: no reader sees them */
#define TEXT_EPOCHS 20     /* that pay where texts without labels prepare it */
#define TUNE        1      /* macro-F1 is what most benchmarks judge by */

struct files {
    char *paths[FILES_MAX];
    size_t count;
};

static ear_err add_file(struct files *files, const char *path, struct ear_diag *diag)
{
    if (files->count == FILES_MAX)
        return ear_fail(diag, EAR_TOO_LARGE, "%s: more than %d files", path, FILES_MAX);
    files->paths[files->count++] = ear_strdup(path);
    return EAR_OK;
}

static bool ends_in(struct ear_str s, struct ear_str end)
{
    return s.len >= end.len && ear_str_eq((struct ear_str){s.ptr + s.len - end.len, end.len}, end);
}

static struct ear_str base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return ear_str_from(slash ? slash + 1 : path);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static ear_err add_folder(struct files *files, const char *path, struct ear_diag *diag)
{
    size_t first = files->count;
    ear_err err = EAR_OK;
    DIR *dir = opendir(path);
    if (!dir) return ear_fail(diag, EAR_NOT_FOUND, "%s: cannot be opened", path);
    for (const struct dirent *entry = readdir(dir); !err && entry; entry = readdir(dir)) {
        char file[PATH_BYTES];
        if (!ends_in(ear_str_from(entry->d_name), EAR_STR(".tsv")) || *entry->d_name == '.' ||
            ear_dataset_part_of(entry->d_name) == EAR_DATASET_TEST)
            continue;
        int length = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        err = length < PATH_BYTES ? add_file(files, file, diag)
                                  : ear_fail(diag, EAR_INVALID, "%s: path too long", path);
    }
    closedir(dir);
    qsort(files->paths + first, files->count - first, sizeof *files->paths, by_name);
    if (!err && files->count == first)
        err = ear_fail(diag, EAR_NOT_FOUND, "%s: no .tsv file to learn from", path);
    return err;
}

static ear_err add_path(struct files *files, const char *path, struct ear_diag *diag)
{
    struct stat about;
    if (stat(path, &about))
        return ear_fail(diag, EAR_NOT_FOUND, "%s: no such file or folder", path);
    return S_ISDIR(about.st_mode) ? add_folder(files, path, diag) : add_file(files, path, diag);
}

static ear_err list_files(const struct ear_folder *folder, struct files *files,
                          struct ear_diag *diag)
{
    ear_err err = EAR_OK;
    for (size_t i = 0; !err && i < folder->path_count; i++)
        err = add_path(files, folder->paths[i], diag);
    if (!err && folder->validation) err = add_file(files, folder->validation, diag);
    return err;
}

static void free_files(struct files *files)
{
    for (size_t i = 0; i < files->count; i++) free(files->paths[i]);
}

/* ---- columns ---- */

struct reading {
    const struct ear_folder *folder;
    struct ear_lessons *lessons;
    struct ear_diag *diag;
    const char *path;
    bool validation;
    struct ear_dataset posts;
    struct ear_use uses[EAR_MODEL_HEADS_MAX];
    size_t use_count;
};

static ear_err add_use(struct reading *r, struct ear_str head, int column)
{
    bool flags = ear_str_eq(r->posts.columns[column], EAR_STR("labels"));
    struct ear_task *task =
        ear_lessons_task(r->lessons, head, flags ? EAR_HEAD_FLAGS : EAR_HEAD_SOFTMAX, true);
    if (!task || r->use_count == EAR_MODEL_HEADS_MAX)
        return ear_fail(r->diag, EAR_INVALID, "%s: one head too many, or too long a name: %.*s",
                        r->path, EAR_STR_ARG(head));
    r->uses[r->use_count++] =
        (struct ear_use){.task = task,
                         .column = (size_t)column,
                         .part = r->validation ? EAR_PART_VALIDATION : EAR_PART_TRAIN,
                         .weight = 1};
    return EAR_OK;
}

static int label_column(const struct ear_dataset *posts)
{
    int column = ear_dataset_column(posts, EAR_STR("label"));
    return column >= 0 ? column : ear_dataset_column(posts, EAR_STR("labels"));
}

static ear_err use_named(struct reading *r)
{
    struct ear_str rest = ear_str_from(r->folder->heads), head;
    ear_err err = EAR_OK;
    while (!err && ear_str_split(&rest, ',', &head)) {
        int column = ear_dataset_column(&r->posts, head);
        if (column < 0) column = label_column(&r->posts);
        if (column >= 0 && head.len) err = add_use(r, head, column);
    }
    if (!err && !r->use_count)
        err = ear_fail(r->diag, EAR_INVALID, "%s: no column for --heads %s, and none named label",
                       r->path, r->folder->heads);
    return err;
}

static ear_err use_known(struct reading *r)
{
    static const char *const known[] = {"intent",    "needs_answer", "urgency",  "severity",
                                        "sentiment", "topic",        "complaint"};
    struct ear_str rest = base_of(r->path), stem;
    int label = label_column(&r->posts);
    ear_err err = EAR_OK;
    for (size_t i = 0; !err && i < EAR_COUNT(known); i++) {
        int column = ear_dataset_column(&r->posts, ear_str_from(known[i]));
        if (column >= 0) err = add_use(r, ear_str_from(known[i]), column);
    }
    (void)ear_str_split(&rest, '.', &stem);
    if (!err && label >= 0) err = add_use(r, stem, label);
    if (!err && !r->use_count)
        err = ear_fail(r->diag, EAR_INVALID, "%s: no column of labels; name some with --heads",
                       r->path);
    return err;
}

static ear_err open_posts(struct ear_lessons *lessons, const char *path, struct ear_dataset *out,
                          struct ear_diag *diag)
{
    struct ear_buf bytes;
    ear_buf_init(&bytes, EAR_DATASET_BYTES_MAX);
    ear_err err = ear_file_read(path, &bytes, diag);
    if (err) {
        ear_buf_release(&bytes);
        return err;
    }
    ear_lessons_digest(lessons, base_of(path), ear_buf_str(&bytes));
    return ear_dataset_parse(path, &bytes, "text", out, diag);
}

static ear_err read_file(struct reading *r)
{
    ear_err err = open_posts(r->lessons, r->path, &r->posts, r->diag);
    if (err) return err;
    err = r->folder->heads ? use_named(r) : use_known(r);
    struct ear_material material = {
        .name = r->path, .posts = &r->posts, .uses = r->uses, .use_count = r->use_count};
    if (!err) err = ear_material_take(r->lessons, &material, r->diag);
    ear_dataset_release(&r->posts);
    return err;
}

/* Of posts without labels the words, once all others are there. */
static ear_err read_texts(const struct ear_folder *folder, struct ear_lessons *lessons,
                          struct ear_diag *diag)
{
    struct files files = {.count = 0};
    struct ear_str rest = ear_str_from(folder->texts), one;
    ear_err err = EAR_OK;
    while (!err && rest.len && ear_str_split(&rest, ',', &one)) {
        char path[PATH_BYTES];
        err = ear_str_copy(path, sizeof path, one)
                  ? add_path(&files, path, diag)
                  : ear_fail(diag, EAR_INVALID, "%.*s: path too long", EAR_STR_ARG(one));
    }
    for (size_t i = 0; !err && i < files.count; i++) {
        struct ear_dataset posts;
        err = open_posts(lessons, files.paths[i], &posts, diag);
        if (err) break;
        ear_material_words(lessons, &posts);
        ear_dataset_release(&posts);
    }
    free_files(&files);
    return err;
}

static ear_err read_lexicons(const struct ear_folder *folder, struct ear_lessons *lessons,
                             struct ear_diag *diag)
{
    static const struct {
        const char *name;
        ear_score_channel channel;
        double scale;
    } lists[] = {{"afinn165.tsv", EAR_SCORE_VALENCE, 25},
                 {"vader.tsv", EAR_SCORE_MOOD, 31},
                 {"cuss_en.tsv", EAR_SCORE_RUDE, 60}};
    ear_err err = EAR_OK;
    for (size_t i = 0; !err && folder->lexicons && i < EAR_COUNT(lists); i++) {
        char path[PATH_BYTES];
        struct ear_buf bytes;
        ear_buf_init(&bytes, EAR_DATASET_BYTES_MAX);
        (void)snprintf(path, sizeof path, "%s/%s", folder->lexicons, lists[i].name);
        err = ear_file_read(path, &bytes, diag);
        if (!err)
            err = ear_lists_read(&lessons->lists,
                                 &(struct ear_list){.path = path,
                                                    .content = ear_buf_str(&bytes),
                                                    .channel = lists[i].channel,
                                                    .scale = lists[i].scale},
                                 diag);
        if (!err) ear_lessons_digest(lessons, base_of(path), ear_buf_str(&bytes));
        ear_buf_release(&bytes);
    }
    return err;
}

static void settle(struct ear_task *task, const struct ear_folder *folder)
{
    ear_task_settle(task);
    task->tune = TUNE;
    task->network = !folder->no_network &&
                    (folder->network || folder->texts || task->label_count >= MANY_LABELS);
    for (size_t i = 0; i < task->label_count; i++)
        if (ear_str_eq(task->labels[i], ear_str_from(folder->outside))) task->outside = (int)i;
}

static ear_err check_outside(const struct ear_folder *folder, const struct ear_lessons *lessons,
                             struct ear_diag *diag)
{
    for (size_t i = 0; i < lessons->task_count; i++)
        if (lessons->tasks[i].outside >= 0) return EAR_OK;
    if (!folder->outside) return EAR_OK;
    return ear_fail(diag, EAR_NOT_FOUND, "--outside: no head has the label \"%s\"",
                    folder->outside);
}

static void set_network(const struct ear_folder *folder, struct ear_lessons *lessons)
{
    if (folder->texts) lessons->network.epochs = TEXT_EPOCHS;
    for (size_t i = 0; i < lessons->task_count; i++) {
        if (lessons->tasks[i].label_count < MANY_LABELS) continue;
        lessons->network.epochs = MANY_EPOCHS;
        lessons->network.dims = MANY_DIMS;
    }
}

/* Hundreds of labels or very many posts: no choice, three folds, so that it stays minutes. What
 * tells hundreds of labels apart is how words go together: their ratios one by one mislead. */
static void save_time(struct ear_lessons *lessons)
{
    size_t work = 0;
    for (size_t i = 0; i < lessons->task_count; i++)
        work += lessons->tasks[i].count * ear_task_columns(&lessons->tasks[i]);
    if (work < MUCH_WORK) return;
    lessons->fit.folds = 3;
    lessons->fit.choice_count = 1;
    lessons->fit.choices[0] = (struct ear_fit_choice){48, 0};
}

ear_err ear_folder_read(const struct ear_folder *folder, struct ear_lessons *lessons,
                        struct ear_diag *diag)
{
    struct files files = {.count = 0};
    ear_err err = list_files(folder, &files, diag);
    if (!err) err = read_lexicons(folder, lessons, diag);
    if (!err) err = ear_lessons_open(lessons, diag);
    for (size_t i = 0; !err && i < files.count; i++) {
        struct reading r = {.folder = folder, .lessons = lessons, .diag = diag};
        r.path = files.paths[i];
        r.validation = ear_dataset_part_of(r.path) == EAR_DATASET_VALIDATION ||
                       (folder->validation && i + 1 == files.count);
        err = read_file(&r);
    }
    if (!err) err = read_texts(folder, lessons, diag);
    for (size_t i = 0; !err && i < lessons->task_count; i++) settle(&lessons->tasks[i], folder);
    if (!err) err = check_outside(folder, lessons, diag);
    set_network(folder, lessons);
    save_time(lessons);
    free_files(&files);
    return err;
}
