/* care_plan: what `apply` would change. Pure: two documents in the shape of care_file in, a list of
 * changes out. */
#ifndef EAR_CARE_PLAN_H
#define EAR_CARE_PLAN_H

#include <jansson.h>

/* The tables of a care document, in the order in which people think of them. */
#define EAR_CARE_TABLES 4
extern const struct ear_care_table {
    const char *name;
    const char *id; /* column */
} ear_care_tables[EAR_CARE_TABLES];

/* Array of {"do": "add"|"change"|"remove", "what": table, "id": id, "fields": [{"field", "from",
 * "to"}…]}. New reference. */
json_t *ear_care_plan(const json_t *now, const json_t *wanted);

#endif
