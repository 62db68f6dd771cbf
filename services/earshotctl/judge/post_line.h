/* post_line: one line of classify's input, {"text": …} as JSON. The other members of a feed's line
 * that tell something are taken too: lang or language, account, direct or visibility, reply or
 * in_reply_to; the rest is passed over. */
#ifndef EAR_JUDGE_POST_LINE_H
#define EAR_JUDGE_POST_LINE_H

#include "model/model.h"
#include "json/json.h"

#define EAR_POST_LINE_MAX ((size_t)1024 * 1024) /* bytes of a line */

struct ear_post_line {
    struct ear_model_post post; /* borrows from the line's object */
    json_t *object;             /* owned */
};

/* diag says what is wrong with the line; it need not be released then. */
ear_err ear_post_line_read(struct ear_str line, struct ear_post_line *out,
                           struct ear_diag *diag) EAR_MUST_CHECK;
void ear_post_line_release(struct ear_post_line *line);

#endif
