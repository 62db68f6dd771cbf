/* pg_rig: common/pg against a real server: statements, a schema and a client that waits for its
 * answers. For the programs that pg.sh runs, which crashes and restarts the server when asked: a
 * word on EAR_TEST_ASK, answered by a line on EAR_TEST_TOLD. */
#ifndef TEST_LIB_PG_RIG_H
#define TEST_LIB_PG_RIG_H

#include "pg/pg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

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
    COPY_ITEMS,
    COPY_WIDE,
    COPY_SECRET,
    COPY_TYPED,
    READ_TYPED,
    STATEMENTS
};

static const struct ear_pg_statement statements[STATEMENTS] __attribute__((unused)) = {
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
    [COPY_ITEMS] = {"copy_items", "COPY item (id, label) FROM STDIN (FORMAT binary)"},
    [COPY_WIDE] = {"copy_wide",
                   "COPY wide (b, i2, i4, i8, t, y, u, at, f) FROM STDIN (FORMAT binary)"},
    [COPY_SECRET] = {"copy_secret", "COPY secret_table (x) FROM STDIN (FORMAT binary)"},
    [COPY_TYPED] = {"copy_typed", "COPY typed (id, words, doc) FROM STDIN (FORMAT binary)"},
    [READ_TYPED] = {"read_typed", "SELECT array_to_string(words, '|', 'NULL'), doc->>'a',"
                                  " cardinality(words) FROM typed ORDER BY id"},
};

static const char schema_sql[] __attribute__((unused)) =
    "DROP TABLE IF EXISTS item, wide, typed, child, parent, secret_table;\n"
    "CREATE TABLE item (id bigint PRIMARY KEY, label text NOT NULL);\n"
    "CREATE TABLE wide (b bool, i2 int2, i4 int4, i8 int8, t text, y bytea, u uuid,"
    " at timestamptz, f float4);\n"
    "CREATE TABLE typed (id bigint PRIMARY KEY, words text[], doc jsonb);\n"
    "CREATE TABLE parent (id bigint PRIMARY KEY);\n"
    "CREATE TABLE child (parent_id bigint REFERENCES parent DEFERRABLE INITIALLY DEFERRED);\n"
    "CREATE TABLE secret_table (x int);\n"
    "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'meek') THEN"
    " CREATE ROLE meek LOGIN; END IF; END $$;\n"
    "GRANT USAGE ON SCHEMA public TO meek;\n"
    "GRANT SELECT, INSERT, UPDATE, DELETE ON item, wide, typed, child, parent TO meek;\n";

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

static unsigned answers __attribute__((unused));

static inline void on_answer(void *self, ear_err err, const struct ear_pg_result *const *results,
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

static inline void turn_until(struct ear_loop *loop, const bool *flag)
{
    int64_t until_ms = ear_clock_mono_ms() + DEADLINE_MS;
    while (!*flag) {
        assert_true(ear_clock_mono_ms() < until_ms);
        ear_loop_turn(loop, 50);
    }
}

static inline void turn_for(struct ear_loop *loop, int64_t wait_ms)
{
    int64_t until_ms = ear_clock_mono_ms() + wait_ms;
    while (ear_clock_mono_ms() < until_ms) ear_loop_turn(loop, 10);
}

static inline void wait_up(struct world *world, bool up)
{
    int64_t until_ms = ear_clock_mono_ms() + DEADLINE_MS;
    while (ear_pg_is_up(world->pg) != up) {
        assert_true(ear_clock_mono_ms() < until_ms);
        ear_loop_turn(world->loop, 50);
    }
}

static inline void on_up(void *self)
{
    ((struct world *)self)->ups++;
}

static inline void on_down(void *self)
{
    ((struct world *)self)->downs++;
}

static const char *conninfo(void)
{
    const char *text = getenv("EAR_TEST_PG");
    assert_non_null(text);
    return text;
}

static inline void open_as(struct world *world, const char *where, unsigned connections)
{
    struct ear_diag diag = {0};
    struct ear_pg_opts opts = {.conninfo = where,
                               .application = "pg_rig",
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

static inline void close_world(struct world *world)
{
    ear_pg_free(&world->pg);
    ear_loop_free(&world->loop);
}

static inline int make_schema(void **state)
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

static inline void ask_server(const char *word)
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

static inline struct ear_pg_batch *insert(int64_t id, const char *label)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, INSERT);
    ear_pg_i64(batch, id);
    ear_pg_text(batch, ear_str_from(label));
    return batch;
}

static inline struct ear_pg_batch *sleep_batch(int64_t seconds)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, SLEEP);
    ear_pg_i64(batch, seconds);
    return batch;
}

static inline struct ear_pg_batch *plain(unsigned statement)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, statement);
    return batch;
}

static inline ear_err run(struct world *world, struct ear_pg_batch *batch, struct answer *answer)
{
    *answer = (struct answer){0};
    ear_pg_run(world->pg, &batch, on_answer, answer);
    assert_null(batch);
    assert_false(answer->over);
    turn_until(world->loop, &answer->over);
    return answer->err;
}

static inline int64_t count_items(struct world *world)
{
    struct answer answer;
    assert_int_equal(run(world, plain(COUNT), &answer), EAR_OK);
    return answer.value;
}

static inline struct ear_pg_batch *with_text(unsigned statement, int64_t number,
                                             struct ear_str text)
{
    struct ear_pg_batch *batch = plain(statement);
    ear_pg_i64(batch, number);
    if (statement == INSERT) ear_pg_text(batch, text);
    return batch;
}

static inline void session_step(struct world *world, struct ear_pg_session *session,
                                struct ear_pg_batch *batch, bool commit, struct answer *answer)
{
    *answer = (struct answer){0};
    ear_pg_session_run(session, &batch, commit, on_answer, answer);
    assert_false(answer->over);
    turn_until(world->loop, &answer->over);
}

#endif
