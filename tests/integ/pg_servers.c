/* How common/pg finds its server or is refused, what waits meanwhile, notices and scripts. Run by
 * pg.sh. */
#include "pg_rig.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_pg__what_waits_is_bounded(void **state)
{
    struct world world;
    struct answer waiting[10] = {0};
    struct ear_pg_batch *batch;
    (void)state;
    open_as(&world, "host=/nowhere/at/all dbname=none", 1);
    for (size_t i = 0; i < EAR_COUNT(waiting); i++) {
        batch = plain(COUNT);
        ear_pg_run(world.pg, &batch, on_answer, &waiting[i]);
    }
    turn_until(world.loop, &waiting[9].over);
    assert_int_equal(waiting[8].err, EAR_AGAIN);
    assert_int_equal(waiting[9].err, EAR_AGAIN);
    assert_int_equal(ear_pg_busy(world.pg), 8);
    for (size_t i = 0; i < 8; i++) assert_false(waiting[i].over);
    ear_pg_free(&world.pg);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(waiting[i].err, EAR_CLOSED);
        if (i) assert_true(waiting[i].order > waiting[i - 1].order);
    }
    ear_loop_free(&world.loop);
}

struct heard {
    unsigned empty, full;
    char last[64];
    bool any;
};

static void on_notify(void *self, struct ear_str payload)
{
    struct heard *heard = self;
    heard->any = true;
    if (!payload.len)
        heard->empty++;
    else if (ear_str_copy(heard->last, sizeof(heard->last), payload))
        heard->full++;
}

static struct ear_pg_batch *notify(const char *channel, const char *payload)
{
    struct ear_pg_batch *batch = plain(NOTIFY);
    ear_pg_text(batch, ear_str_from(channel));
    ear_pg_text(batch, ear_str_from(payload));
    return batch;
}

static void hear(struct world *world, struct heard *heard)
{
    heard->any = false;
    turn_until(world->loop, &heard->any);
}

static void test_listen__hears_notices_and_reconnects(void **state)
{
    struct world world;
    struct heard first = {0}, second = {0};
    struct answer answer;
    (void)state;
    open_as(&world, conninfo(), 1);
    assert_int_equal(ear_pg_listen(world.pg, "Odd \"name\"", on_notify, &first), EAR_OK);
    hear(&world, &first);
    assert_int_equal(first.empty, 1);
    assert_int_equal(ear_pg_listen(world.pg, "other", on_notify, &second), EAR_OK);
    hear(&world, &second);
    assert_int_equal(first.empty, 1);
    assert_int_equal(run(&world, notify("Odd \"name\"", "hello"), &answer), EAR_OK);
    if (!first.full) hear(&world, &first);
    assert_string_equal(first.last, "hello");
    assert_int_equal(second.full, 0);
    ask_server("crash");
    ask_server("start");
    hear(&world, &first);
    assert_int_equal(first.empty, 2);
    if (second.empty < 2) hear(&world, &second);
    assert_int_equal(run(&world, notify("other", "there"), &answer), EAR_OK);
    if (!second.full) hear(&world, &second);
    assert_string_equal(second.last, "there");
    close_world(&world);
}

static void test_script__is_one_transaction_and_names_the_line(void **state)
{
    struct world world;
    struct ear_diag diag = {0};
    struct answer answer;
    (void)state;
    open_as(&world, conninfo(), 1);
    assert_int_equal(run(&world, plain(CLEAR), &answer), EAR_OK);
    struct ear_str broken = EAR_STR("INSERT INTO item VALUES (1, 'ü');\n"
                                    "\n"
                                    "INSERT INTO no_such_table VALUES (1);\n");
    assert_int_equal(ear_pg_script(world.pg, broken, &diag), EAR_INVALID);
    assert_non_null(strstr(diag.text, "line 3"));
    assert_int_equal(count_items(&world), 0);
    struct ear_str own =
        EAR_STR("BEGIN; INSERT INTO item VALUES (1, 'x'); SELECT text 'x'::int; COMMIT;");
    assert_int_equal(ear_pg_script(world.pg, own, &diag), EAR_DATA);
    struct ear_str raised = EAR_STR("DO $$ BEGIN RAISE 'so it goes'; END $$;");
    assert_int_not_equal(ear_pg_script(world.pg, raised, &diag), EAR_OK);
    assert_non_null(strstr(diag.text, "the script: so it goes"));
    struct ear_str good = EAR_STR("INSERT INTO item VALUES (1, 'x'); SELECT 1");
    assert_int_equal(ear_pg_script(world.pg, good, &diag), EAR_OK);
    assert_int_equal(count_items(&world), 1);
    close_world(&world);
}

static void test_pg__finds_its_server_by_every_kind_of_address(void **state)
{
    struct world world;
    struct answer answer;
    (void)state;
    char list[512], named[512];
    const char *port = getenv("EAR_TEST_PG_PORT");
    const char *password = getenv("EAR_TEST_PG_PASSWORD");
    snprintf(list, sizeof(list),
             "host=127.0.0.1,localhost port=1,%s user=walker password=%s dbname=earshot "
             "target_session_attrs=read-write",
             port, password);
    snprintf(named, sizeof(named), "postgresql://walker:%s@localhost:%s/earshot", password, port);
    const char *const cases[] = {list, named};
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        open_as(&world, cases[i], 1);
        assert_int_equal(run(&world, plain(WHO_AM_I), &answer), EAR_OK);
        close_world(&world);
    }
}

/* Takes connections and says nothing, as a machine does that hangs. */
static int listen_deaf(unsigned *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void test_pg__a_host_that_hangs_does_not_keep_from_the_next(void **state)
{
    struct world world;
    struct answer answer;
    char where[512];
    unsigned port;
    (void)state;
    int deaf = listen_deaf(&port);
    snprintf(where, sizeof(where),
             "host=127.0.0.1,127.0.0.1 port=%u,%s user=walker password=%s dbname=earshot "
             "connect_timeout=1",
             port, getenv("EAR_TEST_PG_PORT"), getenv("EAR_TEST_PG_PASSWORD"));
    open_as(&world, where, 1);
    assert_int_equal(run(&world, plain(WHO_AM_I), &answer), EAR_OK);
    close_world(&world);
    close(deaf);
}

static void test_pg__who_takes_no_writes_is_refused_and_said(void **state)
{
    struct world world;
    struct answer answer;
    char where[512], any[600];
    (void)state;
    snprintf(where, sizeof(where), "%s options='-c default_transaction_read_only=on'", conninfo());
    snprintf(any, sizeof(any), "%s target_session_attrs=any", where);
    open_as(&world, where, 1);
    turn_for(world.loop, 1500);
    assert_false(ear_pg_is_up(world.pg));
    assert_non_null(strstr(ear_pg_why_down(world.pg), "read-only"));
    close_world(&world);
    open_as(&world, any, 1);
    assert_int_equal(run(&world, plain(WHO_AM_I), &answer), EAR_OK);
    close_world(&world);
}

static void test_pg__hopeless_connections_are_told_at_once(void **state)
{
    struct world world;
    struct ear_pg_results results;
    struct ear_diag diag = {0};
    char where[512];
    (void)state;
    snprintf(where, sizeof(where), "%s dbname=not_there", conninfo());
    open_as(&world, where, 1);
    struct ear_pg_batch *batch = plain(COUNT);
    int64_t since_ms = ear_clock_mono_ms();
    assert_int_equal(ear_pg_wait(world.pg, &batch, &results, &diag), EAR_DENIED);
    assert_true(ear_clock_mono_ms() - since_ms < 10000);
    assert_non_null(strstr(diag.text, "not_there"));
    close_world(&world);
    struct ear_pg_opts opts = {.conninfo = "host=x nonsense password=hush"};
    assert_int_equal(ear_loop_new(&world.loop), EAR_OK);
    assert_int_equal(ear_pg_new(&world.pg, world.loop, &opts, &diag), EAR_INVALID);
    assert_null(strstr(diag.text, "hush"));
    ear_loop_free(&world.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pg__what_waits_is_bounded),
        cmocka_unit_test(test_listen__hears_notices_and_reconnects),
        cmocka_unit_test(test_script__is_one_transaction_and_names_the_line),
        cmocka_unit_test(test_pg__finds_its_server_by_every_kind_of_address),
        cmocka_unit_test(test_pg__a_host_that_hangs_does_not_keep_from_the_next),
        cmocka_unit_test(test_pg__who_takes_no_writes_is_refused_and_said),
        cmocka_unit_test(test_pg__hopeless_connections_are_told_at_once),
    };
    ear_crypt_start();
    return cmocka_run_group_tests(tests, make_schema, NULL);
}
