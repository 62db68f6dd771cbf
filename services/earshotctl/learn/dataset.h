/* dataset: labelled posts from a tab-separated file with a header line. One line is one post; the
 * columns are named by the header, `text` holds the post (or, where asked for, `key` stands for
 * one). Files come from anywhere: whatever is in them, the result is rows of equal width with that
 * column, or one line saying what is wrong where.
 *
 * A table owns the bytes of its file; all strings borrow from it. Blocks: not for a loop. */
#ifndef EAR_LEARN_DATASET_H
#define EAR_LEARN_DATASET_H

#include "base/base.h"

#define EAR_DATASET_BYTES_MAX   ((size_t)256 * 1024 * 1024)
#define EAR_DATASET_COLUMNS_MAX 32

struct ear_dataset {
    struct ear_buf bytes;
    size_t column_count;
    struct ear_str columns[EAR_DATASET_COLUMNS_MAX];
    size_t row_count;
    struct ear_str *cells; /* row_count × column_count */
};

/* EAR_NOT_FOUND … from the file system, EAR_TOO_LARGE, EAR_INVALID with "FILE:LINE: …" in diag. A
 * dataset that failed is empty and need not be released. */
ear_err ear_dataset_read(const char *path, struct ear_dataset *out,
                         struct ear_diag *diag) EAR_MUST_CHECK;
/* The same from memory; takes the bytes in any case. `name` is for diag, `needed` the column that
 * has to be there: "text" or "key". */
ear_err ear_dataset_parse(const char *name, struct ear_buf *bytes, const char *needed,
                          struct ear_dataset *out, struct ear_diag *diag) EAR_MUST_CHECK;
void ear_dataset_release(struct ear_dataset *dataset);

/* What a file is for, by a word of its name: "emotion.val.tsv" is for validation. */
typedef enum ear_dataset_part {
    EAR_DATASET_TRAIN,
    EAR_DATASET_VALIDATION, /* val, valid, validation, dev */
    EAR_DATASET_TEST,       /* test */
} ear_dataset_part;
ear_dataset_part ear_dataset_part_of(const char *path);

/* Index of the column, or -1. */
int ear_dataset_column(const struct ear_dataset *dataset, struct ear_str name);
struct ear_str ear_dataset_cell(const struct ear_dataset *dataset, size_t row, size_t column);

#endif
