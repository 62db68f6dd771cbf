/* httpd: an HTTP/1.1 server on the loop: libmicrohttpd with its epoll descriptor watched by loop.
 * Layer 3, stands on base and loop. Loop thread only.
 *
 * Bodies are collected up to the route's ceiling (413 past it, without reading on), requests that
 * stall are cut after timeout_ms, connections are bounded. A handler answers at once or keeps the
 * request and answers later; a client that leaves meanwhile is remembered, the answer dropped. */
#ifndef EAR_HTTPD_H
#define EAR_HTTPD_H

#include "base/base.h"
#include "loop/loop.h"

struct ear_httpd;
struct ear_httpd_request;

typedef void ear_httpd_fn(void *self, struct ear_httpd_request *request);

struct ear_httpd_route {
    const char *method; /* "GET", "POST" … */
    const char *path;   /* "/v1/accounts/{account}/posts": {…} matches one non-empty segment */
    size_t max_body_bytes;
    ear_httpd_fn *handle;
    void *self;
};

struct ear_httpd_opts {
    const char *listen; /* "host:port"; host "*" is every address, port 0 lets the system choose */
    unsigned max_connections; /* 0: 256 */
    int64_t timeout_ms;       /* idle or slow connections; 0: 30 s */
};

/* Listens at once. EAR_CONFLICT when the address is in use; diag says which. */
ear_err ear_httpd_new(struct ear_httpd **out, struct ear_loop *loop,
                      const struct ear_httpd_opts *opts, struct ear_diag *diag) EAR_MUST_CHECK;
/* Routes may be added at any time; copied. Unknown paths: 404, known path with another method:
 * 405, both as problem+json. */
void ear_httpd_route(struct ear_httpd *httpd, const struct ear_httpd_route *route);
uint16_t ear_httpd_port(const struct ear_httpd *httpd);
/* Stops listening; requests under way are still answered. */
void ear_httpd_quiesce(struct ear_httpd *httpd);
size_t ear_httpd_active(const struct ear_httpd *httpd); /* requests not answered yet */
/* Cuts what is left. */
void ear_httpd_free(struct ear_httpd **httpd);

/* What a request says. All text is borrowed and lives until it is answered. */
struct ear_str ear_httpd_body(const struct ear_httpd_request *request);
struct ear_str ear_httpd_header(const struct ear_httpd_request *request, const char *name);
struct ear_str ear_httpd_query(const struct ear_httpd_request *request, const char *name);
struct ear_str ear_httpd_segment(const struct ear_httpd_request *request, const char *name);

struct ear_httpd_header {
    const char *name;
    const char *value;
};

/* Answers and ends the request (the pointer is dead afterwards). body is copied. */
void ear_httpd_answer(struct ear_httpd_request *request, unsigned status, const char *content_type,
                      struct ear_str body, const struct ear_httpd_header *headers, size_t count);
/* RFC 9457 problem+json; detail says what to do. retry_after_s > 0 adds Retry-After. */
void ear_httpd_problem(struct ear_httpd_request *request, unsigned status, const char *title,
                       const char *detail, unsigned retry_after_s);

#endif
