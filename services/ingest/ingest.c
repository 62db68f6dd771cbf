#include "ingest.h"
#include "events.h"
#include "fetch/fetch.h"
#include "hear/care.h"
#include "hear/hearing.h"
#include "hear/lease.h"
#include "intake/intake.h"
#include "offer/offer.h"
#include "store_sql.h"
#include "web/http.h"
#include <stdio.h>
#include <stdlib.h>

#define COUNT_MS   2000 /* backlog, stats */
#define ADOPT_MS   3000
#define FORGET_MS  (10 * 60 * 1000)
#define DAY_MS     (INT64_C(86400) * 1000)
#define DRAIN_MS   50
#define LEASE_NAME 64
/* What this build reads and writes; later migrations only add to it. */
#define SCHEMA_LEAST 16

struct ear_ingest_settings ear_ingest_settings;

struct ingest {
    struct ear_svc *svc;
    struct ear_pg *pg;
    struct ear_bus *bus;
    struct ear_fetch *fetch;
    struct ear_care *care;
    struct ear_leases *leases;
    struct ear_offer *offer;
    struct ear_intake *intake;
    struct ear_http *http;
    struct ear_hearing *hearing;
    char lease[LEASE_NAME]; /* on our own intake rows */
    struct ear_timer *count_timer, *adopt_timer, *forget_timer, *drain_timer;
    bool key_known;
    bool key_asked;
    int64_t drain_until_ms;
    bool draining, leases_ended;
    int64_t backlog[EAR_LANES], oldest_us[EAR_LANES];
};

/* --- The key that ids are hashed with --- */

/* A post stored under another key would get another id here: then nothing may start. */
static bool key_fits(const struct ear_id_key *key, const struct ear_pg_result *last)
{
    if (ear_pg_rows(last) == 0) return true;
    struct ear_id stored = ear_pg_get_id(last, 0, 2);
    struct ear_id made =
        ear_id_ref(key, EAR_REF_POST, ear_pg_get_str(last, 0, 0), ear_pg_get_str(last, 0, 1));
    return ear_id_cmp(&stored, &made) == 0;
}

static void on_key(void *self, ear_err err, const struct ear_pg_result *const *results,
                   size_t count, const struct ear_diag *diag)
{
    struct ingest *ingest = self;
    struct ear_diag why;
    struct ear_id_key key;
    ingest->key_asked = false;
    if (err != EAR_OK || count != 2) {
        if (err != EAR_CLOSED) {
            ear_log(&EV_INGEST_STORE_FAILED, kv_text("statement", "id_key"), kv_diag(diag));
        }
        return;
    }
    struct ear_str bytes =
        ear_pg_rows(results[0]) ? ear_pg_get_str(results[0], 0, 0) : EAR_STR_NONE;
    if (ear_id_key_init(&key, bytes) != EAR_OK) {
        ear_fail(&why, EAR_NOT_FOUND, "the database has no id key: run `earshotctl migrate`");
        ear_svc_fail(ingest->svc, &why);
        return;
    }
    if (key_fits(&key, results[1])) {
        ear_intake_set_key(ingest->intake, &key);
        ingest->key_known = true;
    } else {
        ear_fail(&why, EAR_CONFLICT,
                 "the id key is not the one that the stored posts were made with: restore table "
                 "id_key from the backup of this database");
        ear_svc_fail(ingest->svc, &why);
    }
    ear_secret_wipe(&key, sizeof(key));
}

static void ask_key(struct ingest *ingest)
{
    if (ingest->key_known || ingest->key_asked || !ear_pg_is_up(ingest->pg)) return;
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_ID_KEY);
    ear_pg_batch_add(batch, STORE_LAST_POST);
    ingest->key_asked = true;
    ear_pg_run(ingest->pg, &batch, on_key, ingest);
}

/* --- Work of those who are gone --- */

/* It comes around again. */
static void on_swept(void *self, ear_err err, const struct ear_pg_result *const *results,
                     size_t count, const struct ear_diag *diag)
{
    (void)self;
    (void)results;
    (void)count;
    if (err == EAR_OK || err == EAR_CLOSED) return;
    ear_log(&EV_INGEST_STORE_FAILED, kv_text("statement", "sweep"), kv_diag(diag));
}

static void erase_removed(struct ear_pg_batch *batch, int64_t since_ms)
{
    ear_pg_batch_add(batch, STORE_ERASE_REMOVED);
    ear_pg_i64(batch, since_ms);
    ear_pg_batch_add(batch, STORE_ERASE_REMOVED_REVISIONS);
    ear_pg_i64(batch, since_ms);
}

static void on_adopted(void *self, ear_err err, const struct ear_pg_result *const *results,
                       size_t count, const struct ear_diag *diag)
{
    struct ingest *ingest = self;
    if (err == EAR_CLOSED) return;
    if (err != EAR_OK || count != 2) {
        ear_log(&EV_INGEST_STORE_FAILED, kv_text("statement", "adopt_intake"), kv_diag(diag));
        return;
    }
    for (size_t row = 0; row < ear_pg_rows(results[1]); row++)
        ear_offer_behind(ingest->offer, (ear_lane)ear_pg_get_i64(results[1], row, 0));
    if (ear_pg_affected(results[0]) == 0) return;
    ear_log(&EV_INGEST_ADOPTED, kv_int("rows", ear_pg_affected(results[0])));
    ear_offer_behind(ingest->offer, EAR_LANE_LIVE);
    ear_offer_behind(ingest->offer, EAR_LANE_BACKFILL);
}

static void adopt(void *self)
{
    struct ingest *ingest = self;
    int64_t epoch = 0;
    if (ingest->draining || !ear_pg_is_up(ingest->pg) ||
        !ear_leases_held(ingest->leases, ingest->lease, &epoch)) {
        return;
    }
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_ADOPT_INTAKE);
    ear_pg_id(batch, ear_svc_instance(ingest->svc));
    ear_pg_i64(batch, epoch);
    ear_pg_batch_add(batch, STORE_LATE_INTAKE);
    ear_pg_id(batch, ear_svc_instance(ingest->svc));
    ear_pg_run(ingest->pg, &batch, on_adopted, ingest);
    batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_FORGET_INSTANCES);
    erase_removed(batch, FORGET_MS);
    ear_pg_run(ingest->pg, &batch, on_swept, ingest);
}

static void on_intake_notice(void *self, struct ear_str payload)
{
    (void)payload;
    adopt(self);
}

/* --- Listeners --- */

static void on_lease(void *self, const char *name, bool held)
{
    struct ingest *ingest = self;
    int64_t epoch = 0;
    if (strcmp(name, ingest->lease) == 0) {
        if (held && ear_leases_held(ingest->leases, name, &epoch)) {
            ear_intake_set_epoch(ingest->intake, epoch);
            adopt(ingest);
        } else {
            ear_intake_set_epoch(ingest->intake, 0);
        }
        return;
    }
    ear_hearing_lease_changed(ingest->hearing, name, held);
}

static void on_care_changed(void *self)
{
    struct ingest *ingest = self;
    if (ingest->draining) return;
    ear_hearing_follow(ingest->hearing, ingest->care);
    ear_leases_renew(ingest->leases);
}

/* --- Counting --- */

static void on_backlog(void *self, ear_err err, const struct ear_pg_result *const *results,
                       size_t count, const struct ear_diag *diag)
{
    (void)diag;
    struct ingest *ingest = self;
    if (err != EAR_OK || count != 1) return;
    for (ear_lane lane = 0; lane < EAR_LANES; lane++) {
        ingest->backlog[lane] = ingest->oldest_us[lane] = 0;
    }
    for (size_t row = 0; row < ear_pg_rows(results[0]); row++) {
        int64_t lane = ear_pg_get_i64(results[0], row, 0);
        if (lane < 0 || lane >= EAR_LANES) continue;
        ingest->backlog[lane] = ear_pg_get_i64(results[0], row, 2);
        ingest->oldest_us[lane] = ear_pg_get_time(results[0], row, 3);
    }
}

static double age_s(int64_t at_us)
{
    int64_t age_us = at_us ? ear_clock_wall_us() - at_us : 0;
    return age_us > 0 ? (double)age_us / 1e6 : 0;
}

static void show(const struct ingest *ingest)
{
    struct ear_offer_stats stats;
    ear_offer_stats(ingest->offer, &stats);
    for (ear_lane lane = 0; lane < EAR_LANES; lane++) {
        const char *name = ear_lane_name(lane);
        ear_metric_set(&M_BACKLOG_POSTS, (double)ingest->backlog[lane], name);
        ear_metric_set(&M_OLDEST_SECONDS, age_s(ingest->oldest_us[lane]), name);
        ear_metric_set(&M_IN_FLIGHT_POSTS, (double)stats.in_flight[lane], name);
        ear_metric_set(&M_CREDIT_POSTS, (double)stats.source.credit_posts[lane], name);
    }
    ear_metric_set(&M_SINKS, (double)stats.source.sinks);
    size_t own = ear_leases_held(ingest->leases, ingest->lease, NULL) ? 1 : 0;
    ear_metric_set(&M_LEASES_HELD, (double)(ear_leases_count(ingest->leases) - own));
    ear_hearing_show(ingest->hearing);
}

static void on_count(void *self)
{
    struct ingest *ingest = self;
    show(ingest);
    ask_key(ingest);
    if (!ear_pg_is_up(ingest->pg)) return;
    ear_offer_pump(ingest->offer);
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_BACKLOG);
    ear_pg_id(batch, ear_svc_instance(ingest->svc));
    ear_pg_run(ingest->pg, &batch, on_backlog, ingest);
}

static void on_forget(void *self)
{
    struct ingest *ingest = self;
    if (!ear_pg_is_up(ingest->pg)) return;
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_FORGET_RECEIPTS);
    ear_pg_i64(batch, ear_ingest_settings.receipts_ms);
    erase_removed(batch, DAY_MS); /* what nobody was there to see */
    ear_pg_run(ingest->pg, &batch, on_swept, ingest);
}

/* --- The database comes and goes --- */

static void on_up(void *self)
{
    struct ingest *ingest = self;
    if (!ingest->http) return; /* not all is made yet */
    ask_key(ingest);
    ear_leases_renew(ingest->leases);
    ear_intake_wake(ingest->intake);
    ear_offer_pump(ingest->offer);
}

static void on_down(void *self)
{
    struct ingest *ingest = self;
    if (ingest->http) ear_intake_wake(ingest->intake);
}

/* --- Its life --- */

static ear_err open_links(struct ingest *ingest, struct ear_diag *diag)
{
    const struct ear_ingest_settings *settings = &ear_ingest_settings;
    struct ear_loop *loop = ear_svc_loop(ingest->svc);
    const struct ear_pg_opts pg = {
        .conninfo = settings->pg,
        .password =
            settings->pg_password && settings->pg_password[0] ? settings->pg_password : NULL,
        .application = "earshot-ingest",
        .statements = store_statements,
        .statement_count = STORE_SQL_COUNT,
        .role = "earshot_ingest",
        .schema_least = SCHEMA_LEAST,
        .connections = (unsigned)settings->pg_connections,
        .keyed = true,
        .planned_once = true,
        .up = on_up,
        .down = on_down,
        .self = ingest,
    };
    const struct ear_bus_opts bus = {
        .service = "ingest",
        .key_file = settings->bus_key_file[0] ? settings->bus_key_file : NULL,
        .peers_file = settings->bus_peers_file[0] ? settings->bus_peers_file : NULL,
    };
    ear_err err = ear_bus_new(&ingest->bus, loop, &bus, diag);
    if (err == EAR_OK && (err = ear_pg_new(&ingest->pg, loop, &pg, diag)) != EAR_OK)
        ear_fail_in(diag, err, "EAR_PG");
    if (err == EAR_OK) err = ear_fetch_new(&ingest->fetch, loop, "earshot/" EAR_VERSION);
    return err;
}

static ear_err make_rooms(struct ingest *ingest, struct ear_diag *diag)
{
    const struct ear_ingest_settings *settings = &ear_ingest_settings;
    struct ear_loop *loop = ear_svc_loop(ingest->svc);
    const struct ear_id owner = *ear_svc_instance(ingest->svc);
    const struct ear_offer_opts offer = {.loop = loop,
                                         .pg = ingest->pg,
                                         .bus = ingest->bus,
                                         .endpoint = settings->bus,
                                         .owner = owner};
    const struct ear_care_opts care = {.loop = loop,
                                       .pg = ingest->pg,
                                       .secrets_dir = settings->secrets_dir,
                                       .changed = on_care_changed,
                                       .self = ingest};
    const struct ear_lease_opts leases = {.loop = loop,
                                          .pg = ingest->pg,
                                          .owner = owner,
                                          .lease_ms = settings->lease_ms,
                                          .changed = on_lease,
                                          .self = ingest};
    ear_err err = ear_offer_new(&ingest->offer, &offer, diag);
    if (err != EAR_OK) return ear_fail_in(diag, err, "EAR_INGEST_BUS");
    if (err == EAR_OK) err = ear_care_new(&ingest->care, &care, diag);
    if (err == EAR_OK) {
        err = ear_pg_listen(ingest->pg, "earshot_intake", on_intake_notice, ingest);
    }
    if (err != EAR_OK) return err;
    const struct ear_intake_opts intake = {.loop = loop,
                                           .pg = ingest->pg,
                                           .care = ingest->care,
                                           .offer = ingest->offer,
                                           .owner = owner,
                                           .queue_posts = settings->queue_posts,
                                           .queue_bytes = settings->queue_bytes};
    ear_intake_new(&ingest->intake, &intake);
    ear_leases_new(&ingest->leases, &leases);
    ear_leases_want(ingest->leases, ingest->lease);
    const struct ear_listener_env hearing = {.loop = loop,
                                             .pg = ingest->pg,
                                             .fetch = ingest->fetch,
                                             .intake = ingest->intake,
                                             .leases = ingest->leases,
                                             .owner = owner};
    ear_hearing_new(&ingest->hearing, &hearing);
    ear_http_new(&ingest->http, ear_svc_httpd(ingest->svc), ingest->care, ingest->intake, settings);
    return EAR_OK;
}

static void start_timers(struct ingest *ingest)
{
    struct ear_loop *loop = ear_svc_loop(ingest->svc);
    ear_timer_new(&ingest->count_timer, loop, on_count, ingest);
    ear_timer_new(&ingest->adopt_timer, loop, adopt, ingest);
    ear_timer_new(&ingest->forget_timer, loop, on_forget, ingest);
    ear_timer_start(ingest->count_timer, 0, COUNT_MS);
    ear_timer_start(ingest->adopt_timer, ADOPT_MS, ADOPT_MS);
    ear_timer_start(ingest->forget_timer, FORGET_MS, FORGET_MS);
}

ear_err ear_ingest_start(struct ear_svc *svc, void **self, struct ear_diag *diag)
{
    char id[EAR_ID_TEXT_BYTES];
    struct ingest *ingest = ear_alloc(sizeof(*ingest));
    ingest->svc = svc;
    ear_id_format(ear_svc_instance(svc), id);
    snprintf(ingest->lease, sizeof(ingest->lease), "intake/%s", id);
    ear_err err = open_links(ingest, diag);
    if (err == EAR_OK) err = make_rooms(ingest, diag);
    if (err != EAR_OK) {
        ear_ingest_stop(ingest);
        return err;
    }
    start_timers(ingest);
    *self = ingest;
    return EAR_OK;
}

ear_err ear_ingest_reload(void *self, struct ear_diag *diag)
{
    struct ingest *ingest = self;
    return ear_bus_reload(ingest->bus, diag);
}

bool ear_ingest_ready(void *self, struct ear_diag *why)
{
    const struct ingest *ingest = self;
    if (!ear_pg_works(ingest->pg, why)) return false;
    if (!ingest->key_known) {
        ear_fail(why, EAR_AGAIN, "the id key is not read yet");
    } else if (!ear_care_loaded(ingest->care)) {
        ear_fail(why, EAR_AGAIN, "the accounts are not read yet");
    } else if (!ear_leases_held(ingest->leases, ingest->lease, NULL)) {
        ear_fail(why, EAR_AGAIN, "the lease on intake rows is not held yet");
    } else {
        return ear_http_stores(ingest->http, why);
    }
    return false;
}

void ear_ingest_describe(void *self, struct ear_buf *json)
{
    const struct ingest *ingest = self;
    struct ear_offer_stats stats;
    ear_offer_stats(ingest->offer, &stats);
    double live_s = age_s(ingest->oldest_us[EAR_LANE_LIVE]);
    double bulk_s = age_s(ingest->oldest_us[EAR_LANE_BACKFILL]);
    ear_err err = ear_buf_printf(
        json,
        "\"database\":%lld,\"database_least\":%d,\"lag_ms\":%.0f,"
        "\"classifiers\":%zu,\"accounts\":%zu,\"leases\":%zu,"
        "\"queued\":{\"live\":%zu,\"backfill\":%zu},"
        "\"backlog\":{\"live\":%lld,\"backfill\":%lld},"
        "\"in_flight\":{\"live\":%zu,\"backfill\":%zu},"
        "\"credit\":{\"live\":%lld,\"backfill\":%lld},"
        "\"oldest_unsettled_s\":{\"live\":%.3f,\"backfill\":%.3f},",
        (long long)ear_pg_schema(ingest->pg), SCHEMA_LEAST,
        (live_s > bulk_s ? live_s : bulk_s) * 1000, stats.source.sinks,
        ear_care_count(ingest->care), ear_leases_count(ingest->leases),
        ear_intake_queued(ingest->intake, EAR_LANE_LIVE),
        ear_intake_queued(ingest->intake, EAR_LANE_BACKFILL),
        (long long)ingest->backlog[EAR_LANE_LIVE], (long long)ingest->backlog[EAR_LANE_BACKFILL],
        stats.in_flight[EAR_LANE_LIVE], stats.in_flight[EAR_LANE_BACKFILL],
        (long long)stats.source.credit_posts[EAR_LANE_LIVE],
        (long long)stats.source.credit_posts[EAR_LANE_BACKFILL], live_s, bulk_s);
    if (err == EAR_OK) err = ear_hearing_describe(ingest->hearing, json);
    if (err != EAR_OK) ear_buf_reset(json);
}

/* --- The end --- */

static void on_leases_ended(void *self)
{
    struct ingest *ingest = self;
    ear_svc_drained(ingest->svc);
}

/* What is not settled in time is found through its intake rows by whoever lives; without the
 * database nothing can be given back, and leases run out by themselves. */
static void on_drain(void *self)
{
    struct ingest *ingest = self;
    bool late = ear_clock_mono_ms() >= ingest->drain_until_ms;
    if (ear_intake_busy(ingest->intake) > 0 && !late) return;
    if (!ear_offer_idle(ingest->offer) && !late) return;
    if (!ear_pg_is_up(ingest->pg)) {
        ear_svc_drained(ingest->svc);
        return;
    }
    if (ingest->leases_ended) return;
    ingest->leases_ended = true;
    ear_leases_end(ingest->leases, on_leases_ended, ingest);
}

void ear_ingest_drain(void *self)
{
    struct ingest *ingest = self;
    ingest->draining = true;
    ingest->drain_until_ms = ear_clock_mono_ms() + ear_ingest_settings.settle_wait_ms;
    ear_http_drain(ingest->http);
    ear_offer_drain(ingest->offer);
    ear_hearing_free(&ingest->hearing);
    ear_timer_new(&ingest->drain_timer, ear_svc_loop(ingest->svc), on_drain, ingest);
    ear_timer_start(ingest->drain_timer, 0, DRAIN_MS);
}

void ear_ingest_stop(void *self)
{
    struct ingest *ingest = self;
    ear_timer_free(&ingest->count_timer);
    ear_timer_free(&ingest->adopt_timer);
    ear_timer_free(&ingest->forget_timer);
    ear_timer_free(&ingest->drain_timer);
    ear_hearing_free(&ingest->hearing);
    ear_fetch_free(&ingest->fetch);
    ear_pg_free(&ingest->pg); /* whoever waits for it is told now */
    ear_intake_free(&ingest->intake);
    ear_http_free(&ingest->http);
    ear_offer_free(&ingest->offer);
    ear_leases_free(&ingest->leases);
    ear_care_free(&ingest->care);
    ear_bus_free(&ingest->bus);
    free(ingest);
}
