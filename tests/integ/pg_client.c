/* Drives common/pg against a real server. Run by pg.sh, which crashes and restarts the server when
 * asked: a word on EAR_TEST_ASK, answered by a line on EAR_TEST_TOLD. */
#include "pg/pg.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_MS 20000
#define TIMEOUT_MS  3000
#define MARGIN_MS   500

enum {
    INSERT,
    COUNT,
    ECHO,
    ARRAYS,
    READ_ARRAYS,
    SLEEP,
    LOCK_ROW,
    NOTIFY,
    WHO_AM_I,
    TERMINATE,
    DEFERRED,
    CLEAR,
    FORBIDDEN,
    READ_ONLY,
    STATEMENTS
};

static const struct ear_pg_statement statements[STATEMENTS] = {
    [INSERT] = {"insert_item", "INSERT INTO item (id, label) VALUES ($1, $2)"},
    [COUNT] = {"count_item", "SELECT count(*) FROM item"},
    [ECHO] = {"echo",
              "SELECT $1::bool, $2::int2, $3::int4, $4::int8, $5::text, $6::bytea, $7::uuid,"
              " $8::timestamptz, $9::text, '{\"a\": 1}'::jsonb, 1.5::float8, 2.5::float4"},
    [ARRAYS] = {"arrays",
                "INSERT INTO wide SELECT * FROM unnest($1::bool[], $2::int2[], $3::int4[],"
                " $4::int8[], $5::text[], $6::bytea[], $7::uuid[], $8::timestamptz[], "
                "$9::float4[])"},
    [READ_ARRAYS] = {"read_arrays", "SELECT b, i2, i4, i8, t, y, u, at, f FROM wide ORDER BY i8"},
    [SLEEP] = {"sleep", "SELECT pg_sleep($1::int8)"},
    [LOCK_ROW] = {"lock_row", "UPDATE item SET label = label WHERE id = $1"},
    [NOTIFY] = {"notify", "SELECT pg_notify($1, $2)"},
    [WHO_AM_I] = {"who_am_i", "SELECT pg_backend_pid()"},
    [TERMINATE] = {"terminate", "SELECT pg_terminate_backend($1)"},
    [DEFERRED] = {"deferred", "INSERT INTO child (parent_id) VALUES ($1)"},
    [CLEAR] = {"clear", "DELETE FROM item"},
    [FORBIDDEN] = {"forbidden", "SELECT x FROM secret_table"},
    [READ_ONLY] = {"read_only", "SELECT set_config('transaction_read_only', 'on', true)"},
};

static const char schema_sql[] =
    "DROP TABLE IF EXISTS item, wide, child, parent, secret_table;\n"
    "CREATE TABLE item (id bigint PRIMARY KEY, label text NOT NULL);\n"
    "CREATE TABLE wide (b bool, i2 int2, i4 int4, i8 int8, t text, y bytea, u uuid,"
    " at timestamptz, f float4);\n"
    "CREATE TABLE parent (id bigint PRIMARY KEY);\n"
    "CREATE TABLE child (parent_id bigint REFERENCES parent DEFERRABLE INITIALLY DEFERRED);\n"
    "CREATE TABLE secret_table (x int);\n"
    "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'meek') THEN"
    " CREATE ROLE meek LOGIN; END IF; END $$;\n"
    "GRANT USAGE ON SCHEMA public TO meek;\n"
    "GRANT SELECT, INSERT, UPDATE, DELETE ON item, wide, child, parent TO meek;\n";

struct world {
    struct ear_loop *loop;
    struct ear_pg *pg;
    unsigned ups, downs;
};

/* What came back, one a run. */
struct answer {
    bool over;
    ear_err err;
    int64_t value; /* first column of the first row of the last statement */
    size_t count;
    char why[EAR_DIAG_TEXT_BYTES];
    unsigned order; /* how many answers came before */
};

static unsigned answers;

static void on_answer(void *self, ear_err err, const struct ear_pg_result *const *results,
                      size_t count, const struct ear_diag *diag)
{
    struct answer *answer = self;
    assert_false(answer->over);
    assert_non_null(diag);
    *answer = (struct answer){.over = true, .err = err, .count = count, .order = answers++};
    snprintf(answer->why, sizeof(answer->why), "%s", diag->text);
    if (!count) return;
    const struct ear_pg_result *last = results[count - 1];
    bool number = ear_pg_rows(last) > 0 && ear_pg_get_str(last, 0, 0).len >= 4;
    if (number && !ear_pg_is_null(last, 0, 0)) answer->value = ear_pg_get_i64(last, 0, 0);
}

static void turn_until(struct ear_loop *loop, const bool *flag)
{
    int64_t until_ms = ear_clock_mono_ms() + DEADLINE_MS;
    while (!*flag) {
        assert_true(ear_clock_mono_ms() < until_ms);
        ear_loop_turn(loop, 50);
    }
}

static void turn_for(struct ear_loop *loop, int64_t wait_ms)
{
    int64_t until_ms = ear_clock_mono_ms() + wait_ms;
    while (ear_clock_mono_ms() < until_ms) ear_loop_turn(loop, 10);
}

static void wait_up(struct world *world, bool up)
{
    int64_t until_ms = ear_clock_mono_ms() + DEADLINE_MS;
    while (ear_pg_is_up(world->pg) != up) {
        assert_true(ear_clock_mono_ms() < until_ms);
        ear_loop_turn(world->loop, 50);
    }
}

static void on_up(void *self)
{
    ((struct world *)self)->ups++;
}

static void on_down(void *self)
{
    ((struct world *)self)->downs++;
}

static const char *conninfo(void)
{
    const char *text = getenv("EAR_TEST_PG");
    assert_non_null(text);
    return text;
}

static void open_as(struct world *world, const char *where, unsigned connections)
{
    struct ear_diag diag = {0};
    struct ear_pg_opts opts = {.conninfo = where,
                               .application = "pg_client",
                               .statements = statements,
                               .statement_count = STATEMENTS,
                               .connections = connections,
                               .max_waiting = 8,
                               .statement_timeout_ms = TIMEOUT_MS,
                               .answer_margin_ms = MARGIN_MS,
                               .up = on_up,
                               .down = on_down,
                               .self = world};
    *world = (struct world){0};
    assert_int_equal(ear_loop_new(&world->loop), EAR_OK);
    assert_int_equal(ear_pg_new(&world->pg, world->loop, &opts, &diag), EAR_OK);
}

static void close_world(struct world *world)
{
    ear_pg_free(&world->pg);
    ear_loop_free(&world->loop);
}

static int make_schema(void **state)
{
    struct world world;
    struct ear_diag diag = {0};
    (void)state;
    open_as(&world, conninfo(), 1);
    ear_err err = ear_pg_script(world.pg, ear_str_from(schema_sql), &diag);
    if (err) print_error("schema: %s\n", diag.text);
    close_world(&world);
    return err ? -1 : 0;
}

static void ask_server(const char *word)
{
    char line[64] = "";
    FILE *ask = fopen(getenv("EAR_TEST_ASK"), "w");
    assert_non_null(ask);
    fprintf(ask, "%s\n", word);
    fclose(ask);
    FILE *told = fopen(getenv("EAR_TEST_TOLD"), "r");
    assert_non_null(told);
    assert_non_null(fgets(line, sizeof(line), told));
    fclose(told);
}

static struct ear_pg_batch *insert(int64_t id, const char *label)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, INSERT);
    ear_pg_i64(batch, id);
    ear_pg_text(batch, ear_str_from(label));
    return batch;
}

static struct ear_pg_batch *sleep_batch(int64_t seconds)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, SLEEP);
    ear_pg_i64(batch, seconds);
    return batch;
}

static struct ear_pg_batch *plain(unsigned statement)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, statement);
    return batch;
}

static ear_err run(struct world *world, struct ear_pg_batch *batch, struct answer *answer)
{
    *answer = (struct answer){0};
    ear_pg_run(world->pg, &batch, on_answer, answer);
    assert_null(batch);
    assert_false(answer->over);
    turn_until(world->loop, &answer->over);
    return answer->err;
}

static int64_t count_items(struct world *world)
{
    struct answer answer;
    assert_int_equal(run(world, plain(COUNT), &answer), EAR_OK);
    return answer.value;
}

static void test_pg__values_of_every_type_come_back_as_they_went(void **state)
{
    struct world world;
    struct ear_pg_results results;
    struct ear_diag diag = {0};
    struct ear_id id = ear_id_new(ear_clock_wall_us());
    (void)state;
    open_as(&world, conninfo(), 1);
    struct ear_pg_batch *batch = plain(ECHO);
    ear_pg_bool(batch, true);
    ear_pg_i16(batch, -2);
    ear_pg_i32(batch, -70000);
    ear_pg_i64(batch, INT64_MIN);
    ear_pg_text(batch, EAR_STR("naïve"));
    ear_pg_bytes(batch, (struct ear_str){"a\0b", 3});
    ear_pg_id(batch, &id);
    ear_pg_time(batch, 1700000000123456);
    ear_pg_null(batch);
    assert_int_equal(ear_pg_wait(world.pg, &batch, &results, &diag), EAR_OK);
    const struct ear_pg_result *row = results.items[0];
    assert_true(ear_pg_get_bool(row, 0, 0));
    assert_int_equal(ear_pg_get_i64(row, 0, 1), -2);
    assert_int_equal(ear_pg_get_i64(row, 0, 2), -70000);
    assert_true(ear_pg_get_i64(row, 0, 3) == INT64_MIN);
    assert_true(ear_str_eq(ear_pg_get_str(row, 0, 4), EAR_STR("naïve")));
    assert_true(ear_str_eq(ear_pg_get_str(row, 0, 5), (struct ear_str){"a\0b", 3}));
    struct ear_id back = ear_pg_get_id(row, 0, 6);
    assert_int_equal(ear_id_cmp(&back, &id), 0);
    assert_int_equal(ear_pg_get_time(row, 0, 7), 1700000000123456);
    assert_true(ear_pg_is_null(row, 0, 8));
    assert_null(ear_pg_get_str(row, 0, 8).ptr);
    assert_true(ear_str_eq(ear_pg_get_str(row, 0, 9), EAR_STR("{\"a\": 1}")));
    assert_true(ear_pg_get_real(row, 0, 10) > 1.49 && ear_pg_get_real(row, 0, 10) < 1.51);
    assert_true(ear_pg_get_real(row, 0, 11) > 2.49 && ear_pg_get_real(row, 0, 11) < 2.51);
    ear_pg_results_release(&results);
    close_world(&world);
}

static struct ear_pg_batch *wide_rows(int64_t rows, const struct ear_id *id)
{
    static const ear_pg_type types[] = {EAR_PG_BOOL, EAR_PG_I16,  EAR_PG_I32,
                                        EAR_PG_I64,  EAR_PG_TEXT, EAR_PG_BYTES,
                                        EAR_PG_ID,   EAR_PG_TIME, EAR_PG_FLOAT};
    struct ear_pg_array *a[EAR_COUNT(types)];
    struct ear_pg_batch *batch = plain(ARRAYS);
    for (size_t i = 0; i < EAR_COUNT(types); i++) a[i] = ear_pg_array(batch, types[i]);
    for (int64_t row = 0; row < rows; row++) {
        ear_pg_push_bool(a[0], row % 2 == 0);
        ear_pg_push_int(a[1], row);
        ear_pg_push_int(a[2], row * 2);
        ear_pg_push_int(a[3], row * 3);
        ear_pg_push_text(a[4], row ? EAR_STR("text") : EAR_STR_NONE);
        ear_pg_push_text(a[5], EAR_STR("bytes"));
        ear_pg_push_id(a[6], row ? id : NULL);
        ear_pg_push_int(a[7], 1700000000000000 + row);
        ear_pg_push_float(a[8], 0.5f);
    }
    return batch;
}

static void test_pg__a_set_travels_as_arrays(void **state)
{
    struct world world;
    struct ear_pg_results results;
    struct ear_diag diag = {0};
    struct ear_id id = ear_id_new(ear_clock_wall_us());
    (void)state;
    open_as(&world, conninfo(), 1);
    struct ear_pg_batch *batch = wide_rows(300, &id);
    assert_int_equal(ear_pg_wait(world.pg, &batch, &results, &diag), EAR_OK);
    assert_int_equal(ear_pg_affected(results.items[0]), 300);
    ear_pg_results_release(&results);
    batch = wide_rows(0, &id);
    ear_pg_batch_add(batch, READ_ARRAYS);
    assert_int_equal(ear_pg_wait(world.pg, &batch, &results, &diag), EAR_OK);
    assert_int_equal(ear_pg_affected(results.items[0]), 0);
    const struct ear_pg_result *rows = results.items[1];
    assert_int_equal(ear_pg_rows(rows), 300);
    assert_true(ear_pg_is_null(rows, 0, 4));
    assert_true(ear_pg_is_null(rows, 0, 6));
    assert_int_equal(ear_pg_get_i64(rows, 299, 1), 299);
    assert_int_equal(ear_pg_get_time(rows, 299, 7), 1700000000000299);
    ear_pg_results_release(&results);
    close_world(&world);
}

static void test_pg__a_batch_is_one_transaction(void **state)
{
    struct world world;
    struct answer answer;
    (void)state;
    open_as(&world, conninfo(), 2);
    assert_int_equal(run(&world, plain(CLEAR), &answer), EAR_OK);
    struct ear_pg_batch *batch = insert(1, "one");
    ear_pg_batch_add(batch, INSERT);
    ear_pg_i64(batch, 1);
    ear_pg_text(batch, EAR_STR("again"));
    assert_int_equal(run(&world, batch, &answer), EAR_DATA);
    assert_non_null(strstr(answer.why, "insert_item"));
    assert_null(strstr(answer.why, "again"));
    assert_int_equal(answer.count, 0);
    assert_int_equal(count_items(&world), 0);
    close_world(&world);
}

static struct ear_pg_batch *with_text(unsigned statement, int64_t number, struct ear_str text)
{
    struct ear_pg_batch *batch = plain(statement);
    ear_pg_i64(batch, number);
    if (statement == INSERT) ear_pg_text(batch, text);
    return batch;
}

static struct ear_pg_batch *wrong_type(void)
{
    struct ear_pg_batch *batch = plain(SLEEP);
    ear_pg_text(batch, EAR_STR("1"));
    return batch;
}

static struct ear_pg_batch *too_large(void)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(512);
    ear_pg_batch_add(batch, ARRAYS);
    for (int i = 0; i < 9; i++) {
        struct ear_pg_array *array = ear_pg_array(batch, EAR_PG_TEXT);
        for (int row = 0; row < 100; row++) ear_pg_push_text(array, EAR_STR("0123456789"));
    }
    return batch;
}

static void test_pg__errors_have_classes(void **state)
{
    struct world world;
    struct answer answer;
    (void)state;
    open_as(&world, conninfo(), 1);
    const struct {
        struct ear_pg_batch *batch;
        ear_err err;
        const char *words;
    } cases[] = {
        {with_text(INSERT, 9, (struct ear_str){"a\0b", 3}), EAR_DATA, "insert_item"},
        {with_text(INSERT, 9, (struct ear_str){"\xff\xfe", 2}), EAR_DATA, "insert_item"},
        {with_text(INSERT, 9, EAR_STR_NONE), EAR_DATA, "23502"},
        {with_text(DEFERRED, 77, EAR_STR_NONE), EAR_DATA, "COMMIT"},
        {plain(INSERT), EAR_INVALID, "takes 2 parameters, 0 given"},
        {wrong_type(), EAR_INVALID, "parameter 1"},
        {sleep_batch(30), EAR_AGAIN, "57014"},
        {too_large(), EAR_TOO_LARGE, "ceiling"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        assert_int_equal(run(&world, cases[i].batch, &answer), cases[i].err);
        if (!strstr(answer.why, cases[i].words))
            fail_msg("%s not in: %s", cases[i].words, answer.why);
    }
    assert_true(ear_pg_is_up(world.pg));
    close_world(&world);
}

static void test_pg__a_missing_right_is_denied(void **state)
{
    struct world world;
    struct answer answer;
    struct ear_diag diag = {0};
    char where[512];
    (void)state;
    snprintf(where, sizeof(where), "%s user=meek", conninfo());
    open_as(&world, where, 1);
    assert_int_equal(run(&world, plain(FORBIDDEN), &answer), EAR_DENIED);
    assert_int_equal(ear_pg_check_statements(world.pg, &diag), EAR_DENIED);
    assert_non_null(strstr(diag.text, "forbidden"));
    close_world(&world);
    open_as(&world, conninfo(), 1);
    assert_int_equal(ear_pg_check_statements(world.pg, &diag), EAR_OK);
    close_world(&world);
}

static void session_step(struct world *world, struct ear_pg_session *session,
                         struct ear_pg_batch *batch, bool commit, struct answer *answer)
{
    *answer = (struct answer){0};
    ear_pg_session_run(session, &batch, commit, on_answer, answer);
    assert_false(answer->over);
    turn_until(world->loop, &answer->over);
}

static void test_session__commits_together_or_not_at_all(void **state)
{
    struct world world;
    struct answer answer;
    struct ear_pg_session *session;
    (void)state;
    open_as(&world, conninfo(), 2);
    assert_int_equal(run(&world, plain(CLEAR), &answer), EAR_OK);
    ear_pg_session_new(&session, world.pg);
    session_step(&world, session, insert(1, "a"), false, &answer);
    assert_int_equal(answer.err, EAR_OK);
    assert_int_equal(count_items(&world), 0);
    session_step(&world, session, insert(2, "b"), true, &answer);
    assert_int_equal(answer.err, EAR_OK);
    assert_int_equal(count_items(&world), 2);
    session_step(&world, session, insert(3, "c"), true, &answer);
    assert_int_equal(answer.err, EAR_CLOSED);
    ear_pg_session_end(&session);
    ear_pg_session_new(&session, world.pg);
    session_step(&world, session, insert(4, "d"), false, &answer);
    ear_pg_session_end(&session);
    assert_int_equal(count_items(&world), 2);
    ear_pg_session_new(&session, world.pg);
    session_step(&world, session, insert(5, "e"), false, &answer);
    session_step(&world, session, insert(1, "a"), false, &answer);
    assert_int_equal(answer.err, EAR_DATA);
    session_step(&world, session, insert(6, "f"), true, &answer);
    assert_int_equal(answer.err, EAR_DATA);
    ear_pg_session_end(&session);
    assert_int_equal(count_items(&world), 2);
    close_world(&world);
}

static struct ear_pg_batch *lock_row(int64_t id)
{
    return with_text(LOCK_ROW, id, EAR_STR_NONE);
}

static void test_session__a_deadlock_is_worth_another_try(void **state)
{
    struct world world;
    struct answer answer, first = {0}, second = {0};
    struct ear_pg_session *a, *b;
    struct ear_pg_batch *batch;
    (void)state;
    open_as(&world, conninfo(), 2);
    assert_int_equal(run(&world, plain(CLEAR), &answer), EAR_OK);
    assert_int_equal(run(&world, insert(1, "a"), &answer), EAR_OK);
    assert_int_equal(run(&world, insert(2, "b"), &answer), EAR_OK);
    ear_pg_session_new(&a, world.pg);
    ear_pg_session_new(&b, world.pg);
    session_step(&world, a, lock_row(1), false, &answer);
    session_step(&world, b, lock_row(2), false, &answer);
    batch = lock_row(2);
    ear_pg_session_run(a, &batch, true, on_answer, &first);
    batch = lock_row(1);
    ear_pg_session_run(b, &batch, true, on_answer, &second);
    turn_until(world.loop, &first.over);
    turn_until(world.loop, &second.over);
    assert_true((first.err == EAR_OK && second.err == EAR_AGAIN) ||
                (first.err == EAR_AGAIN && second.err == EAR_OK));
    ear_pg_session_end(&a);
    ear_pg_session_end(&b);
    assert_int_equal(count_items(&world), 2);
    close_world(&world);
}

static void kill_backend(struct world *world, int64_t pid)
{
    struct answer answer;
    struct ear_pg_batch *batch = plain(TERMINATE);
    ear_pg_i32(batch, (int32_t)pid);
    assert_int_equal(run(world, batch, &answer), EAR_OK);
}

static void test_pg__killed_before_commit_is_nothing_happened(void **state)
{
    struct world world, killer;
    struct answer answer, killed = {0};
    struct ear_pg_session *session;
    (void)state;
    open_as(&world, conninfo(), 1);
    open_as(&killer, conninfo(), 1);
    assert_int_equal(run(&world, plain(CLEAR), &answer), EAR_OK);
    ear_pg_session_new(&session, world.pg);
    session_step(&world, session, insert(1, "a"), false, &answer);
    struct ear_pg_batch *batch = plain(WHO_AM_I);
    session_step(&world, session, batch, false, &answer);
    kill_backend(&killer, answer.value);
    wait_up(&world, false);
    batch = insert(2, "b");
    ear_pg_session_run(session, &batch, true, on_answer, &killed);
    turn_until(world.loop, &killed.over);
    assert_int_equal(killed.err, EAR_UNAVAILABLE);
    ear_pg_session_end(&session);
    wait_up(&world, true);
    assert_int_equal(count_items(&world), 0);
    assert_int_equal(run(&world, plain(WHO_AM_I), &answer), EAR_OK);
    /* In the middle of a statement the server's last words prove that COMMIT was not reached. */
    int64_t pid = answer.value;
    killed = (struct answer){0};
    batch = insert(3, "c");
    ear_pg_batch_add(batch, SLEEP);
    ear_pg_i64(batch, 2);
    ear_pg_run(world.pg, &batch, on_answer, &killed);
    turn_for(world.loop, 300);
    kill_backend(&killer, pid);
    turn_until(world.loop, &killed.over);
    assert_int_equal(killed.err, EAR_UNAVAILABLE);
    assert_int_equal(count_items(&world), 0);
    close_world(&killer);
    close_world(&world);
}

static void test_pg__a_crash_after_commit_was_sent_leaves_the_fate_open(void **state)
{
    struct world world;
    struct answer lost = {0}, waited = {0}, answer;
    (void)state;
    open_as(&world, conninfo(), 1);
    assert_int_equal(run(&world, plain(CLEAR), &answer), EAR_OK);
    unsigned downs = world.downs, ups = world.ups;
    struct ear_pg_batch *batch = insert(1, "a");
    ear_pg_batch_add(batch, SLEEP);
    ear_pg_i64(batch, 2);
    ear_pg_run(world.pg, &batch, on_answer, &lost);
    turn_for(world.loop, 300);
    ask_server("crash");
    turn_until(world.loop, &lost.over);
    assert_int_equal(lost.err, EAR_UNKNOWN_FATE);
    wait_up(&world, false);
    assert_int_equal(world.downs, downs + 1);
    assert_true(strlen(ear_pg_why_down(world.pg)) > 0);
    /* What is asked meanwhile waits. */
    batch = insert(2, "b");
    ear_pg_run(world.pg, &batch, on_answer, &waited);
    turn_for(world.loop, 500);
    assert_false(waited.over);
    ask_server("start");
    turn_until(world.loop, &waited.over);
    assert_int_equal(waited.err, EAR_OK);
    assert_int_equal(world.ups, ups + 1);
    assert_int_equal(count_items(&world), 1);
    close_world(&world);
}

/* A backend that stands still says nothing, not even that it is gone. */
static void test_pg__a_frozen_backend_does_not_hold_a_connection_for_ever(void **state)
{
    struct world world;
    struct answer answer, frozen = {0}, next = {0}, heard = {0};
    struct ear_pg_session *session;
    (void)state;
    open_as(&world, conninfo(), 1);
    assert_int_equal(run(&world, plain(CLEAR), &answer), EAR_OK);
    assert_int_equal(run(&world, plain(WHO_AM_I), &answer), EAR_OK);
    pid_t pid = (pid_t)answer.value;
    int64_t from_ms = ear_clock_mono_ms();
    assert_int_equal(kill(pid, SIGSTOP), 0);
    struct ear_pg_batch *batch = insert(1, "a");
    ear_pg_run(world.pg, &batch, on_answer, &frozen);
    batch = insert(2, "b");
    ear_pg_run(world.pg, &batch, on_answer, &next);
    turn_until(world.loop, &frozen.over);
    assert_int_equal(frozen.err, EAR_UNKNOWN_FATE); /* COMMIT was sent */
    assert_in_range(ear_clock_mono_ms() - from_ms, TIMEOUT_MS + MARGIN_MS, DEADLINE_MS);
    turn_until(world.loop, &next.over);
    assert_int_equal(next.err, EAR_OK); /* what waited goes over a new connection */
    assert_int_equal(kill(pid, SIGCONT), 0);
    /* Before COMMIT nothing can have happened. */
    ear_pg_session_new(&session, world.pg);
    session_step(&world, session, plain(WHO_AM_I), false, &answer);
    pid = (pid_t)answer.value;
    assert_int_equal(kill(pid, SIGSTOP), 0);
    batch = insert(3, "c");
    ear_pg_session_run(session, &batch, false, on_answer, &heard);
    turn_until(world.loop, &heard.over);
    assert_int_equal(heard.err, EAR_UNAVAILABLE);
    ear_pg_session_end(&session);
    assert_int_equal(kill(pid, SIGCONT), 0);
    /* Who is slow but lives, within the statement's time, is waited for. */
    assert_int_equal(run(&world, sleep_batch(2), &answer), EAR_OK);
    close_world(&world);
}

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

static void test_pg__a_read_only_server_is_left(void **state)
{
    struct world world;
    struct answer answer;
    (void)state;
    open_as(&world, conninfo(), 1);
    assert_int_equal(run(&world, plain(CLEAR), &answer), EAR_OK);
    struct ear_pg_batch *batch = plain(READ_ONLY);
    ear_pg_batch_add(batch, CLEAR);
    assert_int_equal(run(&world, batch, &answer), EAR_UNAVAILABLE);
    wait_up(&world, true);
    assert_true(world.downs >= 1);
    assert_int_equal(count_items(&world), 0);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pg__values_of_every_type_come_back_as_they_went),
        cmocka_unit_test(test_pg__a_set_travels_as_arrays),
        cmocka_unit_test(test_pg__a_batch_is_one_transaction),
        cmocka_unit_test(test_pg__errors_have_classes),
        cmocka_unit_test(test_pg__a_missing_right_is_denied),
        cmocka_unit_test(test_session__commits_together_or_not_at_all),
        cmocka_unit_test(test_session__a_deadlock_is_worth_another_try),
        cmocka_unit_test(test_pg__killed_before_commit_is_nothing_happened),
        cmocka_unit_test(test_pg__a_crash_after_commit_was_sent_leaves_the_fate_open),
        cmocka_unit_test(test_pg__a_frozen_backend_does_not_hold_a_connection_for_ever),
        cmocka_unit_test(test_pg__what_waits_is_bounded),
        cmocka_unit_test(test_listen__hears_notices_and_reconnects),
        cmocka_unit_test(test_script__is_one_transaction_and_names_the_line),
        cmocka_unit_test(test_pg__finds_its_server_by_every_kind_of_address),
        cmocka_unit_test(test_pg__a_host_that_hangs_does_not_keep_from_the_next),
        cmocka_unit_test(test_pg__who_takes_no_writes_is_refused_and_said),
        cmocka_unit_test(test_pg__hopeless_connections_are_told_at_once),
        cmocka_unit_test(test_pg__a_read_only_server_is_left),
    };
    ear_crypt_start();
    return cmocka_run_group_tests(tests, make_schema, NULL);
}
