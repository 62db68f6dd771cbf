/* parcel: the posts of one request body, line by line, and the lines of its answer. Pure. Posts
 * borrow from the body, which must outlive the parcel, and from its room. */
#ifndef EAR_INGEST_PARCEL_H
#define EAR_INGEST_PARCEL_H

#include "intake/delivery.h"

#define EAR_PARCEL_LINES_MAX 1000

struct ear_parcel_line {
    size_t number;
    size_t post;       /* index of its post */
    const char *error; /* what is wrong with it; NULL: nothing */
};

/* Zeroed before its first use. */
struct ear_parcel {
    struct ear_parcel_line *lines;
    size_t line_count;
    struct ear_post_in *posts;
    size_t post_count;
    size_t malformed;
    struct ear_arena *room; /* texts with escapes, errors */
};

void ear_parcel_release(struct ear_parcel *parcel);
/* The whole body is one post. EAR_INVALID with a diag when it is not. */
ear_err ear_parcel_read_one(struct ear_parcel *parcel, struct ear_str body, int64_t now_us,
                            struct ear_diag *diag) EAR_MUST_CHECK;
/* A post a line; blank lines are left out, malformed ones noted. EAR_TOO_LARGE past the ceiling,
 * EAR_INVALID when there is no line at all, EAR_NO_MEMORY: none of it was read. */
ear_err ear_parcel_read_lines(struct ear_parcel *parcel, struct ear_str body, int64_t now_us,
                              struct ear_diag *diag) EAR_MUST_CHECK;
/* Appends a JSON line for each line. results: one a post; may be NULL when there is none. */
ear_err ear_parcel_answer(const struct ear_parcel *parcel, const struct ear_post_result *results,
                          struct ear_buf *out) EAR_MUST_CHECK;

#endif
