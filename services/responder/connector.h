/* connector (responder half): how a reply gets to one platform. The seam between the responder's
 * core, which owns leases, the attempt journal, pacing and retries, and the folders below
 * connectors/, which know a platform each. Loop thread only; nothing here blocks.
 *
 * The way of a reply, all driven by the core while it holds the account's sending lease:
 *
 *   fit    text and sign-off become parts that the platform takes, or an error that says by how
 *          much it is too long. Pure: the same every time, so it is not stored.
 *   key    our own name for the reply, from its id alone. Pure; written into the journal.
 *   (core: attempt "sending" with key and epoch is COMMITTED: attempt before byte)
 *   send   one try. SENT, RETRY, FAILED or UNKNOWN; also when it fails half-way through parts: a
 *          later send or look with the same key takes up where it stopped.
 *   look   is the reply visible? Used where a try's fate is open (UNKNOWN, or found "sending"
 *          after a crash), not earlier than send_timeout_ms + settling_ms after the try began,
 *          and more than once before an ABSENT is believed.
 *
 * What an open fate means is in caps.again. */
#ifndef EAR_RESPONDER_CONNECTOR_H
#define EAR_RESPONDER_CONNECTOR_H

#include "base/base.h"
#include "fetch/fetch.h"
#include "fit.h"
#include "loop/loop.h"
#include <jansson.h>

#define EAR_REPLY_KEY_BYTES 256 /* a key is shorter than this */

/* What may be done when nobody knows whether a try became visible. */
typedef enum ear_again {
    EAR_AGAIN_SAFE,       /* send again: the same key is shown once (the receiver dedupes) */
    EAR_AGAIN_AFTER_LOOK, /* look first; send again when it is ABSENT */
    EAR_AGAIN_NEVER,      /* a person decides (mail after its final dot) */
} ear_again;

struct ear_connector_out_caps {
    bool direct; /* can answer privately */
    bool look;   /* look can ever say FOUND or ABSENT */
    ear_again again;
    int64_t send_timeout_ms; /* longest that one send takes */
    int64_t settling_ms;     /* until a sent reply can surely be seen by look */
    unsigned concurrent;     /* sends under way per account at most */
    /* Pace of an account before the platform's own headers say otherwise: at most rate_count
     * sends in rate_ms ("rate" in care.yaml lowers it). */
    unsigned rate_count;
    int64_t rate_ms;
};

/* One of the firm's own presences. Borrowed for the length of open: a connector copies. */
struct ear_account_out {
    struct ear_str key; /* "@northernline" */
    struct ear_str platform;
    struct ear_str author_id;      /* the firm's own identity there; may be empty */
    const json_t *settings;        /* object of texts; documented in docs/connectors.md */
    const struct ear_str *secrets; /* contents of the named files, in order; the first signs or
                                      logs in. Never logged */
    size_t secret_count;
};

/* What is sent. Everything is borrowed and must live until the call back. */
struct ear_send_job {
    struct ear_id reply_id;
    struct ear_id case_id;
    struct ear_str key; /* as made by the connector's key, read from the journal */
    struct ear_str account;
    struct ear_str platform;
    const struct ear_fit *fit;
    struct ear_str text;     /* as written, without sign-off */
    struct ear_str sign_off; /* "^Ana"; may be empty. Both are in fit as well */
    struct ear_str agent;    /* who wrote it; empty for a rule */
    bool by_rule;
    bool direct; /* only the customer may see it */
    int64_t created_at_us;
    /* The post it answers, as ingest stored it: */
    struct ear_str thread;         /* the connector's own JSON; may be empty */
    struct ear_str post_id;        /* external id of the post; may be empty */
    struct ear_str recipient_id;   /* author's immutable id */
    struct ear_str recipient_name; /* handle or name; may be empty */
};

typedef enum ear_send_state {
    EAR_SEND_SENT,    /* the platform has it: the customer can see it from visible_at_us */
    EAR_SEND_RETRY,   /* nothing became visible; the same again later is right */
    EAR_SEND_FAILED,  /* nothing became visible, and the same again would fail again */
    EAR_SEND_UNKNOWN, /* may or may not be visible; see caps.again */
} ear_send_state;

struct ear_send_result {
    ear_send_state state;
    struct ear_str external_id; /* SENT: what the platform calls the reply (of the first part) */
    int64_t visible_at_us;      /* SENT: 0: now */
    int64_t retry_at_us;        /* RETRY: not before; 0: the core's back-off */
    int64_t pause_until_us;     /* whatever the state: no send of this account before; 0: none */
    const char *reason; /* not SENT: a literal, a stable word for outcome and metrics: "too_long",
                           "denied", "gone", "limited", "unreachable", "refused" … */
    const char *why;    /* for people; no secrets, no text of customers */
    struct ear_str session; /* to store at once; ptr NULL: as before. A secret */
    int status;  /* the platform's last code (HTTP, SMTP), for the journal; 0: none came */
    bool partly; /* not SENT: some parts are visible, so that it never counts as failed */
};

typedef enum ear_look_state {
    EAR_LOOK_FOUND,  /* all of the reply is visible */
    EAR_LOOK_ABSENT, /* none or not all of it is */
    EAR_LOOK_CANT,   /* no answer now (retry_at_us), or never where caps.look is false */
} ear_look_state;

struct ear_look_result {
    ear_look_state state;
    struct ear_str external_id; /* FOUND */
    int64_t visible_at_us;
    int64_t retry_at_us; /* CANT: not before; 0: the core's back-off */
    const char *why;
    struct ear_str session;
    bool partly; /* ABSENT: some parts are visible */
};

/* Exactly one call for each send or look that returned EAR_OK, never from inside it, none after
 * close. What the result lends lives for the length of the call. */
typedef void ear_sent_fn(void *core, const struct ear_send_job *job,
                         const struct ear_send_result *result);
typedef void ear_looked_fn(void *core, const struct ear_send_job *job,
                           const struct ear_look_result *result);

/* Lent by the core; outlives the connector's instance. */
struct ear_speak_env {
    struct ear_loop *loop;
    struct ear_fetch *fetch;
    ear_sent_fn *sent;
    ear_looked_fn *looked;
    void *core;
};

struct ear_connector_out {
    const char *name; /* "bluesky": a platform, or what accounts set as "connector" */
    struct ear_connector_out_caps caps;
    /* Checks settings and secrets; no request goes out. EAR_INVALID with a diag that names the
     * setting. */
    ear_err (*open)(void **out, const struct ear_speak_env *env,
                    const struct ear_account_out *account, struct ear_str session,
                    struct ear_diag *diag);
    /* EAR_TOO_LARGE with fit->over and a diag for the agent; EAR_INVALID for an empty text. */
    ear_err (*fit)(void *self, struct ear_str text, struct ear_str sign_off, struct ear_fit *fit,
                   struct ear_diag *diag);
    /* Appends our own key for the reply. */
    ear_err (*key)(void *self, const struct ear_id *reply_id, struct ear_buf *key);
    /* Both: EAR_OK: under way, the call back will come. Otherwise nothing went out and none comes:
     * an error that ear_err_retryable is as RETRY (CANT), any other as FAILED, with diag's text as
     * why. */
    ear_err (*send)(void *self, const struct ear_send_job *job, struct ear_diag *diag);
    ear_err (*look)(void *self, const struct ear_send_job *job, struct ear_diag *diag);
    /* Ends everything under way without a call back (its fate is open then), frees, nulls. */
    void (*close)(void **self);
};

/* The connector that an account names in its setting "connector", else the one of its platform's
 * name; NULL when there is none. settings may be NULL. */
const struct ear_connector_out *ear_connector_out_find(struct ear_str platform,
                                                       const json_t *settings);
/* All of them, ended by NULL. */
const struct ear_connector_out *const *ear_connectors_out(void);

#endif
