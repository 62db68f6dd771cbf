#include "report.h"

#include <inttypes.h>

bool ear_report_ready(const struct ear_relay *relay, struct ear_diag *why)
{
    struct ear_relay_stats stats;
    ear_relay_stats(relay, &stats);
    if (!ear_relay_reaches(relay, why)) {
        ear_fail_in(why, EAR_UNAVAILABLE, "EAR_CLASSIFIER_INGESTS");
        return false;
    }
    if (stats.downstream == 0) ear_fail(why, EAR_UNAVAILABLE, "no assignment is connected");
    return stats.downstream > 0;
}

/* What does not fit the caller's ceiling is left out. */
static void write_lanes(struct ear_buf *json, const char *name, int64_t live, int64_t backfill)
{
    (void)!ear_buf_printf(json, ",\"%s\":{\"live\":%" PRId64 ",\"backfill\":%" PRId64 "}", name,
                          live, backfill);
}

void ear_report_describe(const struct ear_relay *relay, struct ear_buf *json)
{
    struct ear_relay_stats s;
    ear_relay_stats(relay, &s);
    (void)!ear_buf_printf(json, "\"ingests\":%zu,\"assignments\":%zu,\"lag_s\":%.3f", s.upstream,
                          s.downstream, (double)s.oldest_ms / 1000);
    write_lanes(json, "backlog",
                (int64_t)(s.raw_posts[EAR_LANE_LIVE] + s.ready_posts[EAR_LANE_LIVE]),
                (int64_t)(s.raw_posts[EAR_LANE_BACKFILL] + s.ready_posts[EAR_LANE_BACKFILL]));
    write_lanes(json, "in_flight", (int64_t)s.away_posts[EAR_LANE_LIVE],
                (int64_t)s.away_posts[EAR_LANE_BACKFILL]);
    write_lanes(json, "credit", s.credit_posts[EAR_LANE_LIVE], s.credit_posts[EAR_LANE_BACKFILL]);
}
