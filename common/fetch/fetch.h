/* fetch: requests to the outside: HTTP(S) and SMTP(S) as single requests, IMAP(S) as links, through
 * libcurl's multi interface on the loop. Layer 3, stands on base and loop. Loop thread only.
 *
 * Redirects are not followed, bodies have ceilings, certificates are always verified. Every result
 * says how much is known of the request's fate, since a reply must never be sent twice. */
#ifndef EAR_FETCH_H
#define EAR_FETCH_H

#include "base/base.h"
#include "loop/loop.h"

struct ear_fetch;

typedef enum ear_fetch_fate {
    EAR_FATE_NOT_SENT, /* no byte of the request's body can have reached the peer */
    EAR_FATE_UNKNOWN,  /* it may have been acted on; no (whole) answer came */
    EAR_FATE_ANSWERED, /* a whole answer came; see status */
} ear_fetch_fate;

struct ear_fetch_header {
    struct ear_str name;
    struct ear_str value;
};

/* Everything is copied by ear_fetch_start. */
struct ear_fetch_request {
    const char *url;
    const char *method; /* HTTP only. NULL: GET, or POST with a body */
    const struct ear_fetch_header *headers;
    size_t header_count;
    struct ear_str body;
    int64_t timeout_ms;    /* whole request; 0: 30 s */
    size_t max_body_bytes; /* of the answer; 0: 4 MiB */
    const char *ca_file;   /* NULL: the system's */
    const char *user;      /* NULL: none */
    const char *password;
    bool refuse_private; /* refuse loopback, link-local and private addresses (checked on the
                            address really connected to) */
    bool require_tls;    /* smtp:// and imap:// must upgrade by STARTTLS; else they stay plain */
    /* SMTP only: */
    const char *mail_from;
    const char *const *mail_to;
    size_t mail_to_count;
};

struct ear_fetch_result {
    ear_err err; /* EAR_OK when a whole answer came, whatever its status */
    ear_fetch_fate fate;
    int status; /* HTTP status; for SMTP the last reply code (250, 451, 550 …); 0 when none */
    struct ear_str body;
    const struct ear_fetch_header *headers; /* names lower case */
    size_t header_count;
    const char *why;    /* for people: what failed, with host, never with secrets */
    const char *reason; /* the same without the host, where it stands beside it; HTTP only */
};

typedef void ear_fetch_fn(void *self, const struct ear_fetch_result *result);

ear_err ear_fetch_new(struct ear_fetch **out, struct ear_loop *loop,
                      const char *user_agent) EAR_MUST_CHECK;
/* Cancels what is under way; its callbacks do not come. Not from inside a callback. */
void ear_fetch_free(struct ear_fetch **fetch);

/* fn is called exactly once, never from inside this call, unless cancelled. *id (may be NULL)
 * names the request for ear_fetch_cancel. EAR_INVALID for a URL or scheme that is not allowed. */
ear_err ear_fetch_start(struct ear_fetch *fetch, const struct ear_fetch_request *request,
                        ear_fetch_fn *fn, void *self, uint64_t *id,
                        struct ear_diag *diag) EAR_MUST_CHECK;
void ear_fetch_cancel(struct ear_fetch *fetch, uint64_t id);
size_t ear_fetch_active(const struct ear_fetch *fetch);

/* ---- links ----
 *
 * A conversation with an IMAP server: libcurl resolves, connects, secures (imaps://, or STARTTLS
 * with require_tls) and logs in; from then on the bytes are the caller's. This exists because
 * libcurl's own FETCH always marks mail as seen, and its custom commands mistake lines inside a
 * mail for answers of the server. */
struct ear_link;

typedef enum ear_link_event {
    EAR_LINK_UP,   /* logged in: send now */
    EAR_LINK_DATA, /* bytes came; borrowed for the call */
    EAR_LINK_DOWN, /* could not connect (EAR_DENIED: login refused), or the peer is gone; last
                      event, the link still has to be closed */
} ear_link_event;

typedef void ear_link_fn(void *self, ear_link_event event, struct ear_str data, ear_err err,
                         const char *why);

/* Uses url, user, password, ca_file, refuse_private, require_tls and timeout_ms (until UP). fn
 * never comes from inside this call. */
ear_err ear_link_open(struct ear_link **out, struct ear_fetch *fetch,
                      const struct ear_fetch_request *request, ear_link_fn *fn, void *self,
                      struct ear_diag *diag) EAR_MUST_CHECK;
/* Queues bytes, in order; EAR_TOO_LARGE past 1 MiB waiting. Failures come as DOWN. */
ear_err ear_link_send(struct ear_link *link, struct ear_str data) EAR_MUST_CHECK;
/* May be called inside fn; nothing comes any more. Before ear_fetch_free. */
void ear_link_close(struct ear_link **link);

/* Value of the first header of that name (lower case); EAR_STR_NONE when absent. */
struct ear_str ear_fetch_header(const struct ear_fetch_result *result, const char *name);
/* When the platform says to come back, in wall time µs, 0 when it does not: Retry-After (seconds
 * or date), RateLimit-Reset, X-RateLimit-Reset, x-rate-limit-reset with remaining 0 or status 429
 * (epoch, seconds or RFC 3339). */
int64_t ear_fetch_retry_at_us(const struct ear_fetch_result *result, int64_t now_us);

/* URL building: percent-encodes into out. */
ear_err ear_url_escape(struct ear_str text, struct ear_buf *out) EAR_MUST_CHECK;
/* Checks scheme (comma-separated list) and host by curl's URL parser. */
ear_err ear_url_check(struct ear_str url, const char *schemes,
                      struct ear_diag *diag) EAR_MUST_CHECK;

#endif
