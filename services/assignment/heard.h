/* heard: a packed TriagedPost made ready for decisions: its ids and times checked, its triage held
 * inside what the schema takes. What comes from a peer is never trusted to be well-formed, and
 * never aborts. */
#ifndef EAR_ASSIGNMENT_HEARD_H
#define EAR_ASSIGNMENT_HEARD_H

#include "engine/facts.h"

/* Texts are copied into the arena; `before`, a post that was read into it, or NULL, lends its own
 * where they are the same. EAR_INVALID: malformed, an id is missing, a time is out of any range.
 * EAR_NO_MEMORY: it may be well. */
ear_err ear_heard_read(struct ear_str packed, const struct ear_heard *before,
                       struct ear_arena *arena, struct ear_heard *heard) EAR_MUST_CHECK;

#endif
