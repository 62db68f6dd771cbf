/* decide: what happens next to a reply. Pure: the journal, the connector's capabilities, limits,
 * time and randomness come in; a step or a verdict comes out. No clock, no database.
 *
 * The rule behind all of it: a reply becomes visible once. Where a try's fate is open, what the
 * platform allows (caps.again) says whether the same may be sent again, whether it must be looked
 * for first, or whether a person decides. */
#ifndef EAR_RESPONDER_DECIDE_H
#define EAR_RESPONDER_DECIDE_H

#include "connector.h"

/* The first byte goes out within this time after attempt.started_at, or not at all: whoever finds
 * an open attempt counts from there. */
#define EAR_ATTEMPT_FRESH_MS 5000

/* A look that could say nothing. */
#define EAR_REASON_CANNOT_LOOK "cannot_look"

/* attempt.state, as in the schema. */
typedef enum ear_attempt_state {
    EAR_ATTEMPT_NONE = 0,
    EAR_ATTEMPT_SENDING = 1, /* bytes may have gone out; no end yet */
    EAR_ATTEMPT_SENT = 2,
    EAR_ATTEMPT_FAILED = 3,
    EAR_ATTEMPT_UNKNOWN = 4,
    EAR_ATTEMPT_RETRY = 5, /* over; another follows */
} ear_attempt_state;

/* What the journal says about a reply. */
struct ear_reply_view {
    ear_attempt_state last;
    int64_t attempt_no; /* of the last attempt; 0: none */
    int64_t tries;      /* that counted */
    int64_t looks;      /* of the last attempt that found nothing */
    int64_t started_at_us;
    int64_t accepted_at_us;
    bool maybe_visible; /* an earlier attempt ended without anybody knowing its fate */
};

struct ear_reply_limits {
    int64_t tries_max;
    int64_t age_max_ms; /* since it was accepted */
    int64_t backoff_floor_ms, backoff_cap_ms;
};

typedef enum ear_step_kind {
    EAR_STEP_SEND,   /* a new attempt */
    EAR_STEP_LOOK,   /* is the open attempt visible? */
    EAR_STEP_WAIT,   /* nothing before at_us */
    EAR_STEP_REOPEN, /* end the open attempt as one to be retried: sending again is harmless */
    EAR_STEP_END,    /* with verdict `end` and a reason */
    EAR_STEP_FORGET, /* it has ended already */
} ear_step_kind;

struct ear_step {
    ear_step_kind kind;
    int64_t at_us;
    ear_attempt_state end; /* EAR_STEP_END: FAILED or UNKNOWN */
    const char *reason;
};

struct ear_step ear_decide_step(const struct ear_reply_view *view,
                                const struct ear_connector_out_caps *caps,
                                const struct ear_reply_limits *limits, int64_t now_us);

/* What an answer of the connector means. */
struct ear_verdict {
    ear_attempt_state state; /* SENDING: its fate stays open */
    bool final;              /* an outcome is due */
    int64_t next_at_us;      /* not final: not before */
    int64_t tries;           /* new values */
    int64_t looks;
    const char *reason; /* "" for SENT */
};

struct ear_verdict ear_decide_sent(const struct ear_reply_view *view,
                                   const struct ear_connector_out_caps *caps,
                                   const struct ear_reply_limits *limits,
                                   const struct ear_send_result *result, int64_t now_us,
                                   uint64_t random);
struct ear_verdict ear_decide_looked(const struct ear_reply_view *view,
                                     const struct ear_connector_out_caps *caps,
                                     const struct ear_reply_limits *limits,
                                     const struct ear_look_result *result, int64_t now_us,
                                     uint64_t random);

#endif
