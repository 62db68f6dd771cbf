#include "outbox.h"

#include "commands.h"
#include "events.h"
#include "metrics.h"
#include "pb/command.pb-c.h"
#include "store_sql.h"
#include "wire/wire.h"
#include <stdlib.h>
#include <sys/queue.h>

#define PAGE          64
#define IN_FLIGHT_MAX 512
#define LOOK_MS       5000 /* who writes a reply says so; this is for what was missed */
#define AGAIN_MS      300
#define REST_MS       2000 /* after a responder could not read it: another may be of a later release */
#define READINGS_MAX  3    /* in vain: then it has failed */
#define UNREAD_MAX    IN_FLIGHT_MAX /* all that may be tried in turn */
#define REPLY_BYTES   ((size_t)64 << 10)

/* A reply that is offered, or rests after it came back. */
struct parcel {
    TAILQ_ENTRY(parcel) link;
    struct ear_id reply_id;
    struct ear_id customer_id;
    struct ear_id case_id;
    struct ear_id batch_id;
    int64_t rest_until_ms; /* 0: offered */
};

/* How often a reply could not be read. */
struct unread {
    struct ear_id reply_id;
    unsigned readings;
};

struct ear_outbox {
    struct ear_ground ground;
    struct ear_source *source;     /* owned */
    struct ear_timer *wake;        /* owned */
    struct ear_commands *commands; /* NULL until wired */
    TAILQ_HEAD(, parcel) parcels;
    size_t count;
    size_t clearing; /* statements under way */
    bool looking;
    bool again; /* asked for while looking */
    bool draining;
    struct unread unread[UNREAD_MAX]; /* the oldest makes room */
    size_t unread_count;
};

static void look(void *self);

static void rest(struct ear_outbox *outbox, int64_t ms)
{
    outbox->looking = false;
    if (outbox->draining) return;
    ear_timer_start(outbox->wake, outbox->again ? 0 : ms, 0);
    outbox->again = false;
}

/* ---- offering ---- */

/* Of read_outbox. */
enum column {
    REPLY_ID,
    CUSTOMER_ID,
    CASE_ID,
    ACCOUNT,
    PLATFORM,
    POST_ID,
    TEXT,
    AGENT,
    SIGN_OFF,
    BY_RULE,
    DIRECT,
    CREATED_AT,
};

/* A copy, since protobuf wants text that ends in NUL. */
static char *text_of(struct ear_arena *arena, const struct ear_pg_result *r, size_t row,
                     size_t column)
{
    char *text = ear_arena_copy(arena, ear_pg_get_str(r, row, column));
    EAR_CHECK(text);
    return text;
}

static ear_err pack(const struct ear_pg_result *r, size_t row, struct ear_buf *out)
{
    struct ear_arena *arena = ear_arena_new(4 * REPLY_BYTES);
    const struct ear_id reply_id = ear_pg_get_id(r, row, REPLY_ID);
    const struct ear_id customer_id = ear_pg_get_id(r, row, CUSTOMER_ID);
    const struct ear_id case_id = ear_pg_get_id(r, row, CASE_ID);
    const struct ear_id post_id = ear_pg_get_id(r, row, POST_ID);
    Earshot__V1__Reply reply = EARSHOT__V1__REPLY__INIT;
    reply.reply_id = ear_wire_bytes(&reply_id);
    reply.customer_id = ear_wire_bytes(&customer_id);
    reply.case_id = ear_wire_bytes(&case_id);
    reply.post_id = ear_wire_bytes(&post_id);
    reply.account = text_of(arena, r, row, ACCOUNT);
    reply.platform = text_of(arena, r, row, PLATFORM);
    reply.text = text_of(arena, r, row, TEXT);
    reply.agent = text_of(arena, r, row, AGENT);
    reply.sign_off = text_of(arena, r, row, SIGN_OFF);
    reply.by_rule = ear_pg_get_bool(r, row, BY_RULE);
    reply.direct = ear_pg_get_bool(r, row, DIRECT);
    reply.created_at_us = ear_pg_get_time(r, row, CREATED_AT);
    ear_err err = ear_wire_pack(&reply.base, out);
    ear_arena_free(&arena);
    return err;
}

static struct parcel *keep(struct ear_outbox *outbox, const struct ear_pg_result *r, size_t row)
{
    struct parcel *parcel = ear_alloc(sizeof(*parcel));
    parcel->reply_id = ear_pg_get_id(r, row, REPLY_ID);
    parcel->customer_id = ear_pg_get_id(r, row, CUSTOMER_ID);
    parcel->case_id = ear_pg_get_id(r, row, CASE_ID);
    TAILQ_INSERT_TAIL(&outbox->parcels, parcel, link);
    outbox->count++;
    return parcel;
}

/* ---- giving up ---- */

static unsigned count_reading(struct ear_outbox *outbox, const struct ear_id *reply_id)
{
    struct unread *unread = outbox->unread;
    for (size_t i = 0; i < UNREAD_MAX; i++)
        if (ear_id_cmp(&unread[i].reply_id, reply_id) == 0) return ++unread[i].readings;
    size_t at = outbox->unread_count++ % UNREAD_MAX;
    unread[at] = (struct unread){*reply_id, 1};
    return 1;
}

/* Nobody can read it: it has failed, as the command of a responder would say, and its case with it.
 * Until that is committed it stays due. */
static void give_up(struct ear_outbox *outbox, struct parcel *parcel)
{
    static const char reason[] = "unreadable: no responder could take it over";
    Earshot__V1__Command command = EARSHOT__V1__COMMAND__INIT;
    Earshot__V1__Outcome outcome = EARSHOT__V1__OUTCOME__INIT;
    struct ear_id command_id = ear_id_new(ear_clock_wall_us());
    struct ear_buf packed;
    outcome.reply_id = ear_wire_bytes(&parcel->reply_id);
    outcome.customer_id = ear_wire_bytes(&parcel->customer_id);
    outcome.case_id = ear_wire_bytes(&parcel->case_id);
    outcome.state = EARSHOT__V1__OUTCOME_STATE__OUTCOME_STATE_FAILED;
    outcome.reason = (char *)(uintptr_t)reason;
    command.command_id = ear_wire_bytes(&command_id);
    command.at_us = ear_clock_wall_us();
    command.body_case = EARSHOT__V1__COMMAND__BODY_OUTCOME;
    command.outcome = &outcome;
    ear_buf_init(&packed, REPLY_BYTES);
    if (ear_wire_pack(&command.base, &packed) == EAR_OK) { /* else for want of memory: again */
        ear_log(&EV_REPLY_GIVEN_UP, kv_id("reply", &parcel->reply_id),
                kv_id("case", &parcel->case_id), kv_text("why", reason));
        ear_metric_add(&M_REPLIES, 1, "given_up");
        if (outbox->commands) ear_commands_take(outbox->commands, ear_buf_str(&packed));
    }
    ear_buf_release(&packed);
    parcel->rest_until_ms = ear_clock_mono_ms() + REST_MS;
}

/* One batch a reply: they go to different accounts and are taken over one by one. */
static ear_err offer(struct ear_outbox *outbox, const struct ear_pg_result *r, size_t row)
{
    struct ear_buf packed;
    struct ear_id reply_id = ear_pg_get_id(r, row, REPLY_ID);
    char trace[EAR_TRACE_TEXT_BYTES];
    ear_buf_init(&packed, REPLY_BYTES);
    ear_err err = pack(r, row, &packed);
    struct ear_str item = ear_buf_str(&packed);
    ear_trace_new(trace);
    struct ear_batch batch = {.id = ear_id_new(ear_clock_wall_us()),
                              .lane = EAR_LANE_LIVE,
                              .trace = ear_str_from(trace),
                              .items = &item,
                              .count = 1};
    if (!err) err = ear_source_offer(outbox->source, &batch);
    if (err == EAR_TOO_LARGE || err == EAR_INVALID) {
        give_up(outbox, keep(outbox, r, row));
        err = EAR_OK; /* it holds up no other */
    } else if (!err) {
        keep(outbox, r, row)->batch_id = batch.id;
        struct ear_id case_id = ear_pg_get_id(r, row, CASE_ID);
        ear_log(&EV_REPLY_OFFERED, kv_id("reply", &reply_id), kv_id("case", &case_id),
                kv_text("trace", trace));
    }
    ear_buf_release(&packed);
    return err;
}

static void on_due(void *self, ear_err err, const struct ear_pg_result *const *results,
                   size_t count, const struct ear_diag *diag)
{
    struct ear_outbox *outbox = self;
    (void)count;
    if (err == EAR_CLOSED) return;
    if (err) {
        ear_log(&EV_OUTBOX_RETRY, kv_diag(diag));
        rest(outbox, AGAIN_MS);
        return;
    }
    size_t rows = ear_pg_rows(results[0]);
    size_t row = 0;
    while (row < rows && !outbox->draining && offer(outbox, results[0], row) == EAR_OK) row++;
    /* All of a full page went out: there may be more. */
    int64_t next_ms = outbox->count > 0 ? REST_MS : LOOK_MS;
    rest(outbox, rows == PAGE && row == rows ? 0 : next_ms);
}

/* Those that came back may be offered again after their rest. */
static void wake_rested(struct ear_outbox *outbox)
{
    int64_t now_ms = ear_clock_mono_ms();
    struct parcel *parcel = TAILQ_FIRST(&outbox->parcels);
    while (parcel) {
        struct parcel *next = TAILQ_NEXT(parcel, link);
        if (parcel->rest_until_ms && parcel->rest_until_ms <= now_ms) {
            TAILQ_REMOVE(&outbox->parcels, parcel, link);
            outbox->count--;
            free(parcel);
        }
        parcel = next;
    }
}

static void look(void *self)
{
    struct ear_outbox *outbox = self;
    if (outbox->looking || outbox->draining) return;
    wake_rested(outbox);
    if (!ear_pg_is_up(outbox->ground.pg) ||
        !ear_leases_held(outbox->ground.leases, EAR_LEASE_REPLIES) ||
        ear_source_room(outbox->source, EAR_LANE_LIVE) == 0 || outbox->count >= IN_FLIGHT_MAX) {
        rest(outbox, LOOK_MS);
        return;
    }
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    struct parcel *parcel;
    outbox->looking = true;
    ear_pg_batch_add(batch, STORE_READ_OUTBOX);
    struct ear_pg_array *known = ear_pg_array(batch, EAR_PG_ID);
    TAILQ_FOREACH(parcel, &outbox->parcels, link) ear_pg_push_id(known, &parcel->reply_id);
    ear_pg_i32(batch, PAGE);
    ear_pg_run(outbox->ground.pg, &batch, on_due, outbox);
}

/* ---- settling ---- */

static struct parcel *find(struct ear_outbox *outbox, const struct ear_id *batch_id)
{
    struct parcel *parcel;
    TAILQ_FOREACH(parcel, &outbox->parcels, link)
    if (parcel->rest_until_ms == 0 && ear_id_cmp(&parcel->batch_id, batch_id) == 0) return parcel;
    return NULL;
}

static void forget(struct ear_outbox *outbox, struct parcel *parcel)
{
    TAILQ_REMOVE(&outbox->parcels, parcel, link);
    outbox->count--;
    free(parcel);
}

struct clearing {
    struct ear_outbox *outbox;
    struct ear_id batch_id;
};

/* Only now is it forgotten: until the row is gone it would be read, and offered, again. */
static void on_cleared(void *self, ear_err err, const struct ear_pg_result *const *results,
                       size_t count, const struct ear_diag *diag)
{
    struct clearing *clearing = self;
    struct ear_outbox *outbox = clearing->outbox;
    (void)results, (void)count;
    outbox->clearing--;
    struct parcel *parcel = find(outbox, &clearing->batch_id);
    free(clearing);
    if (err == EAR_CLOSED) return;
    if (err) ear_log(&EV_OUTBOX_RETRY, kv_diag(diag));
    if (parcel) forget(outbox, parcel);
    ear_outbox_kick(outbox);
}

static void clear(struct ear_outbox *outbox, const struct parcel *parcel)
{
    struct clearing *clearing = ear_alloc(sizeof(*clearing));
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    clearing->outbox = outbox;
    clearing->batch_id = parcel->batch_id;
    outbox->clearing++;
    ear_pg_batch_add(batch, STORE_CLEAR_OUTBOX);
    ear_pg_push_id(ear_pg_array(batch, EAR_PG_ID), &parcel->reply_id);
    ear_pg_run(outbox->ground.pg, &batch, on_cleared, clearing);
}

static void on_settled(void *self, const struct ear_settle *settle)
{
    struct ear_outbox *outbox = self;
    struct parcel *parcel = find(outbox, &settle->batch_id);
    if (!parcel) return;
    uint8_t fate = settle->count ? settle->fates[0] : EAR_ITEM_RETURNED;
    if (fate == EAR_ITEM_DONE) {
        ear_metric_add(&M_REPLIES, 1, "taken");
        ear_log(&EV_REPLY_SETTLED, kv_id("reply", &parcel->reply_id));
        clear(outbox, parcel);
        return;
    }
    bool failed = fate == EAR_ITEM_FAILED;
    ear_metric_add(&M_REPLIES, 1, failed ? "failed" : "returned");
    ear_log(&EV_REPLY_RETURNED, kv_id("reply", &parcel->reply_id));
    if (failed && count_reading(outbox, &parcel->reply_id) >= READINGS_MAX)
        give_up(outbox, parcel);
    else
        parcel->rest_until_ms = ear_clock_mono_ms() + (failed ? REST_MS : AGAIN_MS);
}

static void on_lost(void *self, const struct ear_id *batch_id)
{
    struct ear_outbox *outbox = self;
    struct parcel *parcel = find(outbox, batch_id);
    if (!parcel) return;
    ear_metric_add(&M_REPLIES, 1, "lost");
    forget(outbox, parcel);
    ear_outbox_kick(outbox);
}

static void on_room(void *self)
{
    ear_outbox_kick(self);
}

static void on_notice(void *self, struct ear_str payload)
{
    (void)payload;
    ear_outbox_kick(self);
}

ear_err ear_outbox_new(struct ear_outbox **out, const struct ear_ground *ground,
                       struct ear_bus *bus, const char *endpoint, struct ear_diag *diag)
{
    static const struct ear_source_ops ops = {
        .room = on_room, .settled = on_settled, .lost = on_lost};
    struct ear_outbox *outbox = ear_alloc(sizeof(*outbox));
    outbox->ground = *ground;
    TAILQ_INIT(&outbox->parcels);
    ear_timer_new(&outbox->wake, ground->loop, look, outbox);
    *out = outbox;
    ear_err err = ear_source_new(&outbox->source, bus, endpoint, &ops, outbox, diag);
    if (!err) ear_source_admit(outbox->source, "responder");
    if (!err) err = ear_pg_listen(ground->pg, "earshot_replies", on_notice, outbox);
    if (!err) ear_timer_start(outbox->wake, AGAIN_MS, 0);
    return err;
}

void ear_outbox_free(struct ear_outbox **outbox)
{
    if (!*outbox) return;
    struct parcel *parcel;
    ear_source_free(&(*outbox)->source);
    while ((parcel = TAILQ_FIRST(&(*outbox)->parcels))) forget(*outbox, parcel);
    ear_timer_free(&(*outbox)->wake);
    EAR_FREE(*outbox);
}

void ear_outbox_wire(struct ear_outbox *outbox, struct ear_commands *commands)
{
    outbox->commands = commands;
}

void ear_outbox_kick(struct ear_outbox *outbox)
{
    if (outbox->draining) return;
    if (outbox->looking)
        outbox->again = true;
    else
        ear_timer_start(outbox->wake, 0, 0);
}

void ear_outbox_drain(struct ear_outbox *outbox)
{
    outbox->draining = true;
    ear_timer_stop(outbox->wake);
}

bool ear_outbox_is_idle(const struct ear_outbox *outbox)
{
    return !outbox->looking && outbox->clearing == 0;
}

struct ear_outbox_stats ear_outbox_stats(const struct ear_outbox *outbox)
{
    struct ear_source_stats stats;
    ear_source_stats(outbox->source, &stats);
    return (struct ear_outbox_stats){.responders = stats.sinks,
                                     .offered = outbox->count,
                                     .credit = stats.credit_posts[EAR_LANE_LIVE]};
}
