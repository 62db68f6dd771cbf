/* leases: whose turn it is. Jobs that one replica does for all (offering replies, giving out the
 * queue, each bucket of timers) are rows of table lease; a replica holds what it could take, renews
 * it, and lets it go when it drains. A lease only avoids double work: what is done under it is
 * safe if two do it. It is lost by running out, and at once when its holder has no connection to
 * PostgreSQL any more: connections are named EAR_LEASE_APPLICATION and the instance. */
#ifndef EAR_ASSIGNMENT_LEASES_H
#define EAR_ASSIGNMENT_LEASES_H

#include "loop/loop.h"
#include "pg/pg.h"

#define EAR_LEASE_APPLICATION "earshot-assignment "

struct ear_leases;

/* names: static texts. taken is called when one is newly held. */
void ear_leases_new(struct ear_leases **out, struct ear_loop *loop, struct ear_pg *pg,
                    const struct ear_id *owner, const char *const *names, size_t count,
                    ear_loop_fn *taken, void *self);
void ear_leases_free(struct ear_leases **leases);
/* By place in names. */
bool ear_leases_held(const struct ear_leases *leases, size_t which);
/* No other replica was connected when they were last renewed. A hint: nothing may rest on it. */
bool ear_leases_alone(const struct ear_leases *leases);
/* Lets go of all and takes no more. */
void ear_leases_drain(struct ear_leases *leases);
bool ear_leases_drained(const struct ear_leases *leases);

#endif
