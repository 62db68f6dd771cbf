/* post_line: one line of classify's input, {"text": …} as JSON. The other members of a feed's line
 * that tell something are taken too: lang or language, account, direct or visibility, reply or
 * in_reply_to; the rest is passed over, up to EAR_JSON_PICK_VALUES_MAX values in all. Pure. */
#ifndef EAR_JUDGE_POST_LINE_H
#define EAR_JUDGE_POST_LINE_H

#include "model/model.h"
#include "json/json.h"

#define EAR_POST_LINE_MAX ((size_t)1024 * 1024) /* bytes of a line */
#define EAR_POST_LINE_ROOM_MAX                                         \
    (4 * EAR_POST_LINE_MAX) /* of the arena, as ear_json_pick wants it \
                             */

/* The post borrows from the line and from the room, which the caller resets. diag says what is
 * wrong with the line, and where. */
ear_err ear_post_line_read(struct ear_str line, struct ear_arena *room, struct ear_model_post *out,
                           struct ear_diag *diag) EAR_MUST_CHECK;

#endif
