/* care_field: one value of care.yaml, checked and turned into JSON. Each section of the file is a
 * table of fields; the table is the schema. */
#ifndef EAR_CARE_FIELD_H
#define EAR_CARE_FIELD_H

#include "care/yaml_tree.h"
#include <jansson.h>
#include <stdio.h>

typedef enum ear_care_type {
    EAR_CARE_ID,        /* [a-z0-9_-]{1,64} */
    EAR_CARE_AGENT,     /* the same, but none of the history's actors that are no person */
    EAR_CARE_ACCOUNT,   /* 1 to 128 bytes without white space */
    EAR_CARE_TEXT,      /* 1 to 256 bytes, one line */
    EAR_CARE_BOOL,      /* true or false */
    EAR_CARE_COUNT,     /* 0 to 10000 */
    EAR_CARE_SECONDS,   /* "15m" */
    EAR_CARE_LANGUAGES, /* list of "en" */
    EAR_CARE_TOPICS,    /* list of names of proto Topic */
    EAR_CARE_FILES,     /* list of file names without a slash */
    EAR_CARE_MAP,       /* flat map of strings */
    EAR_CARE_SHIFTS,    /* list of {days, from, to, zone} */
} ear_care_type;

struct ear_care_field {
    const char *key;    /* in the file */
    const char *column; /* in the row */
    ear_care_type type;
    bool required;
    const char *fallback; /* JSON text; what an absent optional field becomes */
};

/* Where mistakes go; counts them. */
struct ear_care_report {
    FILE *out;
    const char *name; /* of the file */
    size_t mistakes;
};

void ear_care_mistake(struct ear_care_report *report, size_t line, const char *fmt, ...)
    EAR_PRINTF(3, 4);

/* A row out of a map by its table of fields. Never NULL; mistakes are reported, the row then lacks
 * the column. Every row has "line" besides, for later checks. */
json_t *ear_care_row(struct ear_yaml *yaml, const struct ear_yaml_node *map,
                     const struct ear_care_field *fields, size_t count, const char *what,
                     struct ear_care_report *report);

#endif
