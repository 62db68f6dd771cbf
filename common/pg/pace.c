#include "pg/pace.h"

#include "log/log.h"
#include "pg/events.h"

static void judge(struct ear_pg_pace *pace)
{
    bool slow = pace->quickest_ms >= EAR_PG_PACE_SLOW_MS;
    if (slow != pace->slow)
        ear_log(slow ? &EV_PG_SLOW : &EV_PG_PROMPT, kv_int("quickest_ms", pace->quickest_ms),
                kv_int("transactions", pace->count));
    pace->slow = slow;
}

void ear_pg_pace_note(struct ear_pg_pace *pace, int64_t now_ms, int64_t took_ms, size_t bytes)
{
    int64_t allowed_ms = (int64_t)(bytes / EAR_PG_PACE_BYTES_MS);
    int64_t ms = took_ms > allowed_ms ? took_ms - allowed_ms : 0;
    if (pace->count == 0) pace->since_ms = now_ms - took_ms;
    if (pace->count == 0 || ms < pace->quickest_ms) pace->quickest_ms = ms;
    pace->count++;
    if (pace->count < EAR_PG_PACE_LEAST || now_ms - pace->since_ms < EAR_PG_PACE_WINDOW_MS) return;
    judge(pace);
    pace->count = 0;
}
