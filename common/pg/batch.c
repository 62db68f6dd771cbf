#include "pg/batch.h"

#include <stdlib.h>

#define DEFAULT_BYTES ((size_t)16 << 20)
/* ndim, flags, element type, then length and lower bound of the one dimension. */
#define ARRAY_HEAD_BYTES  ((size_t)20)
#define ARRAY_EMPTY_BYTES ((size_t)12)
#define ROW_HEAD_BYTES    ((size_t)8) /* length, number of columns */
/* Of COPY: signature, flags, length of a further head; number of columns; -1 where rows end. */
#define COPY_HEAD          "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
#define COPY_HEAD_BYTES    (sizeof(COPY_HEAD) - 1)
#define COPY_ROW_BYTES     ((size_t)2)
#define COPY_TRAILER       "\377\377"
#define COPY_TRAILER_BYTES (sizeof(COPY_TRAILER) - 1)
#define JSONB_VERSION      1

struct ear_pg_array {
    struct ear_pg_batch *batch; /* the owner */
    struct ear_pg_array *next;
    ear_pg_type element;
    uint32_t count;
    bool has_null;
    struct ear_buf bytes; /* begins with room for the head */
    /* Of rows: */
    const ear_pg_type *columns; /* borrowed; NULL: of single values */
    size_t column_count, column, row_at;
    bool copies; /* they are for COPY: no array, but what that reads */
};

struct ear_pg_batch *ear_pg_batch_new(size_t max_bytes)
{
    struct ear_pg_batch *batch = ear_alloc(sizeof(*batch));
    batch->max_bytes = max_bytes ? max_bytes : DEFAULT_BYTES;
    ear_buf_init(&batch->bytes, batch->max_bytes);
    return batch;
}

void ear_pg_batch_no_wait(struct ear_pg_batch *batch)
{
    batch->no_wait = true;
}

void ear_pg_batch_free(struct ear_pg_batch **ref)
{
    struct ear_pg_batch *batch = *ref;
    if (!batch) return;
    *ref = NULL;
    while (batch->arrays) {
        struct ear_pg_array *array = batch->arrays;
        batch->arrays = array->next;
        ear_buf_release(&array->bytes);
        free(array);
    }
    ear_buf_release(&batch->bytes);
    free(batch->steps);
    free(batch->parameters);
    free(batch);
}

static void note(struct ear_pg_batch *batch, ear_err err)
{
    if (err && !batch->err) batch->err = err;
}

void ear_pg_batch_fail(struct ear_pg_batch *batch, ear_err err)
{
    note(batch, err);
}

/* Counts against the ceiling before anything grows. */
static bool take_bytes(struct ear_pg_batch *batch, size_t len)
{
    if (batch->err) return false;
    if (len > batch->max_bytes - batch->used_bytes) {
        note(batch, EAR_TOO_LARGE);
        return false;
    }
    batch->used_bytes += len;
    return true;
}

static void *grow(struct ear_pg_batch *batch, void *items, size_t *room, size_t count, size_t size)
{
    if (count < *room) return items;
    size_t wanted = *room ? *room * 2 : 16;
    void *bigger = ear_try_realloc(items, wanted * size);
    if (!bigger) {
        note(batch, EAR_NO_MEMORY);
        return items;
    }
    *room = wanted;
    return bigger;
}

void ear_pg_batch_add(struct ear_pg_batch *batch, unsigned statement)
{
    if (!take_bytes(batch, sizeof(*batch->steps))) return;
    batch->steps =
        grow(batch, batch->steps, &batch->step_room, batch->step_count, sizeof(*batch->steps));
    if (batch->err) return;
    batch->steps[batch->step_count++] =
        (struct ear_pg_step){.statement = statement, .first = batch->parameter_count};
}

static struct ear_pg_parameter *add(struct ear_pg_batch *batch, ear_pg_type type)
{
    if (!take_bytes(batch, sizeof(*batch->parameters))) return NULL;
    EAR_CHECK(batch->step_count > 0);
    struct ear_pg_step *step = &batch->steps[batch->step_count - 1];
    EAR_CHECK(step->count < EAR_PG_PARAMETERS_MAX);
    batch->parameters = grow(batch, batch->parameters, &batch->parameter_room,
                             batch->parameter_count, sizeof(*batch->parameters));
    if (batch->err) return NULL;
    step->count++;
    struct ear_pg_parameter *parameter = &batch->parameters[batch->parameter_count++];
    *parameter = (struct ear_pg_parameter){.type = type};
    return parameter;
}

static void add_bytes(struct ear_pg_batch *batch, ear_pg_type type, const void *data, size_t len)
{
    struct ear_pg_parameter *parameter = add(batch, type);
    if (!parameter || !take_bytes(batch, len)) return;
    parameter->at = batch->bytes.len;
    parameter->len = len;
    note(batch, ear_buf_append(&batch->bytes, data, len));
}

static void add_number(struct ear_pg_batch *batch, ear_pg_type type, int64_t value, size_t size)
{
    uint8_t wire[8];
    ear_put_be(wire, (uint64_t)value, size);
    add_bytes(batch, type, wire, size);
}

void ear_pg_null(struct ear_pg_batch *batch)
{
    struct ear_pg_parameter *parameter = add(batch, EAR_PG_TEXT);
    if (parameter) parameter->null = true;
}

void ear_pg_bool(struct ear_pg_batch *batch, bool value)
{
    add_number(batch, EAR_PG_BOOL, value, 1);
}

void ear_pg_i16(struct ear_pg_batch *batch, int16_t value)
{
    add_number(batch, EAR_PG_I16, value, 2);
}

void ear_pg_i32(struct ear_pg_batch *batch, int32_t value)
{
    add_number(batch, EAR_PG_I32, value, 4);
}

void ear_pg_i64(struct ear_pg_batch *batch, int64_t value)
{
    add_number(batch, EAR_PG_I64, value, 8);
}

void ear_pg_text(struct ear_pg_batch *batch, struct ear_str value)
{
    if (value.ptr)
        add_bytes(batch, EAR_PG_TEXT, value.ptr, value.len);
    else
        ear_pg_null(batch);
}

void ear_pg_bytes(struct ear_pg_batch *batch, struct ear_str value)
{
    if (value.ptr)
        add_bytes(batch, EAR_PG_BYTES, value.ptr, value.len);
    else
        ear_pg_null(batch);
}

void ear_pg_id(struct ear_pg_batch *batch, const struct ear_id *value)
{
    if (value)
        add_bytes(batch, EAR_PG_ID, value->b, EAR_ID_BYTES);
    else
        ear_pg_null(batch);
}

void ear_pg_time(struct ear_pg_batch *batch, int64_t at_us)
{
    add_number(batch, EAR_PG_TIME, at_us - EAR_PG_EPOCH_US, 8);
}

static struct ear_pg_array *add_array(struct ear_pg_batch *batch, ear_pg_type type,
                                      const void *head, size_t head_len)
{
    struct ear_pg_parameter *parameter = add(batch, type);
    struct ear_pg_array *array = ear_alloc(sizeof(*array));
    *array = (struct ear_pg_array){.batch = batch, .element = type, .next = batch->arrays};
    batch->arrays = array;
    if (parameter) parameter->array = array;
    ear_buf_init(&array->bytes, batch->max_bytes);
    if (take_bytes(batch, head_len)) note(batch, ear_buf_append(&array->bytes, head, head_len));
    return array;
}

struct ear_pg_array *ear_pg_array(struct ear_pg_batch *batch, ear_pg_type element)
{
    static const uint8_t head[ARRAY_HEAD_BYTES];
    return add_array(batch, element, head, sizeof(head));
}

struct ear_pg_array *ear_pg_rows_array(struct ear_pg_batch *batch, const ear_pg_type *columns,
                                       size_t count)
{
    struct ear_pg_array *array = ear_pg_array(batch, EAR_PG_ROWS);
    array->columns = columns;
    array->column_count = count;
    return array;
}

struct ear_pg_array *ear_pg_copy(struct ear_pg_batch *batch, const ear_pg_type *columns,
                                 size_t count)
{
    struct ear_pg_array *array = add_array(batch, EAR_PG_COPY, COPY_HEAD, COPY_HEAD_BYTES);
    array->columns = columns;
    array->column_count = count;
    array->copies = true;
    if (!batch->err) batch->steps[batch->step_count - 1].copies = true;
    return array;
}

static ear_pg_type type_of(const struct ear_pg_array *array)
{
    return array->columns ? array->columns[array->column] : array->element;
}

/* Writes what stands before a value: its length, in a row its type, and before the first one the
 * row's own head. Gives the place for the value itself; NULL where the batch has failed. One
 * reservation a value, since a busy service pushes a hundred thousand of them a second. */
static uint8_t *open_value(struct ear_pg_array *array, size_t len, size_t shown_len)
{
    bool opens_row = array->columns && array->column == 0, typed = array->columns && !array->copies;
    size_t row_head = !opens_row ? 0 : array->copies ? COPY_ROW_BYTES : ROW_HEAD_BYTES;
    size_t head = row_head + (typed ? 8 : 4);
    struct ear_buf *bytes = &array->bytes;
    if (!take_bytes(array->batch, head + len)) return NULL;
    ear_err err = ear_buf_reserve(bytes, head + len);
    note(array->batch, err);
    if (err) return NULL;
    uint8_t *to = (uint8_t *)bytes->data + bytes->len;
    if (opens_row) {
        array->row_at = bytes->len;
        ear_put_be(to, array->column_count, row_head); /* the length, if any, comes at its end */
        to += row_head;
    }
    if (typed) {
        ear_put_be(to, ear_pg_element_oid(type_of(array)), 4);
        to += 4;
    }
    ear_put_be(to, shown_len, 4);
    bytes->len += head + len;
    bytes->data[bytes->len] = '\0';
    return to + 4;
}

static void close_value(struct ear_pg_array *array)
{
    if (array->columns && ++array->column < array->column_count) return;
    array->column = 0;
    array->count++;
    if (array->columns && !array->copies && !array->batch->err)
        ear_put_be((uint8_t *)array->bytes.data + array->row_at,
                   array->bytes.len - array->row_at - 4, 4);
}

/* Columns are counted on when the batch has failed already: the caller goes through its rows. */
static void push_bytes(struct ear_pg_array *array, const void *data, size_t len)
{
    uint8_t *to = open_value(array, len, len);
    if (to && len) memcpy(to, data, len);
    close_value(array);
}

void ear_pg_push_null(struct ear_pg_array *array)
{
    (void)open_value(array, 0, UINT32_MAX);
    array->has_null |= !array->columns;
    close_value(array);
}

static void push_number(struct ear_pg_array *array, int64_t value, size_t size)
{
    uint8_t wire[8];
    ear_put_be(wire, (uint64_t)value, size);
    push_bytes(array, wire, size);
}

void ear_pg_push_bool(struct ear_pg_array *array, bool value)
{
    EAR_CHECK(type_of(array) == EAR_PG_BOOL);
    push_number(array, value, 1);
}

void ear_pg_push_int(struct ear_pg_array *array, int64_t value)
{
    switch (type_of(array)) {
    case EAR_PG_I16:
        EAR_CHECK(value >= INT16_MIN && value <= INT16_MAX);
        push_number(array, value, 2);
        return;
    case EAR_PG_I32:
        EAR_CHECK(value >= INT32_MIN && value <= INT32_MAX);
        push_number(array, value, 4);
        return;
    case EAR_PG_I64:
        push_number(array, value, 8);
        return;
    default:
        EAR_CHECK(type_of(array) == EAR_PG_TIME);
        push_number(array, value - EAR_PG_EPOCH_US, 8);
    }
}

void ear_pg_push_float(struct ear_pg_array *array, float value)
{
    uint32_t bits;
    EAR_CHECK(type_of(array) == EAR_PG_FLOAT);
    memcpy(&bits, &value, sizeof(bits));
    push_number(array, bits, sizeof(bits));
}

static void push_jsonb(struct ear_pg_array *array, struct ear_str value)
{
    uint8_t *to = open_value(array, 1 + value.len, 1 + value.len);
    if (to) {
        to[0] = JSONB_VERSION;
        memcpy(to + 1, value.ptr, value.len);
    }
    close_value(array);
}

void ear_pg_push_text(struct ear_pg_array *array, struct ear_str value)
{
    ear_pg_type type = type_of(array);
    EAR_CHECK(type == EAR_PG_TEXT || type == EAR_PG_BYTES || type == EAR_PG_TID ||
              type == EAR_PG_JSONB);
    if (!value.ptr)
        ear_pg_push_null(array);
    else if (type == EAR_PG_JSONB)
        push_jsonb(array, value);
    else
        push_bytes(array, value.ptr, value.len);
}

/* An array in its place in a row: the same head as one of its own has. */
static void put_texts(uint8_t *to, struct ear_str joined, char separator, size_t count)
{
    const size_t head[] = {1, 0, EAR_OID_TEXT, count, 1};
    for (size_t i = 0; i < EAR_COUNT(head); i++, to += 4) ear_put_be(to, head[i], 4);
    for (size_t from = 0, at = 0; at <= joined.len; at++) {
        if (at < joined.len && joined.ptr[at] != separator) continue;
        ear_put_be(to, at - from, 4);
        memcpy(to + 4, joined.ptr + from, at - from);
        to += 4 + at - from;
        from = at + 1;
    }
}

void ear_pg_push_texts(struct ear_pg_array *array, struct ear_str joined, char separator)
{
    EAR_CHECK(type_of(array) == EAR_PG_TEXTS);
    if (!joined.len) {
        ear_pg_push_null(array);
        return;
    }
    size_t count = 1;
    for (size_t i = 0; i < joined.len; i++) count += joined.ptr[i] == separator;
    size_t len = ARRAY_HEAD_BYTES + 4 * count + joined.len - (count - 1); /* no separators */
    uint8_t *to = open_value(array, len, len);
    if (to) put_texts(to, joined, separator, count);
    close_value(array);
}

void ear_pg_push_id(struct ear_pg_array *array, const struct ear_id *value)
{
    EAR_CHECK(type_of(array) == EAR_PG_ID);
    if (value)
        push_bytes(array, value->b, EAR_ID_BYTES);
    else
        ear_pg_push_null(array);
}

static void seal_array(struct ear_pg_array *array)
{
    uint8_t *head = (uint8_t *)array->bytes.data;
    EAR_CHECK(array->column == 0); /* the last row is whole */
    if (array->copies) {
        note(array->batch, ear_buf_append(&array->bytes, COPY_TRAILER, COPY_TRAILER_BYTES));
        return;
    }
    ear_put_be(head, array->count ? 1 : 0, 4);
    ear_put_be(head + 4, array->has_null, 4);
    ear_put_be(head + 8, ear_pg_element_oid(array->element), 4);
    ear_put_be(head + 12, array->count, 4);
    ear_put_be(head + 16, 1, 4);
    if (!array->count) array->bytes.len = ARRAY_EMPTY_BYTES;
}

ear_err ear_pg_batch_seal(struct ear_pg_batch *batch)
{
    if (batch->err) return batch->err;
    for (struct ear_pg_array *array = batch->arrays; array; array = array->next) seal_array(array);
    return batch->err;
}

void ear_pg_array_of_rows(struct ear_pg_array *array, uint32_t row_oid)
{
    ear_put_be((uint8_t *)array->bytes.data + 8, row_oid, 4);
}

struct ear_str ear_pg_parameter_bytes(const struct ear_pg_batch *batch,
                                      const struct ear_pg_parameter *parameter)
{
    if (parameter->null) return EAR_STR_NONE;
    if (parameter->array) return ear_buf_str(&parameter->array->bytes);
    const char *start = batch->bytes.data ? batch->bytes.data + parameter->at : "";
    return (struct ear_str){start, parameter->len};
}
