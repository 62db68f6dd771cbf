#include "show.h"

#include "layout.h"
#include "text/text.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MESSAGE_COLUMNS 1000

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
    case EAR_SHOW_WRAPPED:
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
    bool empty = json_is_string(value) && json_string_length(value) == 0;
    if (!value || json_is_null(value) || empty) return ear_strdup("–");
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
    return text;
}

static size_t columns_of(const char *text)
{
    return ear_text_length(ear_str_from(text), EAR_TEXT_COLUMNS);
}

/* Columns of the terminal that standard output is; 0 where it is none. COLUMNS wins, as people set
 * it for a terminal that does not know its width. */
static size_t terminal_width(void)
{
    struct winsize size;
    int64_t columns;
    if (!isatty(STDOUT_FILENO)) return 0;
    if (ear_num_i64(ear_str_from(getenv("COLUMNS")), 1, 10000, &columns) == EAR_OK)
        return (size_t)columns;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* A table as people read it: `texts` by row, the titles first, `count` each. */
struct table {
    size_t row_count, count;
    char **texts;
    struct ear_layout_column *columns;
    ear_show_type *types;
    bool days; /* moments are without their day, which stands on a line of its own */
};

static void fill_row(struct table *table, const struct ear_show_column *columns, const json_t *row)
{
    char **texts = table->texts + table->row_count++ * table->count;
    for (size_t c = 0, at = 0; at < table->count; c++) {
        if (!columns[c].title) continue;
        texts[at] = row ? readable(json_object_get(row, columns[c].key), &columns[c])
                        : ear_strdup(columns[c].title);
        size_t width = columns_of(texts[at]);
        if (width > table->columns[at].width) table->columns[at].width = width;
        at++;
    }
}

static void fill_table(struct table *table, const json_t *rows,
                       const struct ear_show_column *columns, size_t count)
{
    size_t i;
    json_t *row;
    for (size_t c = 0; c < count; c++) table->count += columns[c].title != NULL;
    table->texts = ear_alloc((json_array_size(rows) + 1) * table->count * sizeof(*table->texts));
    table->columns = ear_alloc(table->count * sizeof(*table->columns));
    table->types = ear_alloc(table->count * sizeof(*table->types));
    fill_row(table, columns, NULL);
    json_array_foreach(rows, i, row) fill_row(table, columns, row);
    for (size_t c = 0, at = 0; at < table->count; c++) {
        if (!columns[c].title) continue;
        table->types[at] = columns[c].type;
        struct ear_layout_column *column = &table->columns[at++];
        column->width_min = columns[c].cut_to ? (size_t)columns[c].cut_to : column->width;
        column->leaves = columns[c].leaves;
    }
}

#define DAY_BYTES (sizeof("2026-11-22 ") - 1)

static bool is_moment(const struct table *table, size_t row, size_t column)
{
    return table->types[column] == EAR_SHOW_MOMENT && row > 0 &&
           strlen(table->texts[row * table->count + column]) > DAY_BYTES;
}

/* For want of room: one line a day says what each row would say again. */
static void fold_days(struct table *table, size_t width)
{
    if (!width || ear_layout_width(table->columns, table->count) <= width) return;
    for (size_t c = 0; c < table->count; c++) {
        if (table->types[c] != EAR_SHOW_MOMENT || table->columns[c].width <= DAY_BYTES) continue;
        table->columns[c].width -= DAY_BYTES;
        table->columns[c].width_min = table->columns[c].width;
        table->days = true;
    }
}

static void print_day(const struct table *table, size_t row)
{
    for (size_t c = 0; c < table->count; c++) {
        const char *text = table->texts[row * table->count + c];
        if (!is_moment(table, row, c)) continue;
        if (is_moment(table, row - 1, c) &&
            strncmp(text, table->texts[(row - 1) * table->count + c], DAY_BYTES) == 0)
            return;
        printf("%.*s\n", (int)DAY_BYTES - 1, text);
        return;
    }
}

/* The words that fit; of a word that is wider than the column what does. */
static struct ear_str take_words(struct ear_str text, size_t width)
{
    struct ear_str part = ear_text_cut(text, EAR_TEXT_COLUMNS, width, EAR_TEXT_AT_GRAPHEME);
    size_t len = part.len;
    if (len == 0) return text; /* not one character fits */
    while (len > 0 && text.ptr[len] != ' ') len--;
    if (len > 0) part.len = len;
    return part;
}

/* The part of a cell for this line of its row; what is left in *rest is for the next. */
static struct ear_str take_part(struct ear_str *rest, size_t width, bool wraps, bool *cut)
{
    struct ear_str text = *rest;
    *rest = EAR_STR("");
    *cut = false;
    if (ear_text_length(text, EAR_TEXT_COLUMNS) <= width) return text;
    *cut = !wraps;
    if (*cut) return ear_text_cut(text, EAR_TEXT_COLUMNS, width - 1, EAR_TEXT_AT_GRAPHEME);
    struct ear_str part = take_words(text, width);
    *rest = ear_str_trim((struct ear_str){text.ptr + part.len, text.len - part.len});
    return part;
}

/* Columns begin below one another; nothing is padded behind the last. True when more is to come. */
static bool print_line(const struct table *table, struct ear_str *rests)
{
    bool more = false, cut;
    size_t owed = 0; /* blanks before what is printed next */
    for (size_t c = 0; c < table->count; c++) {
        size_t width = table->columns[c].width;
        if (!table->columns[c].shown) continue;
        struct ear_str part =
            take_part(&rests[c], width, table->types[c] == EAR_SHOW_WRAPPED, &cut);
        if (part.len || cut) {
            printf("%*s%.*s%s", (int)owed, "", EAR_STR_ARG(part), cut ? "…" : "");
            owed = 0;
        }
        size_t used = ear_text_length(part, EAR_TEXT_COLUMNS) + cut;
        owed += (used < width ? width - used : 0) + EAR_LAYOUT_GAP;
        more |= rests[c].len > 0;
    }
    fputc('\n', stdout);
    return more;
}

static void print_row(const struct table *table, size_t row)
{
    struct ear_str *rests = ear_alloc(table->count * sizeof(*rests));
    if (table->days) print_day(table, row);
    for (size_t c = 0; c < table->count; c++) {
        const char *text = table->texts[row * table->count + c];
        rests[c] = ear_str_from(table->days && is_moment(table, row, c) ? text + DAY_BYTES : text);
    }
    while (print_line(table, rests)) {
    }
    free(rests);
}

static void tell_left_out(const struct table *table)
{
    bool any = false;
    for (size_t c = 0; c < table->count; c++) {
        if (table->columns[c].shown) continue;
        fprintf(stderr, "%s%s", any ? ", " : "earshotctl: no room for ", table->texts[c]);
        any = true;
    }
    if (any) fputs("; a pipe or --json has all\n", stderr);
}

static void print_table(const json_t *rows, const struct ear_show_column *columns, size_t count)
{
    struct table table = {0};
    fill_table(&table, rows, columns, count);
    fold_days(&table, terminal_width());
    ear_layout_fit(table.columns, table.count, terminal_width());
    for (size_t row = 0; row < table.row_count; row++) print_row(&table, row);
    fflush(stdout);
    tell_left_out(&table);
    for (size_t i = 0; i < table.row_count * table.count; i++) free(table.texts[i]);
    free(table.texts);
    free(table.columns);
    free(table.types);
}

void ear_show_table(const struct ear_ctl *ctl, const json_t *rows,
                    const struct ear_show_column *columns, size_t count, const char *none)
{
    EAR_CHECK(!ear_json_starved()); /* what there was no memory for is missing, without a word */
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
    EAR_CHECK(!ear_json_starved());
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
        printf("%-*s%s\n", (int)width + EAR_LAYOUT_GAP, columns[c].title, text);
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

void ear_show_message(FILE *out, const char *fmt, va_list args)
{
    char *text = NULL;
    EAR_CHECK(vasprintf(&text, fmt, args) >= 0);
    bool utf8 = ear_text_is_utf8(ear_str_from(text));
    for (char *p = text; *p && !utf8; p++)
        if ((unsigned char)*p >= 0x80) *p = '?';
    tame(text);
    struct ear_str all = ear_str_from(text);
    struct ear_str part =
        ear_text_cut(all, EAR_TEXT_COLUMNS, MESSAGE_COLUMNS, EAR_TEXT_AT_GRAPHEME);
    fprintf(out, "%.*s%s\n", EAR_STR_ARG(part), part.len < all.len ? "…" : "");
    free(text);
}

/* What JSON may hold as it is and a terminal would obey stands escaped: it is the same value. */
void ear_show_json(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    EAR_CHECK(text && !ear_json_starved());
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == 0xc2 && p[1] < 0xa0) { /* C1 */
            printf("\\u%04X", p[1]);
            p += 1;
        } else if (turns_text(p)) {
            printf("\\u20%02X", (p[1] & 1) << 6 | (p[2] & 0x3f));
            p += 2;
        } else {
            fputc(*p, stdout);
        }
    }
    fputc('\n', stdout);
    free(text);
}
