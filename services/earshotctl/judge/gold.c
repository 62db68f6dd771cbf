#include "judge/gold.h"

#include "judge/tsv_files.h"

#include <stdlib.h>

struct gathering {
    const struct ear_str *wanted;
    size_t wanted_count;
    struct ear_str named; /* of --heads; empty: none */
    struct ear_gold *gold;
};

/* Where the members of a row stand in a file; -1: nowhere. */
struct columns {
    int text, account, direct, reply, domain, language;
    int heads[EAR_MODEL_HEADS_MAX]; /* by index in gold->heads */
};

static bool is_wanted(const struct gathering *g, struct ear_str name)
{
    for (size_t i = 0; i < g->wanted_count; i++)
        if (ear_str_eq(g->wanted[i], name)) return true;
    return false;
}

static int head_of(struct ear_gold *gold, struct ear_str name)
{
    for (size_t i = 0; i < gold->head_count; i++)
        if (ear_str_eq(gold->heads[i], name)) return (int)i;
    if (gold->head_count == EAR_MODEL_HEADS_MAX) return -1;
    gold->heads[gold->head_count] = name;
    return (int)gold->head_count++;
}

/* The last two parts of the path: "…/banking77/val.tsv" gives "banking77" and "val". */
static void path_words(const char *path, struct ear_str *folder, struct ear_str *stem)
{
    struct ear_str rest = ear_str_from(path), part;
    *folder = *stem = EAR_STR_NONE;
    while (ear_str_split(&rest, '/', &part)) {
        *folder = *stem;
        *stem = part;
    }
    rest = *stem;
    if (!ear_str_split(&rest, '.', stem)) *stem = EAR_STR_NONE;
}

static struct ear_str last_two(const char *path)
{
    size_t slashes = 0, at = strlen(path);
    while (at && slashes < 2) slashes += path[--at] == '/';
    return ear_str_from(path + at + (slashes == 2));
}

/* The wanted head that a column "label" of this file belongs to, as the caller spells it. */
static struct ear_str head_of_label(const struct gathering *g, const char *path)
{
    struct ear_str folder, stem;
    path_words(path, &folder, &stem);
    if (g->named.len && is_wanted(g, g->named)) return g->named;
    for (size_t i = 0; i < g->wanted_count; i++)
        if (ear_str_eq(g->wanted[i], stem)) return g->wanted[i];
    for (size_t i = 0; i < g->wanted_count; i++)
        if (ear_str_eq(g->wanted[i], folder)) return g->wanted[i];
    return g->wanted_count == 1 ? g->wanted[0] : EAR_STR_NONE;
}

static void columns_of(struct gathering *g, const struct ear_gold_file *file, struct columns *c)
{
    const struct ear_dataset *data = &file->data;
    *c = (struct columns){.text = ear_dataset_column(data, EAR_STR("text")),
                          .account = ear_dataset_column(data, EAR_STR("account")),
                          .direct = ear_dataset_column(data, EAR_STR("direct")),
                          .reply = ear_dataset_column(data, EAR_STR("reply")),
                          .domain = ear_dataset_column(data, EAR_STR("domain")),
                          .language = ear_dataset_column(data, EAR_STR("lang"))};
    for (size_t i = 0; i < EAR_MODEL_HEADS_MAX; i++) c->heads[i] = -1;
    for (size_t i = 0; i < g->wanted_count; i++) {
        int column = ear_dataset_column(data, g->wanted[i]);
        int head = column < 0 ? -1 : head_of(g->gold, g->wanted[i]);
        if (head >= 0) c->heads[head] = column;
    }
    int label = ear_dataset_column(data, EAR_STR("label"));
    struct ear_str name = label < 0 ? EAR_STR_NONE : head_of_label(g, file->path);
    int head = name.len ? head_of(g->gold, name) : -1;
    if (head >= 0) c->heads[head] = label;
}

static bool has_labels(const struct columns *c)
{
    bool any = c->language >= 0;
    for (size_t i = 0; i < EAR_MODEL_HEADS_MAX; i++) any |= c->heads[i] >= 0;
    return any;
}

static struct ear_str cell(const struct ear_dataset *data, size_t row, int column)
{
    return column < 0 ? EAR_STR_NONE : ear_dataset_cell(data, row, (size_t)column);
}

static bool says_yes(struct ear_str s)
{
    return ear_str_eq(s, EAR_STR("1")) || ear_str_eq(s, EAR_STR("y")) ||
           ear_str_eq(s, EAR_STR("true"));
}

/* "-" and "?" stand for no label in the files there are. */
static struct ear_str label_cell(struct ear_str s)
{
    s = ear_str_trim(s);
    return ear_str_eq(s, EAR_STR("-")) || ear_str_eq(s, EAR_STR("?")) ? EAR_STR_NONE : s;
}

static void take_row(struct ear_gold *gold, size_t source, size_t row, const struct columns *c)
{
    const struct ear_dataset *data = &gold->files[source].data;
    size_t at = gold->row_count++;
    gold->rows[at] = (struct ear_gold_row){
        .post = {.text = cell(data, row, c->text),
                 .account = cell(data, row, c->account),
                 .direct = says_yes(cell(data, row, c->direct)),
                 .reply = says_yes(cell(data, row, c->reply))},
        .source = source,
        .domain = ear_str_trim(cell(data, row, c->domain)),
        .language = label_cell(cell(data, row, c->language)),
    };
    for (size_t h = 0; h < EAR_MODEL_HEADS_MAX; h++)
        gold->labels[at * EAR_MODEL_HEADS_MAX + h] = label_cell(cell(data, row, c->heads[h]));
}

static ear_err grow(struct ear_gold *gold, size_t more, struct ear_diag *diag)
{
    size_t rows = gold->row_count + more + 1;
    void *grown = ear_try_realloc(gold->rows, rows * sizeof(*gold->rows));
    if (grown) gold->rows = grown;
    void *labels =
        ear_try_realloc(gold->labels, rows * EAR_MODEL_HEADS_MAX * sizeof(*gold->labels));
    if (labels) gold->labels = labels;
    return grown && labels ? EAR_OK : ear_fail(diag, EAR_NO_MEMORY, "no memory for the rows");
}

static ear_err take_file(void *self, const char *path, struct ear_diag *diag)
{
    struct gathering *g = self;
    struct ear_gold *gold = g->gold;
    struct columns columns;
    if (gold->file_count == EAR_GOLD_FILES_MAX)
        return ear_fail(diag, EAR_TOO_LARGE, "more than %d files", EAR_GOLD_FILES_MAX);
    struct ear_gold_file *file = &gold->files[gold->file_count];
    ear_err err = ear_dataset_read(path, &file->data, diag);
    if (err) return err;
    file->path = ear_strdup(path);
    file->name = last_two(file->path);
    size_t source = gold->file_count++;
    columns_of(g, file, &columns);
    if (!has_labels(&columns))
        return ear_fail(diag, EAR_INVALID,
                        "%s: no column is named as a head of the model, and \"label\" belongs to "
                        "none; say which by --heads",
                        path);
    err = grow(gold, file->data.row_count, diag);
    for (size_t row = 0; row < file->data.row_count && !err; row++)
        take_row(gold, source, row, &columns);
    return err;
}

ear_err ear_gold_read(char *const *paths, size_t path_count, const struct ear_str *wanted,
                      size_t wanted_count, struct ear_str named, struct ear_gold *out,
                      struct ear_diag *diag)
{
    struct gathering g = {wanted, wanted_count, named, out};
    ear_err err = EAR_OK;
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < path_count && !err; i++)
        err = ear_tsv_each(paths[i], EAR_TSV_HELD_OUT, take_file, &g, diag);
    if (!err && !out->row_count) err = ear_fail(diag, EAR_INVALID, "no rows in these files");
    if (err) ear_gold_release(out);
    return err;
}

void ear_gold_release(struct ear_gold *gold)
{
    for (size_t i = 0; i < gold->file_count; i++) {
        free(gold->files[i].path);
        ear_dataset_release(&gold->files[i].data);
    }
    free(gold->rows);
    free(gold->labels);
    memset(gold, 0, sizeof(*gold));
}
