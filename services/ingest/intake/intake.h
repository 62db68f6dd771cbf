/* intake: the one way into the database. Deliveries of all routes wait in two bounded queues and
 * go out together, live ones first, as one transaction of a few hundred posts or a few
 * milliseconds; each is told only after its commit.
 *
 * A transaction that the database refuses for its content is halved until the post at fault is
 * alone and refused; everything else fails back to the route, which tries again. What is new goes
 * on to `offer`. */
#ifndef EAR_INGEST_INTAKE_H
#define EAR_INGEST_INTAKE_H

#include "hear/care.h"
#include "intake/delivery.h"
#include "offer/offer.h"

struct ear_intake;

struct ear_intake_opts {
    struct ear_loop *loop;
    struct ear_pg *pg;
    struct ear_care *care;
    struct ear_offer *offer;
    struct ear_id owner;
    int64_t queue_posts; /* a lane */
    int64_t queue_bytes; /* a lane */
};

void ear_intake_new(struct ear_intake **out, const struct ear_intake_opts *opts);
/* After the pool is freed: everything has been told by then. */
void ear_intake_free(struct ear_intake **intake);

/* Needed before anything is taken: the key that ids are hashed with, and the epoch of the lease on
 * our intake rows. */
void ear_intake_set_key(struct ear_intake *intake, const struct ear_id_key *key);
void ear_intake_set_epoch(struct ear_intake *intake, int64_t epoch);

/* EAR_AGAIN: the queue of the lane is full; EAR_UNAVAILABLE: the database is away. done comes only
 * after EAR_OK. */
ear_err ear_intake_take(struct ear_intake *intake, struct ear_delivery *delivery) EAR_MUST_CHECK;
/* The database came or went: commits what waits, or tells it that it must try again. */
void ear_intake_wake(struct ear_intake *intake);
/* Deliveries not told yet. */
size_t ear_intake_busy(const struct ear_intake *intake);
size_t ear_intake_queued(const struct ear_intake *intake, ear_lane lane); /* posts */

#endif
