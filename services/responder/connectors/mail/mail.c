/* The fate of a mail hangs on its final dot: what failed before it is tried again, what has no
 * answer after it is unknown and never sent again. The Message-ID, chosen before, only lets
 * bounces and answers be matched. */
#include "mail.h"
#include "letter.h"
#include "mime/mime.h"
#include "text/text.h"
#include "json/json.h"
#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_MS     INT64_C(120000) /* servers check for long behind the final dot */
#define MAIL_BYTES_MAX (512u << 10)
#define TEXT_BYTES_MAX (100u << 10)

struct postman {
    struct ear_speak_env env;
    char *url, *user, *password, *ca_file, *from, *from_name; /* owned */
    bool starttls;
    const struct ear_send_job *job; /* borrowed; NULL: none */
    uint64_t request;
};

/* ---- fit and key ---- */

static ear_err mail_fit(void *self, struct ear_str text, struct ear_str sign_off,
                        struct ear_fit *fit, struct ear_diag *diag)
{
    struct ear_buf whole;
    (void)self;
    text = ear_str_trim(text);
    if (!text.len) return ear_fail(diag, EAR_INVALID, "the reply has no text");
    ear_buf_init(&whole, TEXT_BYTES_MAX);
    ear_err err = ear_text_repair(text, &whole);
    if (!err && sign_off.len) err = ear_buf_append_str(&whole, EAR_STR("\n\n"));
    if (!err) err = ear_text_repair(sign_off, &whole);
    if (!err) err = ear_buf_append_char(&whole, '\n');
    if (!err) err = ear_fit_add(fit, ear_buf_str(&whole));
    if (err == EAR_TOO_LARGE) {
        size_t len = text.len + sign_off.len + 3;
        fit->over = len > TEXT_BYTES_MAX ? len - TEXT_BYTES_MAX : 1;
        ear_fail(diag, err, "%zu bytes too long: a mail of ours holds %u", fit->over,
                 TEXT_BYTES_MAX);
    }
    ear_buf_release(&whole);
    return err;
}

static ear_err mail_key(void *self, const struct ear_id *reply_id, struct ear_buf *key)
{
    const struct postman *p = self;
    return ear_letter_key(reply_id, ear_str_from(p->from), key);
}

/* ---- send ---- */

/* Codes that speak of our login or of the server, not of this mail. */
static bool concerns_account(int status)
{
    return status == 421 || status == 454 || status == 530 || status == 534 || status == 535 ||
           status == 538;
}

static void judge(const struct ear_fetch_result *answer, struct ear_send_result *result)
{
    if (answer->fate == EAR_FATE_UNKNOWN) {
        result->state = EAR_SEND_UNKNOWN;
        result->reason = "no_answer";
    } else if (answer->fate == EAR_FATE_NOT_SENT) {
        result->state = EAR_SEND_RETRY;
        result->reason = answer->err == EAR_DENIED ? "denied" : "unreachable";
    } else if (answer->status / 100 == 2) {
        result->state = EAR_SEND_SENT;
    } else if (concerns_account(answer->status)) {
        result->state = EAR_SEND_RETRY;
        result->reason = answer->status == 421 ? "unavailable" : "denied";
    } else if (answer->status / 100 == 4) {
        result->state = EAR_SEND_RETRY;
        result->reason = "postponed";
    } else {
        result->state = EAR_SEND_FAILED;
        result->reason = "refused";
    }
}

static void on_answer(void *self, const struct ear_fetch_result *answer)
{
    struct postman *p = self;
    const struct ear_send_job *job = p->job;
    struct ear_send_result result = {.why = answer->why, .status = answer->status};
    char why[64];
    p->job = NULL;
    judge(answer, &result);
    if (result.state == EAR_SEND_SENT) result.external_id = job->key;
    if (answer->fate == EAR_FATE_ANSWERED && result.state != EAR_SEND_SENT) {
        snprintf(why, sizeof(why), "the mail server answered %d", answer->status);
        result.why = why;
    }
    p->env.sent(p->env.core, job, &result);
}

static ear_err post(struct postman *p, const struct ear_buf *raw, const char *to,
                    struct ear_diag *diag)
{
    const struct ear_fetch_request request = {.url = p->url,
                                              .body = ear_buf_str(raw),
                                              .timeout_ms = TIMEOUT_MS,
                                              .ca_file = p->ca_file,
                                              .user = p->user,
                                              .password = p->user ? p->password : NULL,
                                              .require_tls = p->starttls,
                                              .mail_from = p->from,
                                              .mail_to = &to,
                                              .mail_to_count = 1};
    return ear_fetch_start(p->env.fetch, &request, on_answer, p, &p->request, diag);
}

static ear_err mail_send(void *self, const struct ear_send_job *job, struct ear_diag *diag)
{
    struct postman *p = self;
    const struct ear_letter_from from = {ear_str_from(p->from), ear_str_from(p->from_name)};
    char to[EAR_LETTER_TO_BYTES];
    struct ear_buf raw;
    if (p->job) return ear_fail(diag, EAR_AGAIN, "another mail is under way");
    ear_buf_init(&raw, MAIL_BYTES_MAX);
    ear_err err = ear_letter_write(job, &from, ear_clock_wall_us(), &raw, to, diag);
    if (!err) err = post(p, &raw, to, diag);
    if (!err) p->job = job;
    ear_buf_release(&raw);
    return err;
}

static ear_err mail_look(void *self, const struct ear_send_job *job, struct ear_diag *diag)
{
    (void)self;
    (void)job;
    return ear_fail(diag, EAR_UNSUPPORTED, "a mail cannot be read back");
}

/* ---- life ---- */

static void mail_close(void **self)
{
    struct postman *p = *self;
    if (!p) return;
    if (p->job) ear_fetch_cancel(p->env.fetch, p->request);
    if (p->password) ear_secret_wipe(p->password, strlen(p->password));
    char *texts[] = {p->url, p->user, p->password, p->ca_file, p->from, p->from_name};
    for (size_t i = 0; i < EAR_COUNT(texts); i++) free(texts[i]);
    free(p);
    *self = NULL;
}

static ear_err read_login(struct postman *p, const struct ear_account_out *account,
                          struct ear_diag *diag)
{
    const json_t *settings = account->settings;
    struct ear_str auth = ear_json_at(settings, "smtp_login");
    struct ear_str starttls = ear_json_at(settings, "starttls");
    struct ear_str user = ear_json_at(settings, "user");
    p->starttls = !ear_str_eq(starttls, EAR_STR("off"));
    if (ear_str_eq(auth, EAR_STR("off"))) return EAR_OK;
    if (!account->secret_count)
        return ear_fail(diag, EAR_INVALID,
                        "the account names no secret: the mailbox's password (or set "
                        "\"smtp_login\" to off)");
    /* A second secret is the password for sending where that differs. */
    p->user = ear_str_dup_or(user.len ? user : account->author_id, NULL);
    p->password = ear_str_dup_or(account->secrets[account->secret_count > 1 ? 1 : 0], "");
    return p->user ? EAR_OK
                   : ear_fail(diag, EAR_INVALID, "author_id or the setting \"user\" is missing");
}

/* smtp://HOST → smtp://HOST/DOMAIN: how we greet, since a host inside a container has no name that
 * a server outside would believe. */
static char *greet_as(char *url, const char *from)
{
    struct ear_buf whole;
    const char *host = strstr(url, "://");
    const char *domain = strchr(from, '@');
    if (!host || !domain || strchr(host + 3, '/')) return url;
    ear_buf_init(&whole, 4096);
    if (!ear_buf_printf(&whole, "%s/%s", url, domain + 1)) {
        free(url);
        url = ear_strdup(whole.data);
    }
    ear_buf_release(&whole);
    return url;
}

static ear_err read_settings(struct postman *p, const struct ear_account_out *account,
                             struct ear_diag *diag)
{
    struct ear_str from = ear_json_at(account->settings, "from");
    p->url = ear_str_dup_or(ear_json_at(account->settings, "smtp"), NULL);
    p->from = ear_str_dup_or(from.len ? from : account->author_id, "");
    p->from_name = ear_str_dup_or(ear_json_at(account->settings, "from_name"), "");
    p->ca_file = ear_str_dup_or(ear_json_at(account->settings, "ca_file"), NULL);
    if (!p->url)
        return ear_fail(diag, EAR_INVALID,
                        "setting \"smtp\" is missing: smtps://HOST or smtp://HOST:587");
    ear_err err = ear_url_check(ear_str_from(p->url), "smtp,smtps", diag);
    if (err) return ear_fail_in(diag, err, "setting \"smtp\"");
    if (!ear_mail_address_valid(ear_str_from(p->from)))
        return ear_fail(diag, EAR_INVALID,
                        "author_id or the setting \"from\" must be a mail address");
    p->url = greet_as(p->url, p->from);
    return read_login(p, account, diag);
}

static ear_err mail_open(void **out, const struct ear_speak_env *env,
                         const struct ear_account_out *account, struct ear_str session,
                         struct ear_diag *diag)
{
    (void)session; /* a login costs nothing */
    struct postman *p = ear_alloc(sizeof(*p));
    void *self = p;
    *p = (struct postman){.env = *env};
    ear_err err = read_settings(p, account, diag);
    if (err) mail_close(&self);
    *out = self;
    return err;
}

const struct ear_connector_out ear_mail_out = {
    .name = "mail",
    .caps = {.direct = true,
             .look = false,
             .again = EAR_AGAIN_NEVER,
             .send_timeout_ms = TIMEOUT_MS,
             .settling_ms = 0,
             .concurrent = 1,
             .rate_count = 30,
             .rate_ms = 60000},
    .open = mail_open,
    .fit = mail_fit,
    .key = mail_key,
    .send = mail_send,
    .look = mail_look,
    .close = mail_close,
};
