#include "sender.h"

#include "attempt.h"
#include "catalogue.h"
#include "store_sql.h"

#define IDLE_MS    15000 /* a notice may have been missed */
#define CONCURRENT 4     /* where there is no connector to say */
#define SECOND_MS  1000

static void sleep_ms(struct ear_account *account, int64_t wait_ms)
{
    if (wait_ms < 1) wait_ms = 1;
    if (wait_ms > IDLE_MS) wait_ms = IDLE_MS;
    ear_timer_start(account->timer, wait_ms, 0);
}

/* Accounts without a voice are read all the same: their replies end as failed. */
static bool speaks(const struct ear_account *account)
{
    return account->declared && account->connector;
}

/* Declared, but it cannot say anything now. */
static bool is_mute(const struct ear_account *account)
{
    return !account->enabled || !account->voice || account->stale;
}

static int64_t room(struct ear_account *account)
{
    unsigned limit = speaks(account) ? account->connector->caps.concurrent : CONCURRENT;
    return (int64_t)limit - (int64_t)account->under_way;
}

/* 0: now. Negative: somebody wakes us. */
static int64_t wait_ms(struct ear_account *account)
{
    if (account->core->draining || !ear_account_leased(account)) return -1;
    if (room(account) < 1) return -1;
    if (!speaks(account)) return 0;
    int64_t pause_us = account->resume_at_us - ear_account_now_us(account);
    if (pause_us > 0) return pause_us / EAR_US_PER_MS + 1;
    if (account->enabled && !ear_account_open(account) && account->opening) return -1;
    if (is_mute(account)) return 0;
    return ear_bucket_wait_ms(&account->bucket, ear_loop_now_ms(account->core->loop));
}

/* Of read_due. */
enum column {
    REPLY_ID,
    CUSTOMER_ID,
    NEXT_AT,
    TRIES,
    ACCEPTED_AT,
    PAYLOAD,
    ATTEMPT_NO,
    STATE,
    KEY,
    STARTED_AT,
    LOOKS,
    MAYBE_VISIBLE,
    POST_ID,
    THREAD,
    RECIPIENT_ID,
    RECIPIENT_NAME,
    NOW,
};

static void read_view(const struct ear_pg_result *rows, size_t row, struct ear_reply_view *view)
{
    *view = (struct ear_reply_view){
        .tries = ear_pg_get_i64(rows, row, TRIES),
        .accepted_at_us = ear_pg_get_time(rows, row, ACCEPTED_AT),
        .attempt_no = ear_pg_get_i64(rows, row, ATTEMPT_NO),
        .last = (ear_attempt_state)ear_pg_get_i64(rows, row, STATE),
        .started_at_us = ear_pg_get_time(rows, row, STARTED_AT),
        .looks = ear_pg_get_i64(rows, row, LOOKS),
        .maybe_visible = ear_pg_get_bool(rows, row, MAYBE_VISIBLE),
    };
}

static void launch(struct ear_account *account, const struct ear_pg_result *rows, size_t row,
                   const struct ear_reply_view *view)
{
    struct ear_attempt_source source = {
        .reply_id = ear_pg_get_id(rows, row, REPLY_ID),
        .customer_id = ear_pg_get_id(rows, row, CUSTOMER_ID),
        .payload = ear_pg_get_str(rows, row, PAYLOAD),
        .key = ear_pg_get_str(rows, row, KEY),
        .post_id = ear_pg_get_str(rows, row, POST_ID),
        .thread = ear_pg_get_str(rows, row, THREAD),
        .recipient_id = ear_pg_get_str(rows, row, RECIPIENT_ID),
        .recipient_name = ear_pg_get_str(rows, row, RECIPIENT_NAME),
    };
    ear_attempt_start(account, &source, view);
}

/* A mute account (disabled, settings or secret that do not do) keeps its replies until they are too
 * old; nothing else can happen to them. */
static bool may_launch(struct ear_account *account, const struct ear_reply_view *view)
{
    if (!ear_account_leased(account) || account->core->draining || room(account) < 1) return false;
    if (!speaks(account)) return true;
    if (is_mute(account)) {
        struct ear_step step = ear_decide_step(view, &account->connector->caps,
                                               &account->core->limits, ear_account_now_us(account));
        return step.kind == EAR_STEP_END;
    }
    return ear_bucket_take(&account->bucket, ear_loop_now_ms(account->core->loop));
}

/* Launches what is due; returns when to look again, 0 for at once. */
static int64_t launch_due(struct ear_account *account, const struct ear_pg_result *rows)
{
    struct ear_reply_view view;
    bool launched = false;
    for (size_t i = 0; i < ear_pg_rows(rows); i++) {
        account->ahead_us = ear_pg_get_time(rows, i, NOW) - ear_clock_wall_us();
        int64_t due_us = ear_pg_get_time(rows, i, NEXT_AT) - ear_account_now_us(account);
        if (due_us > 0) return launched ? 0 : due_us / EAR_US_PER_MS + 1;
        read_view(rows, i, &view);
        if (!may_launch(account, &view)) continue;
        launch(account, rows, i, &view);
        launched = true;
    }
    return launched ? 0 : IDLE_MS;
}

static void on_due(void *self, ear_err err, const struct ear_pg_result *const *results,
                   size_t count, const struct ear_diag *diag)
{
    struct ear_account *account = self;
    account->loading = false;
    if (err == EAR_CLOSED) return;
    if (err) {
        ear_log(&EV_READ_FAILED, kv_text("what", "queue"), kv_diag(diag));
        sleep_ms(account, SECOND_MS);
        return;
    }
    EAR_CHECK(count == 1);
    int64_t next_ms = launch_due(account, results[0]);
    if (!next_ms || account->wake_again)
        ear_sender_wake(account);
    else
        sleep_ms(account, next_ms);
}

static void read_due(struct ear_account *account)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    account->loading = true;
    account->wake_again = false;
    ear_pg_batch_add(batch, STORE_READ_DUE);
    ear_pg_text(batch, ear_str_from(account->id));
    struct ear_pg_array *busy = ear_pg_array(batch, EAR_PG_ID);
    struct ear_attempt *attempt;
    TAILQ_FOREACH(attempt, &account->attempts, link)
    ear_pg_push_id(busy, &attempt->reply_id);
    ear_pg_i64(batch, room(account));
    ear_pg_run(account->core->pg, &batch, on_due, account);
}

void ear_sender_wake(struct ear_account *account)
{
    if (account->loading) {
        account->wake_again = true;
        return;
    }
    int64_t wait = wait_ms(account);
    if (wait > 0)
        sleep_ms(account, wait);
    else if (wait == 0)
        read_due(account);
}

void ear_sender_on_timer(void *self)
{
    ear_sender_wake(self);
}
