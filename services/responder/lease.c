#include "lease.h"

#include "attempt.h"
#include "catalogue.h"
#include "sender.h"
#include "store_sql.h"
#include <stdlib.h>

typedef enum lease_state { ASKING_NOT, ASKING, RELEASING, RELEASED } lease_state;

/* The results of a question, in the order of its statements. */
enum { SEAT_AT, LIVE_AT, LET_GO_AT, ROWS_AT };

struct ear_leases {
    struct ear_responder *core;
    struct ear_timer *timer;
    lease_state state;
    bool hurry;
    int64_t asked_ms; /* leases count from the question, not from its answer */
    size_t live;      /* responders, this one among them, by the last answer; 0: not known yet */
};

void ear_lease_lost(struct ear_account *account)
{
    if (!account->epoch) return;
    account->epoch = 0;
    account->leaving = false;
    ear_log(&EV_ACCOUNT_LOST, kv_text("account", account->id));
}

static void take_row(struct ear_leases *leases, const struct ear_pg_result *rows, size_t row)
{
    struct ear_str name = ear_pg_get_str(rows, row, 0);
    size_t prefix = strlen("send/");
    if (name.len < prefix) return;
    struct ear_str id = {name.ptr + prefix, name.len - prefix};
    struct ear_account *account = ear_accounts_find(leases->core->accounts, id);
    if (!account) return;
    int64_t epoch = ear_pg_get_i64(rows, row, 1);
    bool could_send = ear_account_leased(account);
    account->leased_until_ms = leases->asked_ms + leases->core->settings->lease_ms;
    if (account->epoch != epoch) {
        account->epoch = epoch;
        /* The half's session may have moved on under the other owner. */
        account->stale = account->voice != NULL;
        ear_account_works(account); /* what we knew of it is old: it is tried at once */
        account->open_again_ms = 0;
        ear_log(&EV_ACCOUNT_LEASED, kv_text("account", account->id), kv_int("epoch", epoch));
        ear_attempt_show(account);
    }
    /* Also under the same epoch: its sender gave up while the renewal was late. */
    if (!could_send) ear_sender_wake(account);
}

/* ---- shares ---- */

static size_t share(const struct ear_leases *leases)
{
    size_t all = ear_map_count(leases->core->accounts->by_id);
    size_t live = leases->live ? leases->live : 1;
    return (all + live - 1) / live;
}

static bool count_held(void *self, struct ear_str key, void *value)
{
    (void)key;
    *(size_t *)self += ((struct ear_account *)value)->epoch != 0;
    return true;
}

static size_t held(const struct ear_leases *leases)
{
    size_t count = 0;
    ear_map_each(leases->core->accounts->by_id, count_held, &count);
    return count;
}

struct giving {
    struct ear_pg_array *names;
    size_t excess;
};

static bool give_idle(void *self, struct ear_str key, void *value)
{
    struct giving *giving = self;
    struct ear_account *account = value;
    (void)key;
    if (!giving->excess || !account->epoch || account->under_way) return true;
    giving->excess--;
    account->epoch = 0;
    ear_pg_push_text(giving->names, ear_str_from(account->lease_name));
    ear_log(&EV_ACCOUNT_LET_GO, kv_text("account", account->id));
    return true;
}

/* What is under way comes to its end first; nothing new begins, so that it does. */
static bool leave_busy(void *self, struct ear_str key, void *value)
{
    struct giving *giving = self;
    struct ear_account *account = value;
    bool stays = account->leaving;
    (void)key;
    account->leaving = giving->excess && account->epoch;
    if (account->leaving)
        giving->excess--;
    else if (stays)
        ear_sender_wake(account);
    return true;
}

static void add_let_go(struct ear_leases *leases, struct ear_pg_batch *batch)
{
    size_t have = held(leases), due = share(leases);
    struct giving giving = {.excess = have > due ? have - due : 0};
    ear_pg_batch_add(batch, STORE_RELEASE_LEASES);
    ear_pg_id(batch, &leases->core->instance);
    giving.names = ear_pg_array(batch, EAR_PG_TEXT);
    ear_map_each(leases->core->accounts->by_id, give_idle, &giving);
    ear_map_each(leases->core->accounts->by_id, leave_busy, &giving);
}

/* ---- questions and answers ---- */

static bool drop_lapsed(void *self, struct ear_str key, void *value)
{
    struct ear_account *account = value;
    (void)self;
    (void)key;
    if (ear_loop_now_ms(account->core->loop) >= account->leased_until_ms) ear_lease_lost(account);
    return true;
}

static void take_answer(struct ear_leases *leases, const struct ear_pg_result *const *results,
                        size_t count)
{
    size_t live = (size_t)ear_pg_get_i64(results[LIVE_AT], 0, 0);
    /* Somebody came or went: let go, or take more, now. */
    if (live != leases->live) leases->hurry = true;
    leases->live = live;
    for (size_t r = ROWS_AT; r < count; r++)
        for (size_t i = 0; i < ear_pg_rows(results[r]); i++) take_row(leases, results[r], i);
}

static void on_leases(void *self, ear_err err, const struct ear_pg_result *const *results,
                      size_t count, const struct ear_diag *diag)
{
    struct ear_leases *leases = self;
    if (err == EAR_CLOSED) return;
    bool releasing = leases->state == RELEASING;
    leases->state = releasing ? RELEASED : ASKING_NOT;
    if (err)
        ear_log(&EV_READ_FAILED, kv_text("what", "leases"), kv_diag(diag));
    else if (!releasing)
        take_answer(leases, results, count);
    ear_map_each(leases->core->accounts->by_id, drop_lapsed, NULL);
    ear_metric_set(&M_ACCOUNTS, (double)held(leases));
    if (leases->hurry) ear_leases_hurry(leases);
    if (leases->core->draining) ear_responder_check_drained(leases->core);
}

struct asking {
    struct ear_pg_array *names;
    bool held; /* the ones that are ours, or the ones that are not */
};

static bool add_name(void *self, struct ear_str key, void *value)
{
    struct asking *asking = self;
    struct ear_account *account = value;
    (void)key;
    if ((account->epoch != 0) == asking->held)
        ear_pg_push_text(asking->names, ear_str_from(account->lease_name));
    return true;
}

static void add_question(struct ear_leases *leases, struct ear_pg_batch *batch, unsigned statement,
                         bool ours)
{
    ear_pg_batch_add(batch, statement);
    ear_pg_id(batch, &leases->core->instance);
    struct asking asking = {.names = ear_pg_array(batch, EAR_PG_TEXT), .held = ours};
    ear_pg_i64(batch, leases->core->settings->lease_ms);
    ear_map_each(leases->core->accounts->by_id, add_name, &asking);
}

/* A responder that drains has no seat any more: its share is for the others. */
static void add_seat(struct ear_leases *leases, struct ear_pg_batch *batch)
{
    ear_pg_batch_add(batch, STORE_TAKE_SEAT);
    ear_pg_id(batch, &leases->core->instance);
    ear_pg_i64(batch, leases->core->draining ? 0 : leases->core->settings->lease_ms);
    ear_pg_batch_add(batch, STORE_COUNT_LIVE);
}

static void ask(void *self)
{
    struct ear_leases *leases = self;
    if (leases->state != ASKING_NOT) {
        leases->hurry = leases->state == ASKING;
        return;
    }
    leases->hurry = false;
    leases->state = ASKING;
    leases->asked_ms = ear_loop_now_ms(leases->core->loop);
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    add_seat(leases, batch);
    add_let_go(leases, batch);
    add_question(leases, batch, STORE_RENEW_LEASES, true);
    if (!leases->core->draining) {
        add_question(leases, batch, STORE_TAKE_LEASES, false);
        ear_pg_i64(batch, (int64_t)ear_map_count(leases->core->accounts->by_id));
        ear_pg_i64(batch, (int64_t)held(leases));
    }
    ear_pg_run(leases->core->pg, &batch, on_leases, leases);
}

void ear_leases_new(struct ear_leases **out, struct ear_responder *core)
{
    struct ear_leases *leases = ear_alloc(sizeof(*leases));
    leases->core = core;
    *out = leases;
    ear_timer_new(&leases->timer, core->loop, ask, leases);
    int64_t every_ms = core->settings->lease_ms / 3;
    ear_timer_start(leases->timer, every_ms, every_ms);
}

void ear_leases_free(struct ear_leases **ref)
{
    struct ear_leases *leases = *ref;
    if (!leases) return;
    *ref = NULL;
    ear_timer_free(&leases->timer);
    free(leases);
}

void ear_leases_hurry(struct ear_leases *leases)
{
    ask(leases);
}

void ear_leases_release(struct ear_leases *leases)
{
    if (leases->state != ASKING_NOT) return;
    leases->state = RELEASING;
    ear_timer_stop(leases->timer);
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_RELEASE_ALL);
    ear_pg_id(batch, &leases->core->instance);
    ear_pg_run(leases->core->pg, &batch, on_leases, leases);
}

bool ear_leases_released(const struct ear_leases *leases)
{
    return leases->state == RELEASED;
}
