#include "dataset.h"

#include <stdlib.h>

/* One line without its end; false after the last. A last line need not end. */
static bool next_line(struct ear_str *rest, struct ear_str *line)
{
    if (!rest->len) return false;
    if (!ear_str_split(rest, '\n', line)) return false;
    if (line->len && line->ptr[line->len - 1] == '\r') line->len--;
    return true;
}

static ear_err read_header(const char *name, struct ear_str line, struct ear_dataset *d,
                           struct ear_diag *diag)
{
    struct ear_str cell;
    static const struct ear_str mark = {"\xEF\xBB\xBF", 3};
    if (ear_str_starts(line, mark)) line = (struct ear_str){line.ptr + 3, line.len - 3};
    while (ear_str_split(&line, '\t', &cell)) {
        cell = ear_str_trim(cell);
        if (!cell.len) return ear_fail(diag, EAR_INVALID, "%s:1: a column without a name", name);
        if (ear_dataset_column(d, cell) >= 0)
            return ear_fail(diag, EAR_INVALID, "%s:1: column \"%.*s\" stands there twice", name,
                            EAR_STR_ARG(cell));
        if (d->column_count == EAR_DATASET_COLUMNS_MAX)
            return ear_fail(diag, EAR_INVALID, "%s:1: more than %d columns", name,
                            EAR_DATASET_COLUMNS_MAX);
        d->columns[d->column_count++] = cell;
    }
    return EAR_OK;
}

static ear_err read_row(const char *name, size_t number, struct ear_str line, struct ear_dataset *d,
                        struct ear_diag *diag)
{
    struct ear_str *cells = d->cells + d->row_count * d->column_count;
    size_t tabs = 0;
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] == '\0')
            return ear_fail(diag, EAR_INVALID, "%s:%zu: a NUL byte", name, number);
        tabs += line.ptr[i] == '\t';
    }
    if (tabs + 1 != d->column_count)
        return ear_fail(diag, EAR_INVALID, "%s:%zu: %zu cells where the header has %zu", name,
                        number, tabs + 1, d->column_count);
    for (size_t c = 0; c < d->column_count; c++) (void)ear_str_split(&line, '\t', &cells[c]);
    d->row_count++;
    return EAR_OK;
}

static size_t line_bound(struct ear_str bytes)
{
    size_t lines = 1;
    for (size_t i = 0; i < bytes.len; i++) lines += bytes.ptr[i] == '\n';
    return lines;
}

static ear_err read_rows(const char *name, const char *needed, struct ear_dataset *d,
                         struct ear_diag *diag)
{
    struct ear_str rest = ear_buf_str(&d->bytes), line;
    size_t number = 1;
    if (!next_line(&rest, &line)) return ear_fail(diag, EAR_INVALID, "%s: empty", name);
    ear_err err = read_header(name, line, d, diag);
    if (err) return err;
    if (ear_dataset_column(d, ear_str_from(needed)) < 0)
        return ear_fail(diag, EAR_INVALID, "%s:1: no column \"%s\" in the header line", name,
                        needed);
    d->cells = calloc(line_bound(ear_buf_str(&d->bytes)) * d->column_count, sizeof *d->cells);
    if (!d->cells) return ear_fail(diag, EAR_NO_MEMORY, "%s: no memory for its rows", name);
    while (next_line(&rest, &line)) {
        number++;
        if (!line.len) continue;
        err = read_row(name, number, line, d, diag);
        if (err) return err;
    }
    return EAR_OK;
}

ear_err ear_dataset_parse(const char *name, struct ear_buf *bytes, const char *needed,
                          struct ear_dataset *out, struct ear_diag *diag)
{
    *out = (struct ear_dataset){.bytes = *bytes};
    *bytes = (struct ear_buf){0};
    ear_err err = read_rows(name, needed, out, diag);
    if (err) ear_dataset_release(out);
    return err;
}

ear_err ear_dataset_read(const char *path, struct ear_dataset *out, struct ear_diag *diag)
{
    struct ear_buf bytes;
    *out = (struct ear_dataset){0};
    ear_buf_init(&bytes, EAR_DATASET_BYTES_MAX);
    ear_err err = ear_file_read(path, &bytes, diag);
    if (err) {
        ear_buf_release(&bytes);
        return err;
    }
    return ear_dataset_parse(path, &bytes, "text", out, diag);
}

/* Words of names are parted by dots, dashes, underscores and blanks. */
ear_dataset_part ear_dataset_part_of(const char *path)
{
    static const struct {
        const char *word;
        ear_dataset_part part;
    } words[] = {{"val", EAR_DATASET_VALIDATION},
                 {"valid", EAR_DATASET_VALIDATION},
                 {"validation", EAR_DATASET_VALIDATION},
                 {"dev", EAR_DATASET_VALIDATION},
                 {"test", EAR_DATASET_TEST}};
    const char *slash = strrchr(path, '/'), *at = slash ? slash + 1 : path;
    while (*at) {
        struct ear_str word = {at, strcspn(at, "._- ")};
        for (size_t i = 0; i < EAR_COUNT(words); i++)
            if (ear_str_eq(word, ear_str_from(words[i].word))) return words[i].part;
        at += word.len + (at[word.len] != '\0');
    }
    return EAR_DATASET_TRAIN;
}

void ear_dataset_release(struct ear_dataset *dataset)
{
    ear_buf_release(&dataset->bytes);
    free(dataset->cells);
    *dataset = (struct ear_dataset){0};
}

int ear_dataset_column(const struct ear_dataset *dataset, struct ear_str name)
{
    for (size_t i = 0; i < dataset->column_count; i++)
        if (ear_str_eq(dataset->columns[i], name)) return (int)i;
    return -1;
}

struct ear_str ear_dataset_cell(const struct ear_dataset *dataset, size_t row, size_t column)
{
    return dataset->cells[row * dataset->column_count + column];
}
