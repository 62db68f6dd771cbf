/* A listener over real leases, cursors and commits, with a connector that plays rounds given by the
 * test. Run by tests/integ/ingest_listener.sh, which sets EAR_TEST_PG; says SKIP without it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "hear/care.h"
#include "hear/lease.h"
#include "hear/listener.h"
#include "intake/intake.h"
#include "offer/offer.h"
#include "store_sql.h"
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define LEASE_MS 1200

/* --- The connector: one instance at a time --- */

struct script {
    struct ear_listen_env env;
    struct ear_timer *timer;
    char opened_with[64], session[64];
    unsigned opens, polls, commits, closes;
    bool open, silent; /* silent: poll answers only when told */
    struct ear_round round;
    struct ear_post_in posts[2];
    char cursor[64];
};

static struct script script;

static void hear(void *self)
{
    (void)self;
    script.env.heard(script.env.core, &script.round);
}

static ear_err script_open(void **out, const struct ear_listen_env *env,
                           const struct ear_account_in *account, struct ear_str cursor,
                           struct ear_str session, struct ear_diag *diag)
{
    if (account->secret_count == 7) return ear_fail(diag, EAR_INVALID, "never");
    script.env = *env;
    script.opens++;
    script.open = true;
    assert_true(ear_str_copy(script.opened_with, sizeof(script.opened_with), cursor));
    assert_true(ear_str_copy(script.session, sizeof(script.session), session));
    ear_timer_new(&script.timer, env->loop, hear, NULL);
    *out = &script;
    return EAR_OK;
}

static ear_err script_poll(void *self, struct ear_diag *diag)
{
    (void)self;
    script.polls++;
    if (script.round.err == EAR_UNSUPPORTED)
        return ear_fail(diag, EAR_UNAVAILABLE, "not even asked");
    if (!script.silent) ear_timer_start(script.timer, 1, 0);
    return EAR_OK;
}

static void script_committed(void *self)
{
    (void)self;
    script.commits++;
    script.round = (struct ear_round){0};
    script.silent = true; /* one round at a time */
}

static void script_close(void **self)
{
    script.closes++;
    script.open = false;
    ear_timer_free(&script.timer);
    *self = NULL;
}

static const struct ear_connector_in connector = {
    .name = "script",
    .caps = {.poll_default_ms = 10, .poll_least_ms = 5},
    .open = script_open,
    .poll = script_poll,
    .committed = script_committed,
    .close = script_close,
};

/* --- The rooms below --- */

struct site {
    struct ear_loop *loop;
    struct ear_pg *pg;
    struct ear_bus *bus;
    struct ear_fetch *fetch;
    struct ear_care *care;
    struct ear_offer *offer;
    struct ear_intake *intake;
    struct ear_leases *leases;
    struct ear_listener *listener;
    struct ear_account account;
    struct ear_id owner;
};

static void on_lease(void *self, const char *name, bool held)
{
    struct site *site = self;
    if (site->listener && strcmp(name, ear_listener_lease(site->listener)) == 0) {
        ear_listener_lease_changed(site->listener, held);
    }
}

static void nothing(void *self)
{
    (void)self;
}

static void turn_while(struct site *site, bool (*unready)(struct site *))
{
    int64_t end = ear_clock_mono_ms() + 10000;
    while (unready(site) && ear_clock_mono_ms() < end) ear_loop_turn(site->loop, 20);
    assert_false(unready(site));
}

static bool care_is_missing(struct site *site)
{
    return !ear_care_loaded(site->care);
}

/* One value, or "" when there is no row. */
static void query(struct site *site, const char *sql, char *out, size_t size)
{
    struct ear_pg *pg = NULL;
    struct ear_diag diag = {.text = ""};
    const struct ear_pg_statement one = {"one", sql};
    const struct ear_pg_opts opts = {.conninfo = getenv("EAR_TEST_PG"),
                                     .statements = &one,
                                     .statement_count = 1,
                                     .connections = 1};
    struct ear_pg_results results = {0};
    assert_int_equal(ear_pg_new(&pg, site->loop, &opts, &diag), EAR_OK);
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, 0);
    if (ear_pg_wait(pg, &batch, &results, &diag) != EAR_OK) fail_msg("%s: %s", sql, diag.text);
    struct ear_str value =
        ear_pg_rows(results.items[0]) ? ear_pg_get_str(results.items[0], 0, 0) : EAR_STR("");
    assert_true(ear_str_copy(out, size, value));
    ear_pg_results_release(&results);
    ear_pg_free(&pg);
}

static void expect(struct site *site, const char *sql, const char *want)
{
    char got[256];
    query(site, sql, got, sizeof(got));
    if (strcmp(got, want) != 0) fail_msg("%s: \"%s\" instead of \"%s\"", sql, got, want);
}

static void run(struct site *site, const char *sql)
{
    char none[256];
    query(site, sql, none, sizeof(none));
}

static int set_up(void **state)
{
    struct site *site = ear_alloc(sizeof(*site));
    struct ear_diag diag = {.text = ""};
    const struct ear_id owner = ear_id_new(ear_clock_wall_us());
    struct ear_id_key key;
    const struct ear_bus_opts bus = {.service = "ingest"};
    const struct ear_pg_opts pg = {.conninfo = getenv("EAR_TEST_PG"),
                                   .statements = store_statements,
                                   .statement_count = STORE_SQL_COUNT};
    site->owner = owner;
    assert_int_equal(ear_loop_new(&site->loop), EAR_OK);
    assert_int_equal(ear_bus_new(&site->bus, site->loop, &bus, &diag), EAR_OK);
    assert_int_equal(ear_pg_new(&site->pg, site->loop, &pg, &diag), EAR_OK);
    assert_int_equal(ear_fetch_new(&site->fetch, site->loop, "test"), EAR_OK);
    const struct ear_offer_opts offer = {site->loop, site->pg, site->bus, "127.0.0.1:0", owner};
    const struct ear_care_opts care = {site->loop, site->pg, "", nothing, NULL};
    const struct ear_lease_opts leases = {site->loop, site->pg, owner, LEASE_MS, on_lease, site};
    assert_int_equal(ear_offer_new(&site->offer, &offer, &diag), EAR_OK);
    assert_int_equal(ear_care_new(&site->care, &care, &diag), EAR_OK);
    const struct ear_intake_opts intake = {site->loop, site->pg, site->care, site->offer,
                                           owner,      1000,     1 << 20};
    ear_intake_new(&site->intake, &intake);
    assert_int_equal(ear_id_key_init(&key, EAR_STR("the key that the ids are made by")), EAR_OK);
    ear_intake_set_key(site->intake, &key);
    ear_intake_set_epoch(site->intake, 1);
    ear_leases_new(&site->leases, &leases);
    turn_while(site, care_is_missing);
    script = (struct script){.silent = true};
    run(site, "TRUNCATE post, cursor, session, lease, intake, identity");
    site->account = (struct ear_account){.key = "@one",
                                         .platform = "forum",
                                         .author_id = "",
                                         .enabled = true,
                                         .settings = json_object(),
                                         .secrets = json_array(),
                                         .connector = &connector};
    *state = site;
    return 0;
}

static int tear_down(void **state)
{
    struct site *site = *state;
    ear_listener_free(&site->listener);
    ear_fetch_free(&site->fetch);
    ear_pg_free(&site->pg);
    ear_intake_free(&site->intake);
    ear_offer_free(&site->offer);
    ear_leases_free(&site->leases);
    ear_care_free(&site->care);
    ear_bus_free(&site->bus);
    ear_loop_free(&site->loop);
    json_decref(site->account.settings);
    json_decref(site->account.secrets);
    free(site);
    assert_false(script.open);
    return 0;
}

static void start(struct site *site)
{
    const struct ear_listener_env env = {site->loop,   site->pg,     site->fetch,
                                         site->intake, site->leases, site->owner};
    ear_listener_new(&site->listener, &env, &site->account);
    ear_leases_renew(site->leases);
}

static bool is_not_polling(struct site *site)
{
    (void)site;
    return script.polls == 0;
}

static bool is_not_open(struct site *site)
{
    (void)site;
    return !script.open;
}

static bool is_open(struct site *site)
{
    (void)site;
    return script.open;
}

static bool is_not_committed(struct site *site)
{
    (void)site;
    return script.commits == 0;
}

static void set_round(const char *cursor, size_t posts)
{
    int64_t now_us = ear_clock_wall_us();
    assert_true(ear_str_copy(script.cursor, sizeof(script.cursor), ear_str_from(cursor)));
    for (size_t i = 0; i < 2; i++) {
        script.posts[i] =
            (struct ear_post_in){.platform = EAR_STR("forum"),
                                 .author_id = EAR_STR("a"),
                                 .author_followers = -1,
                                 .external_id = i ? EAR_STR("second") : EAR_STR("first"),
                                 .text = EAR_STR("t"),
                                 .created_at_us = now_us,
                                 .trusted_at_us = INT64_C(1772600767000000)};
    }
    script.round = (struct ear_round){
        .posts = script.posts, .count = posts, .cursor = ear_str_from(script.cursor)};
}

static void test_listener__commits_posts_and_cursor_together(void **state)
{
    struct site *site = *state;
    start(site);
    turn_while(site, is_not_polling);
    assert_string_equal(script.opened_with, "");
    set_round("c1", 2);
    script.round.session = EAR_STR("s1");
    hear(NULL);
    turn_while(site, is_not_committed);
    expect(site, "SELECT count(*)::text FROM post", "2");
    expect(site, "SELECT position FROM cursor", "c1");
    expect(site, "SELECT state FROM session", "s1");
    expect(site, "SELECT count(*)::text FROM intake WHERE lane = 0", "1");
    /* Opened again, it begins where it was. */
    ear_listener_free(&site->listener);
    turn_while(site, is_open);
    start(site);
    turn_while(site, is_not_open);
    assert_string_equal(script.opened_with, "c1");
    assert_string_equal(script.session, "s1");
}

static void test_listener__does_not_move_a_cursor_under_a_lost_lease(void **state)
{
    struct site *site = *state;
    start(site);
    turn_while(site, is_not_polling);
    run(site, "UPDATE lease SET owner = gen_random_uuid(), epoch = epoch + 1, "
              "until_at = now() + interval '1 hour'");
    set_round("c1", 1);
    hear(NULL);
    turn_while(site, is_open);
    expect(site, "SELECT count(*)::text FROM cursor", "0");
    expect(site, "SELECT count(*)::text FROM post", "1"); /* harmless: a duplicate for the other */
    assert_int_equal(script.commits, 0);
}

/* The login is renewed on the way to an error, and the next owner has one of its own by then. */
static void test_listener__does_not_write_a_session_under_a_lost_lease(void **state)
{
    struct site *site = *state;
    start(site);
    turn_while(site, is_not_polling);
    run(site, "UPDATE lease SET owner = gen_random_uuid(), epoch = epoch + 1, "
              "until_at = now() + interval '1 hour'");
    run(site, "INSERT INTO session VALUES ('@one', 'ingest', 'of the new owner')");
    script.round = (struct ear_round){.session = EAR_STR("late"), .cursor = EAR_STR("c1")};
    hear(NULL);
    turn_while(site, is_open);
    expect(site, "SELECT state FROM session", "of the new owner");
}

static void test_listener__stops_when_its_lease_runs_out(void **state)
{
    struct site *site = *state;
    start(site);
    turn_while(site, is_not_polling);
    run(site, "UPDATE lease SET owner = gen_random_uuid(), until_at = now() + interval '1 hour'");
    turn_while(site, is_open);
    assert_int_equal(script.closes, 1);
    assert_int_equal(ear_listener_heard_us(site->listener), 0); /* the new owner's to tell */
    run(site, "UPDATE lease SET until_at = now()");
    turn_while(site, is_not_open);
    assert_true(ear_listener_heard_us(site->listener) > 0);
}

static bool has_few_polls(struct site *site)
{
    (void)site;
    return script.polls < 2;
}

static void test_listener__tries_again_after_errors(void **state)
{
    struct site *site = *state;
    script.silent = false;
    script.round =
        (struct ear_round){.err = EAR_UNAVAILABLE, .why = "down", .session = EAR_STR("s2")};
    int64_t before_us = ear_clock_wall_us();
    start(site);
    turn_while(site, has_few_polls);
    assert_int_equal(script.opens, 1);
    /* Never heard, and all the same it is told for how long that has been so. */
    assert_in_range(ear_listener_heard_us(site->listener), before_us, ear_clock_wall_us());
    assert_string_equal(ear_listener_trouble(site->listener), "down");
    int64_t won_us = ear_listener_heard_us(site->listener);
    expect(site, "SELECT state FROM session", "s2");
    script.round = (struct ear_round){.err = EAR_UNSUPPORTED}; /* poll itself fails */
    unsigned polls = script.polls;
    int64_t end = ear_clock_mono_ms() + 10000;
    while (script.polls < polls + 1 && ear_clock_mono_ms() < end) ear_loop_turn(site->loop, 20);
    assert_true(script.polls > polls);
    set_round("c9", 1);
    turn_while(site, is_not_committed);
    expect(site, "SELECT position FROM cursor", "c9");
    assert_true(ear_listener_heard_us(site->listener) > won_us);
    assert_string_equal(ear_listener_trouble(site->listener), "");
}

static void test_listener__may_be_freed_while_its_round_is_stored(void **state)
{
    struct site *site = *state;
    start(site);
    turn_while(site, is_not_polling);
    set_round("c1", 2);
    hear(NULL);
    ear_listener_free(&site->listener);
    assert_true(script.open); /* intake still borrows from the round */
    turn_while(site, is_open);
    expect(site, "SELECT count(*)::text FROM post", "2");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_listener__commits_posts_and_cursor_together),
        TEST(test_listener__does_not_move_a_cursor_under_a_lost_lease),
        TEST(test_listener__does_not_write_a_session_under_a_lost_lease),
        TEST(test_listener__stops_when_its_lease_runs_out),
        TEST(test_listener__tries_again_after_errors),
        TEST(test_listener__may_be_freed_while_its_round_is_stored),
    };
    if (!getenv("EAR_TEST_PG")) {
        printf("SKIP: EAR_TEST_PG is not set; tests/integ/ingest_listener.sh sets it\n");
        return 0;
    }
    ear_crypt_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
