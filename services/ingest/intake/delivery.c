#include "intake/delivery.h"
#include "events.h"

const char *ear_post_result_name(ear_post_result_kind kind)
{
    static const char *const names[EAR_RESULT_KINDS] = {"none", "stored", "duplicate", "tombstoned",
                                                        "refused"};
    return names[kind];
}

void ear_delivery_measure(const struct ear_delivery *delivery)
{
    size_t counts[EAR_RESULT_KINDS] = {0};
    for (size_t i = 0; i < delivery->count; i++) {
        const struct ear_post_result *result = &delivery->results[i];
        counts[result->kind]++;
        if (result->kind != EAR_RESULT_STORED || delivery->lane != EAR_LANE_LIVE) continue;
        char account[64] = "none";
        int64_t lag_us = delivery->received_at_us - delivery->posts[i].created_at_us;
        if (delivery->known[i].account.len) {
            (void)ear_str_copy(account, sizeof(account), delivery->known[i].account);
        }
        ear_metric_observe(&M_INGEST_LAG, lag_us > 0 ? (double)lag_us / 1e6 : 0, account);
    }
    for (ear_post_result_kind kind = EAR_RESULT_STORED; kind < EAR_RESULT_KINDS; kind++) {
        if (counts[kind])
            ear_metric_add(&M_POSTS_TOTAL, (double)counts[kind], ear_lane_name(delivery->lane),
                           ear_post_result_name(kind));
    }
}
