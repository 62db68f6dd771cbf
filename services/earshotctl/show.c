#include "show.h"

#include "text/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static json_t *cell(const struct ear_pg_result *result, size_t row, size_t column,
                    ear_show_type type)
{
    if (ear_pg_is_null(result, row, column)) return json_null();
    switch (type) {
    case EAR_SHOW_ID:
    case EAR_SHOW_SHORT: {
        char text[EAR_ID_TEXT_BYTES];
        struct ear_id id = ear_pg_get_id(result, row, column);
        ear_id_format(&id, text);
        return json_string(text);
    }
    case EAR_SHOW_TIME:
    case EAR_SHOW_MOMENT:
    case EAR_SHOW_DUE: {
        char text[EAR_TIME_TEXT_BYTES];
        ear_time_format(ear_pg_get_time(result, row, column), text);
        return json_string(text);
    }
    case EAR_SHOW_SPAN:
    case EAR_SHOW_INT:
        return json_integer(ear_pg_get_i64(result, row, column));
    case EAR_SHOW_BOOL:
        return json_boolean(ear_pg_get_bool(result, row, column));
    case EAR_SHOW_JSON: {
        struct ear_str text = ear_pg_get_str(result, row, column);
        json_t *value = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, NULL);
        return value ? value : json_null();
    }
    case EAR_SHOW_TEXT:
        break;
    }
    struct ear_str text = ear_pg_get_str(result, row, column);
    json_t *value = json_stringn(text.ptr, text.len);
    return value ? value : json_string("(not UTF-8)");
}

json_t *ear_show_rows(const struct ear_pg_result *result, const struct ear_show_column *columns,
                      size_t count)
{
    json_t *rows = json_array();
    for (size_t row = 0; row < ear_pg_rows(result); row++) {
        json_t *object = json_object();
        for (size_t i = 0; i < count; i++)
            json_object_set_new(object, columns[i].key, cell(result, row, i, columns[i].type));
        json_array_append_new(rows, object);
    }
    return rows;
}

/* --- For people ---------------------------------------------------------------------------------
 */

/* U+202A … U+202E and U+2066 … U+2069 turn the direction of what follows. */
static bool turns_text(const unsigned char *p)
{
    if (p[0] != 0xe2) return false;
    return (p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) ||
           (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

/* One line of text without control characters: what a terminal must not obey is shown as dots. */
static void tame(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (*p == '\n' || *p == '\t') *p = ' ';
        if (*p < ' ' || *p == 0x7f) *p = '.';
        if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) p[0] = '.', p[1] = '.'; /* C1 */
        if (turns_text(p)) memset(p, '.', 3);
    }
}

static void shorten(char *text, int width_max)
{
    struct ear_str s = ear_str_from(text);
    if (width_max <= 0 || ear_text_graphemes(s) <= (size_t)width_max) return;
    size_t cut =
        ear_text_cut(s, EAR_TEXT_GRAPHEMES, (size_t)width_max - 1, EAR_TEXT_AT_GRAPHEME).len;
    if (cut + sizeof("…") <= s.len + 1) memcpy(text + cut, "…", sizeof("…"));
}

void ear_show_span(int64_t span_ms, char text[static EAR_SHOW_SPAN_BYTES])
{
    int64_t ms = span_ms < 0 ? -span_ms : span_ms, s = ms / 1000;
    const char *sign = span_ms < 0 ? "-" : "";
    if (ms < 1000)
        snprintf(text, EAR_SHOW_SPAN_BYTES, "%s%" PRId64 "ms", sign, ms);
    else if (s < 60)
        snprintf(text, EAR_SHOW_SPAN_BYTES, "%s%" PRId64 ".%" PRId64 "s", sign, s, ms % 1000 / 100);
    else if (s < 3600)
        snprintf(text, EAR_SHOW_SPAN_BYTES, "%s%" PRId64 "m", sign, s / 60);
    else if (s < 48 * 3600)
        snprintf(text, EAR_SHOW_SPAN_BYTES, "%s%" PRId64 "h %02" PRId64 "m", sign, s / 3600,
                 s % 3600 / 60);
    else
        snprintf(text, EAR_SHOW_SPAN_BYTES, "%s%" PRId64 "d", sign, s / 86400);
}

void ear_show_due(int64_t due_us, int64_t now_us, char text[static EAR_SHOW_DUE_BYTES])
{
    char span[EAR_SHOW_SPAN_BYTES];
    int64_t left_ms = (due_us - now_us) / EAR_US_PER_MS;
    int64_t whole_ms = left_ms / 1000 * 1000; /* no fractions of seconds here */
    ear_show_span(whole_ms < 0 ? -whole_ms : whole_ms, span);
    char *fraction = strstr(span, ".0s");
    if (fraction) memcpy(fraction, "s", sizeof("s"));
    if (whole_ms == 0)
        snprintf(text, EAR_SHOW_DUE_BYTES, "now");
    else
        snprintf(text, EAR_SHOW_DUE_BYTES, "%s %s", whole_ms < 0 ? "late" : "in", span);
}

/* A time in RFC 3339 as people read it; taken and given back. */
static char *readable_time(char *text, ear_show_type type)
{
    int64_t at_us;
    char due[EAR_SHOW_DUE_BYTES];
    if (ear_time_parse(ear_str_from(text), &at_us)) return text;
    if (type == EAR_SHOW_DUE) {
        free(text);
        ear_show_due(at_us, ear_clock_wall_us(), due);
        return ear_strdup(due);
    }
    char moment[EAR_TIME_TEXT_BYTES];
    snprintf(moment, sizeof(moment), "%.10s %.*s", text, type == EAR_SHOW_MOMENT ? 8 : 5,
             text + 11);
    if (type == EAR_SHOW_MOMENT)
        snprintf(moment + 19, sizeof(moment) - 19, ".%03d",
                 (int)(at_us % EAR_US_PER_S / EAR_US_PER_MS));
    free(text);
    return ear_strdup(moment);
}

static char *text_of(const json_t *value)
{
    if (!value || json_is_null(value)) return ear_strdup("–");
    if (json_is_string(value)) return ear_strdup(json_string_value(value));
    if (json_is_boolean(value)) return ear_strdup(json_is_true(value) ? "yes" : "no");
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    EAR_CHECK(text);
    return text;
}

/* The cell as people read it; the caller frees. */
static char *readable(const json_t *value, const struct ear_show_column *column)
{
    char span[EAR_SHOW_SPAN_BYTES];
    if (column->type == EAR_SHOW_SPAN && json_is_integer(value)) {
        ear_show_span(json_integer_value(value), span);
        return ear_strdup(span);
    }
    char *text = text_of(value);
    bool time = column->type == EAR_SHOW_TIME || column->type == EAR_SHOW_MOMENT ||
                column->type == EAR_SHOW_DUE;
    if (time) text = readable_time(text, column->type);
    size_t len = strlen(text);
    if (column->type == EAR_SHOW_SHORT && len > EAR_SHOW_SHORT_DIGITS)
        memmove(text, text + len - EAR_SHOW_SHORT_DIGITS, EAR_SHOW_SHORT_DIGITS + 1);
    tame(text);
    shorten(text, column->width_max);
    return text;
}

static void pad(const char *text, size_t width, bool last)
{
    fputs(text, stdout);
    if (last) return;
    for (size_t n = ear_text_graphemes(ear_str_from(text)); n < width + 2; n++) fputc(' ', stdout);
}

static size_t widest(const json_t *rows, const struct ear_show_column *column)
{
    size_t i, width = ear_text_graphemes(ear_str_from(column->title));
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        char *text = readable(json_object_get(row, column->key), column);
        size_t n = ear_text_graphemes(ear_str_from(text));
        if (n > width) width = n;
        free(text);
    }
    return width;
}

static void print_table(const json_t *rows, const struct ear_show_column *columns, size_t count)
{
    size_t *widths = ear_alloc(count * sizeof(*widths));
    size_t last = 0, i;
    json_t *row;
    for (size_t c = 0; c < count; c++) {
        if (!columns[c].title) continue;
        widths[c] = widest(rows, &columns[c]);
        last = c;
    }
    for (size_t c = 0; c < count; c++)
        if (columns[c].title) pad(columns[c].title, widths[c], c == last);
    fputc('\n', stdout);
    json_array_foreach(rows, i, row)
    {
        for (size_t c = 0; c < count; c++) {
            if (!columns[c].title) continue;
            char *text = readable(json_object_get(row, columns[c].key), &columns[c]);
            pad(text, widths[c], c == last);
            free(text);
        }
        fputc('\n', stdout);
    }
    free(widths);
}

void ear_show_table(const struct ear_ctl *ctl, const json_t *rows,
                    const struct ear_show_column *columns, size_t count, const char *none)
{
    if (ctl->options.json)
        ear_show_json(rows);
    else if (json_array_size(rows) == 0)
        printf("%s\n", none);
    else
        print_table(rows, columns, count);
}

void ear_show_object(const struct ear_ctl *ctl, const json_t *object,
                     const struct ear_show_column *columns, size_t count)
{
    if (ctl->options.json) {
        ear_show_json(object);
        return;
    }
    size_t width = 0;
    for (size_t c = 0; c < count; c++)
        if (columns[c].title && strlen(columns[c].title) > width) width = strlen(columns[c].title);
    for (size_t c = 0; c < count; c++) {
        if (!columns[c].title) continue;
        char *text = readable(json_object_get(object, columns[c].key), &columns[c]);
        pad(columns[c].title, width, false);
        printf("%s\n", text);
        free(text);
    }
}

void ear_show_text(const char *text, int indent)
{
    struct ear_str rest = ear_str_from(text), line;
    while (ear_str_split(&rest, '\n', &line)) {
        char *copy = ear_alloc(line.len + 1);
        memcpy(copy, line.ptr, line.len);
        tame(copy);
        printf("%*s%s\n", *copy ? indent : 0, "", copy);
        free(copy);
    }
}

void ear_show_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_COMPACT);
    fputc('\n', stdout);
}
