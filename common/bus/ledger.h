/* ledger: which sink may be sent how much, and which holds what. Bookkeeping without I/O; private
 * to bus. The ledger owns peers and flights. */
#ifndef EAR_BUS_LEDGER_H
#define EAR_BUS_LEDGER_H

#include "bus/core.h"
#include "bus/credit.h"

#define EAR_PEERS_MAX 256

/* A sink that said Hello on one connection. */
struct ear_peer {
    struct ear_peer *next;
    char routing_id[EAR_ROUTING_ID_BYTES];
    size_t routing_id_len;
    char name[EAR_ID_TEXT_BYTES]; /* its instance, for the log */
    char service[EAR_SERVICE_BYTES];
    char key[EAR_KEY_TEXT_BYTES]; /* the one that it showed; "" without CURVE */
    uint32_t version;             /* what we write to it */
    struct ear_allowance lanes[EAR_LANES];
    int64_t heard_ms, spoke_ms;
    const char *gone; /* why it is to be dropped; NULL: it lives */
    bool blocked;     /* libzmq took nothing more; until the next tick */
};

/* An unsettled batch. */
struct ear_flight {
    struct ear_flight *prev, *next; /* in the order of offering */
    struct ear_id id;
    struct ear_peer *peer;
    ear_lane lane;
    struct ear_amount amount;
    int64_t offered_ms;
};

struct ear_ledger {
    struct ear_peer *peers;
    size_t peer_count;
    struct ear_map *by_id; /* flights, by batch id; borrows from the list */
    struct ear_flight *oldest, *newest;
    size_t unsettled_posts[EAR_LANES];
};

void ear_ledger_init(struct ear_ledger *ledger);
void ear_ledger_release(struct ear_ledger *ledger);

struct ear_peer *ear_ledger_peer(const struct ear_ledger *ledger, struct ear_str routing_id);
struct ear_peer *ear_ledger_add_peer(struct ear_ledger *ledger, struct ear_str routing_id);
/* Takes it off the list; its flights stay until they are removed. The caller frees it. */
void ear_ledger_take_peer(struct ear_ledger *ledger, struct ear_peer *peer);
/* The living peer with the most credit of those that have room for `need`; NULL: none. */
struct ear_peer *ear_ledger_richest(const struct ear_ledger *ledger, ear_lane lane,
                                    struct ear_amount need);

struct ear_flight *ear_ledger_flight(const struct ear_ledger *ledger, const struct ear_id *id);
struct ear_flight *ear_ledger_flight_of(const struct ear_ledger *ledger,
                                        const struct ear_peer *peer); /* oldest; NULL: none */
/* Uses up the peer's credit. */
void ear_ledger_add_flight(struct ear_ledger *ledger, const struct ear_batch *batch,
                           struct ear_peer *peer, struct ear_amount amount, int64_t now_ms);
void ear_ledger_remove_flight(struct ear_ledger *ledger, struct ear_flight *flight);

void ear_ledger_stats(const struct ear_ledger *ledger, struct ear_source_stats *out);

static inline struct ear_str ear_peer_routing_id(const struct ear_peer *peer)
{
    return (struct ear_str){peer->routing_id, peer->routing_id_len};
}

#endif
