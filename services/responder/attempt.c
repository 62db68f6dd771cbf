#include "attempt.h"

#include "catalogue.h"
#include "journal.h"
#include "lease.h"
#include "outcome.h"
#include "sender.h"
#include <stdlib.h>

#define REPLY_BYTES_MAX    ((size_t)1 << 20)
#define EXTERNAL_BYTES_MAX 4096
#define SESSION_BYTES_MAX  ((size_t)64 << 10)
#define COMMIT_FLOOR_MS    100
#define COMMIT_CAP_MS      5000
#define STARVED_US         EAR_US_PER_S /* then there may be memory again */

static void commit(struct ear_attempt *a);

static void set_phase(struct ear_attempt *a, ear_attempt_phase next)
{
    static const bool legal[EAR_PHASES][EAR_PHASES] = {
        [EAR_PHASE_CHOSEN] =
            {[EAR_PHASE_BEGINNING] = true, [EAR_PHASE_ADOPTING] = true, [EAR_PHASE_ENDING] = true},
        [EAR_PHASE_BEGINNING] = {[EAR_PHASE_SENDING] = true, [EAR_PHASE_ENDING] = true},
        [EAR_PHASE_SENDING] = {[EAR_PHASE_ENDING] = true},
        [EAR_PHASE_ADOPTING] = {[EAR_PHASE_LOOKING] = true},
        [EAR_PHASE_LOOKING] = {[EAR_PHASE_ENDING] = true},
    };
    static const char *const names[] = {"chosen",   "beginning", "sending",
                                        "adopting", "looking",   "ending"};
    EAR_CHECK(legal[a->phase][next]);
    ear_log(&EV_ATTEMPT_PHASE, kv_id("reply", &a->reply_id), kv_int("attempt", a->number),
            kv_text("from", names[a->phase]), kv_text("to", names[next]));
    a->phase = next;
    a->commits = 0;
}

void ear_attempt_drop(struct ear_attempt *a)
{
    struct ear_account *account = a->account;
    TAILQ_REMOVE(&account->attempts, a, link);
    account->under_way--;
    ear_timer_free(&a->again);
    ear_fit_release(&a->fit);
    ear_buf_release(&a->key);
    ear_buf_release(&a->external_id);
    if (a->session.data) ear_secret_wipe(a->session.data, a->session.len);
    ear_buf_release(&a->session);
    ear_arena_free(&a->arena);
    free(a);
}

/* The account goes on with what waits. */
static void leave(struct ear_attempt *a)
{
    struct ear_account *account = a->account;
    ear_attempt_drop(a);
    ear_metric_set(&M_UNDER_WAY, (double)ear_accounts_under_way(account->core->accounts));
    ear_sender_wake(account);
    if (account->core->draining) ear_responder_check_drained(account->core);
}

/* ---- the end ---- */

static const char *state_name(ear_attempt_state state)
{
    static const char *const names[] = {"none", "open", "sent", "failed", "unknown", "retry"};
    return names[state];
}

void ear_attempt_show(const struct ear_account *account)
{
    for (ear_attempt_state state = EAR_ATTEMPT_SENT; state <= EAR_ATTEMPT_UNKNOWN; state++)
        ear_metric_add(&M_ATTEMPTS_TOTAL, 0, account->platform, state_name(state));
}

static void tell(const struct ear_attempt *a, const char *why)
{
    const struct ear_verdict *v = &a->verdict;
    int64_t wait_us = v->final ? 0 : v->next_at_us - ear_account_now_us(a->account);
    ear_log(&EV_ATTEMPT_ENDED, kv_id("reply", &a->reply_id), kv_id("case", &a->case_id),
            kv_text("account", a->account->id), kv_int("attempt", a->number),
            kv_text("state", state_name(v->state)), kv_text("reason", v->reason),
            kv_text("why", why ? why : ""),
            kv_int("next_ms", wait_us > 0 ? wait_us / EAR_US_PER_MS : 0));
    ear_metric_add(&M_ATTEMPTS_TOTAL, 1, a->account->platform, state_name(v->state));
    if (v->state == EAR_ATTEMPT_SENT)
        ear_metric_observe(&M_REPLY_SECONDS,
                           (double)(a->visible_at_us - a->reply->created_at_us) / 1e6,
                           a->account->platform);
}

/* The verdict stands; from here on it only has to be committed. */
static void end(struct ear_attempt *a, const char *why)
{
    set_phase(a, EAR_PHASE_ENDING);
    if (a->verdict.state == EAR_ATTEMPT_SENT && !a->visible_at_us)
        a->visible_at_us = ear_account_now_us(a->account);
    tell(a, why);
    if (a->verdict.final) ear_account_reply_ended(a->account);
    (void)ear_fault("responder.before_outcome");
    commit(a);
}

static void end_now(struct ear_attempt *a, ear_attempt_row row, ear_attempt_state state,
                    const char *reason, const char *why)
{
    a->row = row;
    a->verdict = (struct ear_verdict){.state = state,
                                      .final = true,
                                      .tries = a->view.tries,
                                      .looks = a->view.looks,
                                      .reason = reason};
    end(a, why);
}

static void on_end(struct ear_attempt *a, const struct ear_pg_result *const *results)
{
    struct ear_responder *core = a->account->core;
    size_t end_at = a->row == EAR_ROW_ADOPT ? 1 : 0;
    (void)ear_fault("responder.after_outcome");
    /* A repeat of a commit that had come through after all finds nothing left to do. */
    if (!ear_pg_affected(results[end_at]) && !a->commits) {
        ear_log(&EV_RESULT_REFUSED, kv_id("reply", &a->reply_id), kv_id("case", &a->case_id),
                kv_int("attempt", a->number));
        if (a->account->epoch == a->epoch) ear_lease_lost(a->account);
    }
    if (a->verdict.final) ear_outcomes_wake(core->outcomes);
    leave(a);
}

/* ---- answers of the connector ---- */

static void copy_bytes(struct ear_buf *buf, struct ear_str value)
{
    ear_buf_reset(buf);
    /* What is too long is left out: the platform's own name of a reply is a convenience. */
    if (value.ptr && ear_buf_append_str(buf, value) != EAR_OK) ear_buf_reset(buf);
}

static void keep_session(struct ear_attempt *a, struct ear_str session)
{
    if (session.ptr) copy_bytes(&a->session, session);
}

static void pause_account(struct ear_attempt *a, int64_t until_us)
{
    struct ear_account *account = a->account;
    if (until_us <= ear_account_now_us(a->account)) return;
    a->pause_until_us = until_us;
    if (until_us <= account->resume_at_us) return;
    char until[EAR_TIME_TEXT_BYTES];
    ear_time_format(until_us, until);
    account->resume_at_us = until_us;
    ear_log(&EV_ACCOUNT_PAUSED, kv_text("account", account->id), kv_text("until", until));
}

static struct ear_attempt *attempt_of(struct ear_account *account, const struct ear_send_job *job)
{
    struct ear_attempt *a = EAR_CONTAINER((void *)(uintptr_t)job, struct ear_attempt, job);
    EAR_CHECK(a->account == account);
    return a;
}

static void judge_sent(struct ear_attempt *a, const struct ear_send_result *result)
{
    struct ear_account *account = a->account;
    const struct ear_responder *core = account->core;
    a->verdict = ear_decide_sent(&a->view, &account->connector->caps, &core->limits, result,
                                 ear_account_now_us(account), ear_random_below(UINT64_MAX));
    copy_bytes(&a->external_id, result->external_id);
    a->status = result->status;
    keep_session(a, result->session);
    a->visible_at_us = result->visible_at_us;
    pause_account(a, result->pause_until_us);
    end(a, result->why);
}

void ear_attempt_on_sent(void *core, const struct ear_send_job *job,
                         const struct ear_send_result *result)
{
    struct ear_attempt *a = attempt_of(core, job);
    (void)ear_fault("responder.after_send");
    ear_account_learn(a->account, result->reason, result->why);
    judge_sent(a, result);
}

static void judge_looked(struct ear_attempt *a, const struct ear_look_result *result)
{
    struct ear_account *account = a->account;
    const struct ear_responder *core = account->core;
    a->verdict = ear_decide_looked(&a->view, &account->connector->caps, &core->limits, result,
                                   ear_account_now_us(account), ear_random_below(UINT64_MAX));
    copy_bytes(&a->external_id, result->external_id);
    keep_session(a, result->session);
    a->visible_at_us = result->visible_at_us;
    end(a, result->why);
}

void ear_attempt_on_looked(void *core, const struct ear_send_job *job,
                           const struct ear_look_result *result)
{
    struct ear_attempt *a = attempt_of(core, job);
    bool blind = result->state == EAR_LOOK_CANT;
    ear_account_learn(a->account, blind ? EAR_REASON_CANNOT_LOOK : NULL, result->why);
    judge_looked(a, result);
}

/* ---- sending ---- */

static void send_now(struct ear_attempt *a)
{
    struct ear_diag diag = {0};
    struct ear_account *account = a->account;
    if (ear_loop_now_ms(account->core->loop) - a->asked_ms > EAR_ATTEMPT_FRESH_MS) {
        struct ear_send_result late = {
            .state = EAR_SEND_RETRY, .reason = "late", .why = "the journal took too long"};
        judge_sent(a, &late);
        return;
    }
    set_phase(a, EAR_PHASE_SENDING);
    ear_log(&EV_ATTEMPT_BEGUN, kv_id("reply", &a->reply_id), kv_id("case", &a->case_id),
            kv_text("account", account->id), kv_int("attempt", a->number));
    ear_err err = account->connector->send(account->voice, &a->job, &diag);
    if (!err) return;
    struct ear_send_result refused = {.state =
                                          ear_err_retryable(err) ? EAR_SEND_RETRY : EAR_SEND_FAILED,
                                      .reason = ear_err_name(err),
                                      .why = diag.text};
    judge_sent(a, &refused);
}

static void look_now(struct ear_attempt *a)
{
    struct ear_diag diag = {0};
    struct ear_account *account = a->account;
    set_phase(a, EAR_PHASE_LOOKING);
    if (account->connector->look(account->voice, &a->job, &diag) == EAR_OK) return;
    struct ear_look_result cannot = {.state = EAR_LOOK_CANT, .why = diag.text};
    judge_looked(a, &cannot);
}

/* The lease went to somebody else before anything left this process. */
static void abandon(struct ear_attempt *a)
{
    ear_log(&EV_ATTEMPT_ABANDONED, kv_id("reply", &a->reply_id), kv_id("case", &a->case_id),
            kv_int("attempt", a->number));
    if (a->account->epoch == a->epoch) ear_lease_lost(a->account);
    leave(a);
}

/* ---- commits ---- */

static void committed(struct ear_attempt *a, const struct ear_pg_result *const *results)
{
    bool forgets = a->phase == EAR_PHASE_CHOSEN && !a->verdict.next_at_us;
    if (a->phase == EAR_PHASE_ENDING) {
        on_end(a, results);
    } else if (!ear_pg_affected(results[0]) && !forgets) {
        abandon(a);
    } else if (a->phase == EAR_PHASE_CHOSEN) {
        leave(a); /* forgotten or put off */
    } else if (a->phase == EAR_PHASE_ADOPTING) {
        a->row = EAR_ROW_OURS;
        look_now(a);
    } else {
        (void)ear_fault("responder.after_journal");
        a->row = EAR_ROW_OURS;
        send_now(a);
    }
}

static void on_again(void *self)
{
    commit(self);
}

static void on_commit(void *self, ear_err err, const struct ear_pg_result *const *results,
                      size_t count, const struct ear_diag *diag)
{
    struct ear_attempt *a = self;
    (void)count;
    if (err == EAR_CLOSED) return; /* the service stops and drops what is left */
    if (!err) {
        committed(a, results);
        return;
    }
    ear_log(&EV_JOURNAL_FAILED, kv_id("reply", &a->reply_id), kv_id("case", &a->case_id),
            kv_diag(diag));
    if (err == EAR_DATA) a->bare = true;
    int64_t wait_ms =
        ear_backoff_ms(a->commits, COMMIT_FLOOR_MS, COMMIT_CAP_MS, ear_random_below(UINT64_MAX));
    if (a->commits < 32) a->commits++;
    ear_timer_start(a->again, wait_ms, 0);
}

static struct ear_pg_batch *write_phase(struct ear_attempt *a)
{
    size_t end_at;
    switch (a->phase) {
    case EAR_PHASE_BEGINNING:
        return ear_journal_begin(a);
    case EAR_PHASE_ADOPTING:
        return ear_journal_adopt(a);
    case EAR_PHASE_ENDING:
        return ear_journal_end(a, &end_at);
    default:
        return a->verdict.next_at_us ? ear_journal_postpone(a, a->verdict.next_at_us)
                                     : ear_journal_forget(a);
    }
}

static void commit(struct ear_attempt *a)
{
    struct ear_pg_batch *batch = write_phase(a);
    a->asked_ms = ear_loop_now_ms(a->account->core->loop);
    a->view.started_at_us =
        a->phase == EAR_PHASE_BEGINNING ? ear_account_now_us(a->account) : a->view.started_at_us;
    ear_pg_run(a->account->core->pg, &batch, on_commit, a);
}

/* ---- the beginning ---- */

static struct ear_str keep(struct ear_attempt *a, struct ear_str text)
{
    char *copy = text.ptr ? ear_arena_copy(a->arena, text) : NULL;
    return copy ? (struct ear_str){copy, text.len} : EAR_STR("");
}

static void fill_job(struct ear_attempt *a, const struct ear_attempt_source *source)
{
    const Earshot__V1__Reply *reply = a->reply;
    a->job = (struct ear_send_job){
        .reply_id = a->reply_id,
        .case_id = a->case_id,
        .account = ear_str_from(a->account->id),
        .platform = ear_str_from(reply->platform),
        .fit = &a->fit,
        .text = ear_str_from(reply->text),
        .sign_off = ear_str_from(reply->sign_off),
        .agent = ear_str_from(reply->agent),
        .by_rule = reply->by_rule,
        .direct = reply->direct,
        .created_at_us = reply->created_at_us,
        .thread = keep(a, source->thread),
        .post_id = keep(a, source->post_id),
        .recipient_id = keep(a, source->recipient_id),
        .recipient_name = keep(a, source->recipient_name),
    };
}

/* A reply without its thread or its recipient is not the reply. */
static ear_err read_reply(struct ear_attempt *a, const struct ear_attempt_source *source)
{
    a->reply =
        EAR_UNPACK(Earshot__V1__Reply, earshot__v1__reply__descriptor, source->payload, a->arena);
    ear_err err = a->reply ? ear_wire_id(&a->reply->case_id, true, &a->case_id) : EAR_INVALID;
    if (!err) fill_job(a, source);
    return ear_arena_starved(a->arena) ? EAR_NO_MEMORY : err;
}

static struct ear_attempt *attempt_new(struct ear_account *account,
                                       const struct ear_attempt_source *source,
                                       const struct ear_reply_view *view)
{
    struct ear_attempt *a = ear_alloc(sizeof(*a));
    *a = (struct ear_attempt){.account = account,
                              .arena = ear_arena_new(REPLY_BYTES_MAX),
                              .reply_id = source->reply_id,
                              .customer_id = source->customer_id,
                              .view = *view,
                              .number = view->attempt_no,
                              .epoch = account->epoch};
    ear_fit_init(&a->fit);
    ear_buf_init(&a->key, EAR_REPLY_KEY_BYTES);
    ear_buf_init(&a->external_id, EXTERNAL_BYTES_MAX);
    ear_buf_init(&a->session, SESSION_BYTES_MAX);
    ear_timer_new(&a->again, account->core->loop, on_again, a);
    TAILQ_INSERT_TAIL(&account->attempts, a, link);
    account->under_way++;
    ear_metric_set(&M_UNDER_WAY, (double)ear_accounts_under_way(account->core->accounts));
    return a;
}

static void put_off(struct ear_attempt *a, int64_t at_us)
{
    a->verdict.next_at_us = at_us;
    commit(a);
}

static void await_memory(struct ear_attempt *a)
{
    put_off(a, ear_account_now_us(a->account) + STARVED_US);
}

/* What the connector needs. On an error reason says why it cannot have it, whatever happens; but
 * for want of memory. */
static ear_err prepare(struct ear_attempt *a, bool looks, struct ear_str key, const char **reason,
                       struct ear_diag *diag)
{
    struct ear_account *account = a->account;
    const struct ear_connector_out *connector = account->connector;
    *reason = "no_direct";
    if (a->job.direct && !connector->caps.direct)
        return ear_fail(diag, EAR_UNSUPPORTED, "the platform has no private answers");
    ear_err err = connector->fit(account->voice, a->job.text, a->job.sign_off, &a->fit, diag);
    *reason = err == EAR_TOO_LARGE ? "too_long" : "no_text";
    if (err) return err;
    *reason = "no_key";
    return looks ? ear_buf_append_str(&a->key, key)
                 : connector->key(account->voice, &a->reply_id, &a->key);
}

static void begin(struct ear_attempt *a, bool looks, struct ear_str key)
{
    struct ear_diag diag = {0};
    const char *reason;
    ear_err err = prepare(a, looks, key, &reason, &diag);
    if (err == EAR_NO_MEMORY) {
        await_memory(a);
        return;
    }
    if (!looks) a->number++;
    if (err) {
        end_now(a, looks ? EAR_ROW_ADOPT : EAR_ROW_NONE,
                looks || a->view.maybe_visible ? EAR_ATTEMPT_UNKNOWN : EAR_ATTEMPT_FAILED, reason,
                diag.text);
        return;
    }
    a->job.key = ear_buf_str(&a->key);
    if (!looks) (void)ear_fault("responder.before_journal");
    set_phase(a, looks ? EAR_PHASE_ADOPTING : EAR_PHASE_BEGINNING);
    commit(a);
}

static void reopen(struct ear_attempt *a)
{
    struct ear_send_result open = {.state = EAR_SEND_UNKNOWN, .reason = "interrupted"};
    a->row = EAR_ROW_ADOPT;
    a->verdict =
        ear_decide_sent(&a->view, &a->account->connector->caps, &a->account->core->limits, &open,
                        ear_account_now_us(a->account), ear_random_below(UINT64_MAX));
    end(a, "found open in the journal");
}

static void follow(struct ear_attempt *a, const struct ear_step *step, struct ear_str key)
{
    switch (step->kind) {
    case EAR_STEP_SEND:
    case EAR_STEP_LOOK:
        begin(a, step->kind == EAR_STEP_LOOK, key);
        return;
    case EAR_STEP_REOPEN:
        reopen(a);
        return;
    case EAR_STEP_END: {
        bool open = a->view.last == EAR_ATTEMPT_SENDING;
        if (!open) a->number++;
        end_now(a, open ? EAR_ROW_ADOPT : EAR_ROW_NONE, step->end, step->reason, "");
        return;
    }
    case EAR_STEP_WAIT:
    case EAR_STEP_FORGET:
    default:
        put_off(a, step->kind == EAR_STEP_WAIT ? step->at_us : 0);
    }
}

void ear_attempt_start(struct ear_account *account, const struct ear_attempt_source *source,
                       const struct ear_reply_view *view)
{
    struct ear_attempt *a = attempt_new(account, source, view);
    bool open = view->last == EAR_ATTEMPT_SENDING;
    bool over = view->last == EAR_ATTEMPT_SENT || view->last == EAR_ATTEMPT_FAILED ||
                view->last == EAR_ATTEMPT_UNKNOWN;
    const char *reason = NULL;
    ear_err err = read_reply(a, source);
    if (err == EAR_NO_MEMORY && !over) {
        await_memory(a);
        return;
    }
    if (err)
        reason = "malformed";
    else if (!account->declared)
        reason = "no_account";
    else if (!account->connector)
        reason = "no_connector";
    if (reason && !over) {
        if (!open) a->number++;
        end_now(a, open ? EAR_ROW_ADOPT : EAR_ROW_NONE,
                open || view->maybe_visible ? EAR_ATTEMPT_UNKNOWN : EAR_ATTEMPT_FAILED, reason, "");
        return;
    }
    struct ear_step step = {.kind = EAR_STEP_FORGET};
    if (!over)
        step = ear_decide_step(view, &account->connector->caps, &account->core->limits,
                               ear_account_now_us(a->account));
    follow(a, &step, source->key);
}
