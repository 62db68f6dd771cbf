#include "judge/sheet.h"

#include "text/text.h"

#include <stdarg.h>

#define SHEET_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define CELL_BYTES      256

void ear_sheet_init(struct ear_sheet *sheet)
{
    *sheet = (struct ear_sheet){0};
    ear_buf_init(&sheet->text, SHEET_BYTES_MAX);
}

static void take(struct ear_sheet *sheet, char *text)
{
    size_t *width = &sheet->widths[sheet->count++ % sheet->columns];
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F || *c == '|') *c = ' ';
    size_t length = ear_text_graphemes(ear_str_from(text));
    if (length > *width) *width = length;
    EAR_CHECK(ear_buf_append(&sheet->text, text, strlen(text) + 1) == EAR_OK);
}

void ear_sheet_heading(struct ear_sheet *sheet, struct ear_str text)
{
    char cell[CELL_BYTES];
    EAR_CHECK(sheet->columns == sheet->count && sheet->columns < EAR_SHEET_COLUMNS_MAX);
    sheet->columns++;
    snprintf(cell, sizeof(cell), "%.*s", EAR_STR_ARG(text));
    take(sheet, cell);
}

void ear_sheet_cell(struct ear_sheet *sheet, const char *fmt, ...)
{
    char cell[CELL_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(cell, sizeof(cell), fmt, args);
    va_end(args);
    take(sheet, cell);
}

static void print_cell(const struct ear_sheet *sheet, const char *text, size_t column,
                       ear_sheet_style style, FILE *out)
{
    bool last = column + 1 == sheet->columns;
    if (style == EAR_SHEET_MARKDOWN) {
        fprintf(out, "%s %s %s", column ? "" : "|", text, "|");
    } else {
        fputs(text, out);
        size_t length = ear_text_graphemes(ear_str_from(text));
        if (!last) fprintf(out, "%*s", (int)(sheet->widths[column] + 2 - length), "");
    }
    if (last) fputc('\n', out);
}

static void print_rule(const struct ear_sheet *sheet, FILE *out)
{
    for (size_t c = 0; c < sheet->columns; c++) fputs(c ? "---|" : "|---|", out);
    fputc('\n', out);
}

void ear_sheet_print(struct ear_sheet *sheet, ear_sheet_style style, FILE *out)
{
    const char *cell = sheet->text.data;
    for (size_t i = 0; i < sheet->count && sheet->count > sheet->columns; i++) {
        if (i == sheet->columns && style == EAR_SHEET_MARKDOWN) print_rule(sheet, out);
        print_cell(sheet, cell, i % sheet->columns, style, out);
        cell += strlen(cell) + 1;
    }
    ear_buf_release(&sheet->text);
}
