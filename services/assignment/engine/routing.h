/* routing: Pure. Whose case it is: first the team, then the agent, else the team's queue.
 *
 * Team: the one that names the case's topic and language most exactly; where none is more apt,
 * the account's own; where the account is unknown, the default team. Agent, among those of the
 * team who are present and under capacity (and speak the language, if anybody present does): who
 * had this customer last, else the least loaded relative to capacity, then longest idle. Queues
 * are ordered by deadline, then age, and by nothing else. */
#ifndef EAR_ASSIGNMENT_ROUTING_H
#define EAR_ASSIGNMENT_ROUTING_H

#include "engine/book.h"

/* "" when care.yaml names no team at all. */
const char *ear_route_team(const struct ear_care *care, const char *account, const char *language,
                           int topic);
/* NULL: nobody can take it now. */
struct ear_seat *ear_route_agent(struct ear_book *book, const struct ear_case *c);

/* Gives the case, which nobody has, to an agent, or leaves it in its team's queue: also when
 * somebody is free, but another case is first in that queue. True when an agent has it now. */
bool ear_route(struct ear_book *book, struct ear_case *c, struct ear_entry *e);
/* Somebody decided: it is this agent's, in this agent's team. */
void ear_route_give(struct ear_book *book, struct ear_case *c, struct ear_entry *e,
                    const struct ear_agent *agent);
void ear_route_queue(struct ear_book *book, struct ear_case *c, struct ear_entry *e,
                     const char *team);
/* Nobody's any more: its agent, if there was one, has a hand free and is remembered. */
void ear_route_release(struct ear_book *book, struct ear_case *c);

/* qsort order of struct ear_case pointers in a queue. */
int ear_queue_order(const void *a, const void *b);
/* Gives out queued cases in queue order while somebody can take them; returns how many. */
size_t ear_route_queued(struct ear_book *book, struct ear_case **queued, size_t count);
/* Puts open cases whose agent left, or whose team is gone, back into a queue; returns how many. */
size_t ear_route_strays(struct ear_book *book, struct ear_case *const *cases, size_t count);

#endif
