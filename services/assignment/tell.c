#include "tell.h"

#include "events.h"
#include "metrics.h"

#define STRANGERS_MAX 256

static void warn_of_stranger(struct ear_map *strangers, const struct ear_care *care,
                             const char *account)
{
    struct ear_str name = ear_str_from(account);
    if (ear_care_account(care, account) || ear_map_get(strangers, name)) return;
    if (ear_map_count(strangers) >= STRANGERS_MAX) return;
    ear_map_put(strangers, name, strangers);
    ear_log(&EV_POST_ACCOUNT_UNKNOWN, kv_text("account", account));
}

static const char *decision_name(ear_decision decision)
{
    static const char *const names[] = {"?",           "opened", "joined",    "reopened",
                                        "none_needed", "own",    "own_alone", "related"};
    return names[decision];
}

/* While it was committed, other memory took its place in the processor's. */
static void fetch_ahead(const struct ear_verdict *v)
{
    __builtin_prefetch(v->heard);
    __builtin_prefetch(v->of);
}

static void tell_posts(const struct ear_job *job, const struct ear_book *book,
                       struct ear_map *strangers)
{
    double counts[EAR_DECIDED_RELATED + 1] = {0};
    ear_log_hold();
    for (const struct ear_verdict *v = book->verdicts; v; v = v->next) {
        if (v->next) fetch_ahead(v->next);
        const char *name = decision_name(v->decision);
        counts[v->decision]++;
        int64_t way_us = book->now_us - v->heard->received_at_us;
        if (job->lane == EAR_LANE_LIVE)
            ear_metric_observe(&M_DECIDE_SECONDS, (double)way_us / EAR_US_PER_S);
        if (v->decision == EAR_DECIDED_OPENED)
            warn_of_stranger(strangers, book->care, v->of->account);
        if (v->of)
            ear_log(&EV_POST_DECIDED, kv_id("post", &v->heard->post_id), kv_text("decision", name),
                    kv_id("case", &v->of->case_id), kv_text("team", v->of->team),
                    kv_text("agent", v->of->agent ? v->of->agent : ""),
                    kv_text("trace", v->heard->trace));
        else
            ear_log(&EV_POST_DECIDED, kv_id("post", &v->heard->post_id), kv_text("decision", name),
                    kv_text("trace", v->heard->trace));
    }
    ear_log_release();
    for (ear_decision d = 0; d < EAR_COUNT(counts); d++)
        if (counts[d] > 0) ear_metric_add(&M_POSTS, counts[d], decision_name(d));
}

static const char *trace_of(const struct ear_job *job, const struct ear_id *post_id)
{
    for (size_t i = 0; i < job->post_count; i++)
        if (ear_id_cmp(&job->posts[i]->post_id, post_id) == 0) return job->posts[i]->trace;
    return "";
}

static void tell_mentions(const struct ear_job *job, const struct ear_book *book)
{
    for (const struct ear_entry *e = book->entries; e; e = e->next)
        if (e->account)
            ear_log(&EV_POST_MENTIONED, kv_id("post", &e->post_id), kv_id("case", &e->of->case_id),
                    kv_text("account", e->account), kv_text("trace", trace_of(job, &e->post_id)));
}

void ear_tell_decided(const struct ear_job *job, const struct ear_book *book,
                      struct ear_map *strangers)
{
    tell_posts(job, book, strangers);
    tell_mentions(job, book);
}
