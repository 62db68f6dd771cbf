#include "events.h"
#include "private.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Below this rate of a body a client is stalling; what it sends earns it time. */
#define BODY_BYTES_PER_MS 32

static struct ear_httpd_request *request_new(struct ear_httpd *httpd, struct MHD_Connection *mhd,
                                             const char *url)
{
    struct ear_httpd_request *request = ear_alloc(sizeof(*request));
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    request->httpd = httpd;
    request->mhd = mhd;
    request->connection = info->socket_context;
    request->url = ear_strdup(url);
    httpd->active++;
    return request;
}

static void uncount(struct ear_httpd_request *request)
{
    request->httpd->bodies -= request->counted_bytes;
    request->counted_bytes = 0;
}

static void request_free(struct ear_httpd_request *request)
{
    uncount(request);
    if (request->status == 0) request->httpd->active--;
    if (request->response) MHD_destroy_response(request->response);
    ear_buf_release(&request->body);
    free(request->url);
    free(request);
}

static enum MHD_Result send_out(struct ear_httpd_request *request)
{
    enum MHD_Result queued = MHD_queue_response(request->mhd, request->status, request->response);
    MHD_destroy_response(request->response);
    request->response = NULL;
    return queued;
}

/* The Content-Length that the client announced; 0 when it is absent or not a number (MHD has
 * refused that one by itself). */
static uint64_t announced(const struct ear_httpd_request *request)
{
    uint64_t length = 0;
    struct ear_str text = ear_httpd_header(request, "Content-Length");
    return ear_num_u64(text, UINT64_MAX, &length) == EAR_OK ? length : 0;
}

static void note_refusal(const struct ear_httpd_request *request, bool own_fault)
{
    uint64_t suppressed;
    ear_metric_add(&M_HTTP_REFUSED, 1, own_fault ? "busy" : "too_large");
    if (ear_log_budget_spend(&request->httpd->refused_lines, ear_clock_mono_ms(), &suppressed))
        ear_log(&EV_HTTP_REFUSED, kv_text("route", request->route->def.path),
                kv_int("status", own_fault ? 503 : 413), kv_int("suppressed", suppressed));
}

/* Headers are complete. What can be refused is refused now, before the body is read. */
static enum MHD_Result begin(struct ear_httpd *httpd, struct MHD_Connection *mhd, const char *url,
                             const char *method, void **slot)
{
    struct ear_httpd_request *request = request_new(httpd, mhd, url);
    struct ear_buf allow;
    *slot = request;
    ear_buf_init(&allow, 256);
    if (ear_path_cut(&request->path, request->url)) {
        request->route = ear_route_find(httpd->routes, method, &request->path, &allow);
    }
    if (!request->route && allow.len > 0) {
        const struct ear_httpd_header header = {"Allow", allow.data};
        ear_httpd_answer(request, 405, "application/problem+json",
                         EAR_STR("{\"type\":\"about:blank\",\"status\":405,\"title\":\"Method not "
                                 "allowed\"}\n"),
                         &header, 1);
    } else if (!request->route) {
        ear_httpd_problem(request, 404, "Not found", "There is nothing under this path.", 0);
    } else if (announced(request) > request->route->def.max_body_bytes) {
        note_refusal(request, false);
        ear_httpd_problem(request, 413, "Body too large",
                          "Split it into smaller requests; see the documentation for the ceiling.",
                          0);
    } else {
        ear_buf_init(&request->body, request->route->def.max_body_bytes);
    }
    ear_buf_release(&allow);
    return request->response ? send_out(request) : MHD_YES;
}

/* A body that turns out too large while it comes (chunked, or all bodies together): MHD takes no
 * answer in this state, so the few bytes go out directly and the connection is closed. */
static enum MHD_Result refuse(struct ear_httpd_request *request, bool own_fault)
{
    static const char too_large[] = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
                                    "Content-Type: application/problem+json\r\n"
                                    "Content-Length: 63\r\n\r\n"
                                    "{\"type\":\"about:blank\",\"status\":413,"
                                    "\"title\":\"Body too large\"}\r\n";
    static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
                               "Retry-After: 5\r\nContent-Length: 0\r\n\r\n";
    const char *text = own_fault ? busy : too_large;
    note_refusal(request, own_fault);
    if (send(request->connection->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
        shutdown(request->connection->fd, SHUT_WR);
    }
    return MHD_NO;
}

/* Room for all that was announced is taken at once: growing step by step would hold twice as much,
 * and what is not written to costs nothing yet. Without an announcement the room is what counts. */
static ear_err keep(struct ear_httpd_request *request, struct ear_str data)
{
    struct ear_buf *body = &request->body;
    size_t length = (size_t)announced(request);
    ear_err err = body->len || !length ? EAR_OK : ear_buf_reserve(body, length);
    if (err == EAR_OK) err = ear_buf_append_str(body, data);
    size_t held = length ? body->len : body->cap;
    request->httpd->bodies += held - request->counted_bytes;
    request->counted_bytes = held;
    return err;
}

static enum MHD_Result collect(struct ear_httpd_request *request, const char *data, size_t *bytes)
{
    struct ear_httpd *httpd = request->httpd;
    if (!request->route || request->status != 0) {
        *bytes = 0;
        return MHD_YES;
    }
    if (httpd->bodies + *bytes > BODIES_MAX) return refuse(request, true);
    ear_err err = keep(request, (struct ear_str){data, *bytes});
    if (err != EAR_OK) return refuse(request, err == EAR_NO_MEMORY);
    request->connection->deadline_ms += (int64_t)(*bytes / BODY_BYTES_PER_MS);
    *bytes = 0;
    return MHD_YES;
}

static enum MHD_Result handle(struct ear_httpd_request *request)
{
    request->handled = true;
    request->began_ms = ear_clock_mono_ms();
    request->connection->waiting = true;
    request->route->def.handle(request->route->def.self, request);
    if (request->response) return send_out(request);
    request->connection->suspended = request->mhd;
    MHD_suspend_connection(request->mhd);
    return MHD_YES;
}

enum MHD_Result ear_request_step(void *cls, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_bytes, void **slot)
{
    (void)version;
    struct ear_httpd *httpd = cls;
    struct ear_httpd_request *request = *slot;
    if (httpd->freeing) return MHD_NO;
    if (!request) return begin(httpd, mhd, url, method, slot);
    if (*data_bytes > 0) return collect(request, data, data_bytes);
    if (request->response) return send_out(request);
    return request->handled ? MHD_YES : handle(request);
}

void ear_request_over(void *cls, struct MHD_Connection *mhd, void **slot,
                      enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)mhd;
    struct ear_httpd_request *request = *slot;
    if (!request) return;
    if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK && request->handled) {
        ear_metric_add(&M_HTTP_GONE, 1);
    }
    request->connection->waiting = false;
    request->connection->deadline_ms = ear_clock_mono_ms() + request->httpd->timeout_ms;
    request_free(request);
    *slot = NULL;
}

static void measure(const struct ear_httpd_request *request, unsigned status)
{
    char text[16];
    const char *route = request->route ? request->route->def.path : "none";
    snprintf(text, sizeof(text), "%u", status);
    ear_metric_add(&M_HTTP_REQUESTS, 1, route, text);
    if (!request->handled) return;
    ear_metric_observe(&M_HTTP_SECONDS, (double)(ear_clock_mono_ms() - request->began_ms) / 1000.0,
                       route);
}

void ear_httpd_answer(struct ear_httpd_request *request, unsigned status, const char *content_type,
                      struct ear_str body, const struct ear_httpd_header *headers, size_t count)
{
    EAR_CHECK(request->status == 0 && status >= 200);
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)body.ptr, MHD_RESPMEM_MUST_COPY);
    EAR_CHECK(response);
    if (content_type) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    for (size_t i = 0; i < count; i++) {
        MHD_add_response_header(response, headers[i].name, headers[i].value);
    }
    if (request->httpd->quiet) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    request->response = response;
    request->status = status;
    request->httpd->active--;
    measure(request, status);
    uncount(request);
    request->connection->waiting = false;
    request->connection->deadline_ms = ear_clock_mono_ms() + request->httpd->timeout_ms;
    if (request->connection->suspended) {
        request->connection->suspended = NULL;
        MHD_resume_connection(request->mhd);
        ear_timer_start(request->httpd->wake, 0, 0); /* MHD acts on it only when it runs */
    }
}

struct ear_str ear_httpd_body(const struct ear_httpd_request *request)
{
    return ear_buf_str(&request->body);
}

static struct ear_str look_up(const struct ear_httpd_request *request, enum MHD_ValueKind kind,
                              const char *name)
{
    const char *value = NULL;
    size_t len = 0;
    if (MHD_lookup_connection_value_n(request->mhd, kind, name, strlen(name), &value, &len) !=
        MHD_YES) {
        return EAR_STR_NONE;
    }
    return value ? (struct ear_str){value, len} : EAR_STR("");
}

struct ear_str ear_httpd_header(const struct ear_httpd_request *request, const char *name)
{
    return look_up(request, MHD_HEADER_KIND, name);
}

struct ear_str ear_httpd_query(const struct ear_httpd_request *request, const char *name)
{
    return look_up(request, MHD_GET_ARGUMENT_KIND, name);
}
