/* A mailbox. The cursor is (UIDVALIDITY, UID): a message is heard when its UID is greater. Where
 * the server gives the mailbox a new UIDVALIDITY, all UIDs are void; then what arrived since
 * shortly before the last heard message is heard again, and the Message-IDs sort out what is new.
 * \Seen is set for people who look into the mailbox, after the commit; nothing rests on it. */
#include "mail.h"
#include "events.h"
#include "imap.h"
#include "letter.h"
#include "mime/mime.h"
#include "json/json.h"
#include <stdio.h>
#include <stdlib.h>

#define ROUND_MAX          25u
#define MAIL_BYTES         262144u /* of a mail are read: enough for its text, not its pictures */
#define ROUND_BYTES_MAX    (16u << 20)
#define STEP_TIMEOUT_MS    INT64_C(60000)
#define LOGIN_TIMEOUT_MS   INT64_C(30000)
#define OVERLAP_US         (INT64_C(2) * 24 * 3600 * EAR_US_PER_S)
#define HISTORY_DEFAULT_MS (INT64_C(24) * 3600 * 1000)
#define HISTORY_MAX_MS     (INT64_C(366) * 24 * 3600 * 1000)

typedef enum step {
    STEP_OFF, /* no connection */
    STEP_LOGIN,
    STEP_SELECT,
    STEP_IDLE, /* between polls */
    STEP_MARK,
    STEP_NOOP, /* lets the server tell what is new */
    STEP_SEARCH,
    STEP_FETCH,
} step;

struct mailbox {
    struct ear_listen_env env;
    char *url, *user, *password, *ca_file, *name, *platform, *account, *own; /* owned */
    bool starttls, mark_seen;
    struct ear_imap *imap;   /* owned */
    struct ear_timer *limit; /* owned: for one step */
    step step;
    bool polling;
    /* as stored */
    uint32_t validity, uid;
    int64_t heard_us; /* when the last heard message arrived */
    /* as the server says */
    uint32_t validity_now, uid_next;
    int64_t since_us;          /* while UIDs say nothing: hear what arrived after this; 0: by UID */
    uint32_t found[ROUND_MAX]; /* lowest UIDs that are to be heard, ascending */
    size_t found_count;
    bool more;
    /* the round that is lent to the core */
    struct ear_arena *arena;
    struct ear_post_in posts[ROUND_MAX];
    size_t count;
    char cursor[128];
    struct ear_buf to_mark; /* "1,2,3": heard and committed, not yet marked */
    bool lent;
    bool starved; /* a mail of the round could not be kept for want of memory */
    struct ear_log_budget refused_lines;
};

/* ---- rounds ---- */

static void forget_round(struct mailbox *m)
{
    m->count = 0;
    m->lent = m->starved = false;
    ear_arena_reset(m->arena);
}

static void drop_connection(struct mailbox *m)
{
    ear_timer_stop(m->limit);
    ear_imap_close(&m->imap);
    m->step = STEP_OFF;
}

static void fail(struct mailbox *m, ear_err err, const char *why)
{
    struct ear_round round = {.err = err, .why = why};
    drop_connection(m);
    if (!m->polling) return;
    m->polling = false;
    m->env.heard(m->env.core, &round);
}

static struct ear_str write_cursor(struct mailbox *m)
{
    int len = snprintf(m->cursor, sizeof(m->cursor),
                       "{\"v\":1,\"uidvalidity\":%u,\"uid\":%u,\"heard\":%lld}", m->validity,
                       m->uid, (long long)m->heard_us);
    return (struct ear_str){m->cursor, (size_t)len};
}

static void report(struct mailbox *m)
{
    struct ear_round round = {.posts = m->posts, .count = m->count, .more = m->more};
    uint32_t uid = m->found_count ? m->found[m->found_count - 1] : m->uid;
    /* A search by day that found all there is ends below the next UID. */
    if (m->since_us && !m->more && m->uid_next > uid + 1) uid = m->uid_next - 1;
    if (!m->more) m->since_us = 0;
    bool moved = uid != m->uid || m->validity != m->validity_now;
    m->uid = uid;
    m->validity = m->validity_now;
    if (moved) round.cursor = write_cursor(m);
    ear_timer_stop(m->limit);
    m->step = STEP_IDLE;
    m->polling = false;
    m->lent = true;
    m->env.heard(m->env.core, &round);
}

/* ---- commands ---- */

static void command(struct mailbox *m, step to, const struct ear_buf *text)
{
    m->step = to;
    ear_timer_start(m->limit, STEP_TIMEOUT_MS, 0);
    if (ear_imap_command(m->imap, ear_buf_str(text)))
        fail(m, EAR_UNAVAILABLE, "a command cannot be sent");
}

static void say(struct mailbox *m, step to, ear_err err, struct ear_buf *text)
{
    if (err)
        fail(m, err, "a command is too long");
    else
        command(m, to, text);
    ear_buf_release(text);
}

static void say_select(struct mailbox *m)
{
    struct ear_buf text;
    ear_buf_init(&text, 1024);
    ear_err err = ear_buf_append_str(&text, EAR_STR("SELECT "));
    if (!err) err = ear_imap_quote(ear_str_from(m->name), &text);
    m->validity_now = m->uid_next = 0;
    say(m, STEP_SELECT, err, &text);
}

static void say_noop(struct mailbox *m)
{
    struct ear_buf text;
    ear_buf_init(&text, 64);
    say(m, STEP_NOOP, ear_buf_append_str(&text, EAR_STR("NOOP")), &text);
}

static void say_mark(struct mailbox *m)
{
    struct ear_buf text;
    ear_buf_init(&text, 4096);
    ear_err err = ear_buf_printf(&text, "UID STORE %s +FLAGS.SILENT (\\Seen)", m->to_mark.data);
    ear_buf_reset(&m->to_mark);
    say(m, STEP_MARK, err, &text);
}

static void say_search(struct mailbox *m)
{
    struct ear_buf text;
    char day[EAR_IMAP_DAY_BYTES];
    ear_buf_init(&text, 256);
    ear_err err = ear_buf_printf(&text, "UID SEARCH UID %u:*", m->uid + 1);
    if (!err && m->since_us) {
        /* Days are the server's own: one earlier is never too late. */
        ear_imap_day(m->since_us - INT64_C(24) * 3600 * EAR_US_PER_S, day);
        err = ear_buf_printf(&text, " SINCE %s", day);
    }
    m->found_count = 0;
    m->more = false;
    say(m, STEP_SEARCH, err, &text);
}

static void say_fetch(struct mailbox *m)
{
    struct ear_buf text;
    ear_buf_init(&text, 1024);
    ear_err err = ear_buf_append_str(&text, EAR_STR("UID FETCH "));
    for (size_t i = 0; i < m->found_count && !err; i++)
        err = ear_buf_printf(&text, "%s%u", i ? "," : "", m->found[i]);
    if (!err) err = ear_buf_printf(&text, " (UID INTERNALDATE BODY.PEEK[]<0.%u>)", MAIL_BYTES);
    say(m, STEP_FETCH, err, &text);
}

/* ---- answers ---- */

/* Keeps the lowest UIDs, in order; how many there are in all decides `more`. */
static void keep_uid(struct mailbox *m, uint32_t uid)
{
    if (uid <= m->uid) return; /* "n:*" always names the last message */
    size_t at = m->found_count;
    while (at > 0 && m->found[at - 1] > uid) at--;
    if (m->found_count == ROUND_MAX) {
        m->more = true;
        if (at == ROUND_MAX) return;
        m->found_count--;
    }
    memmove(&m->found[at + 1], &m->found[at], (m->found_count - at) * sizeof(*m->found));
    m->found[at] = uid;
    m->found_count++;
}

static void hear_search(struct mailbox *m, struct ear_str line)
{
    uint64_t uid = 0;
    struct ear_str word;
    ear_str_split(&line, ' ', &word);
    while (ear_str_split(&line, ' ', &word))
        if (word.len && !ear_num_u64(word, UINT32_MAX, &uid)) keep_uid(m, (uint32_t)uid);
}

static bool asked_for(const struct mailbox *m, uint32_t uid)
{
    for (size_t i = 0; i < m->found_count; i++)
        if (m->found[i] == uid) return true;
    return false;
}

/* What is no mail never will be: it is passed over, not tried for ever. Want of memory passes. */
static void pass_over(struct mailbox *m, uint32_t uid, ear_err err)
{
    uint64_t suppressed;
    m->starved |= ear_err_retryable(err);
    if (m->starved) return;
    ear_metric_add(&M_MAILS_PASSED_OVER, 1, m->account);
    if (ear_log_budget_spend(&m->refused_lines, ear_clock_mono_ms(), &suppressed))
        ear_log(&EV_INGEST_MAIL_PASSED_OVER, kv_text("account", m->account), kv_int("uid", uid),
                kv_err(err), kv_int("suppressed", suppressed));
}

static void hear_mail(struct mailbox *m, struct ear_str line, struct ear_str raw)
{
    const struct ear_letter_place place = {.platform = ear_str_from(m->platform),
                                           .account = ear_str_from(m->account),
                                           .own_address = ear_str_from(m->own)};
    uint32_t uid = 0;
    int64_t at_us = 0;
    if (!ear_imap_number(line, "(UID", &uid) && !ear_imap_number(line, " UID", &uid)) return;
    if (!raw.len || m->count == ROUND_MAX || !asked_for(m, uid)) return;
    if (!ear_imap_date(line, &at_us)) at_us = ear_clock_wall_us();
    if (m->since_us && at_us < m->since_us) return;
    if (at_us > m->heard_us) m->heard_us = at_us;
    ear_err err = ear_letter_post(raw, at_us, &place, m->arena, &m->posts[m->count]);
    if (err)
        pass_over(m, uid, err);
    else
        m->count++;
}

static void on_answer(void *self, struct ear_str line, struct ear_str literal)
{
    struct mailbox *m = self;
    if (m->step == STEP_SELECT) {
        ear_imap_number(line, "[UIDVALIDITY", &m->validity_now);
        ear_imap_number(line, "[UIDNEXT", &m->uid_next);
    } else if (m->step == STEP_SEARCH && ear_str_starts(line, EAR_STR("SEARCH"))) {
        hear_search(m, line);
    } else if (m->step == STEP_FETCH && ear_str_find(line, EAR_STR(" FETCH (")) != SIZE_MAX) {
        hear_mail(m, line, literal);
    }
}

/* The mailbox is open: are its UIDs those we know? */
static void check_validity(struct mailbox *m)
{
    if (m->validity == m->validity_now && !m->since_us) return;
    if (m->validity && m->validity != m->validity_now) m->since_us = m->heard_us - OVERLAP_US;
    if (m->validity != m->validity_now) m->uid = 0;
}

static void take_up(struct mailbox *m)
{
    if (m->to_mark.len)
        say_mark(m);
    else
        say_noop(m);
}

static void on_done(void *self, bool ok, struct ear_str text)
{
    struct mailbox *m = self;
    char why[256];
    snprintf(why, sizeof(why), "the mail server refused: %.*s",
             (int)(text.len < 200 ? text.len : 200), text.ptr ? text.ptr : "");
    if (!ok && m->step != STEP_MARK) { /* a mailbox may be read-only for us */
        fail(m, m->step == STEP_SELECT ? EAR_DENIED : EAR_UNAVAILABLE, why);
        return;
    }
    switch (m->step) {
    case STEP_SELECT:
        check_validity(m);
        take_up(m);
        break;
    case STEP_MARK:
        say_noop(m);
        break;
    case STEP_NOOP:
        say_search(m);
        break;
    case STEP_SEARCH:
        if (m->found_count)
            say_fetch(m);
        else
            report(m);
        break;
    case STEP_FETCH:
        if (m->starved)
            fail(m, EAR_NO_MEMORY, "a mail could not be kept: out of memory");
        else
            report(m);
        break;
    case STEP_OFF:
    case STEP_LOGIN:
    case STEP_IDLE:
        break;
    }
}

static void on_state(void *self, ear_err err, const char *why)
{
    struct mailbox *m = self;
    if (err)
        fail(m, err, why);
    else
        say_select(m);
}

static void on_limit(void *self)
{
    fail(self, EAR_TIMEOUT, "no answer from the mail server in time");
}

/* ---- what the core calls ---- */

static ear_err log_in(struct mailbox *m, struct ear_diag *diag)
{
    static const struct ear_imap_calls calls = {on_state, on_answer, on_done};
    const struct ear_fetch_request login = {.url = m->url,
                                            .user = m->user,
                                            .password = m->password,
                                            .ca_file = m->ca_file,
                                            .require_tls = m->starttls,
                                            .timeout_ms = LOGIN_TIMEOUT_MS};
    ear_err err = ear_imap_open(&m->imap, m->env.fetch, &login, &calls, m, diag);
    if (err) return err;
    m->step = STEP_LOGIN;
    ear_timer_start(m->limit, STEP_TIMEOUT_MS, 0);
    return EAR_OK;
}

static ear_err mail_poll(void *self, struct ear_diag *diag)
{
    struct mailbox *m = self;
    ear_err err = EAR_OK;
    forget_round(m);
    if (m->step == STEP_IDLE)
        take_up(m);
    else if (m->step == STEP_OFF)
        err = log_in(m, diag);
    m->polling = !err && m->step != STEP_OFF;
    if (!err && !m->polling) err = ear_fail(diag, EAR_UNAVAILABLE, "a command cannot be sent");
    return err;
}

static void mail_committed(void *self)
{
    struct mailbox *m = self;
    if (m->lent && m->mark_seen) {
        ear_buf_reset(&m->to_mark);
        for (size_t i = 0; i < m->found_count; i++)
            if (ear_buf_printf(&m->to_mark, "%s%u", i ? "," : "", m->found[i])) break;
    }
    forget_round(m);
}

static void mail_close(void **self)
{
    struct mailbox *m = *self;
    if (!m) return;
    drop_connection(m);
    ear_timer_free(&m->limit);
    ear_arena_free(&m->arena);
    ear_buf_release(&m->to_mark);
    if (m->password) ear_secret_wipe(m->password, strlen(m->password));
    char *texts[] = {m->url,  m->user,     m->password, m->ca_file,
                     m->name, m->platform, m->account,  m->own};
    for (size_t i = 0; i < EAR_COUNT(texts); i++) free(texts[i]);
    free(m);
    *self = NULL;
}

/* ---- settings ---- */

static ear_err read_switch(const json_t *settings, const char *name, bool *value,
                           struct ear_diag *diag)
{
    struct ear_str text = ear_json_at(settings, name);
    if (!text.len) return EAR_OK;
    *value = ear_str_eq(text, EAR_STR("on"));
    if (*value || ear_str_eq(text, EAR_STR("off"))) return EAR_OK;
    return ear_fail(diag, EAR_INVALID, "setting \"%s\" must be on or off", name);
}

static ear_err read_cursor(struct mailbox *m, const json_t *settings, struct ear_str cursor,
                           struct ear_diag *diag)
{
    json_t *stored = NULL;
    int64_t history_ms = HISTORY_DEFAULT_MS;
    int64_t validity = 0, uid = 0;
    struct ear_str history = ear_json_at(settings, "history");
    if (history.len && ear_num_duration_ms(history, 0, HISTORY_MAX_MS, &history_ms))
        return ear_fail(diag, EAR_INVALID, "setting \"history\" must be 0s to 366d");
    m->heard_us = ear_clock_wall_us();
    if (cursor.len && !ear_json_parse(cursor, 4096, &stored, NULL) &&
        (ear_json_i64(stored, "uidvalidity", 0, UINT32_MAX, &validity, NULL) ||
         ear_json_i64(stored, "uid", 0, UINT32_MAX, &uid, NULL) ||
         ear_json_i64(stored, "heard", 0, INT64_MAX, &m->heard_us, NULL)))
        validity = 0;
    json_decref(stored);
    m->validity = (uint32_t)validity;
    m->uid = validity ? (uint32_t)uid : 0;
    if (!validity) m->since_us = ear_clock_wall_us() - history_ms * EAR_US_PER_MS;
    return EAR_OK;
}

static ear_err read_settings(struct mailbox *m, const struct ear_account_in *account,
                             struct ear_diag *diag)
{
    const json_t *settings = account->settings;
    struct ear_str user = ear_json_at(settings, "user");
    m->url = ear_str_dup_or(ear_json_at(settings, "imap"), NULL);
    m->user = ear_str_dup_or(user.len ? user : account->author_id, NULL);
    m->ca_file = ear_str_dup_or(ear_json_at(settings, "ca_file"), NULL);
    m->name = ear_str_dup_or(ear_json_at(settings, "mailbox"), "INBOX");
    m->own = ear_str_dup_or(account->author_id, "");
    m->starttls = m->mark_seen = true;
    if (!m->url) return ear_fail(diag, EAR_INVALID, "setting \"imap\" is missing: imaps://HOST");
    ear_err err = ear_url_check(ear_str_from(m->url), "imap,imaps", diag);
    if (err) return ear_fail_in(diag, err, "setting \"imap\"");
    if (!m->user || !account->secret_count)
        return ear_fail(diag, EAR_INVALID,
                        "the account needs a secret (the mailbox's password), and author_id or "
                        "the setting \"user\"");
    m->password = ear_str_dup_or(account->secrets[0], "");
    for (char *c = m->own; *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + ('a' - 'A'));
    err = read_switch(settings, "starttls", &m->starttls, diag);
    return err ? err : read_switch(settings, "mark_seen", &m->mark_seen, diag);
}

static ear_err mail_open(void **out, const struct ear_listen_env *env,
                         const struct ear_account_in *account, struct ear_str cursor,
                         struct ear_str session, struct ear_diag *diag)
{
    (void)session; /* a login costs nothing */
    struct mailbox *m = ear_alloc(sizeof(*m));
    void *self = m;
    *m = (struct mailbox){.env = *env,
                          .platform = ear_str_dup_or(account->platform, "mail"),
                          .account = ear_str_dup_or(account->key, ""),
                          .arena = ear_arena_new(ROUND_BYTES_MAX)};
    ear_buf_init(&m->to_mark, 1024);
    ear_timer_new(&m->limit, env->loop, on_limit, m);
    ear_err err = read_settings(m, account, diag);
    if (!err) err = read_cursor(m, account->settings, cursor, diag);
    if (err) mail_close(&self);
    *out = self;
    return err;
}

const struct ear_connector_in ear_mail_in = {
    .name = "mail",
    .caps = {.poll_default_ms = 15000, .poll_least_ms = 1000},
    .open = mail_open,
    .poll = mail_poll,
    .committed = mail_committed,
    .close = mail_close,
};
