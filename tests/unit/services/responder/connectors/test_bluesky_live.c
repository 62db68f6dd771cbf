/* The responder half against a real Bluesky network; see tests/integ/bluesky.sh. EAR_TEST_BSKY is
 * its URL, EAR_TEST_BSKY_PROXY a fault proxy to it, EAR_TEST_BSKY_SWITCH the socket on which that
 * proxy takes its faults. */
#include "atp/atp.h"
#include "connectors/bluesky/bluesky.h"
#include "json/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 70000

struct rig {
    struct ear_loop *loop;
    struct ear_fetch *fetch;
    struct ear_atp *alice;
    void *connector;
    struct ear_fit fit;
    struct ear_buf key;
    char thread[2048];
    /* the core */
    unsigned calls;
    ear_send_state sent;
    ear_look_state looked;
    char reason[32], why[512], external_id[512];
    int64_t retry_at_us, pause_until_us;
    /* alice's last answer */
    bool answered;
    json_t *answer;
};

static const char *service(void)
{
    return getenv("EAR_TEST_BSKY");
}

static void keep(struct rig *rig, struct ear_str external_id, const char *why)
{
    rig->calls++;
    ear_str_copy(rig->external_id, sizeof(rig->external_id), external_id);
    ear_str_copy(rig->why, sizeof(rig->why), ear_str_from(why));
}

static void on_sent(void *core, const struct ear_send_job *job,
                    const struct ear_send_result *result)
{
    struct rig *rig = core;
    (void)job;
    rig->sent = result->state;
    rig->retry_at_us = result->retry_at_us;
    rig->pause_until_us = result->pause_until_us;
    ear_str_copy(rig->reason, sizeof(rig->reason), ear_str_from(result->reason));
    keep(rig, result->external_id, result->why);
}

static void on_looked(void *core, const struct ear_send_job *job,
                      const struct ear_look_result *result)
{
    struct rig *rig = core;
    (void)job;
    rig->looked = result->state;
    keep(rig, result->external_id, result->why);
}

static void open_at(struct rig *rig, const char *url)
{
    struct ear_diag diag = {0};
    struct ear_speak_env env = {
        .loop = rig->loop, .fetch = rig->fetch, .sent = on_sent, .looked = on_looked, .core = rig};
    struct ear_str secret = EAR_STR("brand-pass-123");
    json_t *settings = json_pack("{s:s}", "service", url);
    struct ear_account_out account = {.key = EAR_STR("@firm"),
                                      .platform = EAR_STR("bluesky"),
                                      .author_id = ear_str_from(getenv("EAR_TEST_BSKY_BRAND")),
                                      .settings = settings,
                                      .secrets = &secret,
                                      .secret_count = 1};
    ear_bluesky_out.close(&rig->connector);
    if (ear_bluesky_out.open(&rig->connector, &env, &account, EAR_STR_NONE, &diag))
        fail_msg("%s", diag.text);
    json_decref(settings);
}

static void on_alice(void *self, const struct ear_atp_answer *answer)
{
    struct rig *rig = self;
    rig->answered = true;
    if (answer->err) print_message("%s\n", answer->why);
    rig->answer = answer->err ? NULL : json_deep_copy(answer->body);
}

/* The answer is owned by the rig until the next call. */
static const json_t *alice_calls(struct rig *rig, const char *method, json_t *input)
{
    rig->answered = false;
    json_decref(rig->answer);
    rig->answer = NULL;
    assert_int_equal(ear_atp_call(rig->alice, method, input, on_alice, rig, NULL), EAR_OK);
    json_decref(input);
    while (!rig->answered) ear_loop_turn(rig->loop, 50);
    return rig->answer;
}

static void alice_posts(struct rig *rig, const char *text)
{
    char at[EAR_TIME_TEXT_BYTES];
    ear_time_format(ear_clock_wall_us(), at);
    const json_t *post =
        alice_calls(rig, "com.atproto.repo.createRecord",
                    json_pack("{s:s,s:s,s:{s:s,s:s,s:s}}", "repo", "alice.test", "collection",
                              "app.bsky.feed.post", "record", "$type", "app.bsky.feed.post", "text",
                              text, "createdAt", at));
    assert_non_null(post);
    snprintf(rig->thread, sizeof(rig->thread), "{\"uri\":\"%s\",\"cid\":\"%s\"}",
             ear_json_at(post, "uri").ptr, ear_json_at(post, "cid").ptr);
}

static int rig_open(void **state)
{
    static struct rig rig;
    *state = NULL;
    if (!service()) return 0;
    rig = (struct rig){0};
    assert_int_equal(ear_loop_new(&rig.loop), EAR_OK);
    assert_int_equal(ear_fetch_new(&rig.fetch, rig.loop, "earshot-test/1"), EAR_OK);
    assert_int_equal(ear_atp_new(&rig.alice,
                                 &(struct ear_atp_opts){.fetch = rig.fetch,
                                                        .service = service(),
                                                        .identifier = "alice.test",
                                                        .password = "alice-pass-123",
                                                        .timeout_ms = 20000},
                                 NULL),
                     EAR_OK);
    open_at(&rig, service());
    ear_fit_init(&rig.fit);
    ear_buf_init(&rig.key, EAR_REPLY_KEY_BYTES);
    *state = &rig;
    return 0;
}

static int rig_close(void **state)
{
    struct rig *rig = *state;
    if (!rig) return 0;
    json_decref(rig->answer);
    ear_fit_release(&rig->fit);
    ear_buf_release(&rig->key);
    ear_bluesky_out.close(&rig->connector);
    ear_atp_free(&rig->alice);
    ear_fetch_free(&rig->fetch);
    for (int i = 0; i < 3; i++) ear_loop_turn(rig->loop, 0);
    ear_loop_free(&rig->loop);
    return 0;
}

/* A new reply of that text. */
static struct ear_send_job new_job(struct rig *rig, const char *text)
{
    struct ear_diag diag = {0};
    struct ear_send_job job = {.reply_id = ear_id_new(ear_clock_wall_us()),
                               .fit = &rig->fit,
                               .thread = ear_str_from(rig->thread),
                               .recipient_name = EAR_STR("alice.test")};
    ear_fit_release(&rig->fit);
    ear_fit_init(&rig->fit);
    ear_buf_reset(&rig->key);
    if (ear_bluesky_out.fit(rig->connector, ear_str_from(text), EAR_STR("^Ana"), &rig->fit, &diag))
        fail_msg("%s", diag.text);
    assert_int_equal(ear_bluesky_out.key(rig->connector, &job.reply_id, &rig->key), EAR_OK);
    job.key = ear_buf_str(&rig->key);
    return job;
}

static void run(struct rig *rig, const struct ear_send_job *job, bool look)
{
    struct ear_diag diag = {0};
    unsigned before = rig->calls;
    ear_err err = look ? ear_bluesky_out.look(rig->connector, job, &diag)
                       : ear_bluesky_out.send(rig->connector, job, &diag);
    if (err) fail_msg("%s", diag.text);
    assert_int_equal(rig->calls, before);
    int64_t deadline = ear_clock_mono_ms() + WAIT_MS;
    while (rig->calls == before && ear_clock_mono_ms() < deadline) ear_loop_turn(rig->loop, 50);
    assert_int_equal(rig->calls, before + 1);
}

/* How many of the brand's posts stand below alice's last one in its thread. */
static size_t count_answers(struct rig *rig)
{
    const json_t *list = alice_calls(
        rig, "com.atproto.repo.listRecords?repo=brand.test&collection=app.bsky.feed.post&limit=100",
        NULL);
    const json_t *record;
    size_t i, count = 0;
    json_array_foreach(json_object_get(list, "records"), i, record)
    {
        struct ear_str root = ear_json_at(record, "value.reply.root.uri");
        count += root.len && strstr(rig->thread, root.ptr) != NULL;
    }
    return count;
}

static void test_bluesky__answers_once_however_often_it_is_sent(void **state)
{
    struct rig *rig = *state;
    if (!rig) skip();
    alice_posts(rig, "where is it?");
    struct ear_send_job job = new_job(rig, "@alice.test it is on its way: https://t.test/1");
    run(rig, &job, true);
    assert_int_equal(rig->looked, EAR_LOOK_ABSENT);
    run(rig, &job, false);
    if (rig->sent != EAR_SEND_SENT) fail_msg("%s", rig->why);
    assert_non_null(strstr(rig->external_id, ear_buf_str(&rig->key).ptr));
    char first[512];
    memcpy(first, rig->external_id, sizeof(first));
    run(rig, &job, false);
    assert_int_equal(rig->sent, EAR_SEND_SENT);
    assert_string_equal(rig->external_id, first);
    run(rig, &job, true);
    assert_int_equal(rig->looked, EAR_LOOK_FOUND);
    assert_string_equal(rig->external_id, first);
    assert_int_equal(count_answers(rig), 1);
}

static void test_bluesky__long_answers_are_a_thread(void **state)
{
    struct rig *rig = *state;
    if (!rig) skip();
    char text[801];
    for (size_t i = 0; i + 1 < sizeof(text); i++) text[i] = i % 8 == 7 ? ' ' : 'x';
    text[sizeof(text) - 1] = '\0';
    alice_posts(rig, "explain it all, please");
    struct ear_send_job job = new_job(rig, text);
    assert_int_equal(rig->fit.count, 3);
    run(rig, &job, false);
    if (rig->sent != EAR_SEND_SENT) fail_msg("%s", rig->why);
    assert_int_equal(count_answers(rig), 3);
    run(rig, &job, true);
    assert_int_equal(rig->looked, EAR_LOOK_FOUND);
}

static void test_bluesky__another_text_under_its_key_is_never_overwritten(void **state)
{
    struct rig *rig = *state;
    if (!rig) skip();
    alice_posts(rig, "hello?");
    struct ear_send_job job = new_job(rig, "first");
    run(rig, &job, false);
    assert_int_equal(rig->sent, EAR_SEND_SENT);
    struct ear_send_job other = new_job(rig, "second");
    struct ear_buf key;
    ear_buf_init(&key, 64);
    assert_int_equal(ear_bluesky_out.key(rig->connector, &job.reply_id, &key), EAR_OK);
    other.key = ear_buf_str(&key);
    run(rig, &other, false);
    assert_int_equal(rig->sent, EAR_SEND_FAILED);
    assert_string_equal(rig->reason, "key_taken");
    ear_buf_release(&key);
}

static void test_bluesky__what_cannot_be_sent_says_why(void **state)
{
    struct rig *rig = *state;
    if (!rig) skip();
    struct ear_diag diag = {0};
    alice_posts(rig, "hm");
    struct ear_send_job job = new_job(rig, "psst");
    job.direct = true;
    assert_int_equal(ear_bluesky_out.send(rig->connector, &job, &diag), EAR_UNSUPPORTED);
    job.direct = false;
    job.thread = EAR_STR_NONE;
    assert_int_equal(ear_bluesky_out.send(rig->connector, &job, &diag), EAR_INVALID);
    assert_non_null(strstr(diag.text, "not known"));
    /* Without a thread the post itself is asked, if it is one and still there. */
    job = new_job(rig, "found you");
    job.thread = EAR_STR_NONE;
    json_t *thread = json_loads(rig->thread, 0, NULL);
    job.post_id = ear_json_at(thread, "uri");
    for (int i = 0; i < 20; i++) { /* until the network has seen it */
        run(rig, &job, false);
        if (rig->sent == EAR_SEND_SENT) break;
        ear_loop_turn(rig->loop, 500);
    }
    if (rig->sent != EAR_SEND_SENT) fail_msg("%s", rig->why);
    assert_int_equal(count_answers(rig), 1);
    json_decref(thread);
    job = new_job(rig, "gone?");
    job.thread = EAR_STR_NONE;
    job.post_id = EAR_STR("at://did:plc:nobody234567abcdefghijkl/app.bsky.feed.post/3jzfcijpj2z2a");
    run(rig, &job, false);
    assert_int_equal(rig->sent, EAR_SEND_FAILED);
    assert_string_equal(rig->reason, "gone");
    /* A record that the server refuses for good. */
    job.thread = EAR_STR("{\"uri\":\"at://did:plc:x/app.bsky.feed.post/1\",\"cid\":\"nonsense\"}");
    run(rig, &job, false);
    assert_int_equal(rig->sent, EAR_SEND_FAILED);
    assert_string_equal(rig->reason, "refused");
}

/* Sets a fault of the proxy to 0 or 100 of 100 requests. */
static void set_fault(const char *name, int percent)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char line[128];
    int len = snprintf(line, sizeof(line), "experimental-mode on; set var proc.%s int(%d)\n", name,
                       percent);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(ear_str_copy(at.sun_path, sizeof(at.sun_path),
                             ear_str_from(getenv("EAR_TEST_BSKY_SWITCH"))));
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(write(fd, line, (size_t)len), len);
    while (read(fd, line, sizeof(line)) > 0) continue;
    close(fd);
}

static void test_bluesky__a_lost_answer_is_found_by_looking(void **state)
{
    struct rig *rig = *state;
    if (!rig || !getenv("EAR_TEST_BSKY_PROXY")) skip();
    open_at(rig, getenv("EAR_TEST_BSKY_PROXY"));
    alice_posts(rig, "anybody there?");
    struct ear_send_job job = new_job(rig, "yes");
    run(rig, &job, false); /* logs in on the way */
    assert_int_equal(rig->sent, EAR_SEND_SENT);

    alice_posts(rig, "did you get this?");
    job = new_job(rig, "we did");
    set_fault("lost", 100);
    run(rig, &job, false);
    set_fault("lost", 0);
    assert_int_equal(rig->sent, EAR_SEND_UNKNOWN);
    run(rig, &job, true);
    assert_int_equal(rig->looked, EAR_LOOK_FOUND);
    run(rig, &job, false);
    assert_int_equal(rig->sent, EAR_SEND_SENT);
    assert_int_equal(count_answers(rig), 1);
}

static void test_bluesky__limits_and_outages_are_waited_for(void **state)
{
    struct rig *rig = *state;
    if (!rig || !getenv("EAR_TEST_BSKY_PROXY")) skip();
    alice_posts(rig, "slowly");
    open_at(rig, getenv("EAR_TEST_BSKY_PROXY"));
    struct ear_send_job job = new_job(rig, "yes");
    set_fault("rate", 100);
    run(rig, &job, false);
    set_fault("rate", 0);
    assert_int_equal(rig->sent, EAR_SEND_RETRY);
    assert_string_equal(rig->reason, "limited");
    assert_true(rig->retry_at_us > ear_clock_wall_us());
    assert_int_equal(rig->pause_until_us, rig->retry_at_us);
    static const char *const faults[] = {"err", "html", "reset"};
    for (size_t i = 0; i < EAR_COUNT(faults); i++) {
        set_fault(faults[i], 100);
        run(rig, &job, false);
        set_fault(faults[i], 0);
        assert_true(rig->sent == EAR_SEND_RETRY || rig->sent == EAR_SEND_UNKNOWN);
        assert_true(rig->why[0]);
    }
    assert_int_equal(count_answers(rig), 0);
    run(rig, &job, false);
    if (rig->sent != EAR_SEND_SENT) fail_msg("%s", rig->why);
    assert_int_equal(count_answers(rig), 1);
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, rig_open, rig_close)

int main(void)
{
    ear_crypt_start();
    if (!service()) print_message("SKIP: no Bluesky network (EAR_TEST_BSKY is not set)\n");
    const struct CMUnitTest tests[] = {
        LIVE(test_bluesky__answers_once_however_often_it_is_sent),
        LIVE(test_bluesky__long_answers_are_a_thread),
        LIVE(test_bluesky__another_text_under_its_key_is_never_overwritten),
        LIVE(test_bluesky__what_cannot_be_sent_says_why),
        LIVE(test_bluesky__a_lost_answer_is_found_by_looking),
        LIVE(test_bluesky__limits_and_outages_are_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
