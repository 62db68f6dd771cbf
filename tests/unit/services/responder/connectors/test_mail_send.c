/* What becomes of a mail: against scripted servers for the one byte that matters, and, where
 * tests/integ/mail.sh says where it is (EAR_TEST_SUBMISSION, EAR_TEST_SMTPS, EAR_TEST_CA), against
 * a real Exim with its faults. */
#include "connectors/mail/mail.h"
#include "script_peer.h"
#include "json/json.h"
#include <stdio.h>
#include <stdlib.h>

struct rig {
    struct ear_loop *loop;
    struct ear_fetch *fetch;
    void *connector;
    unsigned calls;
    ear_send_state sent;
    char reason[32], why[512], external_id[256];
};

static void on_sent(void *core, const struct ear_send_job *job,
                    const struct ear_send_result *result)
{
    struct rig *rig = core;
    (void)job;
    rig->calls++;
    rig->sent = result->state;
    ear_str_copy(rig->reason, sizeof(rig->reason), ear_str_from(result->reason));
    ear_str_copy(rig->why, sizeof(rig->why), ear_str_from(result->why));
    ear_str_copy(rig->external_id, sizeof(rig->external_id), result->external_id);
}

static ear_err open_with(struct rig *rig, json_t *settings, const char *password,
                         struct ear_diag *diag)
{
    struct ear_speak_env env = {
        .loop = rig->loop, .fetch = rig->fetch, .sent = on_sent, .core = rig};
    struct ear_str secret = ear_str_from(password);
    struct ear_account_out account = {.key = EAR_STR("@mail"),
                                      .platform = EAR_STR("mail"),
                                      .author_id = EAR_STR("care@care.test"),
                                      .settings = settings,
                                      .secrets = &secret,
                                      .secret_count = password ? 1 : 0};
    ear_mail_out.close(&rig->connector);
    ear_err err = ear_mail_out.open(&rig->connector, &env, &account, EAR_STR_NONE, diag);
    json_decref(settings);
    return err;
}

static void open_plain(struct rig *rig, int port)
{
    char url[64];
    struct ear_diag diag = {0};
    snprintf(url, sizeof(url), "smtp://127.0.0.1:%d", port);
    if (open_with(rig,
                  json_pack("{s:s,s:s,s:s}", "smtp", url, "starttls", "off", "smtp_login", "off"),
                  NULL, &diag))
        fail_msg("%s", diag.text);
}

static int rig_open(void **state)
{
    static struct rig rig;
    rig = (struct rig){0};
    assert_int_equal(ear_loop_new(&rig.loop), EAR_OK);
    assert_int_equal(ear_fetch_new(&rig.fetch, rig.loop, "earshot-test/1"), EAR_OK);
    *state = &rig;
    return 0;
}

static int rig_close(void **state)
{
    struct rig *rig = *state;
    ear_mail_out.close(&rig->connector);
    ear_fetch_free(&rig->fetch);
    for (int i = 0; i < 3; i++) ear_loop_turn(rig->loop, 0);
    ear_loop_free(&rig->loop);
    return 0;
}

static void send_to(struct rig *rig, const char *to)
{
    struct ear_fit fit;
    struct ear_buf key;
    struct ear_diag diag = {0};
    struct ear_id id = ear_id_new(ear_clock_wall_us());
    unsigned before = rig->calls;
    ear_fit_init(&fit);
    ear_buf_init(&key, EAR_REPLY_KEY_BYTES);
    assert_int_equal(
        ear_mail_out.fit(rig->connector, EAR_STR("We found it."), EAR_STR("^Ana"), &fit, &diag),
        EAR_OK);
    assert_int_equal(ear_mail_out.key(rig->connector, &id, &key), EAR_OK);
    const struct ear_send_job job = {.reply_id = id,
                                     .key = ear_buf_str(&key),
                                     .fit = &fit,
                                     .thread = EAR_STR("{\"message_id\":\"m1@c.test\","
                                                       "\"subject\":\"Parcel\"}"),
                                     .recipient_id = ear_str_from(to)};
    if (ear_mail_out.send(rig->connector, &job, &diag)) fail_msg("%s", diag.text);
    assert_int_equal(rig->calls, before);
    int64_t deadline = ear_clock_mono_ms() + 30000;
    while (rig->calls == before && ear_clock_mono_ms() < deadline) ear_loop_turn(rig->loop, 50);
    assert_int_equal(rig->calls, before + 1);
    if (rig->sent == EAR_SEND_SENT) assert_string_equal(rig->external_id, key.data);
    ear_fit_release(&fit);
    ear_buf_release(&key);
}

#define HELLO   ">220 mx\r\n", "<EHLO care.test\r\n", ">250 mx\r\n", "<MAIL FROM"
#define TO_DATA HELLO, ">250 ok\r\n", "<RCPT TO", ">250 ok\r\n", "<DATA"
#define TO_DOT  TO_DATA, ">354 go on\r\n", "<\r\n.\r\n"

static void test_mail__the_final_dot_decides(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *name;
        const char *const script[16];
        ear_send_state sent;
        const char *reason;
    } cases[] = {
        {"accepted", {TO_DOT, ">250 queued\r\n"}, EAR_SEND_SENT, ""},
        {"lost behind the dot", {TO_DOT}, EAR_SEND_UNKNOWN, "no_answer"},
        {"reset behind the dot", {TO_DOT, "!"}, EAR_SEND_UNKNOWN, "no_answer"},
        {"lost before the dot", {TO_DATA}, EAR_SEND_RETRY, "unreachable"},
        {"nobody greets", {"!"}, EAR_SEND_RETRY, "unreachable"},
        {"busy", {">421 busy\r\n"}, EAR_SEND_RETRY, "unavailable"},
        {"later", {HELLO, ">250 ok\r\n", "<RCPT", ">450 later\r\n"}, EAR_SEND_RETRY, "postponed"},
        {"later, behind the dot", {TO_DOT, ">451 later\r\n"}, EAR_SEND_RETRY, "postponed"},
        {"never", {HELLO, ">250 ok\r\n", "<RCPT", ">550 no\r\n"}, EAR_SEND_FAILED, "refused"},
        {"never, behind the dot", {TO_DOT, ">554 spam\r\n"}, EAR_SEND_FAILED, "refused"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct peer peer;
        peer_start(&peer, cases[i].script);
        open_plain(rig, peer.port);
        send_to(rig, "ana@cust.test");
        peer_stop(&peer);
        if (rig->sent != cases[i].sent || strcmp(rig->reason, cases[i].reason) != 0)
            fail_msg("%s: %d %s: %s", cases[i].name, rig->sent, rig->reason, rig->why);
    }
}

static void test_mail__settings_are_checked(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *key, *value, *password, *says;
    } cases[] = {
        {"smtp", "http://x.test", "pw", "\"smtp\""},
        {"other", "x", "pw", "\"smtp\""},
        {"smtp", "smtp://x.test:587", NULL, "secret"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_diag diag = {0};
        assert_int_equal(open_with(rig, json_pack("{s:s}", cases[i].key, cases[i].value),
                                   cases[i].password, &diag),
                         EAR_INVALID);
        assert_null(rig->connector);
        assert_non_null(strstr(diag.text, cases[i].says));
    }
    struct ear_diag diag = {0};
    assert_int_equal(open_with(rig,
                               json_pack("{s:s,s:s}", "smtp", "smtp://x.test", "from", "a b@c"),
                               "pw", &diag),
                     EAR_INVALID);
}

static void test_mail__a_real_server_takes_or_refuses(void **state)
{
    struct rig *rig = *state;
    if (!getenv("EAR_TEST_SUBMISSION")) skip();
    static const struct {
        const char *server, *password, *to;
        ear_send_state sent;
        const char *reason;
    } cases[] = {
        {"EAR_TEST_SUBMISSION", "care-pass", "alice@cust.test", EAR_SEND_SENT, ""},
        {"EAR_TEST_SMTPS", "care-pass", "alice@cust.test", EAR_SEND_SENT, ""},
        {"EAR_TEST_SMTPS", "care-pass", "reject@cust.test", EAR_SEND_FAILED, "refused"},
        {"EAR_TEST_SMTPS", "care-pass", "full@cust.test", EAR_SEND_FAILED, "refused"},
        {"EAR_TEST_SMTPS", "care-pass", "tempfail@cust.test", EAR_SEND_RETRY, "postponed"},
        {"EAR_TEST_SMTPS", "care-pass", "ana@elsewhere.test", EAR_SEND_FAILED, "refused"},
        {"EAR_TEST_SMTPS", "wrong", "alice@cust.test", EAR_SEND_RETRY, "denied"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_diag diag = {0};
        json_t *settings = json_pack("{s:s,s:s,s:s}", "smtp", getenv(cases[i].server), "ca_file",
                                     getenv("EAR_TEST_CA"), "from_name", "Fírm");
        if (open_with(rig, settings, cases[i].password, &diag)) fail_msg("%s", diag.text);
        send_to(rig, cases[i].to);
        if (rig->sent != cases[i].sent || strcmp(rig->reason, cases[i].reason) != 0)
            fail_msg("%s: %d %s: %s", cases[i].to, rig->sent, rig->reason, rig->why);
        assert_null(strstr(rig->why, "wrong"));
    }
    /* A certificate that nobody vouches for ends it before the password goes out. */
    struct ear_diag diag = {0};
    assert_int_equal(
        open_with(rig, json_pack("{s:s}", "smtp", getenv("EAR_TEST_SMTPS")), "care-pass", &diag),
        EAR_OK);
    send_to(rig, "alice@cust.test");
    assert_int_equal(rig->sent, EAR_SEND_RETRY);
    assert_non_null(strstr(rig->why, "ertificate"));
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_open, rig_close)

int main(void)
{
    ear_crypt_start();
    if (!getenv("EAR_TEST_SUBMISSION"))
        print_message("SKIP: no mail server (EAR_TEST_SUBMISSION is not set)\n");
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_mail__the_final_dot_decides),
        WITH_RIG(test_mail__settings_are_checked),
        WITH_RIG(test_mail__a_real_server_takes_or_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
