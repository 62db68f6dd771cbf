/* Real requests over real sockets: what came back, and what is known of a request's fate. The peer
 * is a thread with blocking sockets that plays one line script after another. */
#include "fetch/fetch.h"
#include "script_peer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- one request ---- */

struct outcome {
    bool done;
    unsigned calls;
    ear_err err;
    ear_fetch_fate fate;
    int status;
    char body[4096];
    char why[1024], reason[1024];
    char echoed[256];
};

static void on_done(void *self, const struct ear_fetch_result *result)
{
    struct outcome *o = self;
    o->done = true;
    o->calls++;
    o->err = result->err;
    o->fate = result->fate;
    o->status = result->status;
    ear_str_copy(o->body, sizeof(o->body), result->body);
    ear_str_copy(o->why, sizeof(o->why), ear_str_from(result->why));
    ear_str_copy(o->reason, sizeof(o->reason), ear_str_from(result->reason));
    ear_str_copy(o->echoed, sizeof(o->echoed), ear_fetch_header(result, "x-echo"));
}

struct rig {
    struct ear_loop *loop;
    struct ear_fetch *fetch;
};

static void rig_open(struct rig *rig)
{
    assert_int_equal(ear_loop_new(&rig->loop), EAR_OK);
    assert_int_equal(ear_fetch_new(&rig->fetch, rig->loop, "earshot-test/1"), EAR_OK);
}

static void rig_close(struct rig *rig)
{
    ear_fetch_free(&rig->fetch);
    for (int i = 0; i < 3; i++) ear_loop_turn(rig->loop, 0);
    ear_loop_free(&rig->loop);
}

static struct outcome ask(const struct ear_fetch_request *request)
{
    struct rig rig;
    struct outcome o = {0};
    struct ear_diag diag = {0};
    rig_open(&rig);
    ear_err err = ear_fetch_start(rig.fetch, request, on_done, &o, NULL, &diag);
    if (err) fail_msg("%s", diag.text);
    assert_false(o.done);
    int64_t deadline = ear_clock_mono_ms() + 15000;
    while (!o.done && ear_clock_mono_ms() < deadline) ear_loop_turn(rig.loop, 100);
    assert_int_equal(o.calls, 1);
    assert_int_equal(ear_fetch_active(rig.fetch), 0);
    rig_close(&rig);
    return o;
}

/* Asks a peer that plays the script. A time-out before the peer came to its silence is none of the
 * script's: the machine was too slow for it, and it gets longer. */
static struct outcome ask_peer(struct peer *peer, const char *const *script, const char *scheme,
                               const char *path, struct ear_fetch_request *request)
{
    struct outcome o;
    char url[64];
    for (;; request->timeout_ms *= 2) {
        peer_start(peer, script);
        snprintf(url, sizeof(url), "%s://127.0.0.1:%d/%s", scheme, peer->port, path);
        request->url = url;
        o = ask(request);
        peer_stop(peer);
        if (o.err != EAR_TIMEOUT || peer->silent || request->timeout_ms > 5000) return o;
    }
}

/* ---- HTTP ---- */

#define OK_ANSWER ">HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Echo: yes \r\n\r\nhello"

static void test_fetch__http_fates(void **state)
{
    (void)state;
    static const struct {
        const char *name, *scheme;
        const char *const script[8];
        ear_err err;
        ear_fetch_fate fate;
        int status;
    } cases[] = {
        {"answered", "http", {"<the-body", OK_ANSWER}, EAR_OK, EAR_FATE_ANSWERED, 200},
        {"an error is an answer",
         "http",
         {"<the-body", ">HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"},
         EAR_OK,
         EAR_FATE_ANSWERED,
         503},
        {"a redirect is not followed",
         "http",
         {"<the-body",
          ">HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"},
         EAR_OK,
         EAR_FATE_ANSWERED,
         302},
        {"closed after the request", "http", {"<the-body"}, EAR_UNAVAILABLE, EAR_FATE_UNKNOWN, 0},
        {"reset after the request",
         "http",
         {"<the-body", "!"},
         EAR_UNAVAILABLE,
         EAR_FATE_UNKNOWN,
         0},
        {"silent", "http", {"<the-body", "~"}, EAR_TIMEOUT, EAR_FATE_UNKNOWN, 0},
        {"half an answer",
         "http",
         {"<the-body", ">HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhel"},
         EAR_UNAVAILABLE,
         EAR_FATE_UNKNOWN,
         200},
        {"no TLS there",
         "https",
         {">nonsense that is no TLS\r\n"},
         EAR_UNAVAILABLE,
         EAR_FATE_NOT_SENT,
         0},
        {"TLS closed at once", "https", {"!"}, EAR_UNAVAILABLE, EAR_FATE_NOT_SENT, 0},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct peer peer;
        struct outcome o =
            ask_peer(&peer, cases[i].script, cases[i].scheme, "x",
                     &(struct ear_fetch_request){.body = EAR_STR("the-body"), .timeout_ms = 700});
        if (o.err != cases[i].err || o.fate != cases[i].fate || o.status != cases[i].status)
            fail_msg("%s: %s, fate %d, status %d: %s", cases[i].name, ear_err_name(o.err), o.fate,
                     o.status, o.why);
        assert_true(o.err == EAR_OK || strstr(o.why, "127.0.0.1"));
        /* The reason is what stands behind the address, and nothing where nothing failed. */
        char whole[2048];
        snprintf(whole, sizeof(whole), "%s://127.0.0.1:%u: %s", cases[i].scheme, peer.port,
                 o.reason);
        assert_string_equal(o.why, o.err ? whole : "");
        assert_true(o.err == EAR_OK || *o.reason);
        if (i == 0) {
            assert_string_equal(o.body, "hello");
            assert_string_equal(o.echoed, "yes");
            assert_non_null(strstr(peer.heard, "POST /x HTTP/1.1\r\n"));
            assert_null(strstr(peer.heard, "Content-Type"));
        }
    }
}

static void test_fetch__nothing_was_sent_where_nobody_listens(void **state)
{
    (void)state;
    struct peer peer;
    char url[64];
    peer_listen(&peer);
    close(peer.listener);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer.port);
    struct outcome o = ask(&(struct ear_fetch_request){.url = url, .body = EAR_STR("x")});
    assert_int_equal(o.err, EAR_UNAVAILABLE);
    assert_int_equal(o.fate, EAR_FATE_NOT_SENT);
    o = ask(&(struct ear_fetch_request){.url = "http://no-such-host.invalid/", .timeout_ms = 9000});
    assert_int_not_equal(o.err, EAR_OK);
    assert_int_equal(o.fate, EAR_FATE_NOT_SENT);
}

static void test_fetch__answers_have_a_ceiling(void **state)
{
    (void)state;
    static const char *const script[] = {
        "<\r\n\r\n", ">HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n01234567890123456789", NULL};
    struct peer peer;
    char url[64];
    peer_start(&peer, script);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer.port);
    struct outcome o = ask(&(struct ear_fetch_request){.url = url, .max_body_bytes = 10});
    peer_stop(&peer);
    assert_int_equal(o.err, EAR_TOO_LARGE);
    assert_int_equal(o.fate, EAR_FATE_UNKNOWN);
}

static void test_fetch__private_addresses_are_refused_on_wish(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://127.0.0.1:9/", "http://localhost:9/",
                                       "http://10.1.2.3/",    "http://169.254.169.254/latest",
                                       "http://[::1]:9/",     "http://[::ffff:127.0.0.1]:9/",
                                       "http://0x7f.1:9/",    "http://[fd00::1]:9/"};
    for (size_t i = 0; i < EAR_COUNT(urls); i++) {
        struct outcome o = ask(&(struct ear_fetch_request){.url = urls[i], .refuse_private = true});
        if (o.err != EAR_DENIED && o.err != EAR_UNAVAILABLE) fail_msg("%s: %d", urls[i], o.err);
        assert_int_equal(o.fate, EAR_FATE_NOT_SENT);
        if (!strchr(urls[i], '[')) assert_int_equal(o.err, EAR_DENIED);
    }
}

static void test_fetch__headers_cannot_be_injected(void **state)
{
    (void)state;
    struct rig rig;
    struct outcome o = {0};
    struct ear_fetch_header header = {EAR_STR("X-A"), EAR_STR("b\r\nX-Evil: 1")};
    rig_open(&rig);
    assert_int_equal(ear_fetch_start(rig.fetch,
                                     &(struct ear_fetch_request){.url = "http://127.0.0.1:9/",
                                                                 .headers = &header,
                                                                 .header_count = 1},
                                     on_done, &o, NULL, NULL),
                     EAR_INVALID);
    assert_int_equal(ear_fetch_start(rig.fetch,
                                     &(struct ear_fetch_request){.url = "http://127.0.0.1:9/",
                                                                 .method = "GET / \r\nX: y"},
                                     on_done, &o, NULL, NULL),
                     EAR_INVALID);
    ear_loop_turn(rig.loop, 10);
    assert_false(o.done);
    rig_close(&rig);
}

static void test_fetch__cancelled_requests_stay_silent(void **state)
{
    (void)state;
    static const char *const script[] = {"<\r\n\r\n", "~", NULL};
    struct rig rig;
    struct peer peer;
    struct outcome o = {0};
    uint64_t id = 0;
    char url[64];
    rig_open(&rig);
    peer_start(&peer, script);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer.port);
    for (int i = 0; i < 2; i++) /* one is cancelled, one is under way when all ends */
        assert_int_equal(ear_fetch_start(rig.fetch, &(struct ear_fetch_request){.url = url},
                                         on_done, &o, &id, NULL),
                         EAR_OK);
    for (int i = 0; i < 5; i++) ear_loop_turn(rig.loop, 20);
    assert_int_equal(ear_fetch_active(rig.fetch), 2);
    ear_fetch_cancel(rig.fetch, id);
    ear_fetch_cancel(rig.fetch, id);
    assert_int_equal(ear_fetch_active(rig.fetch), 1);
    rig_close(&rig);
    assert_false(o.done);
    peer_stop(&peer);
}

/* ---- SMTP ---- */

#define HELLO   ">220 mx ready\r\n", "<EHLO", ">250 mx\r\n", "<MAIL FROM"
#define TO_DATA HELLO, ">250 ok\r\n", "<RCPT TO", ">250 ok\r\n", "<DATA"
#define TO_DOT  TO_DATA, ">354 go on\r\n", "<\r\n.\r\n"

static void test_fetch__smtp_fates(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *const script[16];
        ear_err err;
        ear_fetch_fate fate;
        int status;
    } cases[] = {
        {"accepted", {TO_DOT, ">250 queued\r\n", "<QUIT"}, EAR_OK, EAR_FATE_ANSWERED, 250},
        {"greylisted",
         {HELLO, ">250 ok\r\n", "<RCPT", ">451 later\r\n"},
         EAR_OK,
         EAR_FATE_ANSWERED,
         451},
        {"no such user",
         {HELLO, ">250 ok\r\n", "<RCPT", ">550 no\r\n"},
         EAR_OK,
         EAR_FATE_ANSWERED,
         550},
        {"sender refused", {HELLO, ">553 no\r\n"}, EAR_OK, EAR_FATE_ANSWERED, 553},
        {"refused after the dot", {TO_DOT, ">554 spam\r\n"}, EAR_OK, EAR_FATE_ANSWERED, 554},
        {"postponed after the dot", {TO_DOT, ">452 full\r\n"}, EAR_OK, EAR_FATE_ANSWERED, 452},
        {"lost after the dot", {TO_DOT}, EAR_UNAVAILABLE, EAR_FATE_UNKNOWN, 354},
        {"silent after the dot", {TO_DOT, "~"}, EAR_TIMEOUT, EAR_FATE_UNKNOWN, 354},
        {"lost before DATA was answered", {TO_DATA}, EAR_UNAVAILABLE, EAR_FATE_NOT_SENT, 250},
        {"silent at RCPT",
         {HELLO, ">250 ok\r\n", "<RCPT", "~"},
         EAR_TIMEOUT,
         EAR_FATE_NOT_SENT,
         250},
        {"busy at once", {">421 busy\r\n"}, EAR_OK, EAR_FATE_ANSWERED, 421},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct peer peer;
        const char *to = "b@cust.test";
        struct outcome o = ask_peer(
            &peer, cases[i].script, "smtp", "care.test",
            &(struct ear_fetch_request){.body = EAR_STR("Subject: x\r\n\r\n.leading dot\r\n"),
                                        .mail_from = "care@care.test",
                                        .mail_to = &to,
                                        .mail_to_count = 1,
                                        .timeout_ms = 900});
        if (o.err != cases[i].err || o.fate != cases[i].fate || o.status != cases[i].status)
            fail_msg("%s: %s, fate %d, status %d: %s", cases[i].name, ear_err_name(o.err), o.fate,
                     o.status, o.why);
        if (i == 0) {
            assert_non_null(strstr(peer.heard, "MAIL FROM:<care@care.test>"));
            assert_non_null(strstr(peer.heard, "RCPT TO:<b@cust.test>"));
            assert_non_null(strstr(peer.heard, "\r\n..leading dot\r\n.\r\n"));
        }
    }
}

static void test_fetch__smtp_needs_addresses_that_are_some(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "a@b>\r\nRCPT TO:<c@d", "a b@c", "<a@b>", NULL};
    struct rig rig;
    rig_open(&rig);
    for (size_t i = 0; bad[i]; i++)
        assert_int_equal(ear_fetch_start(rig.fetch,
                                         &(struct ear_fetch_request){.url = "smtp://127.0.0.1:9",
                                                                     .mail_from = "care@care.test",
                                                                     .mail_to = &bad[i],
                                                                     .mail_to_count = 1},
                                         on_done, NULL, NULL, NULL),
                         EAR_INVALID);
    rig_close(&rig);
}

/* ---- links ---- */

struct talk {
    struct ear_link *link;
    struct ear_buf heard;
    unsigned up, down;
    ear_err err;
    bool close_on_data;
};

static void on_link(void *self, ear_link_event event, struct ear_str data, ear_err err,
                    const char *why)
{
    struct talk *talk = self;
    (void)why;
    talk->up += event == EAR_LINK_UP;
    if (event == EAR_LINK_UP)
        assert_int_equal(ear_link_send(talk->link, EAR_STR("B1 NOOP\r\n")), EAR_OK);
    if (event == EAR_LINK_DATA) assert_int_equal(ear_buf_append_str(&talk->heard, data), EAR_OK);
    if (event == EAR_LINK_DATA && talk->close_on_data) ear_link_close(&talk->link);
    if (event == EAR_LINK_DOWN) {
        talk->down++;
        talk->err = err;
    }
}

static void talk_run(struct talk *talk, const char *const *script, bool close_on_data)
{
    struct rig rig;
    struct peer peer;
    char url[64];
    *talk = (struct talk){.close_on_data = close_on_data};
    ear_buf_init(&talk->heard, 1u << 20);
    rig_open(&rig);
    peer_start(&peer, script);
    snprintf(url, sizeof(url), "imap://127.0.0.1:%d", peer.port);
    struct ear_diag diag = {0};
    ear_err err = ear_link_open(
        &talk->link, rig.fetch,
        &(struct ear_fetch_request){.url = url, .user = "u", .password = "p", .timeout_ms = 2000},
        on_link, talk, &diag);
    if (err) fail_msg("%s", diag.text);
    int64_t deadline = ear_clock_mono_ms() + 10000;
    while (!talk->down && talk->link && ear_clock_mono_ms() < deadline) ear_loop_turn(rig.loop, 50);
    ear_link_close(&talk->link);
    rig_close(&rig);
    peer_stop(&peer);
}

#define LOGIN                                                                                   \
    ">* OK hi\r\n", "<CAPABILITY\r\n", ">* CAPABILITY IMAP4rev1\r\nA001 OK done\r\n", "<LOGIN", \
        "<\r\n"

static void test_link__lends_the_line_after_login(void **state)
{
    (void)state;
    static const char *const script[] = {LOGIN, ">A002 OK in\r\n", "<B1 NOOP\r\n",
                                         ">* 1 EXISTS\r\nA003 OK a line of a mail\r\n", NULL};
    struct talk talk;
    talk_run(&talk, script, false);
    assert_int_equal(talk.up, 1);
    assert_int_equal(talk.down, 1);
    assert_string_equal(talk.heard.data, "* 1 EXISTS\r\nA003 OK a line of a mail\r\n");
    ear_buf_release(&talk.heard);
}

static void test_link__may_be_closed_inside_its_callback(void **state)
{
    (void)state;
    static const char *const script[] = {LOGIN, ">A002 OK in\r\n", "<B1 NOOP\r\n", ">* x\r\n", "~",
                                         NULL};
    struct talk talk;
    talk_run(&talk, script, true);
    assert_int_equal(talk.down, 0);
    assert_null(talk.link);
    ear_buf_release(&talk.heard);
}

static void test_link__says_that_a_login_is_refused(void **state)
{
    (void)state;
    static const char *const script[] = {LOGIN, ">A002 NO wrong\r\n", "~", NULL};
    struct talk talk;
    talk_run(&talk, script, false);
    assert_int_equal(talk.up, 0);
    assert_int_equal(talk.down, 1);
    assert_int_equal(talk.err, EAR_DENIED);
    ear_buf_release(&talk.heard);
}

int main(void)
{
    ear_crypt_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fetch__http_fates),
        cmocka_unit_test(test_fetch__nothing_was_sent_where_nobody_listens),
        cmocka_unit_test(test_fetch__answers_have_a_ceiling),
        cmocka_unit_test(test_fetch__private_addresses_are_refused_on_wish),
        cmocka_unit_test(test_fetch__headers_cannot_be_injected),
        cmocka_unit_test(test_fetch__cancelled_requests_stay_silent),
        cmocka_unit_test(test_fetch__smtp_fates),
        cmocka_unit_test(test_fetch__smtp_needs_addresses_that_are_some),
        cmocka_unit_test(test_link__lends_the_line_after_login),
        cmocka_unit_test(test_link__may_be_closed_inside_its_callback),
        cmocka_unit_test(test_link__says_that_a_login_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
