#include "pg/result.h"

#include <stdlib.h>

struct ear_pg_set *ear_pg_set_new(size_t count)
{
    struct ear_pg_set *set = ear_alloc(sizeof(*set));
    set->count = count;
    set->shown = ear_alloc(count * sizeof(*set->shown));
    set->items = ear_alloc(count * sizeof(*set->items));
    for (size_t i = 0; i < count; i++) set->shown[i] = &set->items[i];
    return set;
}

static void drop(struct ear_pg_result *item)
{
    PQclear(item->pq);
    EAR_FREE(item->types);
}

void ear_pg_set_put(struct ear_pg_set *set, size_t at, PGresult *pq)
{
    struct ear_pg_result *item = &set->items[at];
    drop(item);
    item->pq = pq;
    item->rows = (size_t)PQntuples(pq);
    item->columns = (size_t)PQnfields(pq);
    item->types = ear_alloc((item->columns + 1) * sizeof(*item->types));
    for (size_t i = 0; i < item->columns; i++) item->types[i] = PQftype(pq, (int)i);
}

void ear_pg_set_free(struct ear_pg_set **ref)
{
    struct ear_pg_set *set = *ref;
    if (!set) return;
    *ref = NULL;
    for (size_t i = 0; i < set->count; i++) drop(&set->items[i]);
    free(set->shown);
    free(set->items);
    free(set);
}

size_t ear_pg_rows(const struct ear_pg_result *result)
{
    return result->rows;
}

size_t ear_pg_affected(const struct ear_pg_result *result)
{
    int64_t count = 0;
    struct ear_str tag = ear_str_from(PQcmdTuples(result->pq));
    return ear_num_i64(tag, 0, INT64_MAX, &count) == EAR_OK ? (size_t)count : 0;
}

/* A place that the statement does not return is a bug of ours. */
static void check_place(const struct ear_pg_result *result, size_t row, size_t column)
{
    EAR_CHECK(row < result->rows && column < result->columns);
}

bool ear_pg_is_null(const struct ear_pg_result *result, size_t row, size_t column)
{
    check_place(result, row, column);
    return PQgetisnull(result->pq, (int)row, (int)column) != 0;
}

/* Of a place that was checked. */
static size_t len_of(const struct ear_pg_result *result, size_t row, size_t column)
{
    return (size_t)PQgetlength(result->pq, (int)row, (int)column);
}

/* NULL where the column is. */
static const uint8_t *bytes_of(const struct ear_pg_result *result, size_t row, size_t column)
{
    if (ear_pg_is_null(result, row, column)) return NULL;
    return (const uint8_t *)PQgetvalue(result->pq, (int)row, (int)column);
}

/* Infinite times become the ends of the range. */
static int64_t from_epoch(int64_t us)
{
    if (us == INT64_MIN || us > INT64_MAX - EAR_PG_EPOCH_US) return us;
    return us + EAR_PG_EPOCH_US;
}

int64_t ear_pg_get_i64(const struct ear_pg_result *result, size_t row, size_t column)
{
    const uint8_t *bytes = bytes_of(result, row, column);
    if (!bytes) return 0;
    switch (result->types[column]) {
    case EAR_OID_BOOL:
        return bytes[0];
    case EAR_OID_INT2:
        return (int16_t)ear_get_be(bytes, 2);
    case EAR_OID_INT4:
        return (int32_t)ear_get_be(bytes, 4);
    case EAR_OID_OID:
        return (int64_t)ear_get_be(bytes, 4);
    case EAR_OID_TIMESTAMPTZ:
        return from_epoch((int64_t)ear_get_be(bytes, 8));
    default:
        EAR_CHECK(result->types[column] == EAR_OID_INT8);
        return (int64_t)ear_get_be(bytes, 8);
    }
}

double ear_pg_get_real(const struct ear_pg_result *result, size_t row, size_t column)
{
    const uint8_t *bytes = bytes_of(result, row, column);
    if (!bytes) return 0;
    if (result->types[column] == EAR_OID_FLOAT8) {
        uint64_t bits = ear_get_be(bytes, 8);
        double value;
        memcpy(&value, &bits, sizeof(value));
        return value;
    }
    if (result->types[column] == EAR_OID_FLOAT4) {
        uint32_t bits = (uint32_t)ear_get_be(bytes, 4);
        float value;
        memcpy(&value, &bits, sizeof(value));
        return (double)value;
    }
    return (double)ear_pg_get_i64(result, row, column);
}

bool ear_pg_get_bool(const struct ear_pg_result *result, size_t row, size_t column)
{
    const uint8_t *bytes = bytes_of(result, row, column);
    if (!bytes) return false;
    EAR_CHECK(result->types[column] == EAR_OID_BOOL);
    return bytes[0] != 0;
}

struct ear_id ear_pg_get_id(const struct ear_pg_result *result, size_t row, size_t column)
{
    struct ear_id id = {{0}};
    const uint8_t *bytes = bytes_of(result, row, column);
    if (!bytes) return id;
    EAR_CHECK(result->types[column] == EAR_OID_UUID && len_of(result, row, column) == EAR_ID_BYTES);
    memcpy(id.b, bytes, EAR_ID_BYTES);
    return id;
}

struct ear_str ear_pg_get_str(const struct ear_pg_result *result, size_t row, size_t column)
{
    const char *bytes = (const char *)bytes_of(result, row, column);
    if (!bytes) return EAR_STR_NONE;
    size_t len = len_of(result, row, column);
    /* jsonb in binary is a version byte and then text. */
    if (result->types[column] == EAR_OID_JSONB && len) return (struct ear_str){bytes + 1, len - 1};
    return (struct ear_str){bytes, len};
}

int64_t ear_pg_get_time(const struct ear_pg_result *result, size_t row, size_t column)
{
    const uint8_t *bytes = bytes_of(result, row, column);
    if (!bytes) return 0;
    EAR_CHECK(result->types[column] == EAR_OID_TIMESTAMPTZ);
    return from_epoch((int64_t)ear_get_be(bytes, 8));
}
