#include "decide.h"

/* One look that finds nothing proves little. */
#define LOOKS_BELIEVED 2
#define LOOK_PAUSE_MS  5000
#define OPEN_REASON    "open" /* read back by read_due in store.sql */
#define GAVE_UP        "gave_up"

static bool too_old(const struct ear_reply_view *view, const struct ear_reply_limits *limits,
                    int64_t now_us)
{
    return now_us - view->accepted_at_us >= limits->age_max_ms * EAR_US_PER_MS;
}

static bool given_up(const struct ear_reply_view *view, const struct ear_reply_limits *limits,
                     int64_t tries, int64_t now_us)
{
    return tries >= limits->tries_max || too_old(view, limits, now_us);
}

/* "It will not be tried again" must not be said of what may be visible. */
static ear_attempt_state failed_or_unknown(const struct ear_reply_view *view)
{
    return view->maybe_visible ? EAR_ATTEMPT_UNKNOWN : EAR_ATTEMPT_FAILED;
}

static struct ear_step end_step(ear_attempt_state end, const char *reason)
{
    return (struct ear_step){.kind = EAR_STEP_END, .end = end, .reason = reason};
}

static struct ear_step wait_step(int64_t at_us)
{
    return (struct ear_step){.kind = EAR_STEP_WAIT, .at_us = at_us};
}

static int64_t timeout_us(const struct ear_reply_view *view,
                          const struct ear_connector_out_caps *caps)
{
    return view->started_at_us + (EAR_ATTEMPT_FRESH_MS + caps->send_timeout_ms) * EAR_US_PER_MS;
}

/* An attempt that somebody began and nobody ended. Its sender may still be at it, so nothing
 * happens before its time-out. */
static struct ear_step open_step(const struct ear_reply_view *view,
                                 const struct ear_connector_out_caps *caps,
                                 const struct ear_reply_limits *limits, int64_t now_us)
{
    int64_t timeout_at = timeout_us(view, caps);
    int64_t settled_at = timeout_at + caps->settling_ms * EAR_US_PER_MS;
    if (now_us < timeout_at) return wait_step(timeout_at);
    if (caps->again == EAR_AGAIN_SAFE) return (struct ear_step){.kind = EAR_STEP_REOPEN};
    if (caps->again == EAR_AGAIN_NEVER || !caps->look)
        return end_step(EAR_ATTEMPT_UNKNOWN, "interrupted");
    if (now_us < settled_at) return wait_step(settled_at);
    if (too_old(view, limits, now_us)) return end_step(EAR_ATTEMPT_UNKNOWN, GAVE_UP);
    return (struct ear_step){.kind = EAR_STEP_LOOK};
}

struct ear_step ear_decide_step(const struct ear_reply_view *view,
                                const struct ear_connector_out_caps *caps,
                                const struct ear_reply_limits *limits, int64_t now_us)
{
    switch (view->last) {
    case EAR_ATTEMPT_SENDING:
        return open_step(view, caps, limits, now_us);
    case EAR_ATTEMPT_SENT:
    case EAR_ATTEMPT_FAILED:
    case EAR_ATTEMPT_UNKNOWN:
        return (struct ear_step){.kind = EAR_STEP_FORGET};
    case EAR_ATTEMPT_NONE:
    case EAR_ATTEMPT_RETRY:
    default:
        if (given_up(view, limits, view->tries, now_us))
            return end_step(failed_or_unknown(view), GAVE_UP);
        return (struct ear_step){.kind = EAR_STEP_SEND};
    }
}

static struct ear_verdict final(const struct ear_reply_view *view, ear_attempt_state state,
                                const char *reason)
{
    return (struct ear_verdict){.state = state,
                                .final = true,
                                .tries = view->tries,
                                .looks = view->looks,
                                .reason = reason ? reason : ""};
}

static int64_t later_us(const struct ear_reply_limits *limits, int64_t tries, int64_t now_us,
                        uint64_t random)
{
    unsigned shift = tries > 30 ? 30 : (unsigned)tries;
    return now_us +
           ear_backoff_ms(shift, limits->backoff_floor_ms, limits->backoff_cap_ms, random) *
               EAR_US_PER_MS;
}

static int64_t latest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A platform that names the time to come back is waited for; only age ends that. */
static struct ear_verdict again(const struct ear_reply_view *view,
                                const struct ear_reply_limits *limits, int64_t retry_at_us,
                                const char *reason, int64_t now_us, uint64_t random)
{
    bool told = retry_at_us > now_us;
    int64_t tries = view->tries + (told ? 0 : 1);
    bool open = reason && strcmp(reason, OPEN_REASON) == 0;
    if (given_up(view, limits, tries, now_us))
        return final(view, open ? EAR_ATTEMPT_UNKNOWN : failed_or_unknown(view),
                     open ? GAVE_UP : reason);
    return (struct ear_verdict){.state = EAR_ATTEMPT_RETRY,
                                .next_at_us = told ? retry_at_us
                                                   : later_us(limits, view->tries, now_us, random),
                                .tries = tries,
                                .looks = view->looks,
                                .reason = reason ? reason : ""};
}

static struct ear_verdict stay_open(const struct ear_reply_view *view, int64_t looks,
                                    int64_t next_at_us, const char *reason)
{
    return (struct ear_verdict){.state = EAR_ATTEMPT_SENDING,
                                .next_at_us = next_at_us,
                                .tries = view->tries,
                                .looks = looks,
                                .reason = reason ? reason : ""};
}

static struct ear_verdict unknown(const struct ear_reply_view *view,
                                  const struct ear_connector_out_caps *caps,
                                  const struct ear_reply_limits *limits,
                                  const struct ear_send_result *result, int64_t now_us,
                                  uint64_t random)
{
    if (caps->again == EAR_AGAIN_SAFE)
        return again(view, limits, result->retry_at_us, OPEN_REASON, now_us, random);
    if (caps->again == EAR_AGAIN_NEVER || !caps->look)
        return final(view, EAR_ATTEMPT_UNKNOWN, result->reason);
    int64_t look_at = timeout_us(view, caps) + caps->settling_ms * EAR_US_PER_MS;
    return stay_open(view, 0, latest(look_at, now_us), result->reason);
}

struct ear_verdict ear_decide_sent(const struct ear_reply_view *view,
                                   const struct ear_connector_out_caps *caps,
                                   const struct ear_reply_limits *limits,
                                   const struct ear_send_result *result, int64_t now_us,
                                   uint64_t random)
{
    switch (result->state) {
    case EAR_SEND_SENT:
        return final(view, EAR_ATTEMPT_SENT, "");
    case EAR_SEND_RETRY:
        return again(view, limits, latest(result->retry_at_us, result->pause_until_us),
                     result->partly ? OPEN_REASON : result->reason, now_us, random);
    case EAR_SEND_FAILED:
        return final(view, result->partly ? EAR_ATTEMPT_UNKNOWN : failed_or_unknown(view),
                     result->reason);
    case EAR_SEND_UNKNOWN:
    default:
        return unknown(view, caps, limits, result, now_us, random);
    }
}

static struct ear_verdict absent(const struct ear_reply_view *view,
                                 const struct ear_connector_out_caps *caps,
                                 const struct ear_reply_limits *limits, bool partly, int64_t now_us)
{
    int64_t looks = view->looks + 1;
    if (looks < LOOKS_BELIEVED) {
        int64_t pause_ms = latest(caps->settling_ms, LOOK_PAUSE_MS);
        return stay_open(view, looks, now_us + pause_ms * EAR_US_PER_MS, "not_seen");
    }
    if (given_up(view, limits, view->tries + 1, now_us))
        return final(view, partly ? EAR_ATTEMPT_UNKNOWN : failed_or_unknown(view), "not_seen");
    return (struct ear_verdict){.state = EAR_ATTEMPT_RETRY,
                                .next_at_us = now_us,
                                .tries = view->tries + 1,
                                .looks = looks,
                                .reason = partly ? OPEN_REASON : "not_seen"};
}

struct ear_verdict ear_decide_looked(const struct ear_reply_view *view,
                                     const struct ear_connector_out_caps *caps,
                                     const struct ear_reply_limits *limits,
                                     const struct ear_look_result *result, int64_t now_us,
                                     uint64_t random)
{
    switch (result->state) {
    case EAR_LOOK_FOUND:
        return final(view, EAR_ATTEMPT_SENT, "");
    case EAR_LOOK_ABSENT:
        return absent(view, caps, limits, result->partly, now_us);
    case EAR_LOOK_CANT:
    default:
        if (!caps->look) return final(view, EAR_ATTEMPT_UNKNOWN, EAR_REASON_CANNOT_LOOK);
        if (too_old(view, limits, now_us)) return final(view, EAR_ATTEMPT_UNKNOWN, GAVE_UP);
        int64_t next = result->retry_at_us > now_us ? result->retry_at_us
                                                    : later_us(limits, 3, now_us, random);
        return stay_open(view, view->looks, next, EAR_REASON_CANNOT_LOOK);
    }
}
