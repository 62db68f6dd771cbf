#include "pg/types.h"

static const struct row {
    Oid element;
    Oid array;
    const char *name;
} rows[] = {
    [EAR_PG_BOOL] = {EAR_OID_BOOL, 1000, "bool"},
    [EAR_PG_I16] = {EAR_OID_INT2, 1005, "int2"},
    [EAR_PG_I32] = {EAR_OID_INT4, 1007, "int4"},
    [EAR_PG_I64] = {EAR_OID_INT8, 1016, "int8"},
    [EAR_PG_TEXT] = {EAR_OID_TEXT, 1009, "text"},
    [EAR_PG_BYTES] = {EAR_OID_BYTEA, 1001, "bytea"},
    [EAR_PG_ID] = {EAR_OID_UUID, 2951, "uuid"},
    [EAR_PG_TIME] = {EAR_OID_TIMESTAMPTZ, 1185, "timestamptz"},
    [EAR_PG_FLOAT] = {EAR_OID_FLOAT4, 1021, "float4"},
    [EAR_PG_TID] = {EAR_OID_TID, 1010, "tid"},
    [EAR_PG_ROWS] = {0, 0, "row"},
    [EAR_PG_COPY] = {0, 0, "rows for COPY"},
    [EAR_PG_TEXTS] = {EAR_OID_TEXTS, 0, "text[]"},
    [EAR_PG_JSONB] = {EAR_OID_JSONB, 3807, "jsonb"},
};

Oid ear_pg_element_oid(ear_pg_type type)
{
    return rows[type].element;
}

const char *ear_pg_type_name(ear_pg_type type)
{
    return rows[type].name;
}

bool ear_pg_fits(ear_pg_type type, bool array, Oid parameter)
{
    if (type == EAR_PG_ROWS) return parameter >= EAR_OID_FIRST_USER;
    if (array) return parameter == rows[type].array;
    if (parameter == rows[type].element) return true;
    return type == EAR_PG_TEXT && (parameter == EAR_OID_VARCHAR || parameter == EAR_OID_NAME ||
                                   parameter == EAR_OID_JSON || parameter >= EAR_OID_FIRST_USER);
}
