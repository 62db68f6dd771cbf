/* line: one logfmt line in the making, of fixed size, on the caller's stack. Private to log. */
#ifndef EAR_LOG_LINE_H
#define EAR_LOG_LINE_H

#include "base/base.h"

/* Below PIPE_BUF, so that lines of several processes on one pipe do not mix. */
#define EAR_LINE_BYTES       4096
#define EAR_LINE_VALUE_BYTES 512

struct ear_line {
    char text[EAR_LINE_BYTES];
    size_t len;
    bool cut; /* a pair did not fit and was left out */
};

void ear_line_init(struct ear_line *line);
/* As it is, without separator. */
void ear_line_raw(struct ear_line *line, struct ear_str s);
/* " key=value", quoted and escaped where needed; all of the pair or nothing of it. */
void ear_line_pair(struct ear_line *line, const char *key, struct ear_str value);
/* The same for a value that surely needs no quotes and is short: an id, a number. */
void ear_line_plain_pair(struct ear_line *line, const char *key, struct ear_str value);
/* Ends the line ("cut=yes" where pairs were left out); borrowed from line. */
struct ear_str ear_line_end(struct ear_line *line);

#endif
