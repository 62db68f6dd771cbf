/* The ingest half against a real Bluesky network. tests/integ/bluesky.sh starts one and says where
 * it is in EAR_TEST_BSKY (URL); without it these tests say that they are skipped. */
#include "atp/atp.h"
#include "connectors/bluesky/bluesky.h"
#include "json/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define WAIT_MS 30000

struct rig {
    struct ear_loop *loop;
    struct ear_fetch *fetch;
    struct ear_atp *alice;
    void *connector;
    /* the core */
    unsigned rounds;
    struct ear_round last;
    char why[512], cursor[256], session[8192];
    struct ear_map *heard; /* external id → its text, owned */
    size_t twice;
    /* alice */
    bool answered;
    ear_err answer_err;
};

static const char *service(void)
{
    return getenv("EAR_TEST_BSKY");
}

static void on_heard(void *core, const struct ear_round *round)
{
    struct rig *rig = core;
    rig->rounds++;
    rig->last = *round;
    ear_str_copy(rig->why, sizeof(rig->why), ear_str_from(round->why));
    if (round->cursor.ptr) ear_str_copy(rig->cursor, sizeof(rig->cursor), round->cursor);
    if (round->session.ptr) ear_str_copy(rig->session, sizeof(rig->session), round->session);
    for (size_t i = 0; i < round->count; i++) {
        const struct ear_post_in *post = &round->posts[i];
        char *text = ear_alloc(post->text.len + 1);
        memcpy(text, post->text.ptr, post->text.len);
        void *old = ear_map_put(rig->heard, post->external_id, text);
        rig->twice += old != NULL;
        free(old);
    }
}

static ear_err open_brand(struct rig *rig, const char *password, struct ear_diag *diag)
{
    struct ear_listen_env env = {
        .loop = rig->loop, .fetch = rig->fetch, .heard = on_heard, .core = rig};
    struct ear_str secret = ear_str_from(password);
    json_t *settings = json_pack("{s:s,s:s,s:s}", "service", service(), "identifier", "brand.test",
                                 "history", "2h");
    struct ear_account_in account = {.key = EAR_STR("@firm"),
                                     .platform = EAR_STR("bluesky"),
                                     .settings = settings,
                                     .secrets = &secret,
                                     .secret_count = 1};
    ear_err err = ear_bluesky_in.open(&rig->connector, &env, &account, ear_str_from(rig->cursor),
                                      ear_str_from(rig->session), diag);
    json_decref(settings);
    return err;
}

static void reopen(struct rig *rig)
{
    struct ear_diag diag = {0};
    ear_bluesky_in.close(&rig->connector);
    if (open_brand(rig, "brand-pass-123", &diag)) fail_msg("%s", diag.text);
}

static void poll_once(struct rig *rig)
{
    struct ear_diag diag = {0};
    unsigned before = rig->rounds;
    if (ear_bluesky_in.poll(rig->connector, &diag)) fail_msg("%s", diag.text);
    assert_int_equal(rig->rounds, before);
    int64_t deadline = ear_clock_mono_ms() + WAIT_MS;
    while (rig->rounds == before && ear_clock_mono_ms() < deadline) ear_loop_turn(rig->loop, 50);
    assert_int_equal(rig->rounds, before + 1);
    if (!rig->last.err) ear_bluesky_in.committed(rig->connector);
}

/* Polls until `want` different posts were heard. */
static void hear(struct rig *rig, size_t want)
{
    int64_t deadline = ear_clock_mono_ms() + WAIT_MS;
    do {
        poll_once(rig);
        if (rig->last.err) fail_msg("%s", rig->why);
    } while (rig->last.more ||
             (ear_map_count(rig->heard) < want && ear_clock_mono_ms() < deadline));
    assert_int_equal(ear_map_count(rig->heard), want);
}

static void on_posted(void *self, const struct ear_atp_answer *answer)
{
    struct rig *rig = self;
    rig->answered = true;
    rig->answer_err = answer->err;
    if (answer->err) print_message("%s\n", answer->why);
}

/* Alice writes a mention; ago_s backdates what she claims. */
static void alice_posts(struct rig *rig, const char *text, int64_t ago_s)
{
    char at[EAR_TIME_TEXT_BYTES];
    ear_time_format(ear_clock_wall_us() - ago_s * EAR_US_PER_S, at);
    json_t *input = json_pack(
        "{s:s,s:s,s:{s:s,s:s,s:s,s:[{s:{s:i,s:i},s:[{s:s,s:s}]}]}}", "repo", "alice.test",
        "collection", "app.bsky.feed.post", "record", "$type", "app.bsky.feed.post", "text", text,
        "createdAt", at, "facets", "index", "byteStart", 0, "byteEnd", 1, "features", "$type",
        "app.bsky.richtext.facet#mention", "did", getenv("EAR_TEST_BSKY_BRAND"));
    assert_non_null(input);
    rig->answered = false;
    assert_int_equal(
        ear_atp_call(rig->alice, "com.atproto.repo.createRecord", input, on_posted, rig, NULL),
        EAR_OK);
    json_decref(input);
    while (!rig->answered) ear_loop_turn(rig->loop, 50);
    assert_int_equal(rig->answer_err, EAR_OK);
}

static int rig_open(void **state)
{
    static struct rig rig;
    struct ear_diag diag = {0};
    *state = NULL;
    if (!service()) return 0;
    rig = (struct rig){.heard = ear_map_new()};
    assert_int_equal(ear_loop_new(&rig.loop), EAR_OK);
    assert_int_equal(ear_fetch_new(&rig.fetch, rig.loop, "earshot-test/1"), EAR_OK);
    assert_int_equal(ear_atp_new(&rig.alice,
                                 &(struct ear_atp_opts){.fetch = rig.fetch,
                                                        .service = service(),
                                                        .identifier = "alice.test",
                                                        .password = "alice-pass-123",
                                                        .timeout_ms = 20000},
                                 &diag),
                     EAR_OK);
    if (open_brand(&rig, "brand-pass-123", &diag)) fail_msg("%s", diag.text);
    *state = &rig;
    return 0;
}

static int rig_close(void **state)
{
    struct rig *rig = *state;
    if (!rig) return 0;
    ear_bluesky_in.close(&rig->connector);
    ear_atp_free(&rig->alice);
    ear_fetch_free(&rig->fetch);
    for (int i = 0; i < 3; i++) ear_loop_turn(rig->loop, 0);
    ear_loop_free(&rig->loop);
    ear_map_free(&rig->heard, free);
    return 0;
}

/* One story, since each part stands on what the network remembers of the one before. */
static void test_bluesky__hears_what_is_said(void **state)
{
    struct rig *rig = *state;
    if (!rig) skip();
    /* Whatever an earlier run left is heard first. */
    do poll_once(rig);
    while (rig->last.more);
    size_t base = ear_map_count(rig->heard);
    alice_posts(rig, "@ where is my parcel?", 0);
    hear(rig, base + 1);
    assert_true(rig->cursor[0] && rig->session[0]);
    assert_int_equal(rig->twice, 0);

    /* Nothing new: nothing heard, nothing to store. */
    poll_once(rig);
    assert_int_equal(rig->last.err, EAR_OK);
    assert_int_equal(rig->last.count, 0);
    assert_null(rig->last.cursor.ptr);
    assert_null(rig->last.session.ptr);
    assert_false(rig->last.more);

    /* An outage of more than a page, taken up over the stored cursor and session. */
    ear_bluesky_in.close(&rig->connector);
    alice_posts(rig, "@ my clock is an hour slow", 3600);
    for (int i = 0; i < 110; i++) {
        char text[64];
        snprintf(text, sizeof(text), "@ message %d of the outage", i);
        alice_posts(rig, text, 0);
    }
    reopen(rig);
    hear(rig, base + 112);
    assert_null(rig->last.session.ptr);
}

static void test_bluesky__renews_a_session_that_expired(void **state)
{
    struct rig *rig = *state;
    if (!rig) skip();
    poll_once(rig);
    assert_int_equal(rig->last.err, EAR_OK);
    /* The access token is spoilt; the refresh token is good. */
    json_t *session = NULL;
    struct ear_buf text;
    char good[8192];
    memcpy(good, rig->session, sizeof(good));
    assert_int_equal(ear_json_parse(ear_str_from(good), sizeof(good), &session, NULL), EAR_OK);
    json_object_set_new(session, "access", json_string("eyJhbGciOiJIUzI1NiJ9.e30.AAAA"));
    ear_buf_init(&text, sizeof(rig->session));
    assert_int_equal(ear_json_write(session, &text), EAR_OK);
    ear_str_copy(rig->session, sizeof(rig->session), ear_buf_str(&text));
    reopen(rig);
    poll_once(rig);
    if (rig->last.err) fail_msg("%s", rig->why);
    assert_string_not_equal(rig->session, good);
    /* Both are spoilt: a login is all that is left. */
    json_object_set_new(session, "refresh", json_string("nonsense"));
    ear_buf_reset(&text);
    assert_int_equal(ear_json_write(session, &text), EAR_OK);
    ear_str_copy(rig->session, sizeof(rig->session), ear_buf_str(&text));
    reopen(rig);
    poll_once(rig);
    if (rig->last.err) fail_msg("%s", rig->why);
    ear_buf_release(&text);
    json_decref(session);
}

static void test_bluesky__says_when_the_password_is_wrong(void **state)
{
    struct rig *rig = *state;
    if (!rig) skip();
    struct ear_diag diag = {0};
    ear_bluesky_in.close(&rig->connector);
    assert_int_equal(open_brand(rig, "wrong", &diag), EAR_OK);
    poll_once(rig);
    assert_int_equal(rig->last.err, EAR_DENIED);
    assert_non_null(strstr(rig->why, "login"));
    assert_null(strstr(rig->why, "wrong"));
}

int main(void)
{
    ear_crypt_start();
    if (!service()) print_message("SKIP: no Bluesky network (EAR_TEST_BSKY is not set)\n");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bluesky__hears_what_is_said, rig_open, rig_close),
        cmocka_unit_test_setup_teardown(test_bluesky__renews_a_session_that_expired, rig_open,
                                        rig_close),
        cmocka_unit_test_setup_teardown(test_bluesky__says_when_the_password_is_wrong, rig_open,
                                        rig_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
