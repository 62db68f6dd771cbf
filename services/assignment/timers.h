/* timers: fires the clocks that are due. Works through the buckets whose lease this replica holds,
 * in the order of their due times, a page at a time; each page is a sitting, so a clock that was
 * stopped meanwhile, or fired elsewhere, does nothing. Sleeps until the next is due by the
 * database's clock. */
#ifndef EAR_ASSIGNMENT_TIMERS_H
#define EAR_ASSIGNMENT_TIMERS_H

#include "ground.h"

struct ear_timers;

void ear_timers_new(struct ear_timers **out, const struct ear_ground *ground);
/* After ear_pg_free. */
void ear_timers_free(struct ear_timers **timers);
/* Look now: a bucket was leased. */
void ear_timers_kick(struct ear_timers *timers);
void ear_timers_drain(struct ear_timers *timers);
bool ear_timers_is_idle(const struct ear_timers *timers);

#endif
