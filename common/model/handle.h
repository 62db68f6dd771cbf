/* handle: whom a post speaks to, where nobody said: the first handle of its text that stands for
 * somebody by name. "@user" and "@mention" are masks of private people and do not count. Pure. */
#ifndef EAR_MODEL_HANDLE_H
#define EAR_MODEL_HANDLE_H

#include "base/base.h"

/* Without its '@', borrowed from the text; empty where there is none. */
struct ear_str ear_handle_first(struct ear_str text);
/* Of the name in any case; 0 of an empty one. */
uint64_t ear_handle_hash(struct ear_str handle, uint64_t seed);
/* "AskPlayStation", "SpotifyCares": a desk for customers, by its name. */
bool ear_handle_is_desk(struct ear_str handle);

#endif
