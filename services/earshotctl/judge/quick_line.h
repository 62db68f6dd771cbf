/* quick_line: Pure. Reads the usual line of classify's input without making a tree of it. What is
 * not usual is left to the parser of post_line, which also says what is wrong with a line: so this
 * only ever says yes to well-formed JSON (RFC 8259) and means the same by it. */
#ifndef EAR_JUDGE_QUICK_LINE_H
#define EAR_JUDGE_QUICK_LINE_H

#include "model/model.h"

/* False: ask the parser. The post borrows from the line and from `scratch`, which is used again for
 * every line. */
bool ear_quick_line(struct ear_str line, struct ear_buf *scratch, struct ear_model_post *out);

#endif
