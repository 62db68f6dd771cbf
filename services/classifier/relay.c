#include "relay.h"

#include "events.h"
#include "image.h"
#include "supply.h"
#include "trend.h"
#include "work.h"
#include <stdlib.h>

#define SLICE_MS 5 /* of reading, before the loop looks at everything else */

/* What was read in a slice, counted until its end: metrics look their labels up. */
struct tally {
    unsigned read[EAR_LANES][2]; /* [1]: own posts, of which nothing else is known */
    unsigned answers[EAR_ANSWER_NOT_NEEDED + 1];
    unsigned intents[EAR_INTENT_OTHER + 1];
};

struct ear_relay {
    struct ear_loop *loop;
    struct ear_bus *bus;       /* owned, as all below */
    struct ear_sink *sink;     /* from ingests */
    struct ear_source *source; /* to assignments */
    struct ear_supply *supply; /* has the triager */
    struct ear_trend *trend;
    struct tally tally;
    struct ear_hook *hook;
    struct ear_timer *done_timer;
    struct ear_map *works; /* by batch id; owns the works */
    struct ear_work_queue raw[EAR_LANES], ready[EAR_LANES];
    size_t away_posts[EAR_LANES];
    struct ear_log_budget short_lines;
    bool draining;
    ear_loop_fn *drained; /* NULL: told already, or not draining */
    void *drained_self;
};

static struct ear_str key_of(const struct ear_id *id)
{
    return (struct ear_str){(const char *)id->b, EAR_ID_BYTES};
}

static void show_waiting(const struct ear_relay *relay, ear_lane lane)
{
    ear_metric_set(&M_CLASSIFIER_WAITING, (double)relay->raw[lane].posts, ear_lane_name(lane),
                   "raw");
    ear_metric_set(&M_CLASSIFIER_WAITING, (double)relay->ready[lane].posts, ear_lane_name(lane),
                   "ready");
}

/* --- The end of a batch --- */

static void leave_state(struct ear_relay *relay, struct ear_work *work)
{
    if (work->state == EAR_WORK_RAW) ear_work_remove(&relay->raw[work->lane], work);
    if (work->state == EAR_WORK_READY) ear_work_remove(&relay->ready[work->lane], work);
    if (work->state == EAR_WORK_AWAY) relay->away_posts[work->lane] -= work->count;
    show_waiting(relay, work->lane);
}

static void set_state(struct ear_relay *relay, struct ear_work *work, ear_work_state to)
{
    leave_state(relay, work);
    EAR_CHECK(to == work->state + 1);
    work->state = to;
    if (to == EAR_WORK_READY) ear_work_push(&relay->ready[work->lane], work);
    if (to == EAR_WORK_AWAY) relay->away_posts[work->lane] += work->count;
    show_waiting(relay, work->lane);
}

static void end_if_done(struct ear_relay *relay)
{
    if (relay->drained && ear_map_count(relay->works) == 0 && ear_sink_is_quiet(relay->sink))
        ear_timer_start(relay->done_timer, 0, 0);
}

static void forget(struct ear_relay *relay, struct ear_work *work)
{
    leave_state(relay, work);
    ear_map_take(relay->works, key_of(&work->id));
    ear_work_free(&work);
    end_if_done(relay);
}

static void settle(struct ear_relay *relay, struct ear_work *work)
{
    ear_sink_settle(relay->sink, &(struct ear_settle){work->id, work->fates, work->count});
    forget(relay, work);
}

static void settle_all_as(struct ear_relay *relay, struct ear_work *work, ear_fate fate)
{
    memset(work->fates, (int)fate, work->count);
    settle(relay, work);
}

/* --- Downstream --- */

static void tell_short(struct ear_relay *relay, const struct ear_id *batch_id)
{
    uint64_t suppressed;
    if (ear_log_budget_spend(&relay->short_lines, ear_clock_mono_ms(), &suppressed))
        ear_log(&EV_CLASSIFIER_NO_MEMORY, kv_id("batch", batch_id),
                kv_int("suppressed", suppressed));
}

/* What there was no memory for is no fault of the posts. */
static ear_fate fate_of(ear_err err)
{
    return ear_err_retryable(err) ? EAR_ITEM_RETURNED : EAR_ITEM_FAILED;
}

static ear_err offer(struct ear_relay *relay, struct ear_work *work)
{
    struct ear_str items[EAR_BATCH_POSTS_MAX];
    struct ear_batch batch = ear_work_batch(work, items);
    (void)ear_fault("classifier.before_offer");
    ear_err err = ear_source_offer(relay->source, &batch);
    if (err == EAR_AGAIN) return err;
    if (err) {
        if (ear_err_retryable(err))
            tell_short(relay, &work->id);
        else
            ear_log(&EV_CLASSIFIER_BATCH_REFUSED, kv_id("batch", &work->id), kv_err(err));
        settle_all_as(relay, work, fate_of(err));
        return EAR_OK;
    }
    (void)ear_fault("classifier.after_offer");
    set_state(relay, work, EAR_WORK_AWAY);
    ear_work_slim(work);
    return EAR_OK;
}

static void room(void *self)
{
    struct ear_relay *relay = self;
    for (ear_lane lane = 0; lane < EAR_LANES; lane++)
        while (relay->ready[lane].first)
            if (offer(relay, relay->ready[lane].first)) break;
}

static void settled(void *self, const struct ear_settle *settled)
{
    struct ear_relay *relay = self;
    struct ear_work *work = ear_map_get(relay->works, key_of(&settled->batch_id));
    if (!work) return; /* its ingest went away meanwhile */
    ear_work_set_fates(work, settled->fates, settled->count);
    (void)ear_fault("classifier.before_settle");
    settle(relay, work);
}

static void lost(void *self, const struct ear_id *batch_id)
{
    struct ear_relay *relay = self;
    struct ear_work *work = ear_map_get(relay->works, key_of(batch_id));
    if (!work) return;
    ear_log(&EV_CLASSIFIER_BATCH_LOST, kv_id("batch", batch_id),
            kv_text("lane", ear_lane_name(work->lane)), kv_int("posts", work->count));
    settle_all_as(relay, work, EAR_ITEM_FAILED);
}

static const struct ear_source_ops source_ops = {room, settled, lost};

/* --- Reading --- */

/* As its table names it, a firm's own too. */
static struct ear_str topic_of(const struct ear_triager *triager, const struct ear_triage *triage)
{
    const struct ear_head *head = ear_triager_head(triager, EAR_ASKS_TOPIC);
    if (triage->skipped || triage->unsure[EAR_ASKS_TOPIC]) return EAR_STR("unsure");
    return head->labels[triage->labels[EAR_ASKS_TOPIC]];
}

static void tell_read(const struct ear_work *work, const struct ear_triager *triager,
                      const struct ear_image_facts *facts, int64_t now_us)
{
    const struct ear_triage *triage = &facts->triage;
    ear_log(&EV_CLASSIFIER_POST_TRIAGED, kv_id("post", &facts->post_id), kv_id("batch", &work->id),
            kv_text("answer", ear_answer_name(triage->answer)),
            kv_text("intent", ear_intent_name(triage->intent)),
            kv_real("p", (double)triage->intent_p), kv_text("language", triage->language),
            kv_str("topic", topic_of(triager, triage)));
    if (facts->stored_at_us > 0 && now_us > facts->stored_at_us)
        ear_metric_observe(&M_CLASSIFIER_LAG, (double)(now_us - facts->stored_at_us) / 1e6,
                           ear_lane_name(work->lane));
}

static void count_read(struct tally *tally, ear_lane lane, const struct ear_triage *triage)
{
    tally->read[lane][triage->skipped]++;
    if (triage->skipped) return;
    tally->answers[triage->answer]++;
    tally->intents[triage->intent]++;
}

static void show_tally(struct tally *tally)
{
    for (ear_lane lane = 0; lane < EAR_LANES; lane++)
        for (size_t own = 0; own < 2; own++)
            if (tally->read[lane][own])
                ear_metric_add(&M_CLASSIFIER_POSTS, tally->read[lane][own], ear_lane_name(lane),
                               own ? "own" : "triaged");
    for (size_t i = 0; i < EAR_COUNT(tally->answers); i++)
        if (tally->answers[i])
            ear_metric_add(&M_CLASSIFIER_ANSWERS, tally->answers[i],
                           ear_answer_name((ear_answer)i));
    for (size_t i = 0; i < EAR_COUNT(tally->intents); i++)
        if (tally->intents[i])
            ear_metric_add(&M_CLASSIFIER_INTENTS, tally->intents[i],
                           ear_intent_name((ear_intent)i));
    *tally = (struct tally){.answers = {0}};
}

static bool between_batches(const struct ear_relay *relay)
{
    for (ear_lane lane = 0; lane < EAR_LANES; lane++)
        if (relay->raw[lane].first && relay->raw[lane].first->read > 0) return false;
    return true;
}

/* A model, topic table or rules that were loaded meanwhile take their place. */
static void refresh(struct ear_relay *relay)
{
    if (ear_supply_refresh(relay->supply)) ear_trend_restart(relay->trend);
}

static void on_loaded(void *self)
{
    struct ear_relay *relay = self;
    if (between_batches(relay)) refresh(relay);
}

static void read_item(struct ear_relay *relay, struct ear_work *work, size_t at)
{
    struct ear_image_facts facts = {.post_id = {{0}}};
    int64_t now_us = ear_clock_wall_us();
    struct ear_triager *triager = ear_supply_triager(relay->supply);
    ear_err err = ear_image_make(triager, ear_work_item(work, at), now_us, &work->image, &facts);
    if (!err) {
        ear_work_add_image(work, at);
        tell_read(work, triager, &facts, now_us);
        count_read(&relay->tally, work->lane, &facts.triage);
        if (!facts.triage.skipped) ear_trend_add(relay->trend, triager, &facts.triage);
        return;
    }
    work->fates[at] = (uint8_t)fate_of(err);
    if (ear_err_retryable(err)) {
        tell_short(relay, &work->id);
        return;
    }
    ear_metric_add(&M_CLASSIFIER_POSTS, 1, ear_lane_name(work->lane), "malformed");
    ear_log(&EV_CLASSIFIER_POST_REFUSED, kv_id("batch", &work->id), kv_int("item", at),
            kv_id("post", &facts.post_id), kv_err(err));
}

static void finish_reading(struct ear_relay *relay, struct ear_work *work)
{
    ear_metric_observe(&M_CLASSIFIER_TRIAGE_SECONDS, (double)work->busy_us / 1e6);
    if (work->image_count == 0) {
        settle(relay, work);
        return;
    }
    set_state(relay, work, EAR_WORK_READY);
    room(relay);
}

static struct ear_work *next_raw(const struct ear_relay *relay)
{
    const struct ear_work_queue *live = &relay->raw[EAR_LANE_LIVE];
    return live->first ? live->first : relay->raw[EAR_LANE_BACKFILL].first;
}

static bool read_some(void *self)
{
    struct ear_relay *relay = self;
    struct ear_work *work = next_raw(relay);
    if (!work) return false;
    if (work->read == 0) refresh(relay);
    int64_t from_us = ear_clock_wall_us(), until_ms = ear_clock_mono_ms() + SLICE_MS;
    while (work->read < work->count && ear_clock_mono_ms() < until_ms)
        read_item(relay, work, work->read++);
    show_tally(&relay->tally);
    work->busy_us += ear_clock_wall_us() - from_us;
    if (work->read == work->count) finish_reading(relay, work);
    return next_raw(relay) != NULL;
}

/* --- Upstream --- */

static void not_now(struct ear_relay *relay, const struct ear_batch *batch)
{
    uint8_t fates[EAR_BATCH_POSTS_MAX];
    memset(fates, EAR_ITEM_RETURNED, batch->count);
    ear_sink_settle(relay->sink, &(struct ear_settle){batch->id, fates, batch->count});
}

static void take(void *self, const struct ear_batch *batch)
{
    struct ear_relay *relay = self;
    if (ear_map_get(relay->works, key_of(&batch->id))) {
        /* One of this id, of an ingest that is gone, is still away: not twice at once. */
        not_now(relay, batch);
        return;
    }
    struct ear_work *work = ear_work_new(batch);
    if (!work) {
        tell_short(relay, &batch->id);
        not_now(relay, batch);
        return;
    }
    ear_map_put(relay->works, key_of(&work->id), work);
    ear_work_push(&relay->raw[work->lane], work);
    show_waiting(relay, work->lane);
}

/* Its posts come again from whoever adopts them; what is away already is only not waited for. */
static void orphaned(void *self, const struct ear_id *batch_id)
{
    struct ear_relay *relay = self;
    struct ear_work *work = ear_map_get(relay->works, key_of(batch_id));
    if (work) forget(relay, work);
}

static void quiet(void *self)
{
    end_if_done(self);
}

static const struct ear_sink_ops sink_ops = {.batch = take, .orphaned = orphaned, .quiet = quiet};

/* --- Life --- */

static void all_done(void *self)
{
    struct ear_relay *relay = self;
    ear_loop_fn *drained = relay->drained;
    relay->drained = NULL;
    if (drained) drained(relay->drained_self);
}

static ear_err open_bus(struct ear_relay *relay, const struct ear_classifier_settings *settings,
                        struct ear_diag *diag)
{
    const struct ear_bus_opts bus_opts = {.service = "classifier",
                                          .key_file = settings->bus_key_file,
                                          .peers_file = settings->bus_peers_file};
    const struct ear_sink_opts sink_opts = {
        .sources = settings->ingests,
        .source_service = "ingest",
        .window_posts = {settings->window_live, settings->window_backfill}};
    ear_err err = ear_bus_new(&relay->bus, relay->loop, &bus_opts, diag);
    if (err) return err;
    err = ear_source_new(&relay->source, relay->bus, settings->bus, &source_ops, relay, diag);
    if (err) return ear_fail_in(diag, err, "EAR_CLASSIFIER_BUS");
    ear_source_admit(relay->source, "assignment");
    return ear_sink_new(&relay->sink, relay->bus, &sink_opts, &sink_ops, relay, diag);
}

ear_err ear_relay_new(struct ear_relay **out, struct ear_loop *loop,
                      const struct ear_classifier_settings *settings, struct ear_diag *diag)
{
    struct ear_relay *relay = ear_alloc(sizeof(*relay));
    relay->loop = loop;
    *out = relay;
    relay->works = ear_map_new();
    relay->trend = ear_trend_new();
    ear_timer_new(&relay->done_timer, loop, all_done, relay);
    ear_hook_new(&relay->hook, loop, read_some, relay);
    ear_err err = ear_supply_new(&relay->supply, loop, settings, on_loaded, relay, diag);
    if (!err) err = open_bus(relay, settings, diag);
    if (err) ear_relay_free(out);
    return err;
}

static void drop_work(void *value)
{
    struct ear_work *work = value;
    ear_work_free(&work);
}

void ear_relay_free(struct ear_relay **relay_ptr)
{
    struct ear_relay *relay = *relay_ptr;
    if (!relay) return;
    ear_sink_free(&relay->sink);
    ear_source_free(&relay->source);
    ear_bus_free(&relay->bus);
    ear_hook_free(&relay->hook);
    ear_timer_free(&relay->done_timer);
    ear_map_free(&relay->works, drop_work);
    ear_supply_free(&relay->supply);
    ear_trend_free(&relay->trend);
    EAR_FREE(*relay_ptr);
}

ear_err ear_relay_reload(struct ear_relay *relay, struct ear_diag *diag)
{
    return ear_bus_reload(relay->bus, diag);
}

uint16_t ear_relay_port(const struct ear_relay *relay)
{
    return ear_source_port(relay->source);
}

static bool find_oldest(void *self, struct ear_str key, void *value)
{
    int64_t *since_ms = self;
    const struct ear_work *work = value;
    (void)key;
    if (work->since_ms < *since_ms) *since_ms = work->since_ms;
    return true;
}

void ear_relay_stats(const struct ear_relay *relay, struct ear_relay_stats *out)
{
    struct ear_source_stats source;
    ear_source_stats(relay->source, &source);
    *out = (struct ear_relay_stats){.upstream = ear_sink_sources(relay->sink),
                                    .downstream = source.sinks};
    int64_t now_ms = ear_clock_mono_ms(), oldest_ms = now_ms;
    ear_map_each(relay->works, find_oldest, &oldest_ms);
    out->oldest_ms = now_ms - oldest_ms;
    for (ear_lane lane = 0; lane < EAR_LANES; lane++) {
        out->raw_posts[lane] = relay->raw[lane].posts;
        out->ready_posts[lane] = relay->ready[lane].posts;
        out->away_posts[lane] = relay->away_posts[lane];
        out->credit_posts[lane] = source.credit_posts[lane];
    }
}

bool ear_relay_reaches(const struct ear_relay *relay, struct ear_diag *why)
{
    return ear_sink_reaches(relay->sink, why);
}

static size_t hand_back(struct ear_relay *relay, struct ear_work_queue *queue)
{
    size_t posts = queue->posts;
    while (queue->first) settle_all_as(relay, queue->first, EAR_ITEM_RETURNED);
    return posts;
}

void ear_relay_drain(struct ear_relay *relay, ear_loop_fn *drained, void *self)
{
    size_t posts = 0;
    relay->drained = drained;
    relay->drained_self = self;
    ear_sink_drain(relay->sink);
    for (ear_lane lane = 0; lane < EAR_LANES; lane++)
        posts += hand_back(relay, &relay->raw[lane]) + hand_back(relay, &relay->ready[lane]);
    ear_log(&EV_CLASSIFIER_DRAINING, kv_int("posts", posts));
    end_if_done(relay);
}
