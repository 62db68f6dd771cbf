/* slices: parts of the judged posts, and how right a head is on each: by language, length, link,
 * mention, file and domain. */
#ifndef EAR_JUDGE_SLICES_H
#define EAR_JUDGE_SLICES_H

#include "judge/evaluation.h"

#define EAR_SLICE_ROWS_MIN 20 /* of fewer rows a figure says nothing */

#define EAR_SLICES(X)       \
    X(LANGUAGE, "language") \
    X(LENGTH, "length")     \
    X(LINK, "link")         \
    X(MENTION, "mention")   \
    X(FILE, "file")         \
    X(DOMAIN, "domain")

typedef enum ear_slice {
#define SLICE(name, text) EAR_SLICE_##name,
    EAR_SLICES(SLICE)
#undef SLICE
        EAR_SLICE_COUNT
} ear_slice;

const char *ear_slice_name(ear_slice slice);
/* Which part of the slice a row belongs to; empty: none. Borrowed from the evaluation. */
struct ear_str ear_slice_value(const struct ear_evaluation *evaluation, size_t row,
                               ear_slice slice);

struct ear_slice_part {
    struct ear_str value;
    size_t rows;
    double of[EAR_MEASURE_COUNT];
};
/* The largest parts first, at most `max`, of EAR_SLICE_ROWS_MIN rows or more; returns how many.
 * Nothing where there is but one part. */
size_t ear_slice_parts(const struct ear_evaluation *evaluation, const struct ear_judged_head *head,
                       ear_slice slice, struct ear_slice_part *parts, size_t max);

#endif
