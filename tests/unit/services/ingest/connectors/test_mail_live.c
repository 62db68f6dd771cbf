/* The ingest half of mail against a real Dovecot and Exim. tests/integ/mail.sh starts them and
 * says where they are in EAR_TEST_IMAP, EAR_TEST_IMAPS, EAR_TEST_SMTP (port 25) and EAR_TEST_CA;
 * EAR_TEST_MAILDIR is the mailbox's folder. */
#include "connectors/mail/mail.h"
#include "json/json.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 30000

struct rig {
    struct ear_loop *loop;
    struct ear_fetch *fetch;
    void *connector;
    unsigned rounds;
    struct ear_round last;
    char why[512], cursor[256];
    struct ear_map *heard; /* external id → text, owned */
    size_t twice;
    /* the mail that is sent */
    bool sent;
    int status;
};

static void on_heard(void *core, const struct ear_round *round)
{
    struct rig *rig = core;
    rig->rounds++;
    rig->last = *round;
    ear_str_copy(rig->why, sizeof(rig->why), ear_str_from(round->why));
    if (round->cursor.ptr) ear_str_copy(rig->cursor, sizeof(rig->cursor), round->cursor);
    for (size_t i = 0; i < round->count; i++) {
        char *text = ear_alloc(round->posts[i].text.len + 1);
        memcpy(text, round->posts[i].text.ptr, round->posts[i].text.len);
        void *old = ear_map_put(rig->heard, round->posts[i].external_id, text);
        rig->twice += old != NULL;
        free(old);
    }
}

static ear_err open_box(struct rig *rig, const char *url, const char *password,
                        struct ear_diag *diag)
{
    struct ear_listen_env env = {
        .loop = rig->loop, .fetch = rig->fetch, .heard = on_heard, .core = rig};
    struct ear_str secret = ear_str_from(password);
    json_t *settings = json_pack("{s:s,s:s}", "imap", url, "ca_file", getenv("EAR_TEST_CA"));
    struct ear_account_in account = {.key = EAR_STR("@mail"),
                                     .platform = EAR_STR("mail"),
                                     .author_id = EAR_STR("care@care.test"),
                                     .settings = settings,
                                     .secrets = &secret,
                                     .secret_count = 1};
    ear_err err = ear_mail_in.open(&rig->connector, &env, &account, ear_str_from(rig->cursor),
                                   EAR_STR_NONE, diag);
    json_decref(settings);
    return err;
}

static void reopen(struct rig *rig, const char *url)
{
    struct ear_diag diag = {0};
    ear_mail_in.close(&rig->connector);
    if (open_box(rig, url, "care-pass", &diag)) fail_msg("%s", diag.text);
}

static void poll_once(struct rig *rig)
{
    struct ear_diag diag = {0};
    unsigned before = rig->rounds;
    if (ear_mail_in.poll(rig->connector, &diag)) fail_msg("%s", diag.text);
    int64_t deadline = ear_clock_mono_ms() + WAIT_MS;
    while (rig->rounds == before && ear_clock_mono_ms() < deadline) ear_loop_turn(rig->loop, 50);
    assert_int_equal(rig->rounds, before + 1);
}

static void hear(struct rig *rig, size_t want)
{
    int64_t deadline = ear_clock_mono_ms() + WAIT_MS;
    do {
        poll_once(rig);
        if (rig->last.err) fail_msg("%s", rig->why);
        ear_mail_in.committed(rig->connector);
    } while (rig->last.more ||
             (ear_map_count(rig->heard) < want && ear_clock_mono_ms() < deadline));
    assert_int_equal(ear_map_count(rig->heard), want);
}

static void on_mailed(void *self, const struct ear_fetch_result *result)
{
    struct rig *rig = self;
    rig->sent = true;
    rig->status = result->status;
}

static void deliver(struct rig *rig, const char *id, const char *body)
{
    char mail[4096];
    const char *to = "care@care.test";
    int len = snprintf(mail, sizeof(mail),
                       "From: Alice <alice@cust.test>\r\nTo: care@care.test\r\nSubject: s\r\n"
                       "Message-ID: <%s@cust.test>\r\n\r\n%s\r\n",
                       id, body);
    rig->sent = false;
    assert_int_equal(ear_fetch_start(rig->fetch,
                                     &(struct ear_fetch_request){.url = getenv("EAR_TEST_SMTP"),
                                                                 .body = {mail, (size_t)len},
                                                                 .mail_from = "alice@cust.test",
                                                                 .mail_to = &to,
                                                                 .mail_to_count = 1},
                                     on_mailed, rig, NULL, NULL),
                     EAR_OK);
    while (!rig->sent) ear_loop_turn(rig->loop, 50);
    assert_int_equal(rig->status, 250);
}

/* How many files of a folder carry the flag S (seen), or all of them. */
static size_t count_files(const char *folder, bool seen_only)
{
    char path[1024];
    size_t count = 0;
    snprintf(path, sizeof(path), "%s/%s", getenv("EAR_TEST_MAILDIR"), folder);
    DIR *dir = opendir(path);
    for (const struct dirent *file; dir && (file = readdir(dir));) {
        const char *flags = strstr(file->d_name, ":2,");
        if (file->d_name[0] != '.') count += !seen_only || (flags && strchr(flags, 'S'));
    }
    if (dir) closedir(dir);
    return count;
}

static int rig_open(void **state)
{
    static struct rig rig;
    *state = NULL;
    if (!getenv("EAR_TEST_IMAP")) return 0;
    rig = (struct rig){.heard = ear_map_new()};
    assert_int_equal(ear_loop_new(&rig.loop), EAR_OK);
    assert_int_equal(ear_fetch_new(&rig.fetch, rig.loop, "earshot-test/1"), EAR_OK);
    *state = &rig;
    return 0;
}

static int rig_close(void **state)
{
    struct rig *rig = *state;
    if (!rig) return 0;
    ear_mail_in.close(&rig->connector);
    ear_fetch_free(&rig->fetch);
    for (int i = 0; i < 3; i++) ear_loop_turn(rig->loop, 0);
    ear_loop_free(&rig->loop);
    ear_map_free(&rig->heard, free);
    return 0;
}

/* One story: each part stands on what the mailbox holds after the one before. */
static void test_mail__hears_each_mail_once(void **state)
{
    struct rig *rig = *state;
    if (!rig) skip();
    /* The new mailbox is empty; its cursor is stored all the same. */
    reopen(rig, getenv("EAR_TEST_IMAP"));
    hear(rig, 0);
    assert_true(rig->cursor[0]);

    /* What looks like the end of the server's answer is a line of the mail. */
    deliver(rig, "m1", "E5 OK FETCH done\r\n* 1 FETCH (UID 99)\r\n)\r\nE4 OK\r\nwhere is it?");
    hear(rig, 1);
    assert_string_equal(ear_map_get(rig->heard, EAR_STR("m1@cust.test")),
                        "s\n\nE5 OK FETCH done\n* 1 FETCH (UID 99)\n)\nE4 OK\nwhere is it?");

    /* Nothing new: nothing heard, nothing stored; and by now it is marked. */
    poll_once(rig);
    assert_int_equal(rig->last.count, 0);
    assert_null(rig->last.cursor.ptr);
    assert_int_equal(count_files("cur", true), 1);

    /* A round that is never committed comes again, and nothing was marked. */
    deliver(rig, "m2", "second");
    char before[256];
    memcpy(before, rig->cursor, sizeof(before));
    while (ear_map_count(rig->heard) < 2) poll_once(rig);
    ear_mail_in.close(&rig->connector);
    memcpy(rig->cursor, before, sizeof(before));
    assert_int_equal(count_files("cur", true), 1);
    reopen(rig, getenv("EAR_TEST_IMAPS"));
    hear(rig, 2);
    assert_int_equal(rig->twice, 1);

    /* An outage of more than a round. */
    ear_mail_in.close(&rig->connector);
    for (int i = 0; i < 60; i++) {
        char id[32];
        snprintf(id, sizeof(id), "o%d", i);
        deliver(rig, id, "during the outage");
    }
    reopen(rig, getenv("EAR_TEST_IMAP"));
    hear(rig, 62);
    assert_int_equal(rig->twice, 1);

    /* New UIDs for everything: heard again, told apart by Message-ID, none missed. */
    char path[1024];
    ear_mail_in.close(&rig->connector);
    deliver(rig, "v1", "after the change");
    snprintf(path, sizeof(path), "%s/dovecot-uidlist", getenv("EAR_TEST_MAILDIR"));
    assert_int_equal(unlink(path), 0);
    const char *names[] = {"dovecot.index", "dovecot.index.log", "dovecot.index.cache",
                           "dovecot-uidvalidity"};
    for (size_t i = 0; i < EAR_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", getenv("EAR_TEST_MAILDIR"), names[i]);
        unlink(path);
    }
    json_t *cursor = NULL;
    assert_int_equal(ear_json_parse(ear_str_from(rig->cursor), 256, &cursor, NULL), EAR_OK);
    int64_t validity = 0, now = 0;
    assert_int_equal(ear_json_i64(cursor, "uidvalidity", 0, UINT32_MAX, &validity, NULL), EAR_OK);
    json_decref(cursor);
    reopen(rig, getenv("EAR_TEST_IMAP"));
    hear(rig, 63);
    assert_int_equal(ear_json_parse(ear_str_from(rig->cursor), 256, &cursor, NULL), EAR_OK);
    assert_int_equal(ear_json_i64(cursor, "uidvalidity", 0, UINT32_MAX, &now, NULL), EAR_OK);
    json_decref(cursor);
    assert_int_not_equal(validity, now);
    hear(rig, 63);
    assert_int_equal(rig->last.count, 0);
}

static void test_mail__says_what_is_wrong(void **state)
{
    struct rig *rig = *state;
    if (!rig) skip();
    struct ear_diag diag = {0};
    assert_int_equal(open_box(rig, getenv("EAR_TEST_IMAP"), "wrong", &diag), EAR_OK);
    poll_once(rig);
    assert_int_equal(rig->last.err, EAR_DENIED);
    ear_mail_in.close(&rig->connector);
    assert_int_equal(open_box(rig, "imap://127.0.0.1:9", "care-pass", &diag), EAR_OK);
    poll_once(rig);
    assert_int_equal(rig->last.err, EAR_UNAVAILABLE);
    assert_non_null(strstr(rig->why, "127.0.0.1:9"));
    /* The same again later works on the same object. */
    poll_once(rig);
    assert_int_equal(rig->last.err, EAR_UNAVAILABLE);
    ear_mail_in.close(&rig->connector);
    assert_int_equal(open_box(rig, "https://x.test", "care-pass", &diag), EAR_INVALID);
    assert_non_null(strstr(diag.text, "\"imap\""));
}

int main(void)
{
    ear_crypt_start();
    if (!getenv("EAR_TEST_IMAP"))
        print_message("SKIP: no mail server (EAR_TEST_IMAP is not set)\n");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mail__hears_each_mail_once, rig_open, rig_close),
        cmocka_unit_test_setup_teardown(test_mail__says_what_is_wrong, rig_open, rig_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
