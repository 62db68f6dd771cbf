/* held: the batches a sink has not settled yet, by id. Bookkeeping without I/O; private to bus.
 *
 * The same batch may come over a second link, when another source adopted it: it is worked on once
 * and settled on both, hence a chain for each id. */
#ifndef EAR_BUS_HELD_H
#define EAR_BUS_HELD_H

#include "bus/bus.h"
#include "bus/credit.h"

struct ear_bus_link;

struct ear_held {
    struct ear_held *twin;
    struct ear_bus_link *link; /* borrowed: it outlives what came over it */
    ear_lane lane;
    struct ear_amount amount;
};

struct ear_holdings {
    struct ear_map *by_id; /* owned, with the chains in it */
    size_t posts[EAR_LANES];
};

void ear_holdings_init(struct ear_holdings *holdings);
void ear_holdings_release(struct ear_holdings *holdings);

/* First of the chain; NULL when not held. */
const struct ear_held *ear_holdings_find(const struct ear_holdings *holdings,
                                         const struct ear_id *id);
void ear_holdings_add(struct ear_holdings *holdings, const struct ear_id *id,
                      struct ear_bus_link *link, ear_lane lane, struct ear_amount amount);
/* Takes the whole chain out, for the caller to free; NULL when not held. */
struct ear_held *ear_holdings_take(struct ear_holdings *holdings, const struct ear_id *id);
/* Takes one that came over the link out; false when there is none left. `last`: nobody else waits
 * for this batch. */
bool ear_holdings_take_of(struct ear_holdings *holdings, const struct ear_bus_link *link,
                          struct ear_id *id, ear_lane *lane, bool *last);

#endif
