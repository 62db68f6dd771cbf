#include "inbox.h"

#include "account.h"
#include "catalogue.h"
#include "lease.h"
#include "outcome.h"
#include "sender.h"
#include "store_sql.h"
#include "wire/wire.h"
#include <stdlib.h>

#define WINDOW_POSTS 256
#define WINDOW_BYTES (4 << 20)
#define HAND_BACK_MS 1000 /* replies come back at once: not faster than the database does */
#define ARENA_BYTES  ((size_t)4 << 20)
#define REFUSED      "refused_by_database" /* the outcome's reason */
#define OUTCOME_MAX  ((size_t)4096)

/* A reply that could be read. */
struct item {
    size_t at; /* in the batch */
    struct ear_id reply_id, customer_id, case_id;
    struct ear_str account, packed; /* in the arrival's arena */
};

/* A batch between its coming and its settling. What the database refuses for its content is found
 * by halving: it alone fails, and it fails for good. */
struct arrival {
    TAILQ_ENTRY(arrival) link;
    struct ear_inbox *inbox;
    struct ear_id batch_id;
    struct ear_arena *arena; /* owned */
    struct item *items;      /* owned */
    size_t item_count;
    size_t first, span; /* the items that are being stored */
    uint8_t *fates;     /* owned; ear_fate each */
    size_t count;
    struct ear_timer *later; /* NULL, or the settling waits */
};

struct ear_inbox {
    struct ear_responder *core;
    struct ear_sink *sink;
    TAILQ_HEAD(, arrival) arrivals;
    size_t under_way; /* replies of these */
};

static void arrival_free(struct arrival *arrival)
{
    TAILQ_REMOVE(&arrival->inbox->arrivals, arrival, link);
    arrival->inbox->under_way -= arrival->count;
    ear_timer_free(&arrival->later);
    ear_arena_free(&arrival->arena);
    free(arrival->items);
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

/* What has no fate yet goes back. */
static void hand_back(struct arrival *arrival)
{
    ear_timer_new(&arrival->later, arrival->inbox->core->loop, settle, arrival);
    ear_timer_start(arrival->later, HAND_BACK_MS, 0);
}

static void store(struct arrival *arrival);

/* These items are over; the next are all that are left. */
static void pass(struct arrival *arrival, size_t count, ear_fate fate)
{
    for (size_t i = 0; i < count; i++)
        arrival->fates[arrival->items[arrival->first + i].at] = (uint8_t)fate;
    arrival->first += count;
    arrival->span = arrival->item_count - arrival->first;
    if (arrival->span) {
        store(arrival);
        return;
    }
    (void)ear_fault("responder.before_settle");
    settle(arrival);
}

static void on_refused(void *self, ear_err err, const struct ear_pg_result *const *results,
                       size_t count, const struct ear_diag *diag)
{
    struct arrival *arrival = self;
    (void)results;
    (void)count;
    if (err == EAR_CLOSED) return;
    if (err && err != EAR_DATA) {
        ear_log(&EV_ACCEPT_FAILED, kv_int("replies", 1), kv_diag(diag));
        hand_back(arrival);
        return;
    }
    if (!err) ear_outcomes_wake(arrival->inbox->core->outcomes);
    pass(arrival, 1, err ? EAR_ITEM_FAILED : EAR_ITEM_DONE);
}

/* It would be refused again each time it came: assignment is told that it failed, and settled. */
static void refuse(struct arrival *arrival, const struct ear_diag *why)
{
    struct item *item = &arrival->items[arrival->first];
    Earshot__V1__Outcome outcome = EARSHOT__V1__OUTCOME__INIT;
    struct ear_buf packed;
    ear_log(&EV_REPLY_REFUSED, kv_id("reply", &item->reply_id), kv_diag(why));
    outcome.reply_id = ear_wire_bytes(&item->reply_id);
    outcome.customer_id = ear_wire_bytes(&item->customer_id);
    outcome.case_id = ear_wire_bytes(&item->case_id);
    outcome.state = EARSHOT__V1__OUTCOME_STATE__OUTCOME_STATE_FAILED;
    outcome.reason = (char *)(uintptr_t)REFUSED;
    ear_buf_init(&packed, OUTCOME_MAX);
    ear_err err = ear_wire_pack(&outcome.base, &packed);
    struct ear_pg_batch *sql = ear_pg_batch_new(0);
    if (err) ear_pg_batch_fail(sql, err);
    ear_pg_batch_add(sql, STORE_REFUSE_REPLY);
    ear_pg_id(sql, &item->reply_id);
    ear_pg_id(sql, &item->customer_id);
    ear_pg_bytes(sql, ear_buf_str(&packed));
    ear_buf_release(&packed);
    ear_pg_run(arrival->inbox->core->pg, &sql, on_refused, arrival);
}

static void on_stored(void *self, ear_err err, const struct ear_pg_result *const *results,
                      size_t count, const struct ear_diag *diag)
{
    struct arrival *arrival = self;
    (void)count;
    if (err == EAR_CLOSED) return;
    if (!err) {
        wake_accounts(arrival->inbox->core, results[0]);
        pass(arrival, arrival->span, EAR_ITEM_DONE);
    } else if (err != EAR_DATA) {
        ear_log(&EV_ACCEPT_FAILED, kv_int("replies", arrival->span), kv_diag(diag));
        hand_back(arrival);
    } else if (arrival->span > 1) {
        arrival->span = (arrival->span + 1) / 2;
        store(arrival);
    } else {
        refuse(arrival, diag);
    }
}

static void store(struct arrival *arrival)
{
    struct ear_pg_batch *sql = ear_pg_batch_new(0);
    ear_pg_batch_add(sql, STORE_ACCEPT_REPLIES);
    struct ear_pg_array *replies = ear_pg_array(sql, EAR_PG_ID);
    struct ear_pg_array *customers = ear_pg_array(sql, EAR_PG_ID);
    struct ear_pg_array *accounts = ear_pg_array(sql, EAR_PG_TEXT);
    struct ear_pg_array *payloads = ear_pg_array(sql, EAR_PG_BYTES);
    ear_pg_batch_add(sql, STORE_NOTIFY_SENDING);
    struct ear_pg_array *woken = ear_pg_array(sql, EAR_PG_TEXT);
    for (size_t i = arrival->first; i < arrival->first + arrival->span; i++) {
        const struct item *item = &arrival->items[i];
        ear_pg_push_id(replies, &item->reply_id);
        ear_pg_push_id(customers, &item->customer_id);
        ear_pg_push_text(accounts, item->account);
        ear_pg_push_text(payloads, item->packed);
        ear_pg_push_text(woken, item->account);
    }
    (void)ear_fault("responder.before_accept");
    ear_pg_run(arrival->inbox->core->pg, &sql, on_stored, arrival);
}

static ear_err keep(struct arrival *arrival, struct ear_str *bytes)
{
    bytes->ptr = ear_arena_copy(arrival->arena, *bytes);
    return bytes->ptr ? EAR_OK : EAR_NO_MEMORY; /* a batch is smaller than the arena */
}

static ear_err read_item(struct arrival *arrival, struct ear_str packed, struct ear_arena *scratch)
{
    struct item *item = &arrival->items[arrival->item_count];
    Earshot__V1__Reply *reply =
        EAR_UNPACK(Earshot__V1__Reply, earshot__v1__reply__descriptor, packed, scratch);
    if (!reply) return ear_arena_starved(scratch) ? EAR_NO_MEMORY : EAR_INVALID;
    ear_err err = ear_wire_id(&reply->reply_id, false, &item->reply_id);
    if (!err) err = ear_wire_id(&reply->customer_id, false, &item->customer_id);
    if (!err) err = ear_wire_id(&reply->case_id, true, &item->case_id);
    item->account = ear_str_from(reply->account);
    item->packed = packed;
    if (!err) err = keep(arrival, &item->account);
    if (!err) err = keep(arrival, &item->packed);
    if (!err) arrival->item_count++;
    return err;
}

static void read_items(struct arrival *arrival, const struct ear_batch *batch)
{
    struct ear_arena *scratch = ear_arena_new(ARENA_BYTES);
    for (size_t i = 0; i < batch->count; i++) {
        arrival->items[arrival->item_count].at = i;
        ear_err err = read_item(arrival, batch->items[i], scratch);
        ear_arena_reset(scratch);
        arrival->fates[i] = err && err != EAR_NO_MEMORY ? EAR_ITEM_FAILED : EAR_ITEM_RETURNED;
        if (err == EAR_NO_MEMORY)
            ear_log(&EV_ACCEPT_FAILED, kv_int("replies", 1), kv_err(err));
        else if (err)
            ear_log(&EV_REPLY_MALFORMED, kv_id("batch", &batch->id), kv_int("item", i),
                    kv_err(err));
    }
    ear_arena_free(&scratch);
}

static void on_batch(void *self, const struct ear_batch *batch)
{
    struct ear_inbox *inbox = self;
    struct arrival *arrival = ear_alloc(sizeof(*arrival));
    *arrival = (struct arrival){.inbox = inbox,
                                .batch_id = batch->id,
                                .arena = ear_arena_new(ARENA_BYTES),
                                .items = ear_alloc(batch->count * sizeof(struct item)),
                                .count = batch->count,
                                .fates = ear_alloc(batch->count)};
    TAILQ_INSERT_TAIL(&inbox->arrivals, arrival, link);
    inbox->under_way += batch->count;
    read_items(arrival, batch);
    arrival->span = arrival->item_count;
    if (arrival->span)
        store(arrival);
    else
        hand_back(arrival);
}

static void on_quiet(void *self)
{
    struct ear_inbox *inbox = self;
    ear_responder_check_drained(inbox->core);
}

ear_err ear_inbox_new(struct ear_inbox **out, struct ear_responder *core, struct ear_diag *diag)
{
    static const struct ear_sink_ops ops = {.batch = on_batch, .quiet = on_quiet};
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

bool ear_inbox_is_drained(const struct ear_inbox *inbox)
{
    return inbox->under_way == 0 && ear_sink_is_quiet(inbox->sink);
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

bool ear_inbox_reaches(const struct ear_inbox *inbox, struct ear_diag *why)
{
    return ear_sink_reaches(inbox->sink, why);
}
