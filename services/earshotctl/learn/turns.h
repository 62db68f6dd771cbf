/* turns: numbered jobs that do not depend on one another, on two threads. What comes out does not
 * depend on how many there were. */
#ifndef EAR_LEARN_TURNS_H
#define EAR_LEARN_TURNS_H

#include <stddef.h>

/* Calls turn(self, 0) … turn(self, count - 1), two at a time; returns when all are done. */
void ear_turns(size_t count, void (*turn)(const void *self, size_t job), const void *self);

#endif
