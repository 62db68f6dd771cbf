/* http: ingest's own routes.
 *
 *   POST /v1/accounts/{account}/posts   signed webhook: one post or up to 1,000 as NDJSON, 4 MiB
 *   POST /v1/replay                     the same for `earshotctl replay`, by bearer token
 *
 * Both answer after the commit with a JSON line a post, in order:
 *   {"line":1,"status":"stored|duplicate|tombstoned|malformed|refused","post_id":"…","error":"…"}
 * `?lane=live|backfill` chooses the lane; webhooks are live, replays back-fill by default. */
#ifndef EAR_INGEST_HTTP_H
#define EAR_INGEST_HTTP_H

#include "hear/care.h"
#include "httpd/httpd.h"
#include "intake/intake.h"
#include "settings.h"

struct ear_http;

void ear_http_new(struct ear_http **out, struct ear_httpd *httpd, struct ear_care *care,
                  struct ear_intake *intake, const struct ear_ingest_settings *settings);
/* After the intake: every request has been answered by then. */
void ear_http_free(struct ear_http **http);
/* Whether what comes is stored: false while whoever came for a second or longer, and lately, was
 * turned away because PostgreSQL refused all of it (a full disk). For /readyz. */
bool ear_http_stores(const struct ear_http *http, struct ear_diag *why);
/* From now on everything is answered with 503. */
void ear_http_drain(struct ear_http *http);

#endif
