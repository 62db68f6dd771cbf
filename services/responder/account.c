#include "account.h"

#include "attempt.h"
#include "catalogue.h"
#include "lease.h"
#include "sender.h"
#include "store_sql.h"
#include "json/json.h"
#include <stdio.h>
#include <stdlib.h>

#define OPEN_AGAIN_MS      30000
#define SECRETS_MAX        16
#define SECRET_BYTES_MAX   ((size_t)64 << 10)
#define SETTINGS_BYTES_MAX ((size_t)256 << 10)
#define LEASE_MARGIN_MS    1000

/* ---- one account ---- */

static struct ear_account *account_new(struct ear_responder *core, struct ear_str id)
{
    struct ear_account *account = ear_alloc(sizeof(*account));
    struct ear_buf name;
    ear_buf_init(&name, id.len + 16);
    ear_err err = ear_buf_printf(&name, "send/%.*s", EAR_STR_ARG(id));
    EAR_CHECK(err == EAR_OK);
    *account = (struct ear_account){.core = core, .lease_name = name.data};
    account->id = ear_strdup(name.data + strlen("send/"));
    account->platform = ear_strdup("");
    account->author_id = ear_strdup("");
    account->settings = ear_strdup("{}");
    account->secrets = ear_strdup("");
    TAILQ_INIT(&account->attempts);
    ear_timer_new(&account->timer, core->loop, ear_sender_on_timer, account);
    return account;
}

/* Ends what is under way without an end in the journal. */
static void account_close(struct ear_account *account)
{
    if (account->voice) account->connector->close(&account->voice);
    account->voice = NULL;
    while (!TAILQ_EMPTY(&account->attempts)) ear_attempt_drop(TAILQ_FIRST(&account->attempts));
}

static void account_free(void *value)
{
    struct ear_account *account = value;
    account_close(account);
    ear_timer_free(&account->timer);
    free(account->id);
    free(account->lease_name);
    free(account->platform);
    free(account->author_id);
    free(account->settings);
    free(account->secrets);
    free(account);
}

bool ear_account_leased(const struct ear_account *account)
{
    return account->epoch && !account->leaving &&
           ear_loop_now_ms(account->core->loop) < account->leased_until_ms - LEASE_MARGIN_MS;
}

int64_t ear_account_now_us(const struct ear_account *account)
{
    return ear_clock_wall_us() + account->ahead_us;
}

/* ---- whether it can answer ---- */

static void fails(struct ear_account *account, const char *why)
{
    if (!account->trouble[0]) account->trouble_since_us = ear_account_now_us(account);
    snprintf(account->trouble, sizeof(account->trouble), "%s", why);
    account->unusable = !account->voice;
}

void ear_account_works(struct ear_account *account)
{
    account->trouble[0] = '\0';
    account->unusable = false;
}

void ear_account_reply_ended(struct ear_account *account)
{
    if (!account->unusable) ear_account_works(account);
}

/* Others lie with the reply, or say no more than "later". */
static bool lies_with_account(const char *reason)
{
    static const char *const reasons[] = {"denied",    "unreachable", "unavailable",
                                          "no_answer", "web_page",    EAR_REASON_CANNOT_LOOK};
    for (size_t i = 0; reason && i < EAR_COUNT(reasons); i++)
        if (strcmp(reason, reasons[i]) == 0) return true;
    return false;
}

void ear_account_learn(struct ear_account *account, const char *reason, const char *why)
{
    if (lies_with_account(reason))
        fails(account, why && *why ? why : reason);
    else
        ear_account_works(account);
    /* Perhaps the secret was rotated: read it anew before the next try. */
    if (reason && strcmp(reason, "denied") == 0) account->stale = true;
}

/* ---- opening ---- */

struct secrets {
    struct ear_buf contents[SECRETS_MAX];
    struct ear_str shown[SECRETS_MAX];
    size_t count;
};

static void secrets_release(struct secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++) {
        struct ear_buf *content = &secrets->contents[i];
        if (content->data) ear_secret_wipe(content->data, content->len);
        ear_buf_release(content);
    }
}

static ear_err read_secret(struct secrets *secrets, const char *dir, struct ear_str name,
                           struct ear_diag *diag)
{
    bool plain = name.len && name.ptr[0] != '.' && !memchr(name.ptr, '/', name.len);
    if (!plain || secrets->count == SECRETS_MAX)
        return ear_fail(diag, EAR_INVALID, "not a name of a secret: \"%.*s\"", EAR_STR_ARG(name));
    struct ear_buf path;
    struct ear_buf *content = &secrets->contents[secrets->count];
    ear_buf_init(&path, 4096);
    ear_buf_init(content, SECRET_BYTES_MAX);
    ear_err err = ear_buf_printf(&path, "%s/%.*s", dir, EAR_STR_ARG(name));
    if (err)
        ear_fail(diag, err, "the path of a secret is too long");
    else
        err = ear_file_read_secret(path.data, content, diag);
    ear_buf_release(&path);
    secrets->shown[secrets->count++] = ear_buf_str(content);
    return err;
}

static ear_err read_secrets(struct ear_account *account, struct secrets *secrets,
                            struct ear_diag *diag)
{
    struct ear_str rest = ear_str_from(account->secrets);
    struct ear_str name;
    ear_err err = EAR_OK;
    if (!rest.len) return EAR_OK;
    while (!err && ear_str_split(&rest, '\n', &name))
        err = read_secret(secrets, account->core->settings->secrets_dir, name, diag);
    return err;
}

static void set_pace(struct ear_account *account, const json_t *settings)
{
    int64_t count = account->connector->caps.rate_count;
    int64_t period_ms = account->connector->caps.rate_ms;
    int64_t own_count, own_period_ms;
    struct ear_str rate = ear_json_at(settings, "rate");
    if (rate.len && ear_bucket_parse(rate, &own_count, &own_period_ms) == EAR_OK &&
        (double)own_count * (double)period_ms < (double)count * (double)own_period_ms) {
        count = own_count;
        period_ms = own_period_ms;
    }
    ear_bucket_init(&account->bucket, count, period_ms, ear_loop_now_ms(account->core->loop));
}

static ear_err open_voice(struct ear_account *account, struct ear_str session,
                          struct ear_diag *diag)
{
    struct secrets secrets = {.count = 0};
    struct ear_speak_env env = {.loop = account->core->loop,
                                .fetch = account->core->fetch,
                                .sent = ear_attempt_on_sent,
                                .looked = ear_attempt_on_looked,
                                .core = account};
    json_t *settings = NULL;
    ear_err err =
        ear_json_parse(ear_str_from(account->settings), SETTINGS_BYTES_MAX, &settings, diag);
    if (!err) err = read_secrets(account, &secrets, diag);
    if (!err) {
        struct ear_account_out shown = {.key = ear_str_from(account->id),
                                        .platform = ear_str_from(account->platform),
                                        .author_id = ear_str_from(account->author_id),
                                        .settings = settings,
                                        .secrets = secrets.shown,
                                        .secret_count = secrets.count};
        err = account->connector->open(&account->voice, &env, &shown, session, diag);
    }
    if (!err) set_pace(account, settings);
    if (settings) json_decref(settings);
    secrets_release(&secrets);
    return err;
}

static void on_session(void *self, ear_err err, const struct ear_pg_result *const *results,
                       size_t count, const struct ear_diag *diag)
{
    struct ear_account *account = self;
    struct ear_diag why = *diag;
    account->opening = false;
    if (err == EAR_CLOSED) return;
    if (!err) {
        EAR_CHECK(count == 1 && !account->voice);
        bool kept = ear_pg_rows(results[0]) > 0;
        struct ear_str session = kept ? ear_pg_get_str(results[0], 0, 0) : EAR_STR("");
        err = open_voice(account, session, &why);
        if (err) account->voice = NULL;
        if (err) fails(account, why.text);
    }
    if (err) {
        /* What was declared anew meanwhile is tried at once. */
        account->open_again_ms =
            account->stale ? 0 : ear_loop_now_ms(account->core->loop) + OPEN_AGAIN_MS;
        ear_log(&EV_ACCOUNT_UNUSABLE, kv_text("account", account->id), kv_err(err),
                kv_text("why", why.text));
    } else {
        if (account->unusable) ear_account_works(account);
        ear_log(&EV_ACCOUNT_OPENED, kv_text("account", account->id),
                kv_text("connector", account->connector->name));
    }
    ear_sender_wake(account);
}

static void choose_connector(struct ear_account *account)
{
    json_t *settings = NULL;
    struct ear_diag diag;
    account->connector = NULL;
    if (ear_json_parse(ear_str_from(account->settings), SETTINGS_BYTES_MAX, &settings, &diag) ==
        EAR_OK)
        account->connector = ear_connector_out_find(ear_str_from(account->platform), settings);
    if (settings) json_decref(settings);
}

bool ear_account_open(struct ear_account *account)
{
    if (account->opening) return false;
    if (account->stale) {
        if (account->under_way) return false;
        if (account->voice) account->connector->close(&account->voice);
        account->voice = NULL;
        choose_connector(account);
        if (!account->connector) return false; /* its replies end without one */
    }
    if (account->voice) return true;
    if (ear_loop_now_ms(account->core->loop) < account->open_again_ms) return false;
    account->opening = true;
    account->stale = false; /* unless something changes before it is open */
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_READ_SESSION);
    ear_pg_text(batch, ear_str_from(account->id));
    ear_pg_run(account->core->pg, &batch, on_session, account);
    return false;
}

/* ---- all of them ---- */

void ear_accounts_new(struct ear_accounts **out, struct ear_responder *core)
{
    *out = ear_alloc(sizeof(**out));
    **out = (struct ear_accounts){.core = core, .by_id = ear_map_new()};
}

void ear_accounts_free(struct ear_accounts **ref)
{
    struct ear_accounts *accounts = *ref;
    if (!accounts) return;
    *ref = NULL;
    ear_map_free(&accounts->by_id, account_free);
    free(accounts);
}

struct ear_account *ear_accounts_find(struct ear_accounts *accounts, struct ear_str id)
{
    return ear_map_get(accounts->by_id, id);
}

static bool add_under_way(void *self, struct ear_str key, void *value)
{
    (void)key;
    *(size_t *)self += ((struct ear_account *)value)->under_way;
    return true;
}

size_t ear_accounts_under_way(struct ear_accounts *accounts)
{
    size_t count = 0;
    ear_map_each(accounts->by_id, add_under_way, &count);
    return count;
}

static bool add_failing(void *self, struct ear_str key, void *value)
{
    const struct ear_account *account = value;
    (void)key;
    if (account->trouble[0] && account->connector && account->declared && account->enabled &&
        ear_account_leased(account))
        ear_failing_add(self, account->id, account->connector->name, account->trouble_since_us,
                        account->trouble);
    return true;
}

ear_err ear_accounts_describe(struct ear_accounts *accounts, struct ear_buf *json)
{
    struct ear_failing unanswered;
    ear_failing_init(&unanswered);
    ear_map_each(accounts->by_id, add_failing, &unanswered);
    return ear_failing_write(&unanswered, "unanswered", json);
}

/* True when the text is another one now. */
static bool renew_text(char **text, struct ear_str value)
{
    if (ear_str_eq(ear_str_from(*text), value)) return false;
    free(*text);
    *text = ear_str_dup(value);
    return true;
}

/* Of read_accounts. */
enum column { ACCOUNT_ID, PLATFORM, AUTHOR_ID, SETTINGS, SECRETS, ENABLED, DECLARED };

static void take_row(struct ear_accounts *accounts, const struct ear_pg_result *rows, size_t row)
{
    struct ear_str id = ear_pg_get_str(rows, row, ACCOUNT_ID);
    struct ear_account *account = ear_accounts_find(accounts, id);
    if (!account) {
        account = account_new(accounts->core, id);
        ear_map_put(accounts->by_id, id, account);
    }
    bool declared = ear_pg_get_bool(rows, row, DECLARED);
    bool changed = renew_text(&account->platform, ear_pg_get_str(rows, row, PLATFORM));
    changed |= renew_text(&account->author_id, ear_pg_get_str(rows, row, AUTHOR_ID));
    changed |= renew_text(&account->settings, ear_pg_get_str(rows, row, SETTINGS));
    changed |= renew_text(&account->secrets, ear_pg_get_str(rows, row, SECRETS));
    changed |= account->declared != declared;
    account->enabled = ear_pg_get_bool(rows, row, ENABLED);
    account->declared = declared;
    account->listed = true;
    if (!account->enabled) ear_account_works(account);
    if (changed || accounts->renew) {
        account->stale = true;
        account->open_again_ms = 0;
    }
    if (!account->voice && !account->under_way && !account->opening) choose_connector(account);
}

static void take_limit(struct ear_accounts *accounts, const struct ear_pg_result *rows, size_t row)
{
    struct ear_account *account = ear_accounts_find(accounts, ear_pg_get_str(rows, row, 0));
    int64_t until_us = ear_pg_get_time(rows, row, 1);
    if (account && until_us > account->resume_at_us) account->resume_at_us = until_us;
}

static bool forget_unlisted(void *self, struct ear_str key, void *value)
{
    struct ear_accounts *accounts = self;
    struct ear_account *account = value;
    bool busy = account->under_way || account->loading || account->opening;
    if (!account->listed && !busy) {
        ear_map_take(accounts->by_id, key);
        account_free(account);
        return true;
    }
    if (!account->listed) account->declared = false;
    account->listed = false;
    ear_sender_wake(account);
    return true;
}

static void on_accounts(void *self, ear_err err, const struct ear_pg_result *const *results,
                        size_t count, const struct ear_diag *diag)
{
    struct ear_accounts *accounts = self;
    accounts->reading = false;
    if (err == EAR_CLOSED) return;
    accounts->failed = err != EAR_OK;
    if (err) {
        ear_log(&EV_READ_FAILED, kv_text("what", "accounts"), kv_diag(diag));
        return;
    }
    EAR_CHECK(count == 2);
    for (size_t i = 0; i < ear_pg_rows(results[0]); i++) take_row(accounts, results[0], i);
    for (size_t i = 0; i < ear_pg_rows(results[1]); i++) take_limit(accounts, results[1], i);
    ear_map_each(accounts->by_id, forget_unlisted, accounts);
    accounts->read_once = true;
    accounts->renew = false;
    ear_leases_hurry(accounts->core->leases);
    if (accounts->read_again) ear_accounts_read(accounts);
}

void ear_accounts_read(struct ear_accounts *accounts)
{
    accounts->read_again = accounts->reading;
    if (accounts->reading) return;
    accounts->reading = true;
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_READ_ACCOUNTS);
    ear_pg_batch_add(batch, STORE_READ_LIMITS);
    ear_pg_run(accounts->core->pg, &batch, on_accounts, accounts);
}

void ear_accounts_renew(struct ear_accounts *accounts)
{
    accounts->renew = true;
    ear_accounts_read(accounts);
}
