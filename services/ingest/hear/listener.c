#include "hear/listener.h"
#include "events.h"
#include "store_sql.h"
#include "json/json.h"
#include <stdio.h>
#include <stdlib.h>

#define RETRY_FLOOR_MS 1000
#define RETRY_CAP_MS   (5 * 60 * 1000)
#define REFUSED_MS     (15 * 60 * 1000) /* credentials: a person must act; care.yaml wakes earlier */
#define FULL_MS        200              /* intake's queue was full */
#define MODEST_MS      60000
#define SECRETS_MAX    16

typedef enum state {
    RESTING, /* no lease, or nothing to do before the timer */
    LOADING, /* cursor and session are being read */
    WAITING, /* open; the timer starts the next poll */
    POLLING, /* the connector is at it */
    STORING, /* intake has the round */
    CLOSING, /* to be closed as soon as intake is done with the round */
    GONE,    /* freed by its owner, waits for what is under way */
    STATES
} state;

static const char *const state_names[STATES] = {"resting", "loading", "waiting", "polling",
                                                "storing", "closing", "gone"};

/* legal[from] has a bit a state that may follow. */
static const unsigned legal[STATES] = {
    [RESTING] = 1u << LOADING | 1u << GONE,
    [LOADING] = 1u << WAITING | 1u << RESTING | 1u << GONE,
    [WAITING] = 1u << POLLING | 1u << RESTING | 1u << GONE,
    [POLLING] = 1u << STORING | 1u << WAITING | 1u << RESTING | 1u << GONE,
    [STORING] = 1u << WAITING | 1u << STORING | 1u << RESTING | 1u << CLOSING | 1u << GONE,
    [CLOSING] = 1u << RESTING | 1u << GONE,
};

struct ear_listener {
    struct ear_listener_env env;
    const struct ear_connector_in *connector;
    struct ear_listen_env lent;
    char *account, *platform, *author_id, *lease;
    json_t *settings, *secrets;
    uint8_t print[EAR_SHA256_BYTES];
    state state;
    void *inside; /* the connector's own; NULL: not open */
    struct ear_timer *timer;
    unsigned failures;
    int64_t poll_ms;
    int64_t heard_us; /* the last round without an error, or when the lease was won; 0: not held */
    char trouble[EAR_DIAG_TEXT_BYTES]; /* why there was none since; "": there was */
    size_t statements;                 /* under way */
    bool with_intake;                  /* intake has the delivery */
    /* The round that is being stored. */
    struct ear_round round;
    struct ear_cursor_move move;
    struct ear_delivery delivery;
};

static void set_state(struct ear_listener *listener, state next)
{
    EAR_CHECK(legal[listener->state] & 1u << next);
    ear_log(&EV_INGEST_LISTENER, kv_text("account", listener->account),
            kv_text("from", state_names[listener->state]), kv_text("to", state_names[next]));
    listener->state = next;
}

static void release(struct ear_listener *listener)
{
    if (listener->statements > 0 || listener->with_intake) return;
    free(listener->account);
    free(listener->platform);
    free(listener->author_id);
    free(listener->lease);
    json_decref(listener->settings);
    ear_secrets_forget(listener->secrets);
    free(listener);
}

static void shut(struct ear_listener *listener)
{
    if (listener->inside) listener->connector->close(&listener->inside);
    listener->inside = NULL;
}

static void rest(struct ear_listener *listener, int64_t again_ms)
{
    shut(listener);
    set_state(listener, RESTING);
    if (again_ms >= 0) ear_timer_start(listener->timer, again_ms, 0);
}

static int64_t backoff(struct ear_listener *listener)
{
    return ear_backoff_ms(listener->failures++, RETRY_FLOOR_MS, RETRY_CAP_MS,
                          ear_random_below(UINT64_MAX));
}

/* --- Opening --- */

static void complain(struct ear_listener *listener, ear_err err, const char *why, int64_t again_ms)
{
    ear_metric_add(&M_ROUNDS_TOTAL, 1, listener->account, ear_err_name(err));
    ear_log(&EV_INGEST_ROUND_FAILED, kv_text("account", listener->account), kv_err(err),
            kv_text("why", why ? why : ""), kv_int("retry_ms", again_ms));
    snprintf(listener->trouble, sizeof(listener->trouble), "%s",
             why && *why ? why : ear_err_text(err));
}

static void open_it(struct ear_listener *listener, struct ear_str cursor, struct ear_str session)
{
    struct ear_diag diag = {0};
    struct ear_str secrets[SECRETS_MAX];
    struct ear_account_in account = {.key = ear_str_from(listener->account),
                                     .platform = ear_str_from(listener->platform),
                                     .author_id = ear_str_from(listener->author_id),
                                     .settings = listener->settings,
                                     .secrets = secrets};
    for (size_t i = 0; i < json_array_size(listener->secrets) && i < SECRETS_MAX; i++) {
        const json_t *text = json_array_get(listener->secrets, i);
        secrets[account.secret_count++] =
            (struct ear_str){json_string_value(text), json_string_length(text)};
    }
    ear_err err = listener->connector->open(&listener->inside, &listener->lent, &account, cursor,
                                            session, &diag);
    if (err != EAR_OK) {
        listener->inside = NULL;
        complain(listener, err, diag.text, REFUSED_MS);
        rest(listener, REFUSED_MS);
        return;
    }
    ear_log(&EV_INGEST_LISTENING, kv_text("account", listener->account),
            kv_text("connector", listener->connector->name));
    set_state(listener, WAITING);
    ear_timer_start(listener->timer, 0, 0);
}

static void on_loaded(void *self, ear_err err, const struct ear_pg_result *const *results,
                      size_t count, const struct ear_diag *diag)
{
    struct ear_listener *listener = self;
    listener->statements--;
    if (listener->state == GONE) {
        release(listener);
        return;
    }
    if (listener->state != LOADING) return;
    if (err != EAR_OK || count != 2) {
        int64_t again_ms = backoff(listener);
        if (err != EAR_CLOSED) complain(listener, err, diag->text, again_ms);
        rest(listener, again_ms);
        return;
    }
    struct ear_str cursor =
        ear_pg_rows(results[0]) ? ear_pg_get_str(results[0], 0, 0) : EAR_STR("");
    struct ear_str session =
        ear_pg_rows(results[1]) ? ear_pg_get_str(results[1], 0, 0) : EAR_STR("");
    open_it(listener, cursor, session);
}

static void load(struct ear_listener *listener)
{
    if (!ear_leases_held(listener->env.leases, listener->lease, NULL)) return;
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_READ_CURSOR);
    ear_pg_text(batch, ear_str_from(listener->account));
    ear_pg_text(batch, ear_str_from(listener->connector->name));
    ear_pg_batch_add(batch, STORE_READ_SESSION);
    ear_pg_text(batch, ear_str_from(listener->account));
    set_state(listener, LOADING);
    listener->statements++;
    ear_pg_run(listener->env.pg, &batch, on_loaded, listener);
}

/* --- Rounds --- */

static void on_session_stored(void *self, ear_err err, const struct ear_pg_result *const *results,
                              size_t count, const struct ear_diag *diag)
{
    (void)results;
    (void)count;
    struct ear_listener *listener = self;
    listener->statements--;
    /* Without it the next start costs a login; that is all. */
    if (err != EAR_OK && err != EAR_CLOSED) {
        ear_log(&EV_INGEST_STORE_FAILED, kv_text("statement", "write_session"),
                kv_text("account", listener->account), kv_diag(diag));
    }
    if (listener->state == GONE) release(listener);
}

static void store_session(struct ear_listener *listener, struct ear_str session)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_WRITE_SESSION);
    ear_pg_text(batch, ear_str_from(listener->account));
    ear_pg_text(batch, session);
    ear_pg_text(batch, ear_str_from(listener->lease));
    ear_pg_id(batch, &listener->env.owner);
    ear_pg_i64(batch, listener->move.epoch);
    listener->statements++;
    ear_pg_run(listener->env.pg, &batch, on_session_stored, listener);
}

static int64_t wait_ms(const struct ear_listener *listener, int64_t least_ms)
{
    int64_t wait = (listener->round.retry_at_us - ear_clock_wall_us()) / EAR_US_PER_MS;
    return wait > least_ms ? wait : least_ms;
}

/* The round is over and stored: tell the connector and plan the next one. */
static void go_on(struct ear_listener *listener)
{
    listener->failures = 0;
    listener->heard_us = ear_clock_wall_us();
    listener->trouble[0] = '\0';
    ear_metric_add(&M_ROUNDS_TOTAL, 1, listener->account, "ok");
    listener->connector->committed(listener->inside);
    set_state(listener, WAITING);
    ear_timer_start(listener->timer,
                    wait_ms(listener, listener->round.more ? 0 : listener->poll_ms), 0);
}

static void on_delivered(struct ear_delivery *delivery)
{
    struct ear_listener *listener = delivery->self;
    listener->with_intake = false;
    if (listener->state == GONE) {
        shut(listener);
        release(listener);
    } else if (listener->state == CLOSING) {
        rest(listener, 0);
    } else if (delivery->err != EAR_OK) {
        int64_t again_ms = backoff(listener);
        complain(listener, delivery->err, "the round could not be stored", again_ms);
        rest(listener, again_ms);
    } else if (listener->round.cursor.ptr && !delivery->cursor_moved) {
        ear_log(&EV_INGEST_LEASE_LOST, kv_text("account", listener->account));
        rest(listener, MODEST_MS);
    } else {
        go_on(listener);
    }
}

static void deliver(struct ear_listener *listener)
{
    const struct ear_round *round = &listener->round;
    if (round->count == 0 && !round->cursor.ptr) {
        go_on(listener);
        return;
    }
    listener->delivery = (struct ear_delivery){
        .lane = EAR_LANE_LIVE,
        .account = ear_str_from(listener->account),
        .posts = round->posts,
        .count = round->count,
        .done = on_delivered,
        .self = listener,
    };
    if (round->cursor.ptr) {
        listener->move.account = ear_str_from(listener->account);
        listener->move.stream = ear_str_from(listener->connector->name);
        listener->move.position = round->cursor;
        listener->move.lease = ear_str_from(listener->lease);
        listener->delivery.cursor = &listener->move;
    }
    if (ear_intake_take(listener->env.intake, &listener->delivery) == EAR_OK) {
        listener->with_intake = true;
    } else {
        ear_timer_start(listener->timer, FULL_MS, 0);
    }
}

static void on_heard(void *core, const struct ear_round *round)
{
    struct ear_listener *listener = core;
    if (listener->state != POLLING) return;
    listener->round = *round;
    if (round->session.ptr) store_session(listener, round->session);
    if (round->err == EAR_OK) {
        ear_log(&EV_INGEST_ROUND, kv_text("account", listener->account),
                kv_int("posts", round->count));
        set_state(listener, STORING);
        deliver(listener);
        return;
    }
    bool person = round->err == EAR_DENIED || round->err == EAR_INVALID;
    int64_t again_ms = wait_ms(listener, person ? REFUSED_MS : backoff(listener));
    complain(listener, round->err, round->why, again_ms);
    set_state(listener, WAITING);
    ear_timer_start(listener->timer, again_ms, 0);
}

static void poll(struct ear_listener *listener)
{
    if (!ear_leases_held(listener->env.leases, listener->lease, &listener->move.epoch)) {
        rest(listener, -1);
        return;
    }
    struct ear_diag diag = {0};
    set_state(listener, POLLING);
    ear_err err = listener->connector->poll(listener->inside, &diag);
    if (err != EAR_OK) on_heard(listener, &(struct ear_round){.err = err, .why = diag.text});
}

static void on_timer(void *self)
{
    struct ear_listener *listener = self;
    switch (listener->state) {
    case RESTING:
        load(listener);
        break;
    case WAITING:
        poll(listener);
        break;
    case STORING:
        if (!listener->with_intake) deliver(listener);
        break;
    default:
        break;
    }
}

/* --- Its life --- */

static int64_t poll_interval(const struct ear_account *account)
{
    const struct ear_connector_in_caps *caps = &account->connector->caps;
    int64_t ms = caps->poll_default_ms;
    struct ear_str text = ear_json_at(account->settings, "poll_interval");
    if (text.len && ear_num_duration_ms(text, 1, INT64_C(86400000), &ms) != EAR_OK) {
        ms = caps->poll_default_ms;
    }
    return ms < caps->poll_least_ms ? caps->poll_least_ms : ms;
}

void ear_listener_new(struct ear_listener **out, const struct ear_listener_env *env,
                      const struct ear_account *account)
{
    struct ear_listener *listener = ear_alloc(sizeof(*listener));
    struct ear_buf lease;
    listener->env = *env;
    listener->connector = account->connector;
    listener->lent = (struct ear_listen_env){
        .loop = env->loop, .fetch = env->fetch, .heard = on_heard, .core = listener};
    listener->account = ear_strdup(account->key);
    listener->platform = ear_strdup(account->platform);
    listener->author_id = ear_strdup(account->author_id);
    listener->settings = json_incref(account->settings);
    listener->secrets = json_incref(account->secrets);
    listener->poll_ms = poll_interval(account);
    memcpy(listener->print, account->print, sizeof(listener->print));
    ear_buf_init(&lease, 1024);
    EAR_CHECK(ear_buf_printf(&lease, "account/%s/ingest", account->key) == EAR_OK);
    listener->lease = ear_strdup(lease.data);
    ear_buf_release(&lease);
    ear_timer_new(&listener->timer, env->loop, on_timer, listener);
    ear_leases_want(env->leases, listener->lease);
    *out = listener;
}

void ear_listener_free(struct ear_listener **listener_ptr)
{
    struct ear_listener *listener = *listener_ptr;
    if (!listener) return;
    *listener_ptr = NULL;
    ear_timer_free(&listener->timer);
    ear_leases_drop(listener->env.leases, listener->lease);
    /* Intake still borrows from the round: the connector lives until that is over. */
    if (!listener->with_intake) shut(listener);
    set_state(listener, GONE);
    release(listener);
}

const char *ear_listener_account(const struct ear_listener *listener)
{
    return listener->account;
}

const char *ear_listener_lease(const struct ear_listener *listener)
{
    return listener->lease;
}

bool ear_listener_fits(const struct ear_listener *listener, const struct ear_account *account)
{
    return account->enabled && account->connector == listener->connector &&
           strcmp(account->platform, listener->platform) == 0 &&
           strcmp(account->author_id, listener->author_id) == 0 &&
           memcmp(account->print, listener->print, sizeof(listener->print)) == 0;
}

void ear_listener_lease_changed(struct ear_listener *listener, bool held)
{
    listener->heard_us = held ? ear_clock_wall_us() : 0;
    listener->trouble[0] = '\0';
    if (held) {
        if (listener->state == RESTING) ear_timer_start(listener->timer, 0, 0);
        return;
    }
    switch (listener->state) {
    case LOADING:
    case WAITING:
    case POLLING:
        rest(listener, -1);
        break;
    case STORING:
        if (listener->with_intake) {
            set_state(listener, CLOSING);
        } else {
            rest(listener, -1);
        }
        break;
    default:
        break;
    }
}

int64_t ear_listener_heard_us(const struct ear_listener *listener)
{
    return listener->heard_us;
}

const char *ear_listener_trouble(const struct ear_listener *listener)
{
    return listener->trouble;
}

const char *ear_listener_connector(const struct ear_listener *listener)
{
    return listener->connector->name;
}
