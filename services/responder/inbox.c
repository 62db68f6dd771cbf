#include "inbox.h"

#include "account.h"
#include "catalogue.h"
#include "lease.h"
#include "sender.h"
#include "store_sql.h"
#include "wire/wire.h"
#include <stdlib.h>

#define WINDOW_POSTS 256
#define WINDOW_BYTES (4 << 20)
#define HAND_BACK_MS 1000 /* replies come back at once: not faster than the database does */
#define ARENA_BYTES  ((size_t)4 << 20)

/* A batch between its coming and its settling. */
struct arrival {
    TAILQ_ENTRY(arrival) link;
    struct ear_inbox *inbox;
    struct ear_id batch_id;
    uint8_t *fates; /* owned; ear_fate each */
    size_t count;
    struct ear_timer *later; /* NULL, or the settling waits */
};

struct ear_inbox {
    struct ear_responder *core;
    struct ear_sink *sink;
    TAILQ_HEAD(, arrival) arrivals;
    size_t under_way;
};

static void arrival_free(struct arrival *arrival)
{
    TAILQ_REMOVE(&arrival->inbox->arrivals, arrival, link);
    arrival->inbox->under_way--;
    ear_timer_free(&arrival->later);
    free(arrival->fates);
    free(arrival);
}

static void settle(void *self)
{
    struct arrival *arrival = self;
    struct ear_inbox *inbox = arrival->inbox;
    struct ear_settle settle = {
        .batch_id = arrival->batch_id, .fates = arrival->fates, .count = arrival->count};
    ear_sink_settle(inbox->sink, &settle);
    arrival_free(arrival);
    if (inbox->core->draining) ear_responder_check_drained(inbox->core);
}

/* Items that could not be read keep their own fate. */
static void set_fates(struct arrival *arrival, ear_fate fate)
{
    for (size_t i = 0; i < arrival->count; i++)
        if (arrival->fates[i] != EAR_ITEM_FAILED) arrival->fates[i] = (uint8_t)fate;
}

/* New replies wake their accounts here; other replicas hear it by notice. */
static void wake_accounts(struct ear_responder *core, const struct ear_pg_result *rows)
{
    bool strange = false;
    for (size_t i = 0; i < ear_pg_rows(rows); i++) {
        struct ear_id reply_id = ear_pg_get_id(rows, i, 0);
        struct ear_account *account = ear_accounts_find(core->accounts, ear_pg_get_str(rows, i, 1));
        ear_log(&EV_REPLY_ACCEPTED, kv_id("reply", &reply_id),
                kv_str("account", ear_pg_get_str(rows, i, 1)));
        if (account)
            ear_sender_wake(account);
        else
            strange = true;
    }
    ear_metric_add(&M_REPLIES_TOTAL, (double)ear_pg_rows(rows));
    if (strange) ear_accounts_read(core->accounts);
}

static void on_stored(void *self, ear_err err, const struct ear_pg_result *const *results,
                      size_t count, const struct ear_diag *diag)
{
    struct arrival *arrival = self;
    (void)count;
    if (err == EAR_CLOSED) return;
    if (!err) {
        set_fates(arrival, EAR_ITEM_DONE);
        wake_accounts(arrival->inbox->core, results[0]);
        (void)ear_fault("responder.before_settle");
        settle(arrival);
        return;
    }
    ear_log(&EV_ACCEPT_FAILED, kv_int("replies", arrival->count), kv_diag(diag));
    set_fates(arrival, err == EAR_DATA ? EAR_ITEM_FAILED : EAR_ITEM_RETURNED);
    ear_timer_new(&arrival->later, arrival->inbox->core->loop, settle, arrival);
    ear_timer_start(arrival->later, HAND_BACK_MS, 0);
}

struct columns {
    struct ear_pg_array *replies, *customers, *accounts, *payloads;
    struct ear_pg_array *woken; /* of the notice */
};

static ear_err push_item(struct columns *columns, struct ear_str item, struct ear_arena *arena)
{
    struct ear_id reply_id, customer_id;
    Earshot__V1__Reply *reply =
        EAR_UNPACK(Earshot__V1__Reply, earshot__v1__reply__descriptor, item, arena);
    if (!reply) return EAR_INVALID;
    ear_err err = ear_wire_id(&reply->reply_id, false, &reply_id);
    if (!err) err = ear_wire_id(&reply->customer_id, false, &customer_id);
    if (err) return err;
    ear_pg_push_id(columns->replies, &reply_id);
    ear_pg_push_id(columns->customers, &customer_id);
    ear_pg_push_text(columns->accounts, ear_str_from(reply->account));
    ear_pg_push_text(columns->payloads, item);
    ear_pg_push_text(columns->woken, ear_str_from(reply->account));
    return EAR_OK;
}

static void push_items(struct arrival *arrival, const struct ear_batch *batch,
                       struct ear_pg_batch *sql)
{
    struct ear_arena *arena = ear_arena_new(ARENA_BYTES);
    struct columns columns;
    columns.replies = ear_pg_array(sql, EAR_PG_ID);
    columns.customers = ear_pg_array(sql, EAR_PG_ID);
    columns.accounts = ear_pg_array(sql, EAR_PG_TEXT);
    columns.payloads = ear_pg_array(sql, EAR_PG_BYTES);
    ear_pg_batch_add(sql, STORE_NOTIFY_SENDING);
    columns.woken = ear_pg_array(sql, EAR_PG_TEXT);
    for (size_t i = 0; i < batch->count; i++) {
        ear_err err = push_item(&columns, batch->items[i], arena);
        ear_arena_reset(arena);
        if (!err) continue;
        arrival->fates[i] = EAR_ITEM_FAILED;
        ear_log(&EV_REPLY_MALFORMED, kv_id("batch", &batch->id), kv_int("item", i), kv_err(err));
    }
    ear_arena_free(&arena);
}

static void on_batch(void *self, const struct ear_batch *batch)
{
    struct ear_inbox *inbox = self;
    struct arrival *arrival = ear_alloc(sizeof(*arrival));
    *arrival = (struct arrival){.inbox = inbox,
                                .batch_id = batch->id,
                                .count = batch->count,
                                .fates = ear_alloc(batch->count)};
    TAILQ_INSERT_TAIL(&inbox->arrivals, arrival, link);
    inbox->under_way++;
    struct ear_pg_batch *sql = ear_pg_batch_new(0);
    ear_pg_batch_add(sql, STORE_ACCEPT_REPLIES);
    push_items(arrival, batch, sql);
    (void)ear_fault("responder.before_accept");
    ear_pg_run(inbox->core->pg, &sql, on_stored, arrival);
}

ear_err ear_inbox_new(struct ear_inbox **out, struct ear_responder *core, struct ear_diag *diag)
{
    static const struct ear_sink_ops ops = {.batch = on_batch};
    struct ear_inbox *inbox = ear_alloc(sizeof(*inbox));
    struct ear_sink_opts opts = {.sources = core->settings->assignments,
                                 .source_service = "assignment",
                                 .window_posts = {WINDOW_POSTS, WINDOW_POSTS},
                                 .window_bytes = WINDOW_BYTES};
    inbox->core = core;
    TAILQ_INIT(&inbox->arrivals);
    ear_err err = ear_sink_new(&inbox->sink, core->bus, &opts, &ops, inbox, diag);
    if (err) {
        free(inbox);
        return err;
    }
    *out = inbox;
    return EAR_OK;
}

void ear_inbox_free(struct ear_inbox **ref)
{
    struct ear_inbox *inbox = *ref;
    if (!inbox) return;
    *ref = NULL;
    ear_sink_free(&inbox->sink);
    while (!TAILQ_EMPTY(&inbox->arrivals)) arrival_free(TAILQ_FIRST(&inbox->arrivals));
    free(inbox);
}

void ear_inbox_drain(struct ear_inbox *inbox)
{
    ear_sink_drain(inbox->sink);
}

size_t ear_inbox_under_way(const struct ear_inbox *inbox)
{
    return inbox->under_way;
}

size_t ear_inbox_room(const struct ear_inbox *inbox)
{
    size_t window = WINDOW_POSTS * ear_sink_sources(inbox->sink);
    return window > inbox->under_way ? window - inbox->under_way : 0;
}

size_t ear_inbox_sources(const struct ear_inbox *inbox)
{
    return ear_sink_sources(inbox->sink);
}
