/* source: the upstream end of links: offers batches and keeps them in mind until settled. */
#include "bus/events.h"
#include "bus/frame.h"
#include "bus/ledger.h"
#include "bus/metrics.h"
#include "bus/sender.h"
#include <stdlib.h>

#define HWM               4096
#define MESSAGE_BYTES_MAX (64 << 10) /* sinks send small messages only */
#define PROBE_MS          20
#define PROBES            3
#define UNLISTED          "key not listed any more"

struct ear_source {
    struct ear_bus *bus;
    const struct ear_source_ops *ops;
    void *self;
    struct ear_socket *socket; /* owned */
    struct ear_admission admission;
    uint16_t port;
    struct ear_ledger ledger;
    struct ear_timer *tick, *probe; /* owned */
    unsigned probes_left;
    int64_t ticked_ms;
    bool gained; /* room() is due */
};

static int64_t now_ms(const struct ear_source *source)
{
    return ear_loop_now_ms(source->bus->loop);
}

/* One at a time: the owner may offer, and so change the ledger, inside lost(). */
static void lose_flights(struct ear_source *source, const struct ear_peer *peer)
{
    struct ear_flight *flight;
    while ((flight = ear_ledger_flight_of(&source->ledger, peer))) {
        struct ear_id id = flight->id;
        ear_metric_add(&M_BUS_LOST_BATCHES, 1, ear_lane_name(flight->lane));
        ear_ledger_remove_flight(&source->ledger, flight);
        source->ops->lost(source->self, &id);
    }
}

static void drop_peer(struct ear_source *source, struct ear_peer *peer)
{
    ear_ledger_take_peer(&source->ledger, peer);
    ear_metric_set(&M_BUS_SINKS, (double)source->ledger.peer_count);
    uint64_t suppressed;
    if (ear_log_budget_spend(&source->bus->peer_lines, now_ms(source), &suppressed))
        ear_log(&EV_BUS_PEER_DOWN, kv_text("peer", peer->name), kv_text("service", peer->service),
                kv_text("reason", peer->gone), kv_int("suppressed", suppressed));
    lose_flights(source, peer);
    free(peer);
}

/* Peers go away here only: an offer inside a callback must not pull one from under the caller. */
static void drop_gone(struct ear_source *source)
{
    for (struct ear_peer *peer = source->ledger.peers; peer;) {
        if (!peer->gone) {
            peer = peer->next;
            continue;
        }
        drop_peer(source, peer);
        peer = source->ledger.peers;
    }
}

static void mark_gone(struct ear_source *source, struct ear_peer *peer, const char *why)
{
    if (!peer->gone) peer->gone = why;
    ear_timer_start(source->probe, 0, 0);
}

static void broke_rules(struct ear_source *source, struct ear_peer *peer, const char *how)
{
    ear_metric_add(&M_BUS_REFUSED_PEERS, 1, "protocol");
    uint64_t suppressed;
    if (ear_log_budget_spend(&source->bus->refused_lines, now_ms(source), &suppressed))
        ear_log(&EV_BUS_PEER_REFUSED, kv_text("peer", peer->name),
                kv_text("service", peer->service), kv_text("reason", how),
                kv_int("suppressed", suppressed));
    mark_gone(source, peer, how);
}

static void beat(struct ear_source *source, struct ear_peer *peer)
{
    ear_err err = ear_frame_send_beat(source->socket, ear_peer_routing_id(peer), peer->version);
    if (err == EAR_UNAVAILABLE) mark_gone(source, peer, "disconnected");
    if (!err) peer->spoke_ms = now_ms(source);
}

/* A ROUTER's monitor says that somebody left, not who: a mandatory send to each tells. The event
 * may come a moment before libzmq forgets the peer, hence more than one round. */
static void probe(void *self)
{
    struct ear_source *source = self;
    if (source->probes_left) {
        source->probes_left--;
        for (struct ear_peer *peer = source->ledger.peers; peer; peer = peer->next)
            if (!peer->gone) beat(source, peer);
    }
    if (source->probes_left)
        ear_timer_start(source->probe, PROBE_MS, 0);
    else
        ear_timer_stop(source->probe);
    drop_gone(source);
}

static bool set_credit(struct ear_peer *peer, const Earshot__V1__Credit *credit)
{
    if (credit->lane >= EAR_LANES) return false;
    peer->lanes[credit->lane].granted = (struct ear_amount){credit->posts, credit->bytes};
    return true;
}

static const char *hello_fault(const struct ear_source *source, const Earshot__V1__Hello *hello,
                               const char *sender)
{
    if (hello->instance.len != EAR_ID_BYTES) return "malformed hello";
    if (sender[0] && !ear_str_eq(ear_str_from(sender), ear_str_from(hello->service)))
        return "name is not the key's";
    if (!ear_admission_has(&source->admission, sender)) return "service not admitted";
    return source->ledger.peer_count >= EAR_PEERS_MAX ? "too many peers" : NULL;
}

static struct ear_peer *welcome(struct ear_source *source, struct ear_str id,
                                const Earshot__V1__Hello *hello, const char *key)
{
    struct ear_peer *peer = ear_ledger_add_peer(&source->ledger, id);
    struct ear_id instance;
    memcpy(instance.b, hello->instance.data, EAR_ID_BYTES);
    ear_id_format(&instance, peer->name);
    if (!ear_str_copy(peer->service, sizeof(peer->service), ear_str_from(hello->service)))
        peer->service[0] = '?';
    if (!ear_str_copy(peer->key, sizeof(peer->key), ear_str_from(key))) peer->key[0] = '\0';
    peer->version = ear_frame_version(source->bus, hello);
    peer->heard_ms = peer->spoke_ms = now_ms(source);
    ear_metric_set(&M_BUS_SINKS, (double)source->ledger.peer_count);
    uint64_t suppressed;
    if (ear_log_budget_spend(&source->bus->peer_lines, now_ms(source), &suppressed))
        ear_log(&EV_BUS_PEER_UP, kv_text("peer", peer->name), kv_text("service", peer->service),
                kv_int("suppressed", suppressed));
    return peer;
}

static void refuse(struct ear_source *source, const char *fault, const char *who)
{
    ear_metric_add(&M_BUS_REFUSED_PEERS, 1, "hello");
    ear_frame_refuse(source->bus, fault, who);
}

/* Who is refused gets no answer and so never takes the link for a working one; but who is only of
 * another age is told which versions we read. */
static void take_hello(struct ear_source *source, struct ear_str id,
                       const Earshot__V1__Hello *hello, struct ear_sender sender)
{
    struct ear_peer *old = ear_ledger_peer(&source->ledger, id);
    if (old) {
        old->gone = "said hello anew";
        drop_peer(source, old);
    }
    const char *fault = hello_fault(source, hello, sender.service);
    ear_err err = fault ? EAR_OK : ear_frame_send_hello(source->bus, source->socket, id);
    if (!fault && !ear_frame_version(source->bus, hello)) fault = "no common version";
    if (fault) refuse(source, fault, sender.service[0] ? sender.service : hello->service);
    if (fault || err) return;
    struct ear_peer *peer = welcome(source, id, hello, sender.key);
    for (size_t i = 0; i < hello->n_credit && !peer->gone; i++)
        if (!set_credit(peer, hello->credit[i])) broke_rules(source, peer, "unknown lane");
    source->gained = true;
}

static bool fates_valid(const ProtobufCBinaryData *fates, uint64_t count)
{
    if (fates->len != count) return false;
    for (size_t i = 0; i < fates->len; i++)
        if (fates->data[i] > EAR_ITEM_FAILED) return false;
    return true;
}

static void count_settled(const struct ear_source *source, const struct ear_flight *flight,
                          const ProtobufCBinaryData *fates)
{
    static const char *const names[] = {"done", "returned", "failed"};
    double counts[EAR_COUNT(names)] = {0};
    const char *lane = ear_lane_name(flight->lane);
    int64_t took_ms = now_ms(source) - flight->offered_ms;
    for (size_t i = 0; i < fates->len; i++) counts[fates->data[i]]++;
    for (size_t i = 0; i < EAR_COUNT(names); i++)
        if (counts[i] > 0) ear_metric_add(&M_BUS_SETTLED_POSTS, counts[i], lane, names[i]);
    ear_metric_observe(&M_BUS_SETTLE_SECONDS, (double)took_ms / 1000, lane);
}

static void take_settle(struct ear_source *source, struct ear_peer *peer,
                        const Earshot__V1__Settle *settle)
{
    struct ear_id id;
    bool whole = !ear_wire_id(&settle->batch_id, false, &id);
    struct ear_flight *flight = whole ? ear_ledger_flight(&source->ledger, &id) : NULL;
    if (whole && (!flight || flight->peer != peer)) {
        ear_frame_refuse(source->bus, "settle of what is not held", peer->name);
        return;
    }
    if (!whole || !fates_valid(&settle->fates, flight->amount.posts)) {
        broke_rules(source, peer, "malformed settle");
        return;
    }
    count_settled(source, flight, &settle->fates);
    ear_ledger_remove_flight(&source->ledger, flight);
    struct ear_settle done = {id, settle->fates.data, settle->fates.len};
    source->ops->settled(source->self, &done);
}

/* Whoever drains waits for this: what was sent before has come before. */
static void say_back(struct ear_source *source, struct ear_peer *peer, ear_lane lane)
{
    Earshot__V1__Credit credit = ear_frame_credit(lane, peer->lanes[lane].sent, true);
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    frame.body_case = EARSHOT__V1__FRAME__BODY_CREDIT;
    frame.credit = &credit;
    ear_err err = ear_frame_send(source->socket, ear_peer_routing_id(peer), peer->version, &frame);
    if (err == EAR_UNAVAILABLE) mark_gone(source, peer, "disconnected");
}

static void take_credit(struct ear_source *source, struct ear_peer *peer,
                        const Earshot__V1__Credit *credit)
{
    source->gained = true;
    if (!set_credit(peer, credit))
        broke_rules(source, peer, "unknown lane");
    else if (credit->last)
        say_back(source, peer, credit->lane);
}

static void peer_frame(struct ear_source *source, struct ear_peer *peer,
                       const Earshot__V1__Frame *frame)
{
    peer->heard_ms = now_ms(source);
    switch (frame->body_case) {
    case EARSHOT__V1__FRAME__BODY_CREDIT:
        take_credit(source, peer, frame->credit);
        break;
    case EARSHOT__V1__FRAME__BODY_SETTLE:
        take_settle(source, peer, frame->settle);
        break;
    case EARSHOT__V1__FRAME__BODY_BEAT:
        break;
    default:
        ear_frame_refuse(source->bus, "not expected", peer->name);
    }
}

static ear_err message(void *self, zmq_msg_t *parts, size_t count)
{
    struct ear_source *source = self;
    struct ear_str id = {zmq_msg_data(&parts[0]), zmq_msg_size(&parts[0])};
    struct ear_sender sender = ear_sender_of(&parts[count == 2]);
    if (!ear_sender_listed(source->bus, sender.service, sender.key)) {
        ear_metric_add(&M_BUS_REFUSED_PEERS, 1, "key");
        ear_frame_refuse(source->bus, UNLISTED, sender.service);
        return EAR_OK;
    }
    const Earshot__V1__Frame *frame;
    ear_err err = count == 2 ? ear_frame_read(source->bus, &parts[1], &frame) : EAR_INVALID;
    struct ear_peer *peer = ear_ledger_peer(&source->ledger, id);
    if (err == EAR_NO_MEMORY) return err;
    if (err) {
        ear_frame_refuse(source->bus, "malformed", peer ? peer->name : "");
        if (peer && !peer->gone) broke_rules(source, peer, "malformed frame");
    } else if (frame->body_case == EARSHOT__V1__FRAME__BODY_HELLO) {
        take_hello(source, id, frame->hello, sender);
    } else if (!peer) {
        ear_frame_refuse(source->bus, "stranger", sender.service);
    } else if (!peer->gone) {
        peer_frame(source, peer, frame);
    }
    return EAR_OK;
}

static void event(void *self, int event)
{
    struct ear_source *source = self;
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) return;
    if (event != ZMQ_EVENT_DISCONNECTED) {
        ear_frame_handshake_failed(source->bus, "", source->port);
        return;
    }
    source->probes_left = PROBES;
    ear_timer_start(source->probe, 0, 0);
}

static void drained(void *self)
{
    struct ear_source *source = self;
    if (!source->gained) return;
    source->gained = false;
    source->ops->room(source->self);
}

static const struct ear_socket_ops socket_ops = {message, event, drained};

static void show(const struct ear_source *source)
{
    struct ear_source_stats stats;
    ear_source_stats(source, &stats);
    const struct ear_flight *oldest = source->ledger.oldest;
    int64_t age_ms = oldest ? now_ms(source) - oldest->offered_ms : 0;
    ear_metric_set(&M_BUS_OLDEST_UNSETTLED, (double)age_ms / 1000);
    for (ear_lane lane = 0; lane < EAR_LANES; lane++) {
        ear_metric_set(&M_BUS_UNSETTLED_POSTS, (double)stats.unsettled_posts[lane], "source",
                       ear_lane_name(lane));
        ear_metric_set(&M_BUS_CREDIT_POSTS, (double)stats.credit_posts[lane], ear_lane_name(lane));
    }
}

static void tick(void *self)
{
    struct ear_source *source = self;
    struct ear_bus *bus = source->bus;
    int64_t now = now_ms(source);
    int64_t last = source->ticked_ms;
    source->ticked_ms = now;
    bool deaf = ear_socket_waits(source->socket); /* nobody can be called silent then */
    for (struct ear_peer *peer = source->ledger.peers; peer; peer = peer->next) {
        peer->blocked = false;
        if (!ear_sender_listed(bus, peer->service, peer->key)) mark_gone(source, peer, UNLISTED);
        peer->heard_ms = deaf ? now : ear_bus_heard_ms(bus, peer->heard_ms, last, now);
        if (now - peer->heard_ms >= EAR_BUS_SILENT_BEATS * bus->beat_ms)
            mark_gone(source, peer, "silent");
        else if (!peer->gone && now - peer->spoke_ms >= EAR_BUS_QUIET_MS(bus))
            beat(source, peer);
    }
    drop_gone(source);
    show(source);
    if (source->ledger.peers) source->ops->room(source->self);
}

ear_err ear_source_new(struct ear_source **out, struct ear_bus *bus, const char *endpoint,
                       const struct ear_source_ops *ops, void *self, struct ear_diag *diag)
{
    static const struct ear_socket_opts opts = {
        .type = ZMQ_ROUTER, .max_bytes = MESSAGE_BYTES_MAX, .hwm = HWM};
    struct ear_source *source = ear_alloc(sizeof(*source));
    *source = (struct ear_source){.bus = bus, .ops = ops, .self = self};
    *out = source;
    ear_ledger_init(&source->ledger);
    source->ticked_ms = now_ms(source);
    ear_timer_new(&source->tick, bus->loop, tick, source);
    ear_timer_new(&source->probe, bus->loop, probe, source);
    ear_err err = ear_socket_new(&source->socket, bus, &opts, &socket_ops, source, diag);
    if (!err) err = ear_socket_bind(source->socket, endpoint, &source->port, diag);
    if (err) {
        ear_source_free(out);
        return err;
    }
    ear_timer_start(source->tick, bus->beat_ms, bus->beat_ms);
    ear_log(&EV_BUS_LISTENING, kv_text("endpoint", endpoint), kv_int("port", source->port));
    return EAR_OK;
}

void ear_source_free(struct ear_source **source_ptr)
{
    struct ear_source *source = *source_ptr;
    if (!source) return;
    ear_socket_free(&source->socket, 0);
    ear_timer_free(&source->tick);
    ear_timer_free(&source->probe);
    ear_ledger_release(&source->ledger);
    EAR_FREE(*source_ptr);
}

void ear_source_admit(struct ear_source *source, const char *services)
{
    ear_admission_set(&source->admission, services);
}

uint16_t ear_source_port(const struct ear_source *source)
{
    return source->port;
}

static ear_err send_batch(struct ear_source *source, const struct ear_batch *batch,
                          const struct ear_peer *peer)
{
    Earshot__V1__Batch out = EARSHOT__V1__BATCH__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    ProtobufCBinaryData items[EAR_BATCH_POSTS_MAX];
    char trace[EAR_TRACE_TEXT_BYTES];
    for (size_t i = 0; i < batch->count; i++)
        items[i] =
            (ProtobufCBinaryData){batch->items[i].len, (uint8_t *)(uintptr_t)batch->items[i].ptr};
    out.batch_id = ear_wire_bytes(&batch->id);
    out.lane = batch->lane;
    if (ear_str_copy(trace, sizeof(trace), batch->trace)) out.trace = trace;
    out.items = items;
    out.n_items = batch->count;
    frame.body_case = EARSHOT__V1__FRAME__BODY_BATCH;
    frame.batch = &out;
    return ear_frame_send(source->socket, ear_peer_routing_id(peer), peer->version, &frame);
}

static ear_err measure(const struct ear_source *source, const struct ear_batch *batch,
                       struct ear_amount *amount)
{
    *amount = (struct ear_amount){.posts = batch->count};
    if (batch->count == 0 || batch->lane >= EAR_LANES) return EAR_INVALID;
    if (batch->count > EAR_BATCH_POSTS_MAX) return EAR_TOO_LARGE;
    for (size_t i = 0; i < batch->count; i++) amount->bytes += batch->items[i].len;
    if (amount->bytes > EAR_BATCH_BYTES_MAX) return EAR_TOO_LARGE;
    return ear_ledger_flight(&source->ledger, &batch->id) ? EAR_CONFLICT : EAR_OK;
}

ear_err ear_source_offer(struct ear_source *source, const struct ear_batch *batch)
{
    struct ear_amount amount;
    struct ear_peer *peer;
    ear_err err = measure(source, batch, &amount);
    if (err) return err;
    while ((peer = ear_ledger_richest(&source->ledger, batch->lane, amount))) {
        err = send_batch(source, batch, peer);
        if (!err) break;
        if (err == EAR_AGAIN)
            peer->blocked = true;
        else
            mark_gone(source, peer, "disconnected");
    }
    if (!peer) return EAR_AGAIN;
    peer->spoke_ms = now_ms(source);
    ear_ledger_add_flight(&source->ledger, batch, peer, amount, now_ms(source));
    ear_metric_add(&M_BUS_OFFERED_POSTS, (double)amount.posts, ear_lane_name(batch->lane));
    if (ear_fault("bus.offered")) mark_gone(source, peer, "fault point");
    return EAR_OK;
}

size_t ear_source_room(const struct ear_source *source, ear_lane lane)
{
    const struct ear_peer *peer =
        ear_ledger_richest(&source->ledger, lane, (struct ear_amount){1, 1});
    if (!peer) return 0;
    uint64_t left = ear_allowance_left(&peer->lanes[lane]).posts;
    return left < EAR_BATCH_POSTS_MAX ? (size_t)left : EAR_BATCH_POSTS_MAX;
}

void ear_source_stats(const struct ear_source *source, struct ear_source_stats *out)
{
    ear_ledger_stats(&source->ledger, out);
}
