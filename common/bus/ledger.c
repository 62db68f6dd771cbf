#include "bus/ledger.h"

#include <stdlib.h>

static struct ear_str key_of(const struct ear_id *id)
{
    return (struct ear_str){(const char *)id->b, EAR_ID_BYTES};
}

void ear_ledger_init(struct ear_ledger *ledger)
{
    *ledger = (struct ear_ledger){.by_id = ear_map_new()};
}

void ear_ledger_release(struct ear_ledger *ledger)
{
    while (ledger->oldest) ear_ledger_remove_flight(ledger, ledger->oldest);
    ear_map_free(&ledger->by_id, NULL);
    while (ledger->peers) {
        struct ear_peer *peer = ledger->peers;
        ledger->peers = peer->next;
        free(peer);
    }
}

struct ear_peer *ear_ledger_peer(const struct ear_ledger *ledger, struct ear_str routing_id)
{
    struct ear_peer *peer = ledger->peers;
    while (peer && !ear_str_eq(ear_peer_routing_id(peer), routing_id)) peer = peer->next;
    return peer;
}

struct ear_peer *ear_ledger_add_peer(struct ear_ledger *ledger, struct ear_str routing_id)
{
    struct ear_peer *peer = ear_alloc(sizeof(*peer));
    EAR_CHECK(routing_id.len <= sizeof(peer->routing_id));
    memcpy(peer->routing_id, routing_id.ptr, routing_id.len);
    peer->routing_id_len = routing_id.len;
    peer->next = ledger->peers;
    ledger->peers = peer;
    ledger->peer_count++;
    return peer;
}

void ear_ledger_take_peer(struct ear_ledger *ledger, struct ear_peer *peer)
{
    struct ear_peer **at = &ledger->peers;
    while (*at != peer) at = &(*at)->next;
    *at = peer->next;
    ledger->peer_count--;
}

struct ear_peer *ear_ledger_richest(const struct ear_ledger *ledger, ear_lane lane,
                                    struct ear_amount need)
{
    struct ear_peer *best = NULL;
    uint64_t most = 0;
    for (struct ear_peer *peer = ledger->peers; peer; peer = peer->next) {
        uint64_t left = ear_allowance_left(&peer->lanes[lane]).posts;
        if (peer->gone || peer->blocked || left <= most) continue;
        if (!ear_allowance_fits(&peer->lanes[lane], need)) continue;
        best = peer;
        most = left;
    }
    return best;
}

struct ear_flight *ear_ledger_flight(const struct ear_ledger *ledger, const struct ear_id *id)
{
    return ear_map_get(ledger->by_id, key_of(id));
}

struct ear_flight *ear_ledger_flight_of(const struct ear_ledger *ledger,
                                        const struct ear_peer *peer)
{
    struct ear_flight *flight = ledger->oldest;
    while (flight && flight->peer != peer) flight = flight->next;
    return flight;
}

void ear_ledger_add_flight(struct ear_ledger *ledger, const struct ear_batch *batch,
                           struct ear_peer *peer, struct ear_amount amount, int64_t now_ms)
{
    struct ear_flight *flight = ear_alloc(sizeof(*flight));
    *flight = (struct ear_flight){.id = batch->id,
                                  .peer = peer,
                                  .lane = batch->lane,
                                  .amount = amount,
                                  .prev = ledger->newest,
                                  .offered_ms = now_ms};
    *(ledger->newest ? &ledger->newest->next : &ledger->oldest) = flight;
    ledger->newest = flight;
    ledger->unsettled_posts[batch->lane] += amount.posts;
    ear_map_put(ledger->by_id, key_of(&batch->id), flight);
    peer->lanes[batch->lane].sent.posts += amount.posts;
    peer->lanes[batch->lane].sent.bytes += amount.bytes;
}

void ear_ledger_remove_flight(struct ear_ledger *ledger, struct ear_flight *flight)
{
    *(flight->prev ? &flight->prev->next : &ledger->oldest) = flight->next;
    *(flight->next ? &flight->next->prev : &ledger->newest) = flight->prev;
    ledger->unsettled_posts[flight->lane] -= flight->amount.posts;
    ear_map_take(ledger->by_id, key_of(&flight->id));
    free(flight);
}

void ear_ledger_stats(const struct ear_ledger *ledger, struct ear_source_stats *out)
{
    *out = (struct ear_source_stats){.sinks = ledger->peer_count,
                                     .unsettled_batches = ear_map_count(ledger->by_id)};
    for (ear_lane lane = 0; lane < EAR_LANES; lane++) {
        out->unsettled_posts[lane] = ledger->unsettled_posts[lane];
        for (const struct ear_peer *peer = ledger->peers; peer; peer = peer->next) {
            uint64_t left = ear_allowance_left(&peer->lanes[lane]).posts;
            out->credit_posts[lane] += left > INT32_MAX ? INT32_MAX : (int64_t)left;
        }
    }
}
