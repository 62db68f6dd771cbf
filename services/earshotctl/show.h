/* show: rows for people and for programs. A result set becomes JSON rows by a table of columns;
 * the same table prints them aligned, or the JSON is printed as it is. On a terminal a table fits
 * its width (see layout.h); elsewhere nothing is cut. What customers wrote cannot command the
 * terminal. */
#ifndef EAR_CTL_SHOW_H
#define EAR_CTL_SHOW_H

#include "ctl.h"

#include <stdarg.h>
#include <stdio.h>

typedef enum ear_show_type {
    EAR_SHOW_ID,
    EAR_SHOW_SHORT, /* an id: whole in JSON, its last digits for people */
    EAR_SHOW_TEXT,
    EAR_SHOW_WRAPPED, /* a text that goes on in the next line instead of being cut */
    EAR_SHOW_INT,
    EAR_SHOW_BOOL,
    EAR_SHOW_TIME,   /* RFC 3339 in JSON, minutes for people */
    EAR_SHOW_MOMENT, /* the same, milliseconds for people; the day on a line of its own for want of
                      * room */
    EAR_SHOW_DUE,    /* the same, "in 12m" or "late 3m" for people */
    EAR_SHOW_SPAN,   /* milliseconds in JSON, "1.2s" for people */
    EAR_SHOW_JSON,   /* text that holds JSON */
} ear_show_type;

/* How many digits of an id people see in a table, and may use to name it. */
#define EAR_SHOW_SHORT_DIGITS 8

struct ear_show_column {
    const char *key;   /* JSON member */
    const char *title; /* heading; NULL: in JSON only */
    ear_show_type type;
    int cut_to; /* its texts may be cut to so many columns of a terminal; 0: they stay whole */
    int leaves; /* 1: left out first where a terminal is too narrow, 2: next …; 0: never */
};

/* Result columns in the order of the table; SQL NULL becomes null. New reference. */
json_t *ear_show_rows(const struct ear_pg_result *result, const struct ear_show_column *columns,
                      size_t count);
/* Prints rows (array of objects) as a table, or as JSON with --json. `none` is said for people
 * when there is no row. Columns that are left out are named on standard error. */
void ear_show_table(const struct ear_ctl *ctl, const json_t *rows,
                    const struct ear_show_column *columns, size_t count, const char *none);
/* One object, a line a member; or JSON. */
void ear_show_object(const struct ear_ctl *ctl, const json_t *object,
                     const struct ear_show_column *columns, size_t count);
/* The rest of a line that says what is the matter: it may say back what was given, of which no
 * terminal shall obey anything, and no more is shown than can be read. */
void ear_show_message(FILE *out, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));
/* Text of several lines, for people, indented. */
void ear_show_text(const char *text, int indent);
/* JSON on one line on standard output. */
void ear_show_json(const json_t *value);

#define EAR_SHOW_SPAN_BYTES 32
#define EAR_SHOW_DUE_BYTES  40
/* "850ms", "1.2s", "12m", "3h 05m", "4d"; negative ones with a sign. */
void ear_show_span(int64_t span_ms, char text[static EAR_SHOW_SPAN_BYTES]);
/* "in 12m", "late 3m", "now". */
void ear_show_due(int64_t due_us, int64_t now_us, char text[static EAR_SHOW_DUE_BYTES]);

#endif
