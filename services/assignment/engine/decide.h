/* decide: Pure. What becomes of a batch of triaged posts: each gets exactly one verdict, its case
 * (if it has one) exactly one line of history. Posts are taken in the order of the platform's
 * time, so a burst of one customer opens one case however it arrives. */
#ifndef EAR_ASSIGNMENT_DECIDE_H
#define EAR_ASSIGNMENT_DECIDE_H

#include "engine/book.h"

/* Sorts `heard`. A post that the book knows as decided, or that comes twice, gets nothing.
 * Returns how many verdicts were added. */
size_t ear_decide(struct ear_book *book, const struct ear_heard **heard, size_t count);

#endif
