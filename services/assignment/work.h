/* work: batches of triaged posts from the bus to committed cases. A batch is one transaction (see
 * sitting.h); it is settled when that is committed, never earlier, and exactly once.
 *
 * What goes wrong: content that the database refuses halves the batch until the poisonous post
 * stands alone and is settled as failed; anything else is tried again with back-off for as long
 * as it takes, so that an outage never costs a post. Posts that are known already are done. */
#ifndef EAR_ASSIGNMENT_WORK_H
#define EAR_ASSIGNMENT_WORK_H

#include "bus/bus.h"
#include "ground.h"

struct ear_work;

struct ear_work_opts {
    const char *classifiers; /* "host:port[,host:port…]" */
    unsigned at_once;        /* transactions under way */
};

ear_err ear_work_new(struct ear_work **out, const struct ear_ground *ground, struct ear_bus *bus,
                     const struct ear_work_opts *opts, struct ear_diag *diag) EAR_MUST_CHECK;
/* After ear_pg_free: nothing is under way then. */
void ear_work_free(struct ear_work **work);
/* Takes no more; what has not begun is handed back. */
void ear_work_drain(struct ear_work *work);
bool ear_work_is_idle(const struct ear_work *work);
/* Draining: no batch is on its way here any more. */
bool ear_work_is_quiet(const struct ear_work *work);
size_t ear_work_sources(const struct ear_work *work); /* classifiers linked */
/* Otherwise why names the classifier that cannot be reached. */
bool ear_work_reaches(const struct ear_work *work, struct ear_diag *why);
size_t ear_work_waiting(const struct ear_work *work); /* batches not begun */

struct ear_work_backlog {
    size_t posts[EAR_LANES]; /* taken and not settled */
    int64_t oldest_ms;       /* age of the oldest batch of them; 0: none */
};
struct ear_work_backlog ear_work_backlog(const struct ear_work *work);

#endif
