/* sheet: a table of short texts, filled cell by cell, printed aligned for people or as Markdown. */
#ifndef EAR_JUDGE_SHEET_H
#define EAR_JUDGE_SHEET_H

#include "base/base.h"

#include <stdio.h>

#define EAR_SHEET_COLUMNS_MAX 24

typedef enum ear_sheet_style { EAR_SHEET_PLAIN, EAR_SHEET_MARKDOWN } ear_sheet_style;

struct ear_sheet {
    size_t columns, count; /* count: cells, headings first */
    size_t widths[EAR_SHEET_COLUMNS_MAX];
    struct ear_buf text; /* cells, each with its NUL */
};

void ear_sheet_init(struct ear_sheet *sheet);
/* Headings come first, then cells row by row. */
void ear_sheet_heading(struct ear_sheet *sheet, struct ear_str text);
/* Control characters become blanks: what a file says cannot command the terminal. */
void ear_sheet_cell(struct ear_sheet *sheet, const char *fmt, ...) EAR_PRINTF(2, 3);
/* Prints nothing where there are headings only; releases. */
void ear_sheet_print(struct ear_sheet *sheet, ear_sheet_style style, FILE *out);

#endif
