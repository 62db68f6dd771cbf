#include "replay/replay.h"

#include "fetch/fetch.h"
#include "replay/accounts.h"
#include "replay/feed.h"
#include "replay/pace.h"
#include "replay/tally.h"
#include "show.h"
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCHES         4
#define BATCH_LINES_MAX 500
#define BATCH_BYTES_MAX (1u << 20)
#define PATIENCE_MS     60000
#define BACKOFF_MS      200
#define BACKOFF_MAX_MS  10000
#define TURN_MS         100

struct replay;

typedef enum batch_state { BATCH_FREE, BATCH_UNDER_WAY, BATCH_TO_RETRY } batch_state;

/* A request and what it has to be sent again with. */
struct batch {
    struct replay *replay; /* borrowed */
    batch_state state;
    struct ear_buf body;
    size_t numbers[BATCH_LINES_MAX]; /* places of its lines in the feed */
    size_t count;
    unsigned tries;
    int64_t retry_at_ms;
};

struct replay {
    struct ear_ctl *ctl; /* borrowed */
    struct ear_feed *feed;
    struct ear_fetch *fetch;
    struct ear_pace pace;
    struct ear_tally tally;
    struct ear_accounts *accounts;
    struct batch batches[BATCHES];
    struct ear_buf url, bearer, named;
    int64_t patience_ms, progress_ms, next_line_ms;
    bool fed; /* the feed is at its end */
    ear_exit status;
    bool stopped;
    char why[EAR_DIAG_TEXT_BYTES]; /* the last setback */
};

static void stop(struct replay *replay, ear_exit status)
{
    replay->stopped = true;
    replay->status = status;
}

/* --- Requests -----------------------------------------------------------------------------------
 */

static void send_again(struct batch *batch, const struct ear_fetch_result *result)
{
    int64_t now_us = ear_clock_wall_us();
    int64_t at_us = result->err ? 0 : ear_fetch_retry_at_us(result, now_us);
    int64_t wait_ms =
        ear_backoff_ms(batch->tries++, BACKOFF_MS, BACKOFF_MAX_MS, ear_random_below(UINT64_MAX));
    if (at_us > now_us) wait_ms = (at_us - now_us) / EAR_US_PER_MS + 1;
    batch->state = BATCH_TO_RETRY;
    batch->retry_at_ms = ear_clock_mono_ms() + wait_ms;
}

/* What the problem document of a refusal says; what the status says where there is none. */
static void explain_refusal(struct replay *replay, const struct ear_fetch_result *result)
{
    json_t *problem = NULL;
    struct ear_str detail = EAR_STR_NONE;
    if (ear_json_parse(result->body, 65536, &problem, NULL) == EAR_OK) {
        detail = ear_json_at(problem, "detail");
        if (!detail.len) detail = ear_json_at(problem, "title");
    }
    snprintf(replay->why, sizeof(replay->why), "ingest answers %d%s%.*s%s", result->status,
             detail.len ? ": " : "", EAR_STR_ARG(detail),
             result->status == 401 ? " (see EAR_INGEST_REPLAY_TOKEN)" : "");
    json_decref(problem);
}

static void take_answer(struct batch *batch, struct ear_str body)
{
    struct replay *replay = batch->replay;
    struct ear_diag diag = {0};
    if (ear_tally_answer(&replay->tally, body, batch->numbers, batch->count, stderr, &diag))
        stop(replay,
             ear_ctl_fail(EAR_INVALID, "the answer of ingest cannot be read: %s", diag.text));
    batch->state = BATCH_FREE;
    batch->tries = 0;
    replay->progress_ms = ear_clock_mono_ms();
}

static bool is_passing(const struct ear_fetch_result *result)
{
    if (result->err) return ear_err_retryable(result->err);
    return result->status == 429 || (result->status >= 502 && result->status <= 504);
}

static void on_answer(void *self, const struct ear_fetch_result *result)
{
    struct batch *batch = self;
    struct replay *replay = batch->replay;
    if (!result->err && result->status == 200) {
        take_answer(batch, result->body);
        return;
    }
    if (result->err)
        snprintf(replay->why, sizeof(replay->why), "%s", result->why ? result->why : "no answer");
    else
        explain_refusal(replay, result);
    if (is_passing(result)) {
        send_again(batch, result);
        return;
    }
    batch->state = BATCH_FREE;
    if (!replay->stopped)
        stop(replay, ear_ctl_fail(result->err ? result->err : EAR_DENIED, "%s", replay->why));
}

static void launch(struct batch *batch)
{
    struct replay *replay = batch->replay;
    struct ear_diag diag = {0};
    const struct ear_fetch_header headers[] = {
        {EAR_STR("Content-Type"), EAR_STR("application/x-ndjson")},
        {EAR_STR("Authorization"), ear_buf_str(&replay->bearer)},
    };
    struct ear_fetch_request request = {.url = replay->url.data,
                                        .method = "POST",
                                        .headers = headers,
                                        .header_count = EAR_COUNT(headers),
                                        .body = ear_buf_str(&batch->body),
                                        .timeout_ms = replay->patience_ms};
    batch->state = BATCH_UNDER_WAY;
    if (ear_fetch_start(replay->fetch, &request, on_answer, batch, NULL, &diag)) {
        batch->state = BATCH_FREE;
        ear_ctl_fail(diag.err, "EAR_CTL_INGEST: %s", diag.text);
        stop(replay, EAR_EXIT_USAGE);
    }
}

/* --- Filling ------------------------------------------------------------------------------------
 */

/* When the post says that it was written; 0 when it does not. */
static int64_t created_at(const json_t *post)
{
    int64_t at_us;
    return ear_time_parse(ear_json_at(post, "created_at"), &at_us) ? 0 : at_us;
}

/* With --account: the line with the account in it, in replay->named, when it names none itself. */
static void name_account(struct replay *replay, json_t *post, struct ear_str *line)
{
    const char *account = replay->ctl->options.account;
    if (!account || !json_is_object(post) || ear_json_at(post, "account").len > 0) return;
    json_object_set_new(post, "account", json_string(account));
    ear_buf_reset(&replay->named);
    if (ear_json_write(post, &replay->named) == EAR_OK) *line = ear_buf_str(&replay->named);
}

/* Reads in the line what the options ask for; what is no JSON goes as it is, ingest says so. */
static int64_t look_into(struct replay *replay, struct ear_str *line)
{
    json_t *post = NULL;
    if (replay->pace.speed <= 0 && !replay->ctl->options.account) return 0;
    if (ear_json_parse(*line, EAR_FEED_LINE_MAX, &post, NULL)) return 0;
    int64_t written_us = created_at(post);
    name_account(replay, post, line);
    json_decref(post);
    return written_us;
}

static bool add_line(struct batch *batch, struct ear_str line, size_t number)
{
    if (batch->count == BATCH_LINES_MAX || batch->body.len + line.len + 1 > BATCH_BYTES_MAX)
        return false;
    EAR_CHECK(!ear_buf_append_str(&batch->body, line) && !ear_buf_append_char(&batch->body, '\n'));
    batch->numbers[batch->count++] = number;
    return true;
}

/* Takes the next line into the batch; false when there is none now or it does not fit. */
static bool take_line(struct replay *replay, struct batch *batch)
{
    struct ear_str line;
    size_t number;
    ear_feed_state state = ear_feed_peek(replay->feed, &line, &number);
    if (state == EAR_FEED_FAILED)
        stop(replay, ear_ctl_fail_file("reading the feed: %s", ear_feed_why(replay->feed)));
    replay->fed = state == EAR_FEED_END;
    if (state == EAR_FEED_LONG) {
        ear_tally_malformed(&replay->tally, number, "longer than 256 KiB", stderr);
        ear_feed_take(replay->feed);
        return true;
    }
    if (state != EAR_FEED_LINE) return false;
    int64_t now_ms = ear_clock_mono_ms(), written_us = look_into(replay, &line);
    int64_t due_ms = ear_pace_due_ms(&replay->pace, written_us);
    if (due_ms > now_ms) replay->next_line_ms = due_ms;
    if (due_ms > now_ms || !add_line(batch, line, number)) return false;
    ear_accounts_note(replay->accounts, line);
    ear_pace_took(&replay->pace, written_us, now_ms);
    ear_feed_take(replay->feed);
    return true;
}

static void fill(struct replay *replay, struct batch *batch)
{
    ear_buf_reset(&batch->body);
    batch->count = 0;
    while (!replay->stopped && take_line(replay, batch)) {
    }
}

/* --- The run ------------------------------------------------------------------------------------
 */

static size_t outstanding(const struct replay *replay)
{
    size_t count = 0;
    for (size_t i = 0; i < BATCHES; i++) count += replay->batches[i].state != BATCH_FREE;
    return count;
}

/* Sends what can be sent, and says how long there is nothing else to do. */
static int64_t pump(struct replay *replay)
{
    int64_t now_ms = ear_clock_mono_ms(), until_ms = now_ms + TURN_MS;
    if (outstanding(replay) == 0) replay->progress_ms = now_ms;
    replay->next_line_ms = INT64_MAX;
    for (size_t i = 0; i < BATCHES && !replay->stopped; i++) {
        struct batch *batch = &replay->batches[i];
        if (batch->state == BATCH_FREE && !replay->fed) {
            fill(replay, batch);
            if (batch->count > 0) launch(batch);
        } else if (batch->state == BATCH_TO_RETRY && batch->retry_at_ms <= now_ms) {
            launch(batch);
        } else if (batch->state == BATCH_TO_RETRY && batch->retry_at_ms < until_ms) {
            until_ms = batch->retry_at_ms;
        }
    }
    if (replay->next_line_ms < until_ms && outstanding(replay) < BATCHES)
        until_ms = replay->next_line_ms;
    return until_ms > now_ms ? until_ms - now_ms : 0;
}

static void run(struct replay *replay)
{
    while (!replay->stopped) {
        int64_t wait_ms = pump(replay);
        if (replay->stopped || (replay->fed && outstanding(replay) == 0)) return;
        ear_loop_turn(replay->ctl->loop, wait_ms);
        if (!replay->stopped && ear_clock_mono_ms() - replay->progress_ms > replay->patience_ms)
            stop(replay, ear_ctl_fail(EAR_TIMEOUT, "gave up: nothing got through for %lld s: %s",
                                      (long long)(replay->patience_ms / 1000), replay->why));
    }
}

static bool positive(const char *text, double max, double *value)
{
    char *end;
    *value = 0;
    if (!text) return true;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value) && *value > 0 && *value <= max;
}

static ear_exit check_options(const struct ear_ctl *ctl, struct replay *replay)
{
    double rate, speed;
    const struct ear_ctl_options *options = &ctl->options;
    const char *wrong = NULL;
    if (!*ctl->settings.replay_token)
        wrong =
            "EAR_INGEST_REPLAY_TOKEN is not set: give the token that ingest has, or its file by "
            "EAR_INGEST_REPLAY_TOKEN_FILE";
    for (const char *p = ctl->settings.replay_token; *p && !wrong; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            wrong = "EAR_INGEST_REPLAY_TOKEN holds a line end or another control sign";
    if (!positive(options->rate, 1e6, &rate)) wrong = "--rate wants posts a second, up to 1000000";
    if (!positive(options->pace, 1e9, &speed)) wrong = "--pace wants a factor, as 1 or 60";
    if (wrong) {
        ear_ctl_fail(EAR_INVALID, "replay: %s", wrong);
        return EAR_EXIT_USAGE;
    }
    ear_pace_init(&replay->pace, rate, speed, ear_clock_mono_ms());
    replay->patience_ms = options->timeout ? ctl->settings.timeout_ms : PATIENCE_MS;
    return EAR_EXIT_OK;
}

static ear_err write_target(const struct ear_ctl *ctl, struct replay *replay)
{
    struct ear_str base = ear_str_from(ctl->settings.ingest);
    while (base.len > 0 && base.ptr[base.len - 1] == '/') base.len--;
    ear_err err = ear_buf_printf(&replay->url, "%.*s/v1/replay?lane=%s", EAR_STR_ARG(base),
                                 ctl->options.live ? "live" : "backfill");
    return err ? err : ear_buf_printf(&replay->bearer, "Bearer %s", ctl->settings.replay_token);
}

static struct replay *replay_new(struct ear_ctl *ctl)
{
    struct replay *replay = ear_alloc(sizeof(*replay));
    replay->ctl = ctl;
    replay->accounts = ear_accounts_new();
    ear_buf_init(&replay->url, 8192);
    ear_buf_init(&replay->bearer, 8192);
    ear_buf_init(&replay->named, 2 * EAR_FEED_LINE_MAX);
    for (size_t i = 0; i < BATCHES; i++) {
        replay->batches[i].replay = replay;
        ear_buf_init(&replay->batches[i].body, BATCH_BYTES_MAX);
    }
    return replay;
}

static void replay_free(struct replay *replay)
{
    ear_fetch_free(&replay->fetch);
    ear_feed_free(&replay->feed);
    ear_accounts_free(&replay->accounts);
    for (size_t i = 0; i < BATCHES; i++) ear_buf_release(&replay->batches[i].body);
    if (replay->bearer.data) ear_secret_wipe(replay->bearer.data, replay->bearer.len);
    ear_buf_release(&replay->bearer);
    ear_buf_release(&replay->url);
    ear_buf_release(&replay->named);
    free(replay);
}

static void sum_up(const struct replay *replay, int64_t took_ms)
{
    double seconds = (double)took_ms / 1000;
    if (!replay->ctl->options.json) {
        ear_tally_print(&replay->tally, seconds, stdout);
        return;
    }
    json_t *sum = ear_tally_json(&replay->tally, seconds);
    ear_show_json(sum);
    json_decref(sum);
}

ear_exit ear_replay(struct ear_ctl *ctl, int argc, char **argv)
{
    struct ear_diag diag = {0};
    struct replay *replay = replay_new(ctl);
    ear_exit status = check_options(ctl, replay);
    if (status) goto out;
    ear_err err = ear_feed_open(&replay->feed, ctl->loop, argc ? argv[0] : NULL, &diag);
    if (!err) err = write_target(ctl, replay);
    if (!err) err = ear_fetch_new(&replay->fetch, ctl->loop, "earshotctl/" EAR_VERSION);
    if (err) {
        status = ear_ctl_fail(err, "replay: %s", *diag.text ? diag.text : ear_err_text(err));
        goto out;
    }
    if (!argc || strcmp(argv[0], "-") == 0) ear_ctl_await_input();
    int64_t began_ms = ear_clock_mono_ms();
    run(replay);
    sum_up(replay, ear_clock_mono_ms() - began_ms);
    status = replay->status;
    if (!status) ear_accounts_tell(replay->accounts, ctl);
out:
    replay_free(replay);
    return status;
}
