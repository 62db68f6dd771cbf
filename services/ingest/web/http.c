#include "web/http.h"
#include "events.h"
#include "web/parcel.h"
#include "web/webhook.h"
#include <stdlib.h>

#define BODY_BYTES_MAX   (4u << 20)
#define ANSWER_BYTES_MAX (1u << 20)
#define RETRY_DOWN_S     5
#define RETRY_FULL_S     1
#define REFUSING_MS      1000 /* one that failed is none */
#define LATELY_MS        5000 /* nobody came since: perhaps it works again */

/* Why a request is not let in. "body" has lines of its own, about its posts. */
typedef enum refusal {
    REFUSED_ACCOUNT,
    REFUSED_BODY,
    REFUSED_CONTENT_TYPE,
    REFUSED_HEADERS,
    REFUSED_SIGNATURE,
    REFUSED_TIME,
    REFUSED_TOKEN,
    REFUSALS
} refusal;

static const char *const refusal_names[REFUSALS] = {"account",   "body", "content_type", "headers",
                                                    "signature", "time", "token"};

struct ear_http {
    struct ear_care *care;
    struct ear_intake *intake;
    const struct ear_ingest_settings *settings;
    struct ear_log_budget refused_lines[REFUSALS]; /* a flood of one kind hides no other */
    struct ear_log_budget malformed_lines;
    int64_t failing_since_ms, failed_ms; /* 0: the last delivery was stored */
    bool draining;
};

/* A request whose posts are with intake. */
struct visit {
    struct ear_http *http;
    struct ear_httpd_request *request;
    struct ear_parcel parcel;
    struct ear_delivery delivery;
    struct ear_receipt receipt;
};

static void visit_free(struct visit *visit)
{
    ear_parcel_release(&visit->parcel);
    free(visit);
}

/* --- Answers --- */

static void answer_down(struct ear_httpd_request *request)
{
    ear_httpd_problem(request, 503, "Not now",
                      "The posts could not be stored. Send the same request again later.",
                      RETRY_DOWN_S);
}

static void answer_lines(struct ear_httpd_request *request, const struct ear_buf *lines)
{
    ear_httpd_answer(request, 200, "application/x-ndjson", ear_buf_str(lines), NULL, 0);
}

static void on_write_answer(struct ear_delivery *delivery)
{
    struct visit *visit = delivery->self;
    /* Short of memory the answer is cut; the sender repeats, and everything is a duplicate. */
    if (ear_parcel_answer(&visit->parcel, delivery->results, &delivery->answer) != EAR_OK) {
        ear_buf_reset(&delivery->answer);
    }
}

static void answer_fresh(const struct visit *visit)
{
    struct ear_buf lines;
    ear_buf_init(&lines, ANSWER_BYTES_MAX);
    if (ear_parcel_answer(&visit->parcel, visit->delivery.results, &lines) == EAR_OK) {
        answer_lines(visit->request, &lines);
    } else {
        answer_down(visit->request);
    }
    ear_buf_release(&lines);
}

static void note_fate(struct ear_http *http, ear_err err)
{
    int64_t now_ms = ear_clock_mono_ms();
    if (!err) http->failing_since_ms = 0;
    if (!ear_err_retryable(err)) return;
    if (!http->failing_since_ms || now_ms - http->failed_ms > LATELY_MS)
        http->failing_since_ms = now_ms;
    http->failed_ms = now_ms;
}

static void on_done(struct ear_delivery *delivery)
{
    struct visit *visit = delivery->self;
    note_fate(visit->http, delivery->err);
    if (delivery->err != EAR_OK) {
        answer_down(visit->request);
    } else if (delivery->receipt) {
        answer_lines(visit->request, &delivery->answer);
    } else {
        answer_fresh(visit);
    }
    visit_free(visit);
}

/* --- What both routes share --- */

typedef enum kind { KIND_ONE, KIND_LINES, KIND_OTHER } kind;

static kind kind_of(const struct ear_httpd_request *request)
{
    struct ear_str rest = ear_httpd_header(request, "Content-Type"), type;
    /* Nothing is ever unpacked: who sends a bomb is told so. */
    if (ear_httpd_header(request, "Content-Encoding").len) return KIND_OTHER;
    if (!rest.len || !ear_str_split(&rest, ';', &type)) return KIND_OTHER;
    type = ear_str_trim(type);
    if (ear_str_eq_nocase(type, EAR_STR("application/json"))) return KIND_ONE;
    if (ear_str_eq_nocase(type, EAR_STR("application/x-ndjson"))) return KIND_LINES;
    return KIND_OTHER;
}

static bool read_lane(const struct ear_httpd_request *request, ear_lane *lane)
{
    struct ear_str text = ear_httpd_query(request, "lane");
    if (text.len == 0) return true;
    if (ear_str_eq(text, EAR_STR("live"))) {
        *lane = EAR_LANE_LIVE;
    } else if (ear_str_eq(text, EAR_STR("backfill"))) {
        *lane = EAR_LANE_BACKFILL;
    } else {
        return false;
    }
    return true;
}

static void note_refusal(struct ear_http *http, struct ear_str account, refusal reason,
                         const char *why)
{
    uint64_t suppressed;
    ear_metric_add(&M_WEBHOOKS_REFUSED, 1, refusal_names[reason]);
    if (ear_log_budget_spend(&http->refused_lines[reason], ear_clock_mono_ms(), &suppressed))
        ear_log(&EV_INGEST_WEBHOOK_REFUSED, kv_str("account", account),
                kv_text("reason", refusal_names[reason]), kv_text("why", why),
                kv_int("suppressed", suppressed));
}

static void note_malformed(struct ear_http *http, const struct visit *visit, const char *why)
{
    uint64_t suppressed;
    ear_metric_add(&M_POSTS_TOTAL, (double)visit->parcel.malformed,
                   ear_lane_name(visit->delivery.lane), "malformed");
    if (ear_log_budget_spend(&http->malformed_lines, ear_clock_mono_ms(), &suppressed))
        ear_log(&EV_INGEST_POST_REFUSED, kv_str("account", visit->delivery.account),
                kv_int("posts", visit->parcel.malformed), kv_text("why", why),
                kv_int("suppressed", suppressed));
}

static const char *first_error(const struct ear_parcel *parcel)
{
    for (size_t i = 0; i < parcel->line_count; i++)
        if (parcel->lines[i].error) return parcel->lines[i].error;
    return "";
}

/* False when it has answered already. */
static bool read_body(struct ear_http *http, struct visit *visit)
{
    struct ear_diag diag = {0};
    struct ear_httpd_request *request = visit->request;
    kind body = kind_of(request);
    if (body == KIND_OTHER) {
        note_refusal(http, visit->delivery.account, REFUSED_CONTENT_TYPE,
                     "neither JSON nor NDJSON, or packed");
        ear_httpd_problem(request, 415, "Unsupported content type",
                          "Send application/json (one post) or application/x-ndjson, as it is: "
                          "without Content-Encoding.",
                          0);
        return false;
    }
    if (!read_lane(request, &visit->delivery.lane)) {
        ear_httpd_problem(request, 400, "Bad request", "lane must be live or backfill.", 0);
        return false;
    }
    int64_t now_us = ear_clock_wall_us();
    struct ear_str text = ear_httpd_body(request);
    ear_err err = body == KIND_ONE ? ear_parcel_read_one(&visit->parcel, text, now_us, &diag)
                                   : ear_parcel_read_lines(&visit->parcel, text, now_us, &diag);
    if (ear_err_retryable(err)) {
        answer_down(request);
        return false;
    }
    if (visit->parcel.malformed || err) {
        const char *why = err ? diag.text : first_error(&visit->parcel);
        note_malformed(http, visit, why);
    }
    if (err == EAR_OK) return true;
    bool large = err == EAR_TOO_LARGE;
    ear_metric_add(&M_WEBHOOKS_REFUSED, 1, refusal_names[REFUSED_BODY]);
    ear_httpd_problem(request, large ? 413 : 400, large ? "Too many posts" : "Bad request",
                      diag.text, 0);
    return false;
}

static void hand_over(struct ear_http *http, struct visit *visit)
{
    visit->delivery.posts = visit->parcel.posts;
    visit->delivery.count = visit->parcel.post_count;
    visit->delivery.checked = true; /* line by line, so that each is told what is wrong */
    visit->delivery.done = on_done;
    visit->delivery.self = visit;
    if (visit->delivery.count == 0) {
        answer_fresh(visit); /* nothing but malformed lines */
        visit_free(visit);
        return;
    }
    ear_err err = ear_intake_take(http->intake, &visit->delivery);
    if (err == EAR_OK) return;
    if (err == EAR_AGAIN) {
        ear_httpd_problem(visit->request, 429, "Too many posts at once",
                          "Send the same request again in a moment.", RETRY_FULL_S);
    } else {
        answer_down(visit->request);
    }
    visit_free(visit);
}

static bool can_take(const struct ear_http *http, struct ear_httpd_request *request)
{
    if (!http->draining && ear_care_loaded(http->care)) return true;
    answer_down(request);
    return false;
}

/* --- Webhook --- */

static void refuse(struct ear_http *http, struct ear_httpd_request *request, struct ear_str account,
                   refusal reason, const char *why)
{
    note_refusal(http, account, reason, why);
    ear_httpd_problem(request, 401, "Not signed by a key of this account", why, 0);
}

static refusal reason_of(ear_err err)
{
    switch (err) {
    case EAR_TIMEOUT:
        return REFUSED_TIME;
    case EAR_DENIED:
        return REFUSED_SIGNATURE;
    default:
        return REFUSED_HEADERS;
    }
}

static struct ear_webhook_head head_of(const struct ear_httpd_request *request)
{
    return (struct ear_webhook_head){
        .id = ear_httpd_header(request, "webhook-id"),
        .timestamp = ear_httpd_header(request, "webhook-timestamp"),
        .signatures = ear_httpd_header(request, "webhook-signature"),
    };
}

/* Over the raw bytes, before anything of them is looked at. An account that is not there and one
 * without keys answer alike. */
static bool is_signed(struct ear_http *http, struct ear_httpd_request *request, struct ear_str name)
{
    struct ear_diag diag = {0};
    const struct ear_account *account = ear_care_find(http->care, name);
    const struct ear_webhook_head head = head_of(request);
    if (!account || !account->enabled || account->key_count == 0) {
        refuse(http, request, name, REFUSED_ACCOUNT, "no signature fits a key of this account");
        return false;
    }
    ear_err err =
        ear_webhook_verify(account->keys, account->key_count, &head, ear_httpd_body(request),
                           ear_clock_wall_us(), http->settings->window_ms, &diag);
    if (err == EAR_OK) return true;
    refuse(http, request, name, reason_of(err), diag.text);
    return false;
}

static void on_webhook(void *self, struct ear_httpd_request *request)
{
    struct ear_http *http = self;
    struct ear_str account = ear_httpd_segment(request, "account");
    if (!can_take(http, request) || !is_signed(http, request, account)) return;
    struct visit *visit = ear_alloc(sizeof(*visit));
    visit->http = http;
    visit->request = request;
    visit->delivery.lane = EAR_LANE_LIVE;
    visit->delivery.account = account;
    visit->delivery.entry = EARSHOT__V1__ENTRY__ENTRY_WEBHOOK;
    visit->receipt.account = account;
    visit->receipt.webhook_id = ear_httpd_header(request, "webhook-id");
    ear_sha256(ear_httpd_body(request), visit->receipt.body_sha256);
    visit->delivery.receipt = &visit->receipt;
    visit->delivery.write_answer = on_write_answer;
    if (read_body(http, visit)) {
        hand_over(http, visit);
    } else {
        visit_free(visit);
    }
}

/* --- Replay --- */

static bool has_token(const struct ear_http *http, const struct ear_httpd_request *request)
{
    struct ear_str given = ear_httpd_header(request, "Authorization");
    struct ear_str wanted = ear_str_from(http->settings->replay_token);
    uint8_t one[EAR_SHA256_BYTES], other[EAR_SHA256_BYTES];
    if (wanted.len == 0 || !ear_str_starts(given, EAR_STR("Bearer "))) return false;
    /* Hashes, so that the length of the token does not show either. */
    ear_sha256((struct ear_str){given.ptr + 7, given.len - 7}, one);
    ear_sha256(wanted, other);
    return ear_secret_eq(one, other, sizeof(one));
}

static void on_replay(void *self, struct ear_httpd_request *request)
{
    struct ear_http *http = self;
    if (!has_token(http, request)) {
        note_refusal(http, EAR_STR_NONE, REFUSED_TOKEN, "POST /v1/replay without its token");
        ear_httpd_problem(request, 401, "Not allowed",
                          "Send the token of EAR_INGEST_REPLAY_TOKEN as a bearer token.", 0);
        return;
    }
    if (!can_take(http, request)) return;
    struct visit *visit = ear_alloc(sizeof(*visit));
    visit->http = http;
    visit->request = request;
    visit->delivery.lane = EAR_LANE_BACKFILL;
    visit->delivery.entry = EARSHOT__V1__ENTRY__ENTRY_REPLAY;
    if (read_body(http, visit)) {
        hand_over(http, visit);
    } else {
        visit_free(visit);
    }
}

/* --- Its life --- */

void ear_http_new(struct ear_http **out, struct ear_httpd *httpd, struct ear_care *care,
                  struct ear_intake *intake, const struct ear_ingest_settings *settings)
{
    struct ear_http *http = ear_alloc(sizeof(*http));
    http->care = care;
    http->intake = intake;
    http->settings = settings;
    const struct ear_httpd_route routes[] = {
        {"POST", "/v1/accounts/{account}/posts", BODY_BYTES_MAX, on_webhook, http},
        {"POST", "/v1/replay", BODY_BYTES_MAX, on_replay, http},
    };
    for (size_t i = 0; i < EAR_COUNT(routes); i++) ear_httpd_route(httpd, &routes[i]);
    *out = http;
}

void ear_http_free(struct ear_http **http)
{
    EAR_FREE(*http);
}

bool ear_http_stores(const struct ear_http *http, struct ear_diag *why)
{
    int64_t now_ms = ear_clock_mono_ms();
    if (!http->failing_since_ms || now_ms - http->failing_since_ms < REFUSING_MS ||
        now_ms - http->failed_ms > LATELY_MS)
        return true;
    ear_fail(why, EAR_AGAIN, "posts cannot be stored: ingest.commit_failed in the log says why");
    return false;
}

void ear_http_drain(struct ear_http *http)
{
    http->draining = true;
}
