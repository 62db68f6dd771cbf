#include "health/replica.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_replica_next__reads_places(void **state)
{
    (void)state;
    static const struct {
        const char *service, *host;
        int port;
    } wanted[] = {{"ingest", "ingest", 8080}, {"x", "10.0.0.7", 1}, {"y", "::1", 65535}};
    struct ear_str list = EAR_STR(" ingest=ingest:8080,, x=10.0.0.7:1,y=[::1]:65535,");
    struct ear_replica_place place;
    ear_err err;
    for (size_t i = 0; i < EAR_COUNT(wanted); i++) {
        assert_true(ear_replica_next(&list, &place, &err, NULL));
        assert_int_equal(err, EAR_OK);
        assert_string_equal(place.service, wanted[i].service);
        assert_string_equal(place.host, wanted[i].host);
        assert_int_equal(place.port, wanted[i].port);
    }
    assert_false(ear_replica_next(&list, &place, &err, NULL));
}

static void test_replica_next__refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const lists[] = {
        "ingest",   "ingest=",      "ingest=host", "ingest=host:",   "=host:80", "x=:80",
        "x=host:0", "x=host:65536", "x=host:8 0",  "x=host:80:http", "=",        ":"};
    for (size_t i = 0; i < EAR_COUNT(lists); i++) {
        struct ear_str list = ear_str_from(lists[i]);
        struct ear_replica_place place;
        struct ear_diag diag = {0};
        ear_err err = EAR_OK;
        assert_true(ear_replica_next(&list, &place, &err, &diag));
        if (err != EAR_INVALID || !strstr(diag.text, "service=host:port")) fail_msg("%s", lists[i]);
    }
}

static void test_replica_url__brackets_v6(void **state)
{
    (void)state;
    char url[128];
    ear_replica_url("10.0.0.7", 80, url, sizeof(url));
    assert_string_equal(url, "http://10.0.0.7:80/readyz");
    ear_replica_url("::1", 8080, url, sizeof(url));
    assert_string_equal(url, "http://[::1]:8080/readyz");
}

static json_t *row(const char *service, const char *address, int port, const char *answer)
{
    json_t *parsed = answer ? json_loads(answer, 0, NULL) : NULL;
    json_t *made = ear_replica_row(service, address, (uint16_t)port, parsed, "silent");
    json_decref(parsed);
    return made;
}

static void test_replica_row__takes_what_services_say(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *wanted; /* without service, replica and answer */
    } cases[] = {
        {NULL, "{\"ready\":false,\"version\":null,\"lag_ms\":null,\"backlog\":null,\"credit\":null,"
               "\"why\":\"silent\",\"unheard\":null,\"unanswered\":null}"},
        {"{\"ready\":true,\"version\":\"1\",\"lag_ms\":12,\"backlog\":3}",
         "{\"ready\":true,\"version\":\"1\",\"lag_ms\":12,\"backlog\":3,\"credit\":null,\"why\":"
         "null,\"unheard\":null,\"unanswered\":null}"},
        {"{\"ready\":false,\"why\":\"no "
         "database\",\"oldest_unsettled_s\":{\"live\":1.5,\"backfill\":0},"
         "\"credit\":{\"live\":7},\"unheard\":[]}",
         "{\"ready\":false,\"version\":null,\"lag_ms\":1500,\"backlog\":null,\"credit\":{\"live\":"
         "7},"
         "\"why\":\"no database\",\"unheard\":[],\"unanswered\":null}"},
        {"{\"ready\":\"yes\",\"lag_s\":\"long\"}",
         "{\"ready\":false,\"version\":null,\"lag_ms\":null,\"backlog\":null,\"credit\":null,"
         "\"why\":null,\"unheard\":null,\"unanswered\":null}"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        json_t *made = row("s", "::1", 9, cases[i].answer),
               *wanted = json_loads(cases[i].wanted, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(made, "replica")), "[::1]:9");
        json_object_del(made, "service");
        json_object_del(made, "replica");
        json_object_del(made, "answer");
        char *text = json_dumps(made, JSON_COMPACT);
        if (!json_equal(made, wanted)) fail_msg("%s instead of %s", text, cases[i].wanted);
        free(text);
        json_decref(wanted);
        json_decref(made);
    }
}

static void test_replica__tells_which_accounts_fail(void **state)
{
    (void)state;
#define SHOP                                                   \
    "{\"account\":\"@shop\",\"connector\":\"mail\",\"since\":" \
    "\"2026-03-04T05:06:07.123456Z\",\"why\":\"login refused\"}"
    static const struct {
        const char *answer, *why; /* NULL: none */
    } cases[] = {
        {"{\"ready\":true}", NULL},
        {"{\"ready\":true,\"unheard_accounts\":0,\"unheard\":[]}", NULL},
        {"{\"ready\":true,\"unheard\":7}", NULL},
        {"{\"ready\":true,\"unheard_accounts\":1,\"unheard\":[" SHOP "]}",
         "@shop cannot be heard since 2026-03-04 05:06 (mail): login refused"},
        {"{\"ready\":false,\"why\":\"draining\",\"unheard_accounts\":9,\"unheard\":[" SHOP ",{}]}",
         "draining; @shop cannot be heard since 2026-03-04 05:06 (mail): login refused;  cannot be "
         "heard since   (): ; so with 7 more accounts"},
        {"{\"ready\":true,\"unanswered_accounts\":2,\"unanswered\":[" SHOP "]}",
         "@shop cannot answer since 2026-03-04 05:06 (mail): login refused; so with 1 more "
         "accounts"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        json_t *made = row("ingest", "::1", 9, cases[i].answer);
        ear_replica_tell_failing(made);
        const char *why = json_string_value(json_object_get(made, "why"));
        if (cases[i].why && why)
            assert_string_equal(why, cases[i].why);
        else
            assert_true(!cases[i].why && !why);
        json_decref(made);
    }
}

/* Which rows stay, by their places. */
static void expect_left(json_t *rows, const char *wanted)
{
    char left[64] = "";
    size_t i;
    json_t *one;
    json_array_foreach(rows, i, one) json_object_set_new(one, "place", json_integer((json_int_t)i));
    ear_replica_unify(rows);
    json_array_foreach(rows, i, one)
    {
        size_t used = strlen(left);
        snprintf(left + used, sizeof(left) - used, "%lld",
                 json_integer_value(json_object_get(one, "place")));
    }
    assert_string_equal(left, wanted);
    json_decref(rows);
}

static void test_replica_unify__leaves_a_row_a_process(void **state)
{
    (void)state;
    static const char a[] = "{\"instance\":\"a\"}", b[] = "{\"instance\":\"b\"}";
    /* localhost is two addresses; the process listens on one of them, or on both. */
    expect_left(json_pack("[o,o]", row("s", "127.0.0.1", 1, a), row("s", "::1", 1, NULL)), "0");
    expect_left(json_pack("[o,o]", row("s", "::1", 1, a), row("s", "127.0.0.1", 1, a)), "0");
    /* Nobody answers: of localhost that is one process, of other addresses it may be two. */
    expect_left(json_pack("[o,o]", row("s", "127.0.0.1", 1, NULL), row("s", "::1", 1, NULL)), "0");
    expect_left(json_pack("[o,o]", row("s", "::1", 1, NULL), row("s", "127.0.0.1", 1, NULL)), "1");
    expect_left(json_pack("[o]", row("s", "::1", 1, NULL)), "0");
    expect_left(json_pack("[o,o]", row("s", "10.0.0.1", 1, NULL), row("s", "fd00::1", 1, NULL)),
                "01");
    expect_left(json_pack("[o,o]", row("s", "127.0.0.1", 1, NULL), row("s", "::1", 2, NULL)), "01");
    /* A replica of the same family that is silent is a replica that is gone. */
    expect_left(json_pack("[o,o]", row("s", "10.0.0.1", 1, a), row("s", "10.0.0.2", 1, NULL)),
                "01");
    expect_left(json_pack("[o,o]", row("s", "10.0.0.1", 1, a), row("s", "10.0.0.2", 1, b)), "01");
    /* Another service, or another port, says nothing about this one. */
    expect_left(json_pack("[o,o]", row("s", "127.0.0.1", 1, a), row("t", "::1", 1, NULL)), "01");
    expect_left(json_pack("[o,o]", row("s", "127.0.0.1", 1, a), row("s", "::1", 2, NULL)), "01");
    expect_left(json_pack("[o]", row("s", "", 1, NULL)), "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replica_next__reads_places),
        cmocka_unit_test(test_replica_next__refuses_what_is_none),
        cmocka_unit_test(test_replica_url__brackets_v6),
        cmocka_unit_test(test_replica_row__takes_what_services_say),
        cmocka_unit_test(test_replica__tells_which_accounts_fail),
        cmocka_unit_test(test_replica_unify__leaves_a_row_a_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
