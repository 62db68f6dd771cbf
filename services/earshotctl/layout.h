/* layout: how a table fits the width there is. Pure.
 *
 * Columns that may be left out go, in their order, until the rest fits with its texts cut as far as
 * they may be; then texts are cut, those of the widest column first, only as far as is needed.
 * What may neither be cut nor left out stays, wider than the terminal if it must: an id that was
 * cut is no use to anybody. */
#ifndef EAR_CTL_LAYOUT_H
#define EAR_CTL_LAYOUT_H

#include "base/base.h"

#define EAR_LAYOUT_GAP 2 /* between columns */

struct ear_layout_column {
    size_t width;     /* in: of its widest text; out: what it gets */
    size_t width_min; /* its texts may be cut to this; as `width`: they stay whole */
    int leaves;       /* 1: left out first, 2: next …; 0: never */
    bool shown;       /* out */
};

/* Of the table with all its columns, none cut. */
size_t ear_layout_width(const struct ear_layout_column *columns, size_t count);
/* Everything is in columns of a terminal (EAR_TEXT_COLUMNS); width 0: there is no limit. */
void ear_layout_fit(struct ear_layout_column *columns, size_t count, size_t width);

#endif
