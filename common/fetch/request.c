/* One HTTP request from its start to its call back, and what is known of its fate. */
#include "engine.h"
#include <stdlib.h>

#define ANSWER_DEFAULT_BYTES (4u << 20)
#define HEADERS_BYTES_MAX    (64u << 10)
#define HEADERS_MAX          96u

struct request {
    struct ear_transfer transfer;
    struct ear_active active;
    struct curl_slist *headers;
    struct ear_buf body; /* of the request */
    struct ear_buf answer;
    bool too_large;
    struct ear_arena *texts; /* of the answer's headers */
    struct ear_fetch_header list[HEADERS_MAX];
    size_t list_count;
};

static void request_drop(struct ear_active *active)
{
    struct request *r = EAR_CONTAINER(active, struct request, active);
    ear_transfer_release(&r->transfer, active->fetch);
    curl_slist_free_all(r->headers);
    ear_buf_release(&r->body);
    ear_buf_release(&r->answer);
    ear_arena_free(&r->texts);
    free(r);
}

/* ---- what curl calls ---- */

static size_t take_body(char *data, size_t size, size_t count, void *self)
{
    struct request *r = self;
    if (ear_buf_append(&r->answer, data, size * count)) {
        r->too_large = true;
        return 0;
    }
    return size * count;
}

static void keep_header(struct request *r, struct ear_str name, struct ear_str value)
{
    char *key = ear_arena_copy(r->texts, name);
    char *text = ear_arena_copy(r->texts, value);
    if (!key || !text || r->list_count == HEADERS_MAX) return;
    for (char *c = key; *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + ('a' - 'A'));
    r->list[r->list_count++] = (struct ear_fetch_header){{key, name.len}, {text, value.len}};
}

static size_t take_header(char *data, size_t size, size_t count, void *self)
{
    struct request *r = self;
    struct ear_str line = {data, size * count};
    if (ear_str_starts(line, EAR_STR("HTTP/"))) { /* a new answer: forget those of a 1xx */
        r->list_count = 0;
        ear_arena_reset(r->texts);
    }
    size_t colon = ear_str_find(line, EAR_STR(":"));
    if (colon != SIZE_MAX && colon > 0)
        keep_header(r, (struct ear_str){data, colon},
                    ear_str_trim((struct ear_str){data + colon + 1, line.len - colon - 1}));
    return line.len;
}

/* ---- fate ---- */

ear_err ear_fetch_err(const struct ear_transfer *transfer, CURLcode code)
{
    if (transfer->refused) return EAR_DENIED;
    switch (code) {
    case CURLE_OK:
        return EAR_OK;
    case CURLE_OPERATION_TIMEDOUT:
        return EAR_TIMEOUT;
    case CURLE_LOGIN_DENIED:
        return EAR_DENIED;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return EAR_INVALID;
    case CURLE_OUT_OF_MEMORY:
        return EAR_NO_MEMORY;
    default:
        return EAR_UNAVAILABLE;
    }
}

/* curl's own words, but where they only say the address once more. */
static const char *reason_of(const struct request *r, CURLcode code)
{
    long os_error = 0;
    curl_easy_getinfo(r->transfer.easy, CURLINFO_OS_ERRNO, &os_error);
    if (code == CURLE_COULDNT_CONNECT && os_error) return strerror((int)os_error);
    return r->transfer.why[0] ? r->transfer.why : curl_easy_strerror(code);
}

/* "host: reason" in why; returns the reason, which is a part of it. */
static const char *explain(const struct request *r, CURLcode code, char *why, size_t size_bytes)
{
    char peer[300];
    char *url = NULL;
    why[0] = '\0';
    if (code == CURLE_OK && !r->transfer.refused && !r->too_large) return why;
    curl_easy_getinfo(r->transfer.easy, CURLINFO_EFFECTIVE_URL, &url);
    ear_url_peer(url ? url : "", peer, sizeof(peer));
    size_t at = (size_t)snprintf(why, size_bytes, "%s: ", peer);
    if (r->transfer.refused)
        snprintf(why + at, size_bytes - at, "its address is private, which is not allowed here");
    else if (r->too_large)
        snprintf(why + at, size_bytes - at, "the answer is larger than %zu bytes", r->answer.max);
    else
        snprintf(why + at, size_bytes - at, "%s", reason_of(r, code));
    return why + at;
}

static void finish(struct ear_transfer *transfer, CURLcode code)
{
    struct request *r = EAR_CONTAINER(transfer, struct request, transfer);
    long status = 0;
    long sent_bytes = 0;
    char why[CURL_ERROR_SIZE + 320];
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
    const char *reason = explain(r, code, why, sizeof(why));
    struct ear_fetch_result result = {.err = r->too_large ? EAR_TOO_LARGE
                                                          : ear_fetch_err(transfer, code),
                                      .fate = EAR_FATE_ANSWERED,
                                      .status = (int)status,
                                      .body = ear_buf_str(&r->answer),
                                      .headers = r->list,
                                      .header_count = r->list_count,
                                      .why = why,
                                      .reason = reason};
    if (result.err) result.fate = sent_bytes ? EAR_FATE_UNKNOWN : EAR_FATE_NOT_SENT;
    ear_active_finish(&r->active, &result);
}

/* ---- building ---- */

bool ear_line_safe(struct ear_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
    }
    return true;
}

static ear_err add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer) return EAR_NO_MEMORY;
    *list = longer;
    return EAR_OK;
}

static ear_err add_header(struct request *r, const struct ear_fetch_header *header,
                          struct ear_diag *diag)
{
    if (!ear_line_safe(header->name) || !ear_line_safe(header->value) || !header->name.len)
        return ear_fail(diag, EAR_INVALID, "a request header holds control characters");
    struct ear_buf line;
    ear_buf_init(&line, 16u << 10);
    /* "Name;" is how curl is told of a header without a value. */
    ear_err err = header->value.len ? ear_buf_printf(&line, "%.*s: %.*s", EAR_STR_ARG(header->name),
                                                     EAR_STR_ARG(header->value))
                                    : ear_buf_printf(&line, "%.*s;", EAR_STR_ARG(header->name));
    if (!err) err = add_line(&r->headers, line.data);
    ear_buf_release(&line);
    return err ? ear_fail(diag, err, "a request header is too long") : EAR_OK;
}

static ear_err set_http(struct request *r, const struct ear_fetch_request *request,
                        struct ear_diag *diag)
{
    CURL *easy = r->transfer.easy;
    bool typed = false;
    if (request->method && !ear_line_safe(ear_str_from(request->method)))
        return ear_fail(diag, EAR_INVALID, "the request's method holds control characters");
    for (size_t i = 0; i < request->header_count; i++) {
        ear_err err = add_header(r, &request->headers[i], diag);
        if (err) return err;
        typed |= ear_str_eq_nocase(request->headers[i].name, EAR_STR("content-type"));
    }
    ear_err err = add_line(&r->headers, "Expect:");
    if (!err && !typed) err = add_line(&r->headers, "Content-Type:");
    if (err) return ear_fail(diag, err, "no memory for a request");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, r->headers);
    bool get = !r->body.len && (!request->method || strcmp(request->method, "GET") == 0);
    if (get) return EAR_OK;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body.len ? r->body.data : "");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
    if (request->method) curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    /* On a kept connection that turns out dead curl sends again by itself, without knowing what
     * became of the first time. What changes something therefore gets a connection of its own,
     * which nobody would use again. */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    return EAR_OK;
}

static ear_err request_set(struct request *r, struct ear_fetch *fetch,
                           const struct ear_fetch_request *wanted, struct ear_diag *diag)
{
    ear_err err = ear_buf_append_str(&r->body, wanted->body);
    if (err) return ear_fail(diag, err, "no memory for a request's body");
    err = ear_transfer_init(&r->transfer, fetch, wanted, diag);
    if (!err) err = set_http(r, wanted, diag);
    if (err) return err;
    CURL *easy = r->transfer.easy;
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, r);
    if (ear_transfer_start(&r->transfer, fetch))
        return ear_fail(diag, EAR_NO_MEMORY, "curl cannot start a request");
    return EAR_OK;
}

static ear_err http_start(struct ear_fetch *fetch, const struct ear_fetch_request *request,
                          ear_fetch_fn *fn, void *self, uint64_t *id, struct ear_diag *diag)
{
    struct request *r = ear_alloc(sizeof(*r));
    *r = (struct request){.transfer.done = finish, .texts = ear_arena_new(HEADERS_BYTES_MAX)};
    ear_buf_init(&r->body, request->body.len + 1);
    ear_buf_init(&r->answer,
                 request->max_body_bytes ? request->max_body_bytes : ANSWER_DEFAULT_BYTES);
    ear_active_start(&r->active, fetch, request->url, fn, self, request_drop);
    ear_err err = request_set(r, fetch, request, diag);
    if (err)
        ear_fetch_cancel(fetch, r->active.id);
    else if (id)
        *id = r->active.id;
    return err;
}

ear_err ear_fetch_start(struct ear_fetch *fetch, const struct ear_fetch_request *request,
                        ear_fetch_fn *fn, void *self, uint64_t *id, struct ear_diag *diag)
{
    struct ear_str url = ear_str_from(request->url);
    if (ear_url_check(url, "smtp,smtps", NULL) == EAR_OK)
        return ear_smtp_start(fetch, request, fn, self, id, diag);
    ear_err err = ear_url_check(url, "http,https,smtp,smtps", diag);
    return err ? err : http_start(fetch, request, fn, self, id, diag);
}
