/* When a platform says to come back. Pure. */
#include "engine.h"

#define US_PER_S EAR_US_PER_S
/* No platform means longer than this; what says so is broken and would silence an account. */
#define WAIT_MAX_US (INT64_C(7) * 24 * 3600 * US_PER_S)
/* Below this a number is a count of seconds, above it a point in time. */
#define EPOCH_LEAST_S  INT64_C(1000000000)
#define EPOCH_LEAST_MS INT64_C(1000000000000)

struct ear_str ear_fetch_header(const struct ear_fetch_result *result, const char *name)
{
    for (size_t i = 0; i < result->header_count; i++)
        if (ear_str_eq(result->headers[i].name, ear_str_from(name)))
            return result->headers[i].value;
    return EAR_STR_NONE;
}

/* Seconds to wait, epoch seconds or milliseconds, RFC 3339, or an HTTP date; 0: none of these. */
static int64_t point_in_time(struct ear_str text, int64_t now_us)
{
    int64_t number = 0;
    int64_t at_us = 0;
    text = ear_str_trim(text);
    struct ear_str whole = text;
    size_t dot = ear_str_find(text, EAR_STR("."));
    if (dot != SIZE_MAX) whole.len = dot; /* "12.4": some send fractions */
    if (!ear_num_i64(whole, 0, INT64_C(100000000000000), &number)) {
        if (number >= EPOCH_LEAST_MS) return number * EAR_US_PER_MS;
        if (number >= EPOCH_LEAST_S) return number * US_PER_S;
        return now_us + (number + (dot != SIZE_MAX)) * US_PER_S;
    }
    if (!ear_time_parse(text, &at_us)) return at_us;
    char date[64];
    if (!ear_str_copy(date, sizeof(date), text)) return 0;
    time_t parsed = curl_getdate(date, NULL);
    return parsed < 0 ? 0 : (int64_t)parsed * US_PER_S;
}

static bool exhausted(const struct ear_fetch_result *result)
{
    static const char *const remaining[] = {"ratelimit-remaining", "x-ratelimit-remaining",
                                            "x-rate-limit-remaining"};
    for (size_t i = 0; i < EAR_COUNT(remaining); i++) {
        struct ear_str left = ear_fetch_header(result, remaining[i]);
        if (left.ptr && ear_str_eq(ear_str_trim(left), EAR_STR("0"))) return true;
    }
    return result->status == 429;
}

int64_t ear_fetch_retry_at_us(const struct ear_fetch_result *result, int64_t now_us)
{
    static const char *const reset[] = {"ratelimit-reset", "x-ratelimit-reset",
                                        "x-rate-limit-reset"};
    int64_t at_us = 0;
    struct ear_str after = ear_fetch_header(result, "retry-after");
    if (after.ptr) at_us = point_in_time(after, now_us);
    for (size_t i = 0; i < EAR_COUNT(reset) && !at_us && exhausted(result); i++) {
        struct ear_str when = ear_fetch_header(result, reset[i]);
        if (when.ptr) at_us = point_in_time(when, now_us);
    }
    if (at_us <= now_us) return 0;
    return at_us < now_us + WAIT_MAX_US ? at_us : now_us + WAIT_MAX_US;
}
