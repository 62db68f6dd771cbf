#include "layout.h"

static size_t total(const struct ear_layout_column *columns, size_t count, bool cut)
{
    size_t width = 0, shown = 0;
    for (size_t i = 0; i < count; i++) {
        const struct ear_layout_column *column = &columns[i];
        if (!column->shown) continue;
        width += cut && column->width_min < column->width ? column->width_min : column->width;
        shown++;
    }
    return shown ? width + (shown - 1) * EAR_LAYOUT_GAP : 0;
}

static struct ear_layout_column *next_to_leave(struct ear_layout_column *columns, size_t count)
{
    struct ear_layout_column *next = NULL;
    for (size_t i = 0; i < count; i++)
        if (columns[i].shown && columns[i].leaves && (!next || columns[i].leaves < next->leaves))
            next = &columns[i];
    return next;
}

static struct ear_layout_column *widest_to_cut(struct ear_layout_column *columns, size_t count)
{
    struct ear_layout_column *widest = NULL;
    for (size_t i = 0; i < count; i++)
        if (columns[i].shown && columns[i].width > columns[i].width_min &&
            (!widest || columns[i].width > widest->width))
            widest = &columns[i];
    return widest;
}

size_t ear_layout_width(const struct ear_layout_column *columns, size_t count)
{
    size_t width = count ? (count - 1) * EAR_LAYOUT_GAP : 0;
    for (size_t i = 0; i < count; i++) width += columns[i].width;
    return width;
}

void ear_layout_fit(struct ear_layout_column *columns, size_t count, size_t width)
{
    struct ear_layout_column *column;
    for (size_t i = 0; i < count; i++) columns[i].shown = true;
    if (!width) return;
    while (total(columns, count, true) > width && (column = next_to_leave(columns, count)))
        column->shown = false;
    while (total(columns, count, false) > width && (column = widest_to_cut(columns, count)))
        column->width--;
}
