/* columns: the rows of a set, pushed value by value: by COPY, as one array of rows, or as an array
 * a column. Private to store. */
#ifndef EAR_ASSIGNMENT_COLUMNS_H
#define EAR_ASSIGNMENT_COLUMNS_H

#include "base/base.h"
#include "pg/pg.h"

#define COLUMNS_MAX 28
struct columns {
    struct ear_pg_array *rows; /* NULL: an array a column */
    struct ear_pg_array *at[COLUMNS_MAX];
    size_t next;
};

/* From here on COPY is cheaper than an array of rows. */
#define COPY_ROWS 64

static inline void open_copy(struct ear_pg_batch *batch, struct columns *set, unsigned statement,
                             const ear_pg_type *types, size_t count)
{
    ear_pg_batch_add(batch, statement);
    *set = (struct columns){.rows = ear_pg_copy(batch, types, count)};
}

static inline void open_rows(struct ear_pg_batch *batch, struct columns *set, unsigned statement,
                             const ear_pg_type *types, size_t count)
{
    ear_pg_batch_add(batch, statement);
    *set = (struct columns){.rows = ear_pg_rows_array(batch, types, count)};
}

/* By the first statement where there are many, else by the second. */
static inline void open_many(struct ear_pg_batch *batch, struct columns *set, size_t rows,
                             unsigned copy, unsigned insert, const ear_pg_type *types, size_t count)
{
    if (rows >= COPY_ROWS)
        open_copy(batch, set, copy, types, count);
    else
        open_rows(batch, set, insert, types, count);
}

static inline void open_columns(struct ear_pg_batch *batch, struct columns *set, unsigned statement,
                                const ear_pg_type *types, size_t count)
{
    EAR_CHECK(count <= COLUMNS_MAX);
    set->rows = NULL;
    ear_pg_batch_add(batch, statement);
    for (size_t i = 0; i < count; i++) set->at[i] = ear_pg_array(batch, types[i]);
    set->next = 0;
}

static inline struct ear_pg_array *next_of(struct columns *set)
{
    return set->rows ? set->rows : set->at[set->next++];
}

static inline void put_int(struct columns *set, int64_t value)
{
    ear_pg_push_int(next_of(set), value);
}

static inline void put_bool(struct columns *set, bool value)
{
    ear_pg_push_bool(next_of(set), value);
}

static inline void put_text(struct columns *set, const char *text)
{
    struct ear_pg_array *array = next_of(set);
    if (text)
        ear_pg_push_text(array, ear_str_from(text));
    else
        ear_pg_push_null(array);
}

static inline void put_id(struct columns *set, const struct ear_id *id)
{
    ear_pg_push_id(next_of(set), ear_id_is_nil(id) ? NULL : id);
}

/* 0: SQL NULL. */
static inline void put_nonzero(struct columns *set, int64_t value)
{
    struct ear_pg_array *array = next_of(set);
    if (value)
        ear_pg_push_int(array, value);
    else
        ear_pg_push_null(array);
}

static inline void put_time(struct columns *set, int64_t at_us)
{
    put_nonzero(set, at_us);
}

static inline void end_row(struct columns *set)
{
    set->next = 0;
}

static inline void put_nulls(struct columns *set, int count)
{
    for (int i = 0; i < count; i++) ear_pg_push_null(next_of(set));
}

#endif
