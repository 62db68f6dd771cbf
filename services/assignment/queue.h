/* queue: gives queued cases to agents when they come to work or have a hand free. One replica does
 * it, under a lease: after commands, and every second, since shifts begin by themselves. Per team,
 * strictly by deadline, then age; a case that nobody present can take is passed over, not waited
 * for. When care.yaml has changed, open cases of agents who left and of teams that are gone go back
 * to a queue first. */
#ifndef EAR_ASSIGNMENT_QUEUE_H
#define EAR_ASSIGNMENT_QUEUE_H

#include "ground.h"

struct ear_queue;

void ear_queue_new(struct ear_queue **out, const struct ear_ground *ground);
/* After ear_pg_free. */
void ear_queue_free(struct ear_queue **queue);
/* Somebody may have a hand free. */
void ear_queue_kick(struct ear_queue *queue);
/* Somebody may have left. */
void ear_queue_sweep(struct ear_queue *queue);
void ear_queue_drain(struct ear_queue *queue);
bool ear_queue_is_idle(const struct ear_queue *queue);

#endif
