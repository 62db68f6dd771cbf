#include "show.h"

#include "text/text.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *cell(const struct ear_pg_result *result, size_t row, size_t column, ear_show_type type)
{
    if (ear_pg_is_null(result, row, column)) return json_null();
    switch (type) {
    case EAR_SHOW_ID: {
        char text[EAR_ID_TEXT_BYTES];
        struct ear_id id = ear_pg_get_id(result, row, column);
        ear_id_format(&id, text);
        return json_string(text);
    }
    case EAR_SHOW_TIME: {
        char text[EAR_TIME_TEXT_BYTES];
        ear_time_format(ear_pg_get_time(result, row, column), text);
        return json_string(text);
    }
    case EAR_SHOW_INT: return json_integer(ear_pg_get_i64(result, row, column));
    case EAR_SHOW_BOOL: return json_boolean(ear_pg_get_bool(result, row, column));
    case EAR_SHOW_JSON: {
        struct ear_str text = ear_pg_get_str(result, row, column);
        json_t *value = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, NULL);
        return value ? value : json_null();
    }
    case EAR_SHOW_TEXT: break;
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

/* --- For people --------------------------------------------------------------------------------- */

/* One line of text without control characters: what a terminal must not obey is shown as '.'. */
static void tame(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (*p == '\n' || *p == '\t') *p = ' ';
        if (*p < ' ' || *p == 0x7f) *p = '.';
        if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) p[0] = '.', p[1] = '.'; /* C1 */
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

/* The cell as people read it; the caller frees. */
static char *readable(const json_t *value, const struct ear_show_column *column)
{
    char *text;
    if (!value || json_is_null(value))
        text = ear_strdup("–");
    else if (json_is_string(value))
        text = ear_strdup(json_string_value(value));
    else if (json_is_boolean(value))
        text = ear_strdup(json_is_true(value) ? "yes" : "no");
    else
        text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    EAR_CHECK(text);
    if (column->type == EAR_SHOW_TIME && strlen(text) > 16) {
        text[10] = ' ';
        text[16] = '\0';
    }
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

void ear_show_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_COMPACT);
    fputc('\n', stdout);
}
