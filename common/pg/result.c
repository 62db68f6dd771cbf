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

void ear_pg_set_free(struct ear_pg_set **ref)
{
    struct ear_pg_set *set = *ref;
    if (!set) return;
    *ref = NULL;
    for (size_t i = 0; i < set->count; i++) PQclear(set->items[i].pq);
    free(set->shown);
    free(set->items);
    free(set);
}

size_t ear_pg_rows(const struct ear_pg_result *result)
{
    return (size_t)PQntuples(result->pq);
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
    EAR_CHECK(row < (size_t)PQntuples(result->pq));
    EAR_CHECK(column < (size_t)PQnfields(result->pq));
}

bool ear_pg_is_null(const struct ear_pg_result *result, size_t row, size_t column)
{
    check_place(result, row, column);
    return PQgetisnull(result->pq, (int)row, (int)column) != 0;
}

static Oid type_of(const struct ear_pg_result *result, size_t column)
{
    return PQftype(result->pq, (int)column);
}

/* NULL where the column is. */
static const uint8_t *bytes_of(const struct ear_pg_result *result, size_t row, size_t column,
                               size_t *len)
{
    if (ear_pg_is_null(result, row, column)) return NULL;
    *len = (size_t)PQgetlength(result->pq, (int)row, (int)column);
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
    size_t len;
    const uint8_t *bytes = bytes_of(result, row, column, &len);
    if (!bytes) return 0;
    switch (type_of(result, column)) {
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
        EAR_CHECK(type_of(result, column) == EAR_OID_INT8);
        return (int64_t)ear_get_be(bytes, 8);
    }
}

double ear_pg_get_real(const struct ear_pg_result *result, size_t row, size_t column)
{
    size_t len;
    const uint8_t *bytes = bytes_of(result, row, column, &len);
    if (!bytes) return 0;
    if (type_of(result, column) == EAR_OID_FLOAT8) {
        uint64_t bits = ear_get_be(bytes, 8);
        double value;
        memcpy(&value, &bits, sizeof(value));
        return value;
    }
    if (type_of(result, column) == EAR_OID_FLOAT4) {
        uint32_t bits = (uint32_t)ear_get_be(bytes, 4);
        float value;
        memcpy(&value, &bits, sizeof(value));
        return (double)value;
    }
    return (double)ear_pg_get_i64(result, row, column);
}

bool ear_pg_get_bool(const struct ear_pg_result *result, size_t row, size_t column)
{
    size_t len;
    const uint8_t *bytes = bytes_of(result, row, column, &len);
    if (!bytes) return false;
    EAR_CHECK(type_of(result, column) == EAR_OID_BOOL);
    return bytes[0] != 0;
}

struct ear_id ear_pg_get_id(const struct ear_pg_result *result, size_t row, size_t column)
{
    struct ear_id id = {{0}};
    size_t len;
    const uint8_t *bytes = bytes_of(result, row, column, &len);
    if (!bytes) return id;
    EAR_CHECK(type_of(result, column) == EAR_OID_UUID && len == EAR_ID_BYTES);
    memcpy(id.b, bytes, EAR_ID_BYTES);
    return id;
}

struct ear_str ear_pg_get_str(const struct ear_pg_result *result, size_t row, size_t column)
{
    size_t len;
    const char *bytes = (const char *)bytes_of(result, row, column, &len);
    if (!bytes) return EAR_STR_NONE;
    /* jsonb in binary is a version byte and then text. */
    if (type_of(result, column) == EAR_OID_JSONB && len)
        return (struct ear_str){bytes + 1, len - 1};
    return (struct ear_str){bytes, len};
}

int64_t ear_pg_get_time(const struct ear_pg_result *result, size_t row, size_t column)
{
    size_t len;
    const uint8_t *bytes = bytes_of(result, row, column, &len);
    if (!bytes) return 0;
    EAR_CHECK(type_of(result, column) == EAR_OID_TIMESTAMPTZ);
    return from_epoch((int64_t)ear_get_be(bytes, 8));
}
