/* sink: the downstream end of links: gives credit, takes batches, sends settles. */
#include "bus/events.h"
#include "bus/held.h"
#include "bus/metrics.h"
#include "bus/names.h"
#include <stdlib.h>

#define LIVE_POSTS       4096
#define BACKFILL_POSTS   512
#define WINDOW_BYTES     ((int64_t)8 << 20)
#define TWIN_RETRY_MS    30000
#define STRANGE_RETRY_MS 30000
#define REFUSED_RETRY_MS 5000
#define LINGER_MS        1000 /* for the last settles of a process that stops */

/* What a link owes and may get; hangs on ear_bus_link.data while the link is open. */
struct account {
    struct ear_id instance; /* of the source */
    struct ear_grant lanes[EAR_LANES];
    size_t held;         /* batches */
    unsigned open_lanes; /* draining: in which the source may have sent more than came */
};

struct ear_sink {
    struct ear_bus *bus;
    const struct ear_sink_ops *ops;
    void *self;
    struct ear_amount windows[EAR_LANES];
    struct ear_names *names; /* owned */
    struct ear_holdings held;
    struct ear_timer *tick, *patience; /* owned; how long a drain waits for what sources say */
    size_t live;
    int64_t ticked_ms;
    bool draining, quiet;
};

/* --- credit and settles --- */

static void send_credit(struct ear_bus_link *link, ear_lane lane, struct ear_amount amount,
                        bool last)
{
    Earshot__V1__Credit credit = ear_frame_credit(lane, amount, last);
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    frame.body_case = EARSHOT__V1__FRAME__BODY_CREDIT;
    frame.credit = &credit;
    ear_bus_link_send(link, &frame);
}

static void give_credit(struct ear_sink *sink, struct ear_bus_link *link, ear_lane lane, bool any)
{
    struct account *account = link->data;
    struct ear_grant *grant = account ? &account->lanes[lane] : NULL;
    if (sink->draining || !grant || !(any ? ear_grant_stale(grant) : ear_grant_due(grant))) return;
    send_credit(link, lane, ear_grant_announce(grant), false);
}

static void send_settle(struct ear_bus_link *link, const struct ear_settle *settle)
{
    Earshot__V1__Settle out = EARSHOT__V1__SETTLE__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    out.batch_id = ear_wire_bytes(&settle->batch_id);
    out.fates = (ProtobufCBinaryData){settle->count, (uint8_t *)(uintptr_t)settle->fates};
    frame.body_case = EARSHOT__V1__FRAME__BODY_SETTLE;
    frame.settle = &out;
    ear_bus_link_send(link, &frame);
}

static void settle_one(struct ear_sink *sink, struct ear_bus_link *link, ear_lane lane,
                       struct ear_amount amount, const struct ear_settle *settle)
{
    struct account *account = link->data;
    ear_grant_settle(&account->lanes[lane], amount);
    send_settle(link, settle); /* may cut the link, and the account with it */
    give_credit(sink, link, lane, false);
}

static void return_whole(struct ear_sink *sink, struct ear_bus_link *link, ear_lane lane,
                         struct ear_amount amount, const struct ear_id *id)
{
    uint8_t fates[EAR_BATCH_POSTS_MAX];
    memset(fates, EAR_ITEM_RETURNED, sizeof(fates));
    struct ear_settle settle = {*id, fates, amount.posts};
    settle_one(sink, link, lane, amount, &settle);
}

/* --- what sources say --- */

static void refuse(struct ear_bus_link *link, const char *how)
{
    ear_metric_add(&M_BUS_REFUSED_PEERS, 1, "protocol");
    ear_log(&EV_BUS_LINK_REFUSED, kv_text("address", link->host), kv_int("port", link->port),
            kv_text("service", link->service), kv_text("reason", how));
    ear_bus_link_cut(link, how, REFUSED_RETRY_MS);
}

static bool known(const struct ear_sink *sink, const struct ear_bus_link *link,
                  const struct ear_id *instance)
{
    for (struct ear_bus_link *other = ear_names_first(sink->names); other; other = other->next) {
        const struct account *account = other->data;
        if (other != link && other->state == EAR_BUS_LINK_LIVE && account &&
            ear_id_cmp(&account->instance, instance) == 0)
            return true;
    }
    return false;
}

static void count_live(struct ear_sink *sink, bool up)
{
    sink->live = up ? sink->live + 1 : sink->live - 1;
    ear_metric_set(&M_BUS_SOURCES, (double)sink->live);
}

static void take_hello(struct ear_sink *sink, struct ear_bus_link *link,
                       const Earshot__V1__Hello *hello)
{
    struct account *account = link->data;
    struct ear_id instance;
    if (link->state != EAR_BUS_LINK_OPEN || ear_wire_id(&hello->instance, false, &instance)) {
        refuse(link, "hello out of place");
    } else if (!ear_frame_version(sink->bus, hello)) {
        ear_frame_refuse(sink->bus, "no common version", link->host);
        ear_bus_link_cut(link, "no common version", STRANGE_RETRY_MS);
    } else if (known(sink, link, &instance)) {
        ear_log(&EV_BUS_LINK_TWIN, kv_text("address", link->host), kv_int("port", link->port));
        ear_bus_link_cut(link, "twin", TWIN_RETRY_MS);
    } else {
        account->instance = instance;
        link->version = ear_frame_version(sink->bus, hello);
        ear_bus_link_confirm(link);
        count_live(sink, true);
        for (ear_lane lane = 0; lane < EAR_LANES; lane++) give_credit(sink, link, lane, true);
    }
}

static const char *batch_fault(const Earshot__V1__Batch *batch, struct ear_id *id)
{
    if (ear_wire_id(&batch->batch_id, false, id) || batch->lane >= EAR_LANES || !batch->n_items ||
        batch->n_items > EAR_BATCH_POSTS_MAX)
        return "malformed batch";
    return ear_frame_amount(batch).bytes > EAR_BATCH_BYTES_MAX ? "batch too large" : NULL;
}

static void hold(struct ear_sink *sink, struct ear_bus_link *link, const struct ear_id *id,
                 ear_lane lane, struct ear_amount amount)
{
    struct account *account = link->data;
    ear_holdings_add(&sink->held, id, link, lane, amount);
    account->held++;
    ear_metric_add(&M_BUS_RECEIVED_POSTS, (double)amount.posts, ear_lane_name(lane));
}

static void deliver(struct ear_sink *sink, const Earshot__V1__Batch *batch, const struct ear_id *id)
{
    struct ear_str items[EAR_BATCH_POSTS_MAX];
    for (size_t i = 0; i < batch->n_items; i++)
        items[i] = (struct ear_str){(const char *)batch->items[i].data, batch->items[i].len};
    struct ear_str trace = ear_str_from(batch->trace);
    struct ear_batch out = {.id = *id,
                            .lane = (ear_lane)batch->lane,
                            .trace = ear_trace_valid(trace) ? trace : EAR_STR_NONE,
                            .items = items,
                            .count = batch->n_items};
    (void)ear_fault("bus.batch");
    sink->ops->batch(sink->self, &out);
}

static void take_batch(struct ear_sink *sink, struct ear_bus_link *link,
                       const Earshot__V1__Batch *batch)
{
    struct account *account = link->data;
    struct ear_id id;
    const char *fault =
        link->state == EAR_BUS_LINK_LIVE ? batch_fault(batch, &id) : "batch too early";
    ear_lane lane = (ear_lane)batch->lane;
    struct ear_amount amount = ear_frame_amount(batch);
    if (!fault && !ear_grant_receive(&account->lanes[lane], amount)) fault = "sent past its credit";
    if (fault) {
        refuse(link, fault);
        return;
    }
    const struct ear_held *same = ear_holdings_find(&sink->held, &id);
    /* Sent before the source knew that we drain, or not the batch that its id says: not for us. */
    if (sink->draining || (same && same->amount.posts != amount.posts)) {
        return_whole(sink, link, lane, amount, &id);
        return;
    }
    bool fresh = !same;
    hold(sink, link, &id, lane, amount);
    if (fresh) deliver(sink, batch, &id);
}

/* --- the end of a draining sink --- */

static bool more_may_come(const struct ear_sink *sink)
{
    for (const struct ear_bus_link *link = ear_names_first(sink->names); link; link = link->next) {
        const struct account *account = link->data;
        if (account && account->open_lanes) return true;
    }
    return false;
}

static void be_quiet(void *self)
{
    struct ear_sink *sink = self;
    ear_timer_stop(sink->patience);
    if (sink->quiet) return;
    sink->quiet = true;
    if (sink->ops->quiet) sink->ops->quiet(sink->self);
}

static void take_credit(struct ear_sink *sink, struct ear_bus_link *link,
                        const Earshot__V1__Credit *credit)
{
    struct account *account = link->data;
    if (!credit->last || !account->open_lanes) {
        ear_frame_refuse(sink->bus, "not expected", link->host);
        return;
    }
    account->open_lanes--;
    if (!more_may_come(sink)) be_quiet(sink);
}

/* --- links --- */

static void opened(void *self, struct ear_bus_link *link)
{
    struct ear_sink *sink = self;
    struct account *account = ear_alloc(sizeof(*account));
    for (ear_lane lane = 0; lane < EAR_LANES; lane++)
        ear_grant_init(&account->lanes[lane], sink->windows[lane]);
    link->data = account;
    ear_bus_link_send_hello(link);
}

/* One at a time: the owner may settle others, and so change what is held, inside orphaned(). */
static void orphan_all(struct ear_sink *sink, const struct ear_bus_link *link)
{
    struct ear_id id;
    ear_lane lane;
    bool last;
    while (ear_holdings_take_of(&sink->held, link, &id, &lane, &last)) {
        ear_metric_add(&M_BUS_ORPHANED_BATCHES, 1, ear_lane_name(lane));
        if (last && sink->ops->orphaned) sink->ops->orphaned(sink->self, &id);
    }
}

static void closed(void *self, struct ear_bus_link *link)
{
    struct ear_sink *sink = self;
    struct account *account = link->data;
    /* The link is WAITING by now; only LIVE ones were counted and known. */
    if (!ear_id_is_nil(&account->instance)) count_live(sink, false);
    link->data = NULL;
    if (account->open_lanes && !more_may_come(sink)) ear_timer_start(sink->patience, 0, 0);
    if (account->held) orphan_all(sink, link);
    free(account);
}

static void frame(void *self, struct ear_bus_link *link, const Earshot__V1__Frame *frame)
{
    struct ear_sink *sink = self;
    switch (frame->body_case) {
    case EARSHOT__V1__FRAME__BODY_HELLO:
        take_hello(sink, link, frame->hello);
        break;
    case EARSHOT__V1__FRAME__BODY_BATCH:
        take_batch(sink, link, frame->batch);
        break;
    case EARSHOT__V1__FRAME__BODY_CREDIT:
        take_credit(sink, link, frame->credit);
        break;
    default:
        ear_frame_refuse(sink->bus, "not expected", link->host);
    }
}

static bool busy(void *self, const struct ear_bus_link *link)
{
    (void)self;
    const struct account *account = link->data;
    return account && account->held > 0;
}

static const struct ear_bus_link_ops link_ops = {
    .opened = opened, .closed = closed, .frame = frame, .busy = busy};

static void tick(void *self)
{
    struct ear_sink *sink = self;
    int64_t now_ms = ear_loop_now_ms(sink->bus->loop);
    int64_t last_ms = sink->ticked_ms;
    sink->ticked_ms = now_ms;
    for (struct ear_bus_link *link = ear_names_first(sink->names); link; link = link->next) {
        if (link->state == EAR_BUS_LINK_LIVE)
            for (ear_lane lane = 0; lane < EAR_LANES; lane++) give_credit(sink, link, lane, true);
        ear_bus_link_tick(link, last_ms, now_ms);
    }
    for (ear_lane lane = 0; lane < EAR_LANES; lane++)
        ear_metric_set(&M_BUS_UNSETTLED_POSTS, (double)sink->held.posts[lane], "sink",
                       ear_lane_name(lane));
}

/* --- the module's face --- */

static uint64_t or_default(int64_t value, int64_t fallback)
{
    return (uint64_t)(value > 0 ? value : fallback);
}

ear_err ear_sink_new(struct ear_sink **out, struct ear_bus *bus, const struct ear_sink_opts *opts,
                     const struct ear_sink_ops *ops, void *self, struct ear_diag *diag)
{
    struct ear_sink *sink = ear_alloc(sizeof(*sink));
    uint64_t bytes = or_default(opts->window_bytes, WINDOW_BYTES);
    *sink = (struct ear_sink){.bus = bus, .ops = ops, .self = self};
    *out = sink;
    if (bytes < EAR_BATCH_BYTES_MAX) bytes = EAR_BATCH_BYTES_MAX; /* the largest batch must fit */
    sink->windows[EAR_LANE_LIVE].posts = or_default(opts->window_posts[EAR_LANE_LIVE], LIVE_POSTS);
    sink->windows[EAR_LANE_BACKFILL].posts =
        or_default(opts->window_posts[EAR_LANE_BACKFILL], BACKFILL_POSTS);
    for (ear_lane lane = 0; lane < EAR_LANES; lane++) sink->windows[lane].bytes = bytes;
    ear_holdings_init(&sink->held);
    sink->ticked_ms = ear_loop_now_ms(bus->loop);
    ear_timer_new(&sink->tick, bus->loop, tick, sink);
    ear_timer_new(&sink->patience, bus->loop, be_quiet, sink);
    ear_err err = ear_names_new(&sink->names, bus, opts->sources, opts->source_service, &link_ops,
                                sink, diag);
    if (err)
        ear_sink_free(out);
    else
        ear_timer_start(sink->tick, bus->beat_ms, bus->beat_ms);
    return err;
}

void ear_sink_free(struct ear_sink **sink_ptr)
{
    static const struct ear_sink_ops silent = {.batch = NULL};
    struct ear_sink *sink = *sink_ptr;
    if (!sink) return;
    sink->ops = &silent; /* links that close now orphan what is held; nobody wants to know */
    ear_names_free(&sink->names, LINGER_MS);
    ear_holdings_release(&sink->held);
    ear_timer_free(&sink->tick);
    ear_timer_free(&sink->patience);
    EAR_FREE(*sink_ptr);
}

void ear_sink_settle(struct ear_sink *sink, const struct ear_settle *settle)
{
    (void)ear_fault("bus.settle");
    /* Nothing where its source went away meanwhile. All that came of it at once, the same link's
     * too: a send may cut a link, and what that orphans must not be this batch again. */
    struct ear_held *held = ear_holdings_take(&sink->held, &settle->batch_id);
    while (held) {
        struct ear_held *twin = held->twin;
        struct account *account = held->link->data;
        EAR_CHECK(settle->count == held->amount.posts);
        if (account) { /* else its link is being closed this very moment */
            account->held--;
            settle_one(sink, held->link, held->lane, held->amount, settle);
        }
        free(held);
        held = twin;
    }
}

static void withdraw(struct ear_bus_link *link, ear_lane lane)
{
    struct account *account = link->data;
    if (link->state != EAR_BUS_LINK_LIVE || !account) return;
    account->open_lanes++;
    send_credit(link, lane, ear_grant_withdraw(&account->lanes[lane]), true);
}

void ear_sink_drain(struct ear_sink *sink)
{
    if (sink->draining) return;
    sink->draining = true;
    for (struct ear_bus_link *link = ear_names_first(sink->names); link; link = link->next)
        for (ear_lane lane = 0; lane < EAR_LANES; lane++) withdraw(link, lane);
    sink->quiet = !more_may_come(sink);
    if (!sink->quiet) ear_timer_start(sink->patience, EAR_BUS_SILENT_BEATS * sink->bus->beat_ms, 0);
}

bool ear_sink_is_quiet(const struct ear_sink *sink)
{
    return sink->quiet;
}

size_t ear_sink_unsettled(const struct ear_sink *sink)
{
    return ear_map_count(sink->held.by_id);
}

size_t ear_sink_sources(const struct ear_sink *sink)
{
    return sink->live;
}

bool ear_sink_reaches(const struct ear_sink *sink, struct ear_diag *why)
{
    return ear_names_reach(sink->names, why);
}
