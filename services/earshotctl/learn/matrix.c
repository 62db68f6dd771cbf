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
