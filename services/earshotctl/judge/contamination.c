#include "judge/contamination.h"

#include "judge/tsv_files.h"
#include "learn/dataset.h"
#include "learn/split.h"

#include <stdlib.h>

#define FILES_MAX  1024
#define TEXT_BYTES ((size_t)256 * 1024)

struct keyed_row {
    uint64_t key;
    size_t row;
    bool wordy; /* EAR_CONTAMINATION_WORDS or more: no two people write it by chance */
};

struct keyed_file {
    char *path; /* owned */
    bool held_out;
    size_t count;
    struct keyed_row *rows; /* owned; by key, then row */
};

struct reading {
    struct ear_text work;
    size_t count;
    struct keyed_file files[FILES_MAX];
};

static int by_key(const void *left, const void *right)
{
    const struct keyed_row *a = left, *b = right;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static struct keyed_row keyed(struct ear_text *work, struct ear_str text, size_t row)
{
    struct keyed_row keyed = {ear_split_key(work, text), row, false};
    struct ear_str rest = ear_buf_str(&work->text); /* as the key left it */
    struct ear_token token;
    size_t words = 0;
    while (words < EAR_CONTAMINATION_WORDS && ear_text_next(&rest, &token))
        words += token.kind == EAR_TOKEN_WORD || token.kind == EAR_TOKEN_TAG;
    keyed.wordy = words == EAR_CONTAMINATION_WORDS;
    return keyed;
}

static ear_err take_file(void *self, const char *path, struct ear_diag *diag)
{
    struct reading *r = self;
    struct ear_dataset data;
    if (r->count == FILES_MAX)
        return ear_fail(diag, EAR_TOO_LARGE, "more than %d files", FILES_MAX);
    ear_err err = ear_dataset_read(path, &data, diag);
    if (err) return err;
    int column = ear_dataset_column(&data, EAR_STR("text"));
    struct keyed_file *file = &r->files[r->count++];
    *file = (struct keyed_file){
        .path = ear_strdup(path), .held_out = ear_tsv_held_out(path), .count = data.row_count};
    file->rows = ear_alloc((data.row_count + 1) * sizeof(*file->rows));
    for (size_t i = 0; i < data.row_count; i++)
        file->rows[i] = keyed(&r->work, ear_dataset_cell(&data, i, (size_t)column), i);
    qsort(file->rows, file->count, sizeof(*file->rows), by_key);
    ear_dataset_release(&data);
    return EAR_OK;
}

/* Where the first row with this key or a later one stands. */
static size_t first_at(const struct keyed_file *file, uint64_t key)
{
    size_t low = 0, high = file->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (file->rows[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct keyed_row *twin_of(const struct keyed_file *file, uint64_t key)
{
    size_t at = first_at(file, key);
    return at < file->count && file->rows[at].key == key ? &file->rows[at] : NULL;
}

/* Lines as editors count them: the header is the first. */
static json_t *pair_of(const struct keyed_file *train, const struct keyed_file *held)
{
    return json_pack("{s:s, s:s}", "train", train->path, "held", held->path);
}

static void set_count(json_t *pair, const char *key, size_t count)
{
    EAR_CHECK(json_object_set_new(pair, key, json_integer((json_int_t)count)) == 0);
}

/* Counts the rows of `held` that `train` has too. */
static void hold_against(const struct keyed_file *train, const struct keyed_file *held,
                         bool *copied, json_t *pairs)
{
    size_t found = 0, copies = 0, first = SIZE_MAX, twin_row = 0;
    for (size_t i = 0; i < held->count; i++) {
        const struct keyed_row *row = &held->rows[i], *twin = twin_of(train, row->key);
        if (!twin) continue;
        found++;
        if (!row->wordy) continue;
        copies++;
        copied[row->row] = true;
        if (row->row < first) first = row->row, twin_row = twin->row;
    }
    if (!found) return;
    json_t *pair = pair_of(train, held);
    set_count(pair, "copies", copies);
    set_count(pair, "short", found - copies);
    set_count(pair, "of", held->count);
    if (copies) set_count(pair, "line", first + 2), set_count(pair, "twin", twin_row + 2);
    EAR_CHECK(json_array_append_new(pairs, pair) == 0);
}

static void hold_all(const struct reading *r, json_t *pairs, struct ear_contamination_count *out)
{
    for (size_t h = 0; h < r->count; h++) {
        const struct keyed_file *held = &r->files[h];
        *(held->held_out ? &out->held_files : &out->train_files) += 1;
        *(held->held_out ? &out->held_rows : &out->train_rows) += held->count;
        if (!held->held_out) continue;
        bool *copied = ear_alloc(held->count + 1);
        for (size_t t = 0; t < r->count; t++)
            if (!r->files[t].held_out) hold_against(&r->files[t], held, copied, pairs);
        for (size_t i = 0; i < held->count; i++) out->copies += copied[i];
        free(copied);
    }
}

ear_err ear_contamination_check(char *const *paths, size_t count, json_t *pairs,
                                struct ear_contamination_count *out, struct ear_diag *diag)
{
    struct reading *r = ear_alloc(sizeof(*r));
    ear_err err = EAR_OK;
    *out = (struct ear_contamination_count){0};
    ear_text_init(&r->work, TEXT_BYTES);
    for (size_t i = 0; i < count && !err; i++)
        err = ear_tsv_each(paths[i], EAR_TSV_ALL, take_file, r, diag);
    if (!err) hold_all(r, pairs, out);
    for (size_t i = 0; i < r->count; i++) {
        free(r->files[i].path);
        free(r->files[i].rows);
    }
    ear_text_release(&r->work);
    free(r);
    return err;
}
