/* The receiver dedupes by webhook-id, which is the same for every try, so trying again is always
 * safe. Sources: Standard Webhooks 1.0.0. */
#include "webhook.h"
#include "payload.h"
#include "sign.h"
#include "text/text.h"
#include "json/json.h"
#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_MS         INT64_C(15000)
#define CONCURRENT         8u
#define BODY_BYTES_MAX     (512u << 10)
#define ANSWER_BYTES_MAX   (64u << 10)
#define LENGTH_DEFAULT     10000
#define LENGTH_MAX         50000
#define EXTERNAL_BYTES_MAX 512u

struct delivery {
    struct webhook *webhook;        /* borrowed */
    const struct ear_send_job *job; /* borrowed until told */
    uint64_t request;
    bool busy;
};

struct webhook {
    struct ear_speak_env env;
    char *url;          /* owned */
    char *ca_file;      /* owned; may be NULL */
    int64_t length_max; /* graphemes */
    struct ear_buf key; /* a secret */
    struct delivery deliveries[CONCURRENT];
};

/* ---- settings ---- */

static ear_err read_settings(struct webhook *w, const struct ear_account_out *account,
                             struct ear_diag *diag)
{
    w->url = ear_str_dup_or(ear_json_at(account->settings, "url"), NULL);
    w->ca_file = ear_str_dup_or(ear_json_at(account->settings, "ca_file"), NULL);
    w->length_max = LENGTH_DEFAULT;
    if (!w->url)
        return ear_fail(diag, EAR_INVALID, "setting \"url\" is missing: where replies are posted");
    ear_err err = ear_url_check(ear_str_from(w->url), "http,https", diag);
    if (err) return ear_fail_in(diag, err, "setting \"url\"");
    struct ear_str length = ear_json_at(account->settings, "max_length");
    if (length.len && ear_num_i64(length, 1, LENGTH_MAX, &w->length_max))
        return ear_fail(diag, EAR_INVALID, "setting \"max_length\" must be 1 to %d", LENGTH_MAX);
    if (!account->secret_count)
        return ear_fail(diag, EAR_INVALID, "the account names no secret to sign with");
    return ear_webhook_secret(account->secrets[0], &w->key, diag);
}

static void webhook_close(void **self)
{
    struct webhook *w = *self;
    if (!w) return;
    for (size_t i = 0; i < CONCURRENT; i++)
        if (w->deliveries[i].busy) ear_fetch_cancel(w->env.fetch, w->deliveries[i].request);
    if (w->key.data) ear_secret_wipe(w->key.data, w->key.len);
    ear_buf_release(&w->key);
    free(w->ca_file);
    free(w->url);
    free(w);
    *self = NULL;
}

static ear_err webhook_open(void **out, const struct ear_speak_env *env,
                            const struct ear_account_out *account, struct ear_str session,
                            struct ear_diag *diag)
{
    (void)session; /* there is no login */
    struct webhook *w = ear_alloc(sizeof(*w));
    void *self = w;
    *w = (struct webhook){.env = *env};
    ear_buf_init(&w->key, 128);
    for (size_t i = 0; i < CONCURRENT; i++) w->deliveries[i].webhook = w;
    ear_err err = read_settings(w, account, diag);
    if (err) webhook_close(&self);
    *out = self;
    return err;
}

/* ---- fit and key ---- */

static ear_err webhook_fit(void *self, struct ear_str text, struct ear_str sign_off,
                           struct ear_fit *fit, struct ear_diag *diag)
{
    const struct webhook *w = self;
    struct ear_buf whole;
    text = ear_str_trim(text);
    if (!text.len) return ear_fail(diag, EAR_INVALID, "the reply has no text");
    ear_buf_init(&whole, BODY_BYTES_MAX);
    ear_err err = ear_text_repair(text, &whole);
    if (!err && sign_off.len) err = ear_buf_append_char(&whole, ' ');
    if (!err) err = ear_text_repair(sign_off, &whole);
    size_t length = err ? 0 : ear_text_graphemes(ear_buf_str(&whole));
    if (!err && length > (size_t)w->length_max) {
        fit->over = length - (size_t)w->length_max;
        err = ear_fail(diag, EAR_TOO_LARGE, "%zu characters too long: the channel takes %lld",
                       fit->over, (long long)w->length_max);
    }
    if (!err) err = ear_fit_add(fit, ear_buf_str(&whole));
    ear_buf_release(&whole);
    return err;
}

static ear_err webhook_key(void *self, const struct ear_id *reply_id, struct ear_buf *key)
{
    char text[EAR_ID_TEXT_BYTES];
    (void)self;
    ear_id_format(reply_id, text);
    return ear_buf_printf(key, "reply_%s", text);
}

/* ---- send ---- */

/* Receivers may name what they showed: {"id": "…"}; otherwise our own key is its name. */
static struct ear_str shown_as(struct ear_str body, struct ear_str key, json_t **answer)
{
    if (ear_json_parse(body, ANSWER_BYTES_MAX, answer, NULL)) return key;
    struct ear_str id = ear_json_at(*answer, "id");
    return id.len && id.len <= EXTERNAL_BYTES_MAX ? id : key;
}

/* Whether the receiver would refuse the same bytes again. */
static bool final_status(int status)
{
    return status == 400 || status == 410 || status == 413 || status == 415 || status == 422;
}

/* Not the receiver's word: whoever stands in between shows a page to log in, or of its own errors,
 * with a friendly status. */
static bool is_page(const struct ear_fetch_result *answer)
{
    struct ear_str rest = ear_fetch_header(answer, "content-type"), type;
    return answer->status / 100 == 2 && rest.len && ear_str_split(&rest, ';', &type) &&
           ear_str_eq_nocase(ear_str_trim(type), EAR_STR("text/html"));
}

static void judge(const struct ear_fetch_result *answer, struct ear_send_result *result)
{
    int64_t now_us = ear_clock_wall_us();
    result->retry_at_us = ear_fetch_retry_at_us(answer, now_us);
    if (answer->status / 100 == 2 || answer->status == 429 || answer->status == 503)
        result->pause_until_us = result->retry_at_us;
    /* A status is the receiver's word, also where the body behind it is cut or too long. */
    bool answered = answer->status >= 200;
    if (!answered && answer->fate == EAR_FATE_NOT_SENT) {
        result->state = EAR_SEND_RETRY;
        result->reason = "unreachable";
    } else if (!answered) {
        result->state = EAR_SEND_UNKNOWN;
        result->reason = "no_answer";
    } else if (is_page(answer)) {
        result->state = EAR_SEND_RETRY;
        result->reason = "web_page";
    } else if (answer->status / 100 == 2) {
        result->state = EAR_SEND_SENT;
    } else if (final_status(answer->status)) {
        result->state = EAR_SEND_FAILED;
        result->reason = answer->status == 410 ? "gone" : "refused";
    } else {
        result->state = EAR_SEND_RETRY;
        result->reason = answer->status == 429 ? "limited" : "unavailable";
    }
}

static void on_answer(void *self, const struct ear_fetch_result *answer)
{
    struct delivery *d = self;
    const struct ear_send_job *job = d->job;
    struct webhook *w = d->webhook;
    struct ear_send_result result = {.why = answer->why, .status = answer->status};
    char why[64];
    json_t *parsed = NULL;
    d->busy = false;
    judge(answer, &result);
    if (result.state == EAR_SEND_SENT) {
        result.external_id = shown_as(answer->body, job->key, &parsed);
    } else if (answer->status >= 200) {
        snprintf(why, sizeof(why), "the receiver answered %d%s", answer->status,
                 is_page(answer) ? " with a web page" : "");
        result.why = why;
    }
    w->env.sent(w->env.core, job, &result);
    json_decref(parsed);
}

static ear_err post(struct delivery *d, struct ear_str body, struct ear_diag *diag)
{
    const struct webhook *w = d->webhook;
    struct ear_buf signature;
    char timestamp[24];
    int len = snprintf(timestamp, sizeof(timestamp), "%lld",
                       (long long)(ear_clock_wall_us() / EAR_US_PER_S));
    struct ear_str at = {timestamp, (size_t)len};
    ear_buf_init(&signature, 128);
    ear_err err = ear_webhook_sign(ear_buf_str(&w->key), d->job->key, at, body, &signature);
    const struct ear_fetch_header headers[] = {
        {EAR_STR("content-type"), EAR_STR("application/json")},
        {EAR_STR("webhook-id"), d->job->key},
        {EAR_STR("webhook-timestamp"), at},
        {EAR_STR("webhook-signature"), ear_buf_str(&signature)},
    };
    const struct ear_fetch_request request = {.url = w->url,
                                              .method = "POST",
                                              .headers = headers,
                                              .header_count = EAR_COUNT(headers),
                                              .body = body,
                                              .timeout_ms = TIMEOUT_MS,
                                              .max_body_bytes = ANSWER_BYTES_MAX,
                                              .ca_file = w->ca_file};
    if (!err) err = ear_fetch_start(w->env.fetch, &request, on_answer, d, &d->request, diag);
    ear_buf_release(&signature);
    return err;
}

static struct delivery *free_delivery(struct webhook *w)
{
    for (size_t i = 0; i < CONCURRENT; i++)
        if (!w->deliveries[i].busy) return &w->deliveries[i];
    return NULL;
}

static ear_err webhook_send(void *self, const struct ear_send_job *job, struct ear_diag *diag)
{
    struct delivery *d = free_delivery(self);
    struct ear_buf body;
    if (!d) return ear_fail(diag, EAR_AGAIN, "more than %u replies under way", CONCURRENT);
    d->job = job;
    ear_buf_init(&body, BODY_BYTES_MAX);
    ear_err err = ear_webhook_payload(job, &body);
    if (err)
        ear_fail(diag, err, "the reply cannot be written as JSON");
    else
        err = post(d, ear_buf_str(&body), diag);
    ear_buf_release(&body);
    d->busy = !err;
    return err;
}

static ear_err webhook_look(void *self, const struct ear_send_job *job, struct ear_diag *diag)
{
    (void)self;
    (void)job;
    return ear_fail(diag, EAR_UNSUPPORTED, "a webhook cannot be read back");
}

const struct ear_connector_out ear_webhook_out = {
    .name = "webhook",
    .caps = {.direct = true,
             .look = false,
             .again = EAR_AGAIN_SAFE,
             .send_timeout_ms = TIMEOUT_MS,
             .settling_ms = 0,
             .concurrent = CONCURRENT,
             .rate_count = 50,
             .rate_ms = 1000},
    .open = webhook_open,
    .fit = webhook_fit,
    .key = webhook_key,
    .send = webhook_send,
    .look = webhook_look,
    .close = webhook_close,
};
