/* offer: hands stored posts to classifiers and keeps track until they are settled.
 *
 * Fresh posts go out from memory while nothing older waits and there is credit. Everything else is
 * read from intake rows, oldest first, live before back-fill. Memory holds ids of what is in
 * flight, which credit bounds; texts are dropped once sent and read again where a batch is lost. */
#ifndef EAR_INGEST_OFFER_H
#define EAR_INGEST_OFFER_H

#include "bus/bus.h"
#include "pg/pg.h"

struct ear_offer;

struct ear_offer_opts {
    struct ear_loop *loop;
    struct ear_pg *pg;
    struct ear_bus *bus;
    const char *endpoint;
    struct ear_id owner;
};

ear_err ear_offer_new(struct ear_offer **out, const struct ear_offer_opts *opts,
                      struct ear_diag *diag) EAR_MUST_CHECK;
void ear_offer_free(struct ear_offer **offer);

struct ear_fresh {
    struct ear_id intake_id;
    ear_lane lane;
    const char *trace;
    int64_t stored_at_us;
    const struct ear_id *post_ids;
    const struct ear_str *items; /* packed posts, same order */
    size_t count;
};
/* A commit's new posts. Copies. */
void ear_offer_fresh(struct ear_offer *offer, const struct ear_fresh *fresh);
/* There are rows of ours in the database that are not known here. */
void ear_offer_behind(struct ear_offer *offer, ear_lane lane);
/* The database is back, or there may be room: go on. */
void ear_offer_pump(struct ear_offer *offer);
/* Offers nothing new any more. */
void ear_offer_drain(struct ear_offer *offer);
/* True when nothing is in flight and all that was settled is written. */
bool ear_offer_idle(const struct ear_offer *offer);

struct ear_offer_stats {
    struct ear_source_stats source;
    size_t in_flight[EAR_LANES]; /* posts */
    bool behind[EAR_LANES];      /* older ones wait in the database */
};
void ear_offer_stats(const struct ear_offer *offer, struct ear_offer_stats *out);

#endif
