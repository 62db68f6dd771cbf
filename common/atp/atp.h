/* atp: calls to an AT Protocol server (Bluesky) under a kept session. What both halves of the
 * Bluesky connector share. Layer 3, stands on base, json, loop and fetch. Loop thread only.
 *
 * Logging in is limited to a few hundred times a day, so a session is handed out as text to be
 * stored, renewed by its refresh token, and only when that fails made anew with the password. An
 * expired token is answered with HTTP 400 and the name ExpiredToken. Sources: atproto lexicons
 * com.atproto.server.*, atproto.com/specs/xrpc, atproto.com/specs/tid. */
#ifndef EAR_ATP_H
#define EAR_ATP_H

#include "base/base.h"
#include "fetch/fetch.h"
#include <jansson.h>

struct ear_atp;

struct ear_atp_opts {
    struct ear_fetch *fetch; /* borrowed */
    const char *service;     /* "https://bsky.social" */
    const char *identifier;  /* handle or DID */
    const char *password;    /* an app password; a secret */
    const char *ca_file;     /* NULL: the system's */
    struct ear_str session;  /* as stored; empty or not ours: logs in at the first call */
    int64_t timeout_ms;      /* of one request */
};

/* Copies the options; no request goes out. EAR_INVALID for a service that is no http(s) URL. */
ear_err ear_atp_new(struct ear_atp **out, const struct ear_atp_opts *opts,
                    struct ear_diag *diag) EAR_MUST_CHECK;
/* Ends a call under way without a call back. */
void ear_atp_free(struct ear_atp **atp);

struct ear_atp_answer {
    ear_err err;         /* EAR_OK: 2xx with a JSON object. EAR_DENIED: login or token refused;
                            EAR_LIMITED: 429; EAR_NOT_FOUND: 404 or RecordNotFound; EAR_INVALID: other 4xx;
                            EAR_UNAVAILABLE: 5xx or not an answer of such a server; or fetch's own */
    ear_fetch_fate fate; /* of the call itself: NOT_SENT when the login before it failed */
    int status;
    const json_t *body;   /* object; NULL when none could be read */
    struct ear_str error; /* the server's name of the error; may be empty */
    int64_t retry_at_us;  /* 0: not said */
    const char *why;      /* for people; no secrets */
};

typedef void ear_atp_fn(void *self, const struct ear_atp_answer *answer);

/* One call at a time: EAR_AGAIN while another is under way. method is an NSID with its query
 * ("com.atproto.repo.getRecord?repo=…"); input NULL: a query (GET), else a procedure (POST;
 * borrowed). fn comes once, never from inside, and may call again. */
ear_err ear_atp_call(struct ear_atp *atp, const char *method, const json_t *input, ear_atp_fn *fn,
                     void *self, struct ear_diag *diag) EAR_MUST_CHECK;
void ear_atp_cancel(struct ear_atp *atp);

/* The account's DID once a session exists; "" before. */
const char *ear_atp_did(const struct ear_atp *atp);
/* The session as text when it changed since the last asking; ptr NULL otherwise. A secret. */
struct ear_str ear_atp_session_changed(struct ear_atp *atp);

/* ---- identifiers ---- */

/* A timestamp identifier: 13 characters that hold microseconds and 10 bits of a clock's name. */
#define EAR_TID_BYTES 14
void ear_tid_format(int64_t at_us, unsigned clock, char text[static EAR_TID_BYTES]);
/* EAR_INVALID for what is no TID. */
ear_err ear_tid_parse(struct ear_str text, int64_t *at_us, unsigned *clock) EAR_MUST_CHECK;

/* The parts of "at://authority/collection/rkey"; EAR_INVALID for anything else. */
struct ear_at_uri {
    struct ear_str authority;
    struct ear_str collection;
    struct ear_str rkey;
};
ear_err ear_at_uri_parse(struct ear_str text, struct ear_at_uri *uri) EAR_MUST_CHECK;

#endif
