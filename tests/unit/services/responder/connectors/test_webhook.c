/* The outbound webhook against a real HTTP server of our own, and its signature against the
 * published example of Standard Webhooks. */
#include "connectors/webhook/sign.h"
#include "connectors/webhook/webhook.h"
#include "httpd/httpd.h"
#include "json/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

struct rig {
    struct ear_loop *loop;
    struct ear_fetch *fetch;
    struct ear_httpd *httpd;
    void *connector;
    /* the receiver */
    unsigned answer_status;
    const char *answer_body, *answer_type;
    const char *retry_after;
    unsigned hits;
    char id[128], timestamp[32], signature[128], body[4096];
    /* the core */
    unsigned calls;
    struct ear_send_result result;
    char external_id[256];
};

static void receive(void *self, struct ear_httpd_request *request)
{
    struct rig *rig = self;
    rig->hits++;
    ear_str_copy(rig->id, sizeof(rig->id), ear_httpd_header(request, "webhook-id"));
    ear_str_copy(rig->timestamp, sizeof(rig->timestamp),
                 ear_httpd_header(request, "webhook-timestamp"));
    ear_str_copy(rig->signature, sizeof(rig->signature),
                 ear_httpd_header(request, "webhook-signature"));
    ear_str_copy(rig->body, sizeof(rig->body), ear_httpd_body(request));
    struct ear_httpd_header header = {"Retry-After", rig->retry_after};
    ear_httpd_answer(request, rig->answer_status, rig->answer_type, ear_str_from(rig->answer_body),
                     &header, rig->retry_after ? 1 : 0);
}

static void on_sent(void *core, const struct ear_send_job *job,
                    const struct ear_send_result *result)
{
    struct rig *rig = core;
    (void)job;
    rig->calls++;
    rig->result = *result;
    ear_str_copy(rig->external_id, sizeof(rig->external_id), result->external_id);
}

static struct ear_speak_env env_of(struct rig *rig)
{
    return (struct ear_speak_env){
        .loop = rig->loop, .fetch = rig->fetch, .sent = on_sent, .core = rig};
}

static ear_err open_with(struct rig *rig, const char *url, const char *secret,
                         struct ear_diag *diag)
{
    struct ear_speak_env env = env_of(rig);
    struct ear_str secrets[] = {ear_str_from(secret)};
    json_t *settings = json_pack("{s:s,s:s}", "url", url, "max_length", "20");
    struct ear_account_out account = {.key = EAR_STR("@shop"),
                                      .platform = EAR_STR("webchat"),
                                      .settings = settings,
                                      .secrets = secrets,
                                      .secret_count = secret ? 1 : 0};
    ear_err err = ear_webhook_out.open(&rig->connector, &env, &account, EAR_STR_NONE, diag);
    json_decref(settings);
    return err;
}

static int rig_open(void **state)
{
    static struct rig rig;
    char url[64];
    struct ear_diag diag = {0};
    rig =
        (struct rig){.answer_status = 200, .answer_body = "{}", .answer_type = "application/json"};
    assert_int_equal(ear_loop_new(&rig.loop), EAR_OK);
    assert_int_equal(ear_fetch_new(&rig.fetch, rig.loop, "earshot-test/1"), EAR_OK);
    assert_int_equal(ear_httpd_new(&rig.httpd, rig.loop,
                                   &(struct ear_httpd_opts){.listen = "127.0.0.1:0"}, &diag),
                     EAR_OK);
    ear_httpd_route(rig.httpd, &(struct ear_httpd_route){.method = "POST",
                                                         .path = "/hook",
                                                         .max_body_bytes = 65536,
                                                         .handle = receive,
                                                         .self = &rig});
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/hook", ear_httpd_port(rig.httpd));
    if (open_with(&rig, url, SECRET, &diag)) fail_msg("%s", diag.text);
    *state = &rig;
    return 0;
}

static int rig_close(void **state)
{
    struct rig *rig = *state;
    ear_webhook_out.close(&rig->connector);
    assert_null(rig->connector);
    ear_fetch_free(&rig->fetch);
    ear_httpd_free(&rig->httpd);
    for (int i = 0; i < 3; i++) ear_loop_turn(rig->loop, 0);
    ear_loop_free(&rig->loop);
    return 0;
}

/* A job whose text is fitted; fit is released by the caller. */
static struct ear_send_job job_of(struct rig *rig, struct ear_fit *fit, struct ear_buf *key)
{
    struct ear_diag diag = {0};
    struct ear_id id;
    assert_int_equal(ear_id_parse(EAR_STR("0192b3c4-0000-7000-8000-000000000001"), &id), EAR_OK);
    ear_fit_init(fit);
    ear_buf_init(key, EAR_REPLY_KEY_BYTES);
    if (ear_webhook_out.fit(rig->connector, EAR_STR("We are on it."), EAR_STR("^Ana"), fit, &diag))
        fail_msg("%s", diag.text);
    assert_int_equal(ear_webhook_out.key(rig->connector, &id, key), EAR_OK);
    return (struct ear_send_job){.reply_id = id,
                                 .case_id = id,
                                 .key = ear_buf_str(key),
                                 .account = EAR_STR("@shop"),
                                 .platform = EAR_STR("webchat"),
                                 .fit = fit,
                                 .text = EAR_STR("We are on it."),
                                 .sign_off = EAR_STR("^Ana"),
                                 .agent = EAR_STR("ana"),
                                 .created_at_us = INT64_C(1790000000000000),
                                 .post_id = EAR_STR("post-7"),
                                 .recipient_id = EAR_STR("visitor-1")};
}

static void send_once(struct rig *rig)
{
    struct ear_fit fit;
    struct ear_buf key;
    struct ear_diag diag = {0};
    struct ear_send_job job = job_of(rig, &fit, &key);
    unsigned before = rig->calls;
    if (ear_webhook_out.send(rig->connector, &job, &diag)) fail_msg("%s", diag.text);
    assert_int_equal(rig->calls, before);
    int64_t deadline = ear_clock_mono_ms() + 10000;
    while (rig->calls == before && ear_clock_mono_ms() < deadline) ear_loop_turn(rig->loop, 50);
    assert_int_equal(rig->calls, before + 1);
    ear_fit_release(&fit);
    ear_buf_release(&key);
}

static void test_sign__gives_the_published_example(void **state)
{
    (void)state;
    struct ear_buf key, signature;
    ear_buf_init(&key, 64);
    ear_buf_init(&signature, 128);
    assert_int_equal(ear_webhook_secret(EAR_STR(SECRET), &key, NULL), EAR_OK);
    assert_int_equal(ear_webhook_sign(ear_buf_str(&key), EAR_STR("msg_p5jXN8AQM9LWM0D4loKWxJek"),
                                      EAR_STR("1614265330"), EAR_STR("{\"test\": 2432232314}"),
                                      &signature),
                     EAR_OK);
    assert_string_equal(signature.data, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    ear_buf_release(&key);
    ear_buf_release(&signature);
}

static void test_webhook__posts_a_signed_reply(void **state)
{
    struct rig *rig = *state;
    struct ear_buf key, signature;
    rig->answer_body = "{\"id\":\"msg-99\"}";
    send_once(rig);
    assert_int_equal(rig->result.state, EAR_SEND_SENT);
    assert_string_equal(rig->external_id, "msg-99");
    assert_string_equal(rig->id, "reply_0192b3c4-0000-7000-8000-000000000001");

    ear_buf_init(&key, 64);
    ear_buf_init(&signature, 128);
    assert_int_equal(ear_webhook_secret(EAR_STR(SECRET), &key, NULL), EAR_OK);
    assert_int_equal(ear_webhook_sign(ear_buf_str(&key), ear_str_from(rig->id),
                                      ear_str_from(rig->timestamp), ear_str_from(rig->body),
                                      &signature),
                     EAR_OK);
    assert_string_equal(signature.data, rig->signature);
    ear_buf_release(&key);
    ear_buf_release(&signature);

    json_t *body = NULL;
    assert_int_equal(ear_json_parse(ear_str_from(rig->body), 4096, &body, NULL), EAR_OK);
    static const char *const want[][2] = {
        {"type", "reply.created"},
        {"timestamp", "2026-09-21T14:13:20Z"},
        {"data.reply_id", "0192b3c4-0000-7000-8000-000000000001"},
        {"data.account", "@shop"},
        {"data.platform", "webchat"},
        {"data.text", "We are on it. ^Ana"},
        {"data.body", "We are on it."},
        {"data.agent", "ana"},
        {"data.in_reply_to.external_id", "post-7"},
        {"data.in_reply_to.author_id", "visitor-1"},
    };
    for (size_t i = 0; i < EAR_COUNT(want); i++)
        assert_string_equal(ear_json_at(body, want[i][0]).ptr, want[i][1]);
    json_decref(body);
}

static void test_webhook__keeps_its_id_over_tries(void **state)
{
    struct rig *rig = *state;
    char first[128];
    rig->answer_status = 500;
    send_once(rig);
    assert_int_equal(rig->result.state, EAR_SEND_RETRY);
    memcpy(first, rig->id, sizeof(first));
    rig->answer_status = 204;
    rig->answer_body = "";
    send_once(rig);
    assert_int_equal(rig->result.state, EAR_SEND_SENT);
    assert_string_equal(rig->id, first);
    assert_string_equal(rig->external_id, first);
    assert_int_equal(rig->hits, 2);
}

static void test_webhook__judges_answers(void **state)
{
    struct rig *rig = *state;
    static const struct {
        unsigned status;
        const char *retry_after;
        ear_send_state state;
        const char *reason;
        bool pause;
    } cases[] = {
        {429, "7", EAR_SEND_RETRY, "limited", true},
        {503, "7", EAR_SEND_RETRY, "unavailable", true},
        {503, NULL, EAR_SEND_RETRY, "unavailable", false},
        {404, NULL, EAR_SEND_RETRY, "unavailable", false},
        {401, NULL, EAR_SEND_RETRY, "unavailable", false},
        {302, NULL, EAR_SEND_RETRY, "unavailable", false},
        {400, NULL, EAR_SEND_FAILED, "refused", false},
        {422, NULL, EAR_SEND_FAILED, "refused", false},
        {410, NULL, EAR_SEND_FAILED, "gone", false},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        rig->answer_status = cases[i].status;
        rig->retry_after = cases[i].retry_after;
        send_once(rig);
        assert_int_equal(rig->result.state, cases[i].state);
        assert_int_equal(rig->result.status, cases[i].status);
        assert_string_equal(rig->result.reason, cases[i].reason);
        assert_int_equal(rig->result.pause_until_us != 0, cases[i].pause);
    }
}

/* A page of a captive portal, or of a proxy, came instead of the receiver's answer. */
static void test_webhook__a_web_page_is_no_yes(void **state)
{
    struct rig *rig = *state;
    rig->answer_type = "text/HTML; charset=utf-8";
    rig->answer_body = "<html><body>Please log in to the Wi-Fi</body></html>";
    send_once(rig);
    assert_int_equal(rig->result.state, EAR_SEND_RETRY);
    assert_string_equal(rig->result.reason, "web_page");
    rig->answer_type = "text/plain";
    send_once(rig);
    assert_int_equal(rig->result.state, EAR_SEND_SENT);
}

/* The receiver has said yes; that it says more than we keep takes nothing back. */
static void test_webhook__a_long_answer_is_an_answer(void **state)
{
    struct rig *rig = *state;
    static char page[100000];
    memset(page, 'x', sizeof(page) - 1);
    rig->answer_body = page;
    send_once(rig);
    assert_int_equal(rig->result.state, EAR_SEND_SENT);
    assert_int_equal(rig->result.status, 200);
    assert_string_equal(rig->external_id, rig->id);
    rig->answer_status = 410;
    send_once(rig);
    assert_int_equal(rig->result.state, EAR_SEND_FAILED);
    assert_string_equal(rig->result.reason, "gone");
}

static void test_webhook__nobody_there_is_tried_again(void **state)
{
    struct rig *rig = *state;
    ear_httpd_quiesce(rig->httpd);
    for (int i = 0; i < 3; i++) ear_loop_turn(rig->loop, 10);
    send_once(rig);
    assert_int_equal(rig->result.state, EAR_SEND_RETRY);
    assert_string_equal(rig->result.reason, "unreachable");
}

static void test_webhook__fit_counts_characters(void **state)
{
    struct rig *rig = *state;
    struct ear_fit fit;
    struct ear_diag diag = {0};
    ear_fit_init(&fit);
    assert_int_equal(ear_webhook_out.fit(rig->connector, EAR_STR("0123456789012345678901"),
                                         EAR_STR("^A"), &fit, &diag),
                     EAR_TOO_LARGE);
    assert_int_equal(fit.over, 5);
    assert_non_null(strstr(diag.text, "5 characters too long"));
    assert_int_equal(
        ear_webhook_out.fit(rig->connector, EAR_STR("  \n "), EAR_STR_NONE, &fit, &diag),
        EAR_INVALID);
    assert_int_equal(fit.count, 0);
    ear_fit_release(&fit);
}

static void test_webhook__settings_are_checked(void **state)
{
    struct rig *rig = *state;
    static const char *const cases[][3] = {
        {"ftp://x.test/", SECRET, "url"},
        {"", SECRET, "url"},
        {"http://x.test/", NULL, "secret"},
        {"http://x.test/", "whsec_dG9vc2hvcnQ=", "24 to 64"},
        {"http://x.test/", "whsec_!!", "24 to 64"},
    };
    void *good = rig->connector;
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_diag diag = {0};
        assert_int_equal(open_with(rig, cases[i][0], cases[i][1], &diag), EAR_INVALID);
        assert_null(rig->connector);
        assert_non_null(strstr(diag.text, cases[i][2]));
        assert_null(strstr(diag.text, "dG9v"));
    }
    rig->connector = good;
}

static void test_registry__finds_by_platform_or_setting(void **state)
{
    (void)state;
    json_t *chosen = json_pack("{s:s}", "connector", "webhook");
    assert_ptr_equal(ear_connector_out_find(EAR_STR("webhook"), NULL), &ear_webhook_out);
    assert_ptr_equal(ear_connector_out_find(EAR_STR("webchat"), chosen), &ear_webhook_out);
    assert_null(ear_connector_out_find(EAR_STR("webchat"), NULL));
    for (const struct ear_connector_out *const *c = ear_connectors_out(); *c; c++) {
        assert_non_null((*c)->name);
        assert_true((*c)->caps.concurrent && (*c)->caps.rate_count && (*c)->caps.rate_ms);
        assert_true((*c)->caps.look || (*c)->caps.again != EAR_AGAIN_AFTER_LOOK);
        assert_true((*c)->open && (*c)->fit && (*c)->key && (*c)->send && (*c)->look &&
                    (*c)->close);
    }
    json_decref(chosen);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_open, rig_close)

int main(void)
{
    ear_crypt_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sign__gives_the_published_example),
        WITH_RIG(test_webhook__posts_a_signed_reply),
        WITH_RIG(test_webhook__keeps_its_id_over_tries),
        WITH_RIG(test_webhook__judges_answers),
        WITH_RIG(test_webhook__a_web_page_is_no_yes),
        WITH_RIG(test_webhook__a_long_answer_is_an_answer),
        WITH_RIG(test_webhook__nobody_there_is_tried_again),
        WITH_RIG(test_webhook__fit_counts_characters),
        WITH_RIG(test_webhook__settings_are_checked),
        cmocka_unit_test(test_registry__finds_by_platform_or_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
