/* connector (ingest half): how ingest hears one platform. The seam between ingest's core, which
 * owns leases, cursors, sessions and commits, and the folders below connectors/, which know a
 * platform each. Loop thread only; nothing here blocks.
 *
 * The life of an account, all driven by the core while it holds the account's lease:
 *
 *   open(cursor, session as stored)
 *     poll ──▶ … fetches … ──▶ heard(round) ──▶ core commits posts and cursor under its epoch
 *              committed ◀──────────────────────┘  then poll again: at once when round.more, else
 *                                                  after the poll interval or at retry_at_us
 *   close
 *
 * What a round lends (posts, texts) stays valid until committed or close is called, whichever is
 * first. A round whose commit is not certain ends with close and a new open with the stored
 * cursor: the same posts come again and change nothing. So a connector moves nothing at the
 * platform (\Seen, acknowledgements) before committed. A stream fits too: poll then answers when
 * there is something to hear. */
#ifndef EAR_INGEST_CONNECTOR_H
#define EAR_INGEST_CONNECTOR_H

#include "base/base.h"
#include "fetch/fetch.h"
#include "loop/loop.h"
#include "post_in.h"
#include <jansson.h>

/* One of the firm's own presences, as care.yaml declares it. Borrowed for the length of open:
 * a connector copies what it keeps. */
struct ear_account_in {
    struct ear_str key;            /* "@northernline" */
    struct ear_str platform;       /* for posts; usually the connector's name */
    struct ear_str author_id;      /* the firm's own identity there; may be empty */
    const json_t *settings;        /* object of texts; each connector documents its own in
                                      docs/connectors.md */
    const struct ear_str *secrets; /* contents of the named files, in order. Never logged */
    size_t secret_count;
};

/* What one poll brought. On an error posts may be absent, but a session that was renewed on the
 * way still comes: losing it can cost a login that the platform counts. */
struct ear_round {
    ear_err err; /* EAR_OK; EAR_DENIED: credentials refused, needs a person; EAR_INVALID: settings
                    do not fit; everything else is worth another try */
    int64_t retry_at_us; /* wall time before which the platform wants no request; 0: does not say */
    const char *why;     /* for people, on an error: what failed and what to do; no secrets */
    const struct ear_post_in *posts;
    size_t count;
    struct ear_str cursor;  /* to store with the posts; ptr NULL: as before */
    struct ear_str session; /* to store at once, also on an error; ptr NULL: as before. A secret */
    bool more;              /* there is more to hear: poll again without waiting */
};

/* The core's side. Exactly one call for each poll that returned EAR_OK, never from inside poll,
 * none after close. */
typedef void ear_heard_fn(void *core, const struct ear_round *round);

/* Lent by the core; outlives the connector's instance. */
struct ear_listen_env {
    struct ear_loop *loop;
    struct ear_fetch *fetch;
    ear_heard_fn *heard;
    void *core;
};

struct ear_connector_in_caps {
    int64_t poll_default_ms; /* between polls when care.yaml does not say ("poll_interval") */
    int64_t poll_least_ms;   /* what the platform's limits bear at most */
};

struct ear_connector_in {
    const char *name; /* "bluesky": a platform, or what accounts set as "connector" */
    struct ear_connector_in_caps caps;
    /* Checks settings and secrets, takes up cursor and session (empty: never heard before; not
     * understood: starts anew and says so in the next round's cursor). No request goes out yet.
     * EAR_INVALID with a diag that names the setting. */
    ear_err (*open)(void **out, const struct ear_listen_env *env,
                    const struct ear_account_in *account, struct ear_str cursor,
                    struct ear_str session, struct ear_diag *diag);
    /* EAR_OK: heard will come. Otherwise nothing is under way and it will not: a round with that
     * error and diag's text as why. */
    ear_err (*poll)(void *self, struct ear_diag *diag);
    /* The last round is stored. May start courtesies of its own (marking mail seen) that nobody
     * waits for. */
    void (*committed)(void *self);
    /* Ends everything under way without a call back, frees *self and nulls it. */
    void (*close)(void **self);
    /* Pure; NULL where ids carry no time. The time inside a post's external id, 0 when there is
     * none. It goes into post_id before any trusted_at_us, for posts of this platform by WHATEVER
     * route (webhook, feed): the same post must get the same id by each. */
    int64_t (*id_time_us)(struct ear_str external_id);
};

/* The connector that an account names in its setting "connector", else the one of its platform's
 * name; NULL when there is none (nothing is polled then). settings may be NULL. */
const struct ear_connector_in *ear_connector_in_find(struct ear_str platform,
                                                     const json_t *settings);

#endif
