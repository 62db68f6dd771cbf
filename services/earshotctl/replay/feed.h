/* feed: lines of a file or of standard input, one at a time, with bounded memory. What would block
 * is waited for on the loop; the caller turns it and asks again. */
#ifndef EAR_CTL_FEED_H
#define EAR_CTL_FEED_H

#include "base/base.h"
#include "loop/loop.h"

/* What ingest takes at most; a longer line is skipped and told as too long. */
#define EAR_FEED_LINE_MAX (256u << 10)

struct ear_feed;

typedef enum ear_feed_state {
    EAR_FEED_LINE, /* there is a line */
    EAR_FEED_LONG, /* there was one that is too long */
    EAR_FEED_WAIT, /* nothing yet: turn the loop */
    EAR_FEED_END,
    EAR_FEED_FAILED, /* reading failed; see ear_feed_why */
} ear_feed_state;

/* path NULL or "-": standard input. */
ear_err ear_feed_open(struct ear_feed **out, struct ear_loop *loop, const char *path,
                      struct ear_diag *diag) EAR_MUST_CHECK;
void ear_feed_free(struct ear_feed **feed);

/* The next line that is not blank, without its end, borrowed until ear_feed_take; *number is its
 * place in the whole feed, from 1. The same line again until it is taken. */
ear_feed_state ear_feed_peek(struct ear_feed *feed, struct ear_str *line, size_t *number);
void ear_feed_take(struct ear_feed *feed);
const char *ear_feed_why(const struct ear_feed *feed);

#endif
