/* types: the binary formats that pg speaks, by PostgreSQL's type numbers (pg_type.dat). Private to
 * pg. */
#ifndef EAR_PG_TYPES_H
#define EAR_PG_TYPES_H

#include "pg/pg.h"
#include <libpq-fe.h>

#define EAR_OID_BOOL        16u
#define EAR_OID_BYTEA       17u
#define EAR_OID_NAME        19u
#define EAR_OID_INT8        20u
#define EAR_OID_INT2        21u
#define EAR_OID_INT4        23u
#define EAR_OID_TEXT        25u
#define EAR_OID_OID         26u
#define EAR_OID_TID         27u
#define EAR_OID_JSON        114u
#define EAR_OID_FLOAT4      700u
#define EAR_OID_FLOAT8      701u
#define EAR_OID_TEXTS       1009u
#define EAR_OID_VARCHAR     1043u
#define EAR_OID_TIMESTAMPTZ 1184u
#define EAR_OID_UUID        2950u
#define EAR_OID_JSONB       3802u
#define EAR_OID_FIRST_USER  16384u /* enums and domains of our own */

#define EAR_PG_EPOCH_US INT64_C(946684800000000) /* 2000-01-01 */

Oid ear_pg_element_oid(ear_pg_type type);
/* True where the server's parameter takes what we send; `array`: of such elements. */
bool ear_pg_fits(ear_pg_type type, bool array, Oid parameter);
const char *ear_pg_type_name(ear_pg_type type);

#endif
