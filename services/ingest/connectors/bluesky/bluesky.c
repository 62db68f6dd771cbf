/* The walk. Notices come newest first, but a server sorts them by the earlier of the author's
 * claim and its own sight: what is backdated or indexed late appears below what was heard already.
 * So each walk goes down past the newest known notice by an overlap, and now and then far down;
 * what was handed over before is skipped by its URI. A walk of several pages hands over each page
 * as a round and moves the stored cursor with the last one only, so a crash on the way starts it
 * again and the database drops what comes twice. */
#include "bluesky.h"
#include "atp/atp.h"
#include "notice.h"
#include "json/json.h"
#include <stdio.h>
#include <stdlib.h>

#define PAGE_MAX   100u
#define PAGES_MAX  2000u
#define OVERLAP_US (INT64_C(10) * 60 * EAR_US_PER_S)
#define DEEP_US    (INT64_C(48) * 3600 * EAR_US_PER_S)
/* Deep walks that cost little are made often. */
#define DEEP_EVERY_MS(pages) (INT64_C(60000) * ((pages) < 30 ? (pages) + 1 : 30))
#define SEEN_MAX             200000u
#define ROUND_BYTES_MAX      (16u << 20)
#define TIMEOUT_MS           INT64_C(30000)
#define HISTORY_DEFAULT_MS   (INT64_C(24) * 3600 * 1000)
#define HISTORY_MAX_MS       (INT64_C(366) * 24 * 3600 * 1000)

struct walk {
    bool on;
    bool deep;
    int64_t floor_us; /* goes down to here */
    int64_t top_us;   /* newest notice met */
    unsigned limit;   /* notices a page */
    unsigned pages;
    char page[512]; /* the server's cursor of the next page; "" for the first */
};

struct bluesky {
    struct ear_listen_env env;
    struct ear_atp *atp;
    char *platform, *account, *web; /* owned */
    int64_t since_us;               /* nothing older is heard */
    int64_t high_us;                /* newest notice of the last finished walk */
    bool unstored;                  /* the cursor was never stored */
    struct walk walk;
    int64_t deep_at_ms;
    struct ear_map *seen;  /* URIs handed over */
    struct ear_map *fresh; /* URIs met in the deep walk under way, which replaces seen */
    /* the round that is lent to the core */
    json_t *page;
    struct ear_arena *arena;
    struct ear_post_in posts[PAGE_MAX];
    size_t count;
    bool starved; /* a notice of the page could not be kept for want of memory */
    char cursor[96];
};

static void fetch_page(struct bluesky *b);

/* ---- rounds ---- */

static void forget_round(struct bluesky *b)
{
    json_decref(b->page);
    b->page = NULL;
    b->count = 0;
    ear_arena_reset(b->arena);
}

static void report(struct bluesky *b, struct ear_round *round)
{
    round->session = ear_atp_session_changed(b->atp);
    b->env.heard(b->env.core, round);
}

static void report_failure(struct bluesky *b, ear_err err, int64_t retry_at_us, const char *why)
{
    struct ear_round round = {.err = err, .retry_at_us = retry_at_us, .why = why};
    b->walk.on = false;
    report(b, &round);
}

static struct ear_str write_cursor(struct bluesky *b)
{
    int len = snprintf(b->cursor, sizeof(b->cursor), "{\"v\":1,\"since\":%lld,\"high\":%lld}",
                       (long long)b->since_us, (long long)b->high_us);
    return (struct ear_str){b->cursor, (size_t)len};
}

/* ---- the walk ---- */

static void begin_walk(struct bluesky *b)
{
    int64_t now_ms = ear_clock_mono_ms();
    bool deep = now_ms >= b->deep_at_ms;
    int64_t floor_us = b->high_us - (deep ? DEEP_US : OVERLAP_US);
    b->walk = (struct walk){.on = true,
                            .deep = deep,
                            .floor_us = floor_us > b->since_us ? floor_us : b->since_us,
                            .top_us = b->high_us,
                            .limit = PAGE_MAX};
    if (deep && !b->fresh) b->fresh = ear_map_new();
}

static void end_walk(struct bluesky *b)
{
    b->walk.on = false;
    b->high_us = b->walk.top_us;
    b->unstored = false;
    if (!b->walk.deep) return;
    ear_map_free(&b->seen, NULL);
    b->seen = b->fresh;
    b->fresh = NULL;
    b->deep_at_ms = ear_clock_mono_ms() + DEEP_EVERY_MS(b->walk.pages);
}

/* True the first time that a URI is met. */
static bool first_met(struct bluesky *b, struct ear_str uri)
{
    static char here;
    bool known = ear_map_get(b->seen, uri) || (b->fresh && ear_map_get(b->fresh, uri));
    if (ear_map_count(b->seen) > SEEN_MAX) { /* only costs what comes twice */
        ear_map_free(&b->seen, NULL);
        b->seen = ear_map_new();
    }
    ear_map_put(b->walk.deep ? b->fresh : b->seen, uri, &here);
    return !known;
}

/* The round is void: what was met in it is met again by the next one. */
static void unmeet(struct bluesky *b, struct ear_str uri)
{
    struct ear_map *map = b->walk.deep ? b->fresh : b->seen;
    for (size_t i = 0; i < b->count; i++) ear_map_take(map, b->posts[i].external_id);
    ear_map_take(map, uri);
    b->starved = true;
}

/* True when the floor was reached. */
static bool take_page(struct bluesky *b, const json_t *notices)
{
    const struct ear_notice_place place = {.platform = ear_str_from(b->platform),
                                           .account = ear_str_from(b->account),
                                           .own_did = ear_str_from(ear_atp_did(b->atp)),
                                           .web = ear_str_from(b->web)};
    const json_t *notice;
    size_t i;
    json_array_foreach(notices, i, notice)
    {
        struct ear_notice_mark mark = ear_notice_mark(notice);
        if (!mark.uri.len || !mark.at_us || b->count == PAGE_MAX) continue;
        if (mark.at_us < b->walk.floor_us) return true;
        if (mark.at_us > b->walk.top_us) b->walk.top_us = mark.at_us;
        if (!first_met(b, mark.uri)) continue;
        /* What cannot become a post (another kind of notice, a record that breaks the rules)
         * never will: it is passed over, not tried for ever. */
        ear_err err = ear_notice_post(notice, &place, b->arena, &b->posts[b->count]);
        if (!err) b->count++;
        if (ear_err_retryable(err)) { /* want of memory passes */
            unmeet(b, mark.uri);
            return true;
        }
    }
    return false;
}

static void end_page(struct bluesky *b, bool last)
{
    struct ear_str next = ear_json_at(b->page, "cursor");
    last |= !next.len || !ear_str_copy(b->walk.page, sizeof(b->walk.page), next) ||
            ++b->walk.pages == PAGES_MAX;
    if (!last && !b->count) {
        forget_round(b);
        fetch_page(b);
        return;
    }
    struct ear_round round = {.posts = b->posts, .count = b->count, .more = !last};
    bool moved = b->walk.top_us > b->high_us || b->unstored;
    if (last) end_walk(b);
    if (last && moved) round.cursor = write_cursor(b);
    report(b, &round);
}

static void on_page(void *self, const struct ear_atp_answer *answer)
{
    struct bluesky *b = self;
    if (answer->err == EAR_TOO_LARGE && b->walk.limit > 1) { /* records may be a megabyte each */
        b->walk.limit /= 4;
        if (!b->walk.limit) b->walk.limit = 1;
        fetch_page(b);
        return;
    }
    const json_t *notices = json_object_get(answer->body, "notifications");
    if (answer->err || !json_is_array(notices)) {
        report_failure(b, answer->err ? answer->err : EAR_UNAVAILABLE, answer->retry_at_us,
                       answer->why);
        return;
    }
    b->page = json_incref((json_t *)(uintptr_t)answer->body);
    b->starved = false;
    bool last = take_page(b, notices);
    if (b->starved)
        report_failure(b, EAR_NO_MEMORY, 0, "out of memory");
    else
        end_page(b, last);
}

static ear_err ask_page(struct bluesky *b, struct ear_diag *diag)
{
    struct ear_buf method;
    ear_buf_init(&method, 2048);
    ear_err err = ear_buf_printf(&method,
                                 "app.bsky.notification.listNotifications?limit=%u&priority=false"
                                 "&reasons=mention&reasons=reply&reasons=quote",
                                 b->walk.limit);
    if (!err && b->walk.page[0]) err = ear_buf_append_str(&method, EAR_STR("&cursor="));
    if (!err) err = ear_url_escape(ear_str_from(b->walk.page), &method);
    if (err)
        ear_fail(diag, err, "the server's page cursor is too long");
    else
        err = ear_atp_call(b->atp, method.data, NULL, on_page, b, diag);
    ear_buf_release(&method);
    return err;
}

static void fetch_page(struct bluesky *b)
{
    struct ear_diag diag = {0};
    ear_err err = ask_page(b, &diag);
    if (err) report_failure(b, err, 0, diag.text);
}

/* ---- life ---- */

static ear_err bluesky_poll(void *self, struct ear_diag *diag)
{
    struct bluesky *b = self;
    forget_round(b);
    if (!b->walk.on) begin_walk(b);
    return ask_page(b, diag);
}

static void bluesky_committed(void *self)
{
    forget_round(self);
}

static void bluesky_close(void **self)
{
    struct bluesky *b = *self;
    if (!b) return;
    ear_atp_free(&b->atp);
    if (b->arena) forget_round(b);
    ear_arena_free(&b->arena);
    ear_map_free(&b->seen, NULL);
    if (b->fresh) ear_map_free(&b->fresh, NULL);
    free(b->web);
    free(b->account);
    free(b->platform);
    free(b);
    *self = NULL;
}

/* Where to go on; without a readable cursor as far back as "history" says. */
static ear_err read_cursor(struct bluesky *b, const json_t *settings, struct ear_str cursor,
                           struct ear_diag *diag)
{
    json_t *stored = NULL;
    int64_t history_ms = HISTORY_DEFAULT_MS;
    struct ear_str history = ear_json_at(settings, "history");
    if (history.len && ear_num_duration_ms(history, 0, HISTORY_MAX_MS, &history_ms))
        return ear_fail(diag, EAR_INVALID, "setting \"history\" must be 0s to 366d");
    b->since_us = b->high_us = 0;
    if (cursor.len && !ear_json_parse(cursor, 4096, &stored, NULL) &&
        (ear_json_i64(stored, "since", 0, INT64_MAX, &b->since_us, NULL) ||
         ear_json_i64(stored, "high", 0, INT64_MAX, &b->high_us, NULL)))
        b->high_us = 0;
    json_decref(stored);
    if (b->high_us) return EAR_OK;
    b->since_us = b->high_us = ear_clock_wall_us() - history_ms * EAR_US_PER_MS;
    b->unstored = true;
    return EAR_OK;
}

static ear_err open_session(struct bluesky *b, const struct ear_account_in *account,
                            struct ear_str session, struct ear_diag *diag)
{
    struct ear_str identifier = ear_json_at(account->settings, "identifier");
    if (!identifier.len) identifier = account->author_id;
    if (!identifier.len)
        return ear_fail(diag, EAR_INVALID,
                        "the account has neither author_id nor the setting \"identifier\"");
    if (!account->secret_count)
        return ear_fail(diag, EAR_INVALID,
                        "no app password: the account names no secret, or none that can be read");
    char *service =
        ear_str_dup_or(ear_json_at(account->settings, "service"), "https://bsky.social");
    char *ca_file = ear_str_dup_or(ear_json_at(account->settings, "ca_file"), NULL);
    char *name = ear_str_dup(identifier);
    char *password = ear_str_dup(account->secrets[0]);
    ear_err err = ear_atp_new(&b->atp,
                              &(struct ear_atp_opts){.fetch = b->env.fetch,
                                                     .service = service,
                                                     .identifier = name,
                                                     .password = password,
                                                     .ca_file = ca_file,
                                                     .session = session,
                                                     .timeout_ms = TIMEOUT_MS},
                              diag);
    ear_secret_wipe(password, account->secrets[0].len);
    free(password);
    free(name);
    free(ca_file);
    free(service);
    return err ? ear_fail_in(diag, err, "setting \"service\"") : EAR_OK;
}

static ear_err bluesky_open(void **out, const struct ear_listen_env *env,
                            const struct ear_account_in *account, struct ear_str cursor,
                            struct ear_str session, struct ear_diag *diag)
{
    struct bluesky *b = ear_alloc(sizeof(*b));
    void *self = b;
    *b = (struct bluesky){
        .env = *env,
        .platform = ear_str_dup(account->platform),
        .account = ear_str_dup(account->key),
        .web = ear_str_dup_or(ear_json_at(account->settings, "web"), "https://bsky.app"),
        .seen = ear_map_new(),
        .arena = ear_arena_new(ROUND_BYTES_MAX)};
    ear_err err = read_cursor(b, account->settings, cursor, diag);
    if (!err) err = open_session(b, account, session, diag);
    if (err) bluesky_close(&self);
    *out = self;
    return err;
}

const struct ear_connector_in ear_bluesky_in = {
    .name = "bluesky",
    .caps = {.poll_default_ms = 10000, .poll_least_ms = 2000},
    .open = bluesky_open,
    .poll = bluesky_poll,
    .committed = bluesky_committed,
    .close = bluesky_close,
    .id_time_us = ear_notice_id_time_us,
};
