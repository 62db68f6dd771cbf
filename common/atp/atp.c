/* A call: with the kept token if there is one, else after renewing or making the session; again
 * once when the token turns out expired. */
#include "atp/atp.h"
#include "session.h"
#include "json/json.h"
#include <stdio.h>
#include <stdlib.h>

#define URL_BYTES_MAX    4096u
#define INPUT_BYTES_MAX  (64u << 10)
#define ANSWER_BYTES_MAX (8u << 20)
#define WHY_BYTES        640u

typedef enum step { STEP_IDLE, STEP_LOGIN, STEP_REFRESH, STEP_CALL } step;

struct ear_atp {
    struct ear_fetch *fetch;                         /* borrowed */
    char *service, *identifier, *password, *ca_file; /* owned */
    int64_t timeout_ms;
    struct ear_atp_session session;
    step step;
    uint64_t request;
    bool renewed; /* during this call: a token that is refused now is no matter of age */
    struct ear_buf url;
    struct ear_buf input;
    bool has_input;
    ear_atp_fn *fn;
    void *self;
};

static ear_err begin(struct ear_atp *atp, step to, struct ear_diag *diag);

/* ---- answers ---- */

/* Records hold whatever their authors put there, so this is lenient: NUL inside text, any member
 * twice. Size and depth are bounded by fetch and jansson. */
static json_t *read_body(struct ear_str body)
{
    json_t *value = body.len ? json_loadb(body.ptr, body.len, JSON_ALLOW_NUL, NULL) : NULL;
    if (json_is_object(value)) return value;
    json_decref(value);
    return NULL;
}

static ear_err err_of(const struct ear_fetch_result *result, const json_t *body,
                      struct ear_str error)
{
    int status = result->status;
    if (result->err) return result->err;
    if (status / 100 == 2) return body ? EAR_OK : EAR_UNAVAILABLE;
    if (status == 429) return EAR_LIMITED;
    if (status == 401 || status == 403) return EAR_DENIED;
    if (status == 404 || ear_str_eq(error, EAR_STR("RecordNotFound"))) return EAR_NOT_FOUND;
    return status / 100 == 4 ? EAR_INVALID : EAR_UNAVAILABLE;
}

static void explain(const struct ear_atp *atp, const struct ear_fetch_result *result,
                    const json_t *body, char *why)
{
    static const char *const what[] = {"", "login: ", "renewing the session: ", ""};
    struct ear_str error = ear_json_at(body, "error");
    struct ear_str message = ear_json_at(body, "message");
    if (result->err)
        snprintf(why, WHY_BYTES, "%s%s", what[atp->step], result->why);
    else if (error.len)
        snprintf(why, WHY_BYTES, "%s%s answered %d %.*s: %.*s", what[atp->step], atp->service,
                 result->status, EAR_STR_ARG(error), EAR_STR_ARG(message));
    else if (result->status / 100 == 2)
        snprintf(why, WHY_BYTES, "%s%s answered with something that is no JSON object",
                 what[atp->step], atp->service);
    else
        snprintf(why, WHY_BYTES, "%s%s answered %d", what[atp->step], atp->service, result->status);
}

static void finish(struct ear_atp *atp, const struct ear_fetch_result *result, const json_t *body)
{
    char why[WHY_BYTES];
    explain(atp, result, body, why);
    struct ear_atp_answer answer = {
        .fate = atp->step == STEP_CALL ? result->fate : EAR_FATE_NOT_SENT,
        .status = result->status,
        .body = body,
        .error = ear_json_at(body, "error"),
        .retry_at_us = ear_fetch_retry_at_us(result, ear_clock_wall_us()),
        .why = why};
    answer.err = err_of(result, body, answer.error);
    /* Success that cannot be read is no success, and what it stands for is not known. */
    if (answer.err == EAR_UNAVAILABLE && result->status / 100 == 2 &&
        answer.fate == EAR_FATE_ANSWERED)
        answer.fate = EAR_FATE_UNKNOWN;
    atp->step = STEP_IDLE;
    atp->fn(atp->self, &answer);
}

static void go_on(struct ear_atp *atp, step to)
{
    struct ear_diag diag = {0};
    ear_err err = begin(atp, to, &diag);
    if (!err) return;
    struct ear_fetch_result failed = {.err = err, .fate = EAR_FATE_NOT_SENT, .why = diag.text};
    finish(atp, &failed, NULL);
}

static bool token_refused(const struct ear_fetch_result *result, struct ear_str error)
{
    return !result->err && (result->status == 401 || ear_str_eq(error, EAR_STR("ExpiredToken")) ||
                            ear_str_eq(error, EAR_STR("InvalidToken")));
}

/* After a login or a refresh. */
static void on_session(struct ear_atp *atp, const struct ear_fetch_result *result,
                       const json_t *body)
{
    bool good = !result->err && result->status == 200 &&
                !ear_atp_session_adopt(&atp->session, body, atp->service, atp->identifier);
    if (good) {
        atp->renewed = true;
        go_on(atp, STEP_CALL);
    } else if (atp->step == STEP_REFRESH && !result->err && result->status / 100 == 4 &&
               result->status != 429) {
        ear_atp_session_drop(&atp->session.refresh);
        go_on(atp, STEP_LOGIN);
    } else {
        finish(atp, result, body);
    }
}

static void on_answer(void *self, const struct ear_fetch_result *result)
{
    struct ear_atp *atp = self;
    json_t *body = result->err ? NULL : read_body(result->body);
    if (atp->step != STEP_CALL) {
        on_session(atp, result, body);
    } else if (!atp->renewed && token_refused(result, ear_json_at(body, "error"))) {
        ear_atp_session_drop(&atp->session.access);
        go_on(atp, atp->session.refresh ? STEP_REFRESH : STEP_LOGIN);
    } else {
        finish(atp, result, body);
    }
    json_decref(body);
}

/* ---- requests ---- */

static ear_err start(struct ear_atp *atp, const char *url, struct ear_str input, const char *token,
                     struct ear_diag *diag)
{
    struct ear_buf bearer;
    ear_buf_init(&bearer, 16u << 10);
    ear_err err = token ? ear_buf_printf(&bearer, "Bearer %s", token) : EAR_OK;
    const struct ear_fetch_header headers[] = {
        {EAR_STR("accept"), EAR_STR("application/json")},
        {EAR_STR("content-type"), EAR_STR("application/json")},
        {EAR_STR("authorization"), ear_buf_str(&bearer)},
    };
    const struct ear_fetch_header query_headers[] = {headers[0], headers[2]};
    bool post = input.len || atp->step != STEP_CALL;
    bool typed = input.len > 0;
    const struct ear_fetch_request request = {.url = url,
                                              .method = post ? "POST" : "GET",
                                              .headers = typed ? headers : query_headers,
                                              .header_count = (typed ? 2u : 1u) + (token ? 1u : 0u),
                                              .body = input,
                                              .timeout_ms = atp->timeout_ms,
                                              .max_body_bytes = ANSWER_BYTES_MAX,
                                              .ca_file = atp->ca_file};
    if (!err) err = ear_fetch_start(atp->fetch, &request, on_answer, atp, &atp->request, diag);
    if (bearer.data) ear_secret_wipe(bearer.data, bearer.len);
    ear_buf_release(&bearer);
    return err;
}

static ear_err start_login(struct ear_atp *atp, const char *url, struct ear_diag *diag)
{
    struct ear_buf input;
    ear_buf_init(&input, INPUT_BYTES_MAX);
    json_t *login =
        json_pack("{s:s,s:s}", "identifier", atp->identifier, "password", atp->password);
    ear_err err = login ? ear_json_write(login, &input) : EAR_INVALID;
    json_decref(login);
    if (err)
        ear_fail(diag, err, "identifier or password is not text");
    else
        err = start(atp, url, ear_buf_str(&input), NULL, diag);
    if (input.data) ear_secret_wipe(input.data, input.len);
    ear_buf_release(&input);
    return err;
}

static ear_err begin(struct ear_atp *atp, step to, struct ear_diag *diag)
{
    struct ear_buf url;
    ear_err err = EAR_OK;
    atp->step = to;
    if (to == STEP_CALL)
        return start(atp, atp->url.data, atp->has_input ? ear_buf_str(&atp->input) : EAR_STR_NONE,
                     atp->session.access, diag);
    ear_buf_init(&url, URL_BYTES_MAX);
    err = ear_buf_printf(&url, "%s/xrpc/com.atproto.server.%sSession", atp->service,
                         to == STEP_LOGIN ? "create" : "refresh");
    if (!err && to == STEP_LOGIN) err = start_login(atp, url.data, diag);
    if (!err && to == STEP_REFRESH)
        err = start(atp, url.data, EAR_STR_NONE, atp->session.refresh, diag);
    ear_buf_release(&url);
    return err;
}

ear_err ear_atp_call(struct ear_atp *atp, const char *method, const json_t *input, ear_atp_fn *fn,
                     void *self, struct ear_diag *diag)
{
    if (atp->step != STEP_IDLE) return ear_fail(diag, EAR_AGAIN, "another call is under way");
    ear_buf_reset(&atp->url);
    ear_buf_reset(&atp->input);
    ear_err err = ear_buf_printf(&atp->url, "%s/xrpc/%s", atp->service, method);
    if (!err && input) err = ear_json_write(input, &atp->input);
    if (err) return ear_fail(diag, err, "the call is too long");
    atp->has_input = input != NULL;
    atp->renewed = false;
    atp->fn = fn;
    atp->self = self;
    step first = atp->session.access ? STEP_CALL : atp->session.refresh ? STEP_REFRESH : STEP_LOGIN;
    err = begin(atp, first, diag);
    if (err) atp->step = STEP_IDLE;
    return err;
}

void ear_atp_cancel(struct ear_atp *atp)
{
    if (atp->step != STEP_IDLE) ear_fetch_cancel(atp->fetch, atp->request);
    atp->step = STEP_IDLE;
}

/* ---- life ---- */

ear_err ear_atp_new(struct ear_atp **out, const struct ear_atp_opts *opts, struct ear_diag *diag)
{
    *out = NULL;
    ear_err err = ear_url_check(ear_str_from(opts->service), "http,https", diag);
    if (err) return err;
    struct ear_atp *atp = ear_alloc(sizeof(*atp));
    *atp = (struct ear_atp){.fetch = opts->fetch,
                            .service = ear_strdup(opts->service),
                            .identifier = ear_strdup(opts->identifier),
                            .password = ear_strdup(opts->password),
                            .ca_file = opts->ca_file ? ear_strdup(opts->ca_file) : NULL,
                            .timeout_ms = opts->timeout_ms};
    size_t len = strlen(atp->service);
    while (len && atp->service[len - 1] == '/') atp->service[--len] = '\0';
    ear_buf_init(&atp->url, URL_BYTES_MAX);
    ear_buf_init(&atp->input, INPUT_BYTES_MAX);
    ear_atp_session_init(&atp->session);
    ear_atp_session_load(&atp->session, opts->session, atp->service, atp->identifier);
    *out = atp;
    return EAR_OK;
}

void ear_atp_free(struct ear_atp **atp)
{
    if (!*atp) return;
    struct ear_atp *a = *atp;
    ear_atp_cancel(a);
    ear_atp_session_release(&a->session);
    ear_atp_session_drop(&a->password);
    ear_buf_release(&a->url);
    ear_buf_release(&a->input);
    free(a->ca_file);
    free(a->identifier);
    free(a->service);
    EAR_FREE(*atp);
}

const char *ear_atp_did(const struct ear_atp *atp)
{
    return atp->session.did;
}

struct ear_str ear_atp_session_changed(struct ear_atp *atp)
{
    bool changed = atp->session.changed;
    atp->session.changed = false;
    return changed ? ear_buf_str(&atp->session.text) : EAR_STR_NONE;
}
