/* matrix: the features of many posts, one sparse row each. Columns below `sparse_columns` are
 * hashed n-grams, those from there on dense inputs (cues, scores of other heads). Owned by its
 * maker; grows row by row, read-only while solvers use it. */
#ifndef EAR_LEARN_MATRIX_H
#define EAR_LEARN_MATRIX_H

#include "base/base.h"

struct ear_cell {
    uint32_t column;
    float value;
};

struct ear_matrix {
    uint32_t column_count;
    uint32_t sparse_columns;
    size_t row_count, row_room;
    size_t *starts; /* row_count + 1 */
    size_t cell_room;
    struct ear_cell *cells;
};

void ear_matrix_init(struct ear_matrix *m, uint32_t sparse_columns, uint32_t dense_columns);
void ear_matrix_release(struct ear_matrix *m);
/* Copies the cells as a new row. */
void ear_matrix_add(struct ear_matrix *m, const struct ear_cell *cells, size_t count);

/* Some of its rows, in the order given, with the columns that occur in them numbered anew in the
 * order of appearance: what a solver walks through again and again lies close together. Dense
 * columns come last, all of them. Owned by its maker. */
struct ear_matrix_part {
    struct ear_matrix x;
    uint32_t *origin; /* of each column: its number in the whole */
};

void ear_matrix_part_init(struct ear_matrix_part *part, const struct ear_matrix *whole,
                          const uint32_t *rows, size_t count);
void ear_matrix_part_release(struct ear_matrix_part *part);

static inline const struct ear_cell *ear_matrix_row(const struct ear_matrix *m, size_t row,
                                                    size_t *count)
{
    *count = m->starts[row + 1] - m->starts[row];
    return m->cells + m->starts[row];
}

#endif
