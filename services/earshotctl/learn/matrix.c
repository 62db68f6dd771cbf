#include "matrix.h"

#include <stdlib.h>

#define FIRST_ROWS  ((size_t)1024)
#define FIRST_CELLS ((size_t)65536)

void ear_matrix_init(struct ear_matrix *m, uint32_t sparse_columns, uint32_t dense_columns)
{
    *m = (struct ear_matrix){.column_count = sparse_columns + dense_columns,
                             .sparse_columns = sparse_columns,
                             .row_room = FIRST_ROWS,
                             .cell_room = FIRST_CELLS};
    m->starts = ear_alloc((FIRST_ROWS + 1) * sizeof *m->starts);
    m->cells = ear_alloc(FIRST_CELLS * sizeof *m->cells);
    m->starts[0] = 0;
}

void ear_matrix_release(struct ear_matrix *m)
{
    free(m->starts);
    free(m->cells);
    *m = (struct ear_matrix){0};
}

static void *grown(void *memory, size_t bytes)
{
    void *more = realloc(memory, bytes);
    EAR_CHECK(more != NULL);
    return more;
}

void ear_matrix_add(struct ear_matrix *m, const struct ear_cell *cells, size_t count)
{
    size_t at = m->starts[m->row_count];
    if (m->row_count == m->row_room) {
        m->row_room *= 2;
        m->starts = grown(m->starts, (m->row_room + 1) * sizeof *m->starts);
    }
    while (at + count > m->cell_room) {
        m->cell_room *= 2;
        m->cells = grown(m->cells, m->cell_room * sizeof *m->cells);
    }
    if (count) memcpy(m->cells + at, cells, count * sizeof *cells);
    m->starts[++m->row_count] = at + count;
}

/* ---- a part ---- */

/* numbers: of each column of the whole, from 1; 0: none yet. */
static void number_columns(struct ear_matrix_part *part, const struct ear_matrix *whole,
                           const uint32_t *rows, size_t count, uint32_t *numbers)
{
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        size_t cells;
        const struct ear_cell *cell = ear_matrix_row(whole, rows[i], &cells);
        for (size_t k = 0; k < cells; k++) {
            if (cell[k].column >= whole->sparse_columns || numbers[cell[k].column]) continue;
            part->origin[found] = cell[k].column;
            numbers[cell[k].column] = ++found;
        }
    }
    ear_matrix_init(&part->x, found, whole->column_count - whole->sparse_columns);
    for (uint32_t c = whole->sparse_columns; c < whole->column_count; c++) {
        part->origin[found] = c;
        numbers[c] = ++found;
    }
}

void ear_matrix_part_init(struct ear_matrix_part *part, const struct ear_matrix *whole,
                          const uint32_t *rows, size_t count)
{
    size_t columns = (size_t)whole->column_count + 1;
    uint32_t *numbers = ear_alloc(columns * sizeof *numbers);
    part->origin = ear_alloc(columns * sizeof *part->origin);
    number_columns(part, whole, rows, count, numbers);
    for (size_t i = 0; i < count; i++) {
        size_t cells;
        const struct ear_cell *cell = ear_matrix_row(whole, rows[i], &cells);
        ear_matrix_add(&part->x, cell, cells);
        struct ear_cell *copy = part->x.cells + part->x.starts[i];
        for (size_t k = 0; k < cells; k++) copy[k].column = numbers[copy[k].column] - 1;
    }
    free(numbers);
}

void ear_matrix_part_release(struct ear_matrix_part *part)
{
    ear_matrix_release(&part->x);
    free(part->origin);
}
