/* engine: libcurl's multi handle on the loop. Private to fetch: the only room besides request and
 * link that sees curl. */
#ifndef EAR_FETCH_ENGINE_H
#define EAR_FETCH_ENGINE_H

#include "fetch/fetch.h"
#include <curl/curl.h>

/* Something that libcurl works on: the first member of a request or a link. */
struct ear_transfer {
    CURL *easy; /* owned by whoever embeds this */
    /* Called in a turn of its own, never from inside libcurl. May free the transfer. */
    void (*done)(struct ear_transfer *transfer, CURLcode code);
    char why[CURL_ERROR_SIZE];
    bool refuse_private;
    bool refused; /* an address was refused because it is private */
};

/* Makes transfer->easy with everything that holds for every request: no signals, no proxies from
 * the environment, no redirects, verified certificates, the allowed schemes and sockets. */
ear_err ear_transfer_init(struct ear_transfer *transfer, struct ear_fetch *fetch,
                          const struct ear_fetch_request *request,
                          struct ear_diag *diag) EAR_MUST_CHECK;
void ear_transfer_release(struct ear_transfer *transfer, struct ear_fetch *fetch);
ear_err ear_transfer_start(struct ear_transfer *transfer, struct ear_fetch *fetch) EAR_MUST_CHECK;

struct ear_loop *ear_fetch_loop(struct ear_fetch *fetch);

/* What ear_fetch_cancel can name: the first member of a request or a mail. */
struct ear_active {
    struct ear_fetch *fetch; /* borrowed */
    uint64_t id;
    ear_fetch_fn *fn;
    void *self;
    int64_t started_ms;
    char scheme[8];
    void (*drop)(struct ear_active *active); /* stops and frees it; no call back */
};
/* Fills active and lists it. */
void ear_active_start(struct ear_active *active, struct ear_fetch *fetch, const char *url,
                      ear_fetch_fn *fn, void *self, void (*drop)(struct ear_active *active));
/* Takes it off the list, counts it, calls back, frees it. */
void ear_active_finish(struct ear_active *active, const struct ear_fetch_result *result);

/* One mail by SMTP, over a link. */
ear_err ear_smtp_start(struct ear_fetch *fetch, const struct ear_fetch_request *request,
                       ear_fetch_fn *fn, void *self, uint64_t *id,
                       struct ear_diag *diag) EAR_MUST_CHECK;
/* Opens a link to any server whose login libcurl knows (imap, imaps, smtp, smtps). */
ear_err ear_link_start(struct ear_link **out, struct ear_fetch *fetch,
                       const struct ear_fetch_request *request, ear_link_fn *fn, void *self,
                       struct ear_diag *diag) EAR_MUST_CHECK;
int ear_link_status(const struct ear_link *link);     /* last reply code during login; SMTP */
size_t ear_link_waiting(const struct ear_link *link); /* bytes that the socket has not taken */

/* Nothing of ours may end a line of a protocol early: no control characters but tab. */
bool ear_line_safe(struct ear_str text);

ear_err ear_fetch_err(const struct ear_transfer *transfer, CURLcode code);
bool ear_address_private(const struct curl_sockaddr *address);
/* scheme://host:port of a URL, never user, password, path or query. */
void ear_url_peer(const char *url, char *text, size_t size_bytes);

#endif
