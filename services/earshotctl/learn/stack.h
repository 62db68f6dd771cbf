/* stack: all heads of a training, fitted: first those of level 1, which hear the post alone, then
 * the stacked ones (level 2), which hear too what those of level 1, networks blended in, say of it.
 * What they make of that is learned from what was said of posts out of fold, so that nobody trusts
 * a head for what it knows by heart; it adds to their own score, and they are calibrated once more.
 */
#ifndef EAR_LEARN_STACK_H
#define EAR_LEARN_STACK_H

#include "blend.h"

/* What heads of level 1 give to each of level 2, see model/file.h. */
size_t ear_stack_width(const struct ear_lessons *lessons);
/* `use` of a task marks the examples that may be looked at; NULL: all of all. */
void ear_stack_fit(const struct ear_lessons *lessons, bool *const *use, struct ear_trained *out);
/* What the head of a task says of a row of the corpus. */
void ear_stack_read(const struct ear_lessons *lessons, const struct ear_trained *trained, size_t at,
                    uint32_t row, float *p);

#endif
