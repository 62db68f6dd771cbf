#include "labels/export_labels.h"

#include "labels/mask.h"
#include "learn/split.h"
#include "show.h"
#include "store_sql.h"

#include <errno.h>
#include <sys/stat.h>

#define PAGE_ROWS   2000
#define HEADS_MAX   24 /* columns of a training file, text and what goes with it not counted */
#define FOLDS       5  /* one of them is val.tsv */
#define FILE_MAX    ((size_t)1024 * 1024 * 1024)
#define TEXT_MAX    ((size_t)256 * 1024)
#define CELL_MAX    ((size_t)2 * 1024 * 1024)
#define SECRET_MODE 0600

enum { PAGE_POST, PAGE_ACCOUNT, PAGE_DIRECT, PAGE_REPLY, PAGE_TEXT, PAGE_LABELS, PAGE_WHO };

struct export
{
    struct ear_ctl *ctl;
    int64_t since_us;
    struct ear_pg_results heads;
    size_t head_count;
    struct ear_text work;
    struct ear_buf masked;
    struct ear_buf files[2]; /* train, val */
    size_t rows[2];
};

static const char *const names[] = {"train.tsv", "val.tsv"};

static struct ear_str head_at(const struct export *e, size_t i)
{
    return ear_pg_get_str(e->heads.items[0], i, 0);
}

static void put(struct ear_buf *out, ear_err *err, struct ear_str s)
{
    if (!*err) *err = ear_buf_append_str(out, s);
}

static void put_column(struct ear_buf *out, ear_err *err, struct ear_str s)
{
    put(out, err, s);
    put(out, err, EAR_STR("\t"));
}

/* The language a post is in is a column of its own name in all training files. */
static struct ear_str column_of(struct ear_str head)
{
    return ear_str_eq(head, EAR_STR("language")) ? EAR_STR("lang") : head;
}

static ear_err begin_files(struct export *e)
{
    ear_err err = EAR_OK;
    for (size_t f = 0; f < EAR_COUNT(e->files); f++) {
        for (size_t i = 0; i < e->head_count; i++)
            put_column(&e->files[f], &err, column_of(head_at(e, i)));
        put(&e->files[f], &err, EAR_STR("post_id\taccount\tdirect\treply\twho\ttext\n"));
    }
    return err;
}

static void put_labels(const struct export *e, json_t *labels, struct ear_buf *out, ear_err *err)
{
    for (size_t i = 0; i < e->head_count; i++) {
        struct ear_str head = head_at(e, i);
        const json_t *label = json_object_getn(labels, head.ptr, head.len);
        put_column(out, err, ear_str_from(json_string_value(label)));
    }
}

static ear_err put_row(struct export *e, const struct ear_pg_result *page, size_t row)
{
    char id_text[EAR_ID_TEXT_BYTES];
    struct ear_id id = ear_pg_get_id(page, row, PAGE_POST);
    struct ear_str text = ear_pg_get_str(page, row, PAGE_TEXT);
    struct ear_str account = ear_pg_get_str(page, row, PAGE_ACCOUNT);
    struct ear_str labels_text = ear_pg_get_str(page, row, PAGE_LABELS);
    json_t *labels = json_loadb(labels_text.ptr, labels_text.len, 0, NULL);
    size_t file = ear_split_fold(ear_split_key(&e->work, text), 0, FOLDS) == 0;
    struct ear_buf *out = &e->files[file];
    ear_buf_reset(&e->masked);
    ear_err err = ear_mask_text(text, account, &e->masked);
    ear_id_format(&id, id_text);
    put_labels(e, labels, out, &err);
    put_column(out, &err, ear_str_from(id_text));
    put_column(out, &err, account);
    put_column(out, &err, ear_pg_get_bool(page, row, PAGE_DIRECT) ? EAR_STR("1") : EAR_STR("0"));
    put_column(out, &err, ear_pg_get_bool(page, row, PAGE_REPLY) ? EAR_STR("1") : EAR_STR("0"));
    put_column(out, &err, ear_pg_get_str(page, row, PAGE_WHO));
    put(out, &err, ear_buf_str(&e->masked));
    put(out, &err, EAR_STR("\n"));
    json_decref(labels);
    e->rows[file]++;
    return err;
}

/* The posts behind *last; *count is how many came. */
static ear_exit take_page(struct export *e, struct ear_id *last, size_t *count)
{
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_LABEL_PAGE);
    ear_pg_time(batch, e->since_us);
    ear_pg_id(batch, last);
    ear_pg_i64(batch, PAGE_ROWS);
    ear_exit status = ear_ctl_query(e->ctl, &batch, &results);
    *count = status ? 0 : ear_pg_rows(results.items[0]);
    for (size_t row = 0; row < *count && !status; row++) {
        *last = ear_pg_get_id(results.items[0], row, PAGE_POST);
        if (put_row(e, results.items[0], row))
            status = ear_ctl_fail(EAR_TOO_LARGE, "more labelled text than 1 GiB: use --since");
    }
    ear_pg_results_release(&results);
    return status;
}

static ear_exit take_heads(struct export *e)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_LABEL_HEADS);
    ear_pg_time(batch, e->since_us);
    ear_exit status = ear_ctl_query(e->ctl, &batch, &e->heads);
    if (status) return status;
    e->head_count = ear_pg_rows(e->heads.items[0]);
    if (!e->head_count) return ear_ctl_fail(EAR_NOT_FOUND, "no labels: see earshotctl relabel");
    if (e->head_count <= HEADS_MAX) return EAR_EXIT_OK;
    return ear_ctl_fail(EAR_TOO_LARGE, "labels of %zu heads; a training file holds %d",
                        e->head_count, HEADS_MAX);
}

static ear_exit write_files(const struct export *e, const char *folder)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return ear_ctl_fail_file("cannot make %s: %s", folder, strerror(errno));
    for (size_t f = 0; f < EAR_COUNT(e->files); f++) {
        char path[4096];
        struct ear_diag diag = {0};
        int len = snprintf(path, sizeof(path), "%s/%s", folder, names[f]);
        if (len < 0 || (size_t)len >= sizeof(path))
            return ear_ctl_fail_file("%s: too long a name", folder);
        ear_err err = ear_file_write(path, ear_buf_str(&e->files[f]), SECRET_MODE, &diag);
        if (err) return ear_ctl_fail_file("%s", diag.text);
    }
    return EAR_EXIT_OK;
}

static void print_result(const struct export *e, const char *folder)
{
    static const struct ear_show_column columns[] = {
        {"folder", "FOLDER", EAR_SHOW_TEXT, 0, 0},
        {"train", "train.tsv", EAR_SHOW_INT, 0, 0},
        {"val", "val.tsv", EAR_SHOW_INT, 0, 0},
        {"heads", "HEADS", EAR_SHOW_INT, 0, 0},
    };
    json_t *result =
        json_pack("{s:s, s:I, s:I, s:I}", "folder", folder, "train", (json_int_t)e->rows[0], "val",
                  (json_int_t)e->rows[1], "heads", (json_int_t)e->head_count);
    ear_show_object(e->ctl, result, columns, EAR_COUNT(columns));
    json_decref(result);
}

static ear_exit run(struct export *e, const char *folder)
{
    struct ear_id last = {0};
    size_t count = PAGE_ROWS;
    ear_exit status = ear_ctl_connect(e->ctl);
    if (!status) status = take_heads(e);
    if (!status && begin_files(e)) status = ear_ctl_fail(EAR_NO_MEMORY, "no memory");
    while (!status && count == PAGE_ROWS) status = take_page(e, &last, &count);
    if (!status) status = write_files(e, folder);
    if (!status) print_result(e, folder);
    return status;
}

/* A day is its first moment, UTC. */
static ear_exit read_since(const char *text, int64_t *since_us)
{
    char day[40];
    *since_us = 0;
    if (!text || ear_time_parse(ear_str_from(text), since_us) == EAR_OK) return EAR_EXIT_OK;
    snprintf(day, sizeof(day), "%.10sT00:00:00Z", text);
    if (strlen(text) == 10 && ear_time_parse(ear_str_from(day), since_us) == EAR_OK)
        return EAR_EXIT_OK;
    ear_ctl_fail(EAR_INVALID,
                 "--since wants a day as 2026-07-01 or a time as 2026-07-01T10:00:00Z");
    return EAR_EXIT_USAGE;
}

ear_exit ear_export_labels(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc;
    struct export e = {.ctl = ctl};
    ear_exit status = read_since(ctl->options.since, &e.since_us);
    if (status) return status;
    ear_text_init(&e.work, TEXT_MAX);
    ear_buf_init(&e.masked, CELL_MAX);
    for (size_t f = 0; f < EAR_COUNT(e.files); f++) ear_buf_init(&e.files[f], FILE_MAX);
    status = run(&e, argv[0]);
    for (size_t f = 0; f < EAR_COUNT(e.files); f++) ear_buf_release(&e.files[f]);
    ear_buf_release(&e.masked);
    ear_text_release(&e.work);
    ear_pg_results_release(&e.heads);
    return status;
}
