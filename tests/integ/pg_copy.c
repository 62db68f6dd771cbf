/* Rows that common/pg sends by COPY: outside of the pipeline, yet one transaction with what goes
 * through it. Run by pg.sh. */
#include "pg_rig.h"

#define LARGE_ROWS  4000
#define LARGE_BYTES 2000

static const ear_pg_type item_types[] = {EAR_PG_I64, EAR_PG_TEXT};

static void add_items(struct ear_pg_batch *batch, int64_t first, int64_t count)
{
    ear_pg_batch_add(batch, COPY_ITEMS);
    struct ear_pg_array *rows = ear_pg_copy(batch, item_types, EAR_COUNT(item_types));
    for (int64_t id = first; id < first + count; id++) {
        ear_pg_push_int(rows, id);
        ear_pg_push_text(rows, EAR_STR("copied"));
    }
}

static struct ear_pg_batch *items(int64_t first, int64_t count)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    add_items(batch, first, count);
    return batch;
}

static void add_insert(struct ear_pg_batch *batch, int64_t id)
{
    ear_pg_batch_add(batch, INSERT);
    ear_pg_i64(batch, id);
    ear_pg_text(batch, EAR_STR("inserted"));
}

static void open_empty(struct world *world, unsigned connections)
{
    struct answer answer;
    open_as(world, conninfo(), connections);
    assert_int_equal(run(world, plain(CLEAR), &answer), EAR_OK);
}

#define WIDE_ROWS 4000 /* several pieces of what goes on its way at a time, none of whole rows */

static void test_copy__values_of_every_type_come_back_as_they_went(void **state)
{
    static const ear_pg_type types[] = {EAR_PG_BOOL, EAR_PG_I16,  EAR_PG_I32,
                                        EAR_PG_I64,  EAR_PG_TEXT, EAR_PG_BYTES,
                                        EAR_PG_ID,   EAR_PG_TIME, EAR_PG_FLOAT};
    struct world world;
    struct ear_pg_results results;
    struct ear_diag diag = {0};
    struct ear_id id = ear_id_new(ear_clock_wall_us());
    (void)state;
    open_as(&world, conninfo(), 1);
    struct ear_pg_batch *batch = plain(COPY_WIDE);
    struct ear_pg_array *rows = ear_pg_copy(batch, types, EAR_COUNT(types));
    for (int64_t row = 0; row < WIDE_ROWS; row++) {
        ear_pg_push_bool(rows, row % 2 == 0);
        ear_pg_push_int(rows, row);
        ear_pg_push_int(rows, -row);
        ear_pg_push_int(rows, INT64_MAX - WIDE_ROWS + row);
        ear_pg_push_text(rows, row ? EAR_STR("naïve") : EAR_STR_NONE);
        ear_pg_push_text(rows, (struct ear_str){"a\0b", 3});
        ear_pg_push_id(rows, row ? &id : NULL);
        ear_pg_push_int(rows, 1700000000000000 + row);
        ear_pg_push_float(rows, 0.5f);
    }
    ear_pg_batch_add(batch, READ_ARRAYS);
    assert_int_equal(ear_pg_wait(world.pg, &batch, &results, &diag), EAR_OK);
    assert_int_equal(results.count, 2);
    assert_int_equal(ear_pg_affected(results.items[0]), WIDE_ROWS);
    const struct ear_pg_result *read = results.items[1];
    const int last = WIDE_ROWS - 1;
    assert_int_equal(ear_pg_rows(read), WIDE_ROWS);
    assert_true(ear_pg_is_null(read, 0, 4));
    assert_true(ear_pg_is_null(read, 0, 6));
    assert_false(ear_pg_get_bool(read, last, 0));
    assert_int_equal(ear_pg_get_i64(read, last, 1), last);
    assert_int_equal(ear_pg_get_i64(read, last, 2), -last);
    assert_true(ear_pg_get_i64(read, last, 3) == INT64_MAX - 1);
    assert_true(ear_str_eq(ear_pg_get_str(read, last, 4), EAR_STR("naïve")));
    assert_true(ear_str_eq(ear_pg_get_str(read, last, 5), (struct ear_str){"a\0b", 3}));
    struct ear_id back = ear_pg_get_id(read, last, 6);
    assert_int_equal(ear_id_cmp(&back, &id), 0);
    assert_int_equal(ear_pg_get_time(read, last, 7), 1700000000000000 + last);
    assert_true(ear_pg_get_real(read, last, 8) > 0.49 && ear_pg_get_real(read, last, 8) < 0.51);
    ear_pg_results_release(&results);
    close_world(&world);
}

static void test_copy__lists_of_words_and_json_have_types_of_their_own(void **state)
{
    static const ear_pg_type types[] = {EAR_PG_I64, EAR_PG_TEXTS, EAR_PG_JSONB};
    static const struct {
        const char *words, *shown;
    } cases[] = {{"one", "one"}, {"a,b,", "a|b|"}, {"", NULL}, {",", "|"}, {"ü,NULL", "ü|NULL"}};
    struct world world;
    struct ear_pg_results results;
    struct ear_diag diag = {0};
    (void)state;
    open_as(&world, conninfo(), 1);
    struct ear_pg_batch *batch = plain(COPY_TYPED);
    struct ear_pg_array *rows = ear_pg_copy(batch, types, EAR_COUNT(types));
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        ear_pg_push_int(rows, (int64_t)i);
        ear_pg_push_texts(rows, ear_str_from(cases[i].words), ',');
        ear_pg_push_text(rows, i ? EAR_STR("{\"a\": \"b\"}") : EAR_STR_NONE);
    }
    ear_pg_batch_add(batch, READ_TYPED);
    assert_int_equal(ear_pg_wait(world.pg, &batch, &results, &diag), EAR_OK);
    const struct ear_pg_result *read = results.items[1];
    assert_int_equal(ear_pg_rows(read), EAR_COUNT(cases));
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_str shown = ear_pg_get_str(read, i, 0);
        assert_int_equal(ear_pg_is_null(read, i, 0), cases[i].shown == NULL);
        if (cases[i].shown) assert_true(ear_str_eq(shown, ear_str_from(cases[i].shown)));
        assert_int_equal(ear_pg_is_null(read, i, 1), i == 0);
        if (i) assert_true(ear_str_eq(ear_pg_get_str(read, i, 1), EAR_STR("b")));
    }
    ear_pg_results_release(&results);
    close_world(&world);
}

/* Wherever it stands: first, last, between, beside another, alone, without rows. */
static void test_copy__is_one_transaction_with_the_statements_around_it(void **state)
{
    static const char *const shapes[] = {"c", "ci", "ic", "ici", "cic", "cc", "icci", "ccicc", "e"};
    struct world world;
    struct ear_diag diag = {0};
    (void)state;
    open_empty(&world, 2);
    int64_t id = 0;
    for (size_t i = 0; i < EAR_COUNT(shapes); i++) {
        struct ear_pg_results results;
        struct ear_pg_batch *batch = ear_pg_batch_new(0);
        size_t steps = strlen(shapes[i]);
        int64_t before = id;
        for (size_t step = 0; step < steps; step++) {
            int64_t rows = shapes[i][step] == 'c' ? 7 : shapes[i][step] == 'i' ? 1 : 0;
            if (shapes[i][step] == 'i')
                add_insert(batch, id);
            else
                add_items(batch, id, rows);
            id += rows;
        }
        assert_int_equal(ear_pg_wait(world.pg, &batch, &results, &diag), EAR_OK);
        assert_int_equal(results.count, steps);
        for (size_t step = 0; step < steps; step++)
            assert_int_equal(ear_pg_affected(results.items[step]),
                             shapes[i][step] == 'c' ? 7 : shapes[i][step] == 'i');
        ear_pg_results_release(&results);
        assert_true(id > before || shapes[i][0] == 'e');
        assert_int_equal(count_items(&world), id);
    }
    close_world(&world);
}

/* A row that is refused, and which statement it was: nothing of the batch is there, and the same
 * connection goes on. */
static void test_copy__fails_as_a_whole(void **state)
{
    static const char *const shapes[] = {"Ci", "iC", "cCi", "iCc", "C", "cI", "Ic", "icI"};
    struct world world;
    struct answer answer;
    (void)state;
    open_empty(&world, 1);
    assert_int_equal(run(&world, insert(1, "there"), &answer), EAR_OK);
    assert_int_equal(run(&world, plain(WHO_AM_I), &answer), EAR_OK);
    int64_t pid = answer.value;
    for (size_t i = 0; i < EAR_COUNT(shapes); i++) {
        struct ear_pg_batch *batch = ear_pg_batch_new(0);
        int64_t id = 100;
        bool copy_fails = strchr(shapes[i], 'C') != NULL;
        for (const char *step = shapes[i]; *step; step++, id += 10) {
            if (*step == 'c' || *step == 'C')
                add_items(batch, *step == 'C' ? -3 : id, 5);
            else
                add_insert(batch, *step == 'I' ? 1 : id);
        }
        assert_int_equal(run(&world, batch, &answer), EAR_DATA);
        assert_non_null(strstr(answer.why, copy_fails ? "copy_items" : "insert_item"));
        assert_non_null(strstr(answer.why, "23505"));
        assert_int_equal(answer.count, 0);
        assert_int_equal(count_items(&world), 1);
    }
    assert_int_equal(run(&world, plain(WHO_AM_I), &answer), EAR_OK);
    assert_int_equal(answer.value, pid);
    close_world(&world);
}

static struct ear_pg_batch *one_item(struct ear_str label)
{
    struct ear_pg_batch *batch = plain(COPY_ITEMS);
    struct ear_pg_array *rows = ear_pg_copy(batch, item_types, EAR_COUNT(item_types));
    ear_pg_push_int(rows, 7);
    ear_pg_push_text(rows, label);
    return batch;
}

static struct ear_pg_batch *wrong_type(void)
{
    static const ear_pg_type types[] = {EAR_PG_ID, EAR_PG_TEXT};
    const struct ear_id id = ear_id_new(ear_clock_wall_us());
    struct ear_pg_batch *batch = plain(COPY_ITEMS);
    struct ear_pg_array *rows = ear_pg_copy(batch, types, EAR_COUNT(types));
    ear_pg_push_id(rows, &id);
    ear_pg_push_text(rows, EAR_STR("x"));
    return batch;
}

static struct ear_pg_batch *rows_for(unsigned statement)
{
    struct ear_pg_batch *batch = plain(statement);
    struct ear_pg_array *rows = ear_pg_copy(batch, item_types, EAR_COUNT(item_types));
    ear_pg_push_int(rows, 7);
    ear_pg_push_text(rows, EAR_STR("x"));
    return batch;
}

static struct ear_pg_batch *with_parameter(void)
{
    struct ear_pg_batch *batch = items(1, 1);
    ear_pg_i64(batch, 7);
    return batch;
}

static struct ear_pg_batch *too_large(void)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(512);
    add_items(batch, 0, 100);
    return batch;
}

static void test_copy__errors_have_classes(void **state)
{
    struct world world;
    struct answer answer;
    (void)state;
    open_empty(&world, 1);
    const struct {
        struct ear_pg_batch *batch;
        ear_err err;
        const char *words;
    } cases[] = {
        {one_item((struct ear_str){"a\0b", 3}), EAR_DATA, "copy_items"},
        {one_item((struct ear_str){"\xff\xfe", 2}), EAR_DATA, "copy_items"},
        {one_item(EAR_STR_NONE), EAR_DATA, "23502"},
        {wrong_type(), EAR_INVALID, "22P03"},
        {plain(COPY_ITEMS), EAR_INVALID, "belong to COPY"},
        {rows_for(INSERT), EAR_INVALID, "belong to COPY"},
        {rows_for(COPY_SECRET), EAR_INVALID, "copy_secret"},
        {with_parameter(), EAR_INVALID, "belong to COPY"},
        {too_large(), EAR_TOO_LARGE, "ceiling"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        ear_err err = run(&world, cases[i].batch, &answer);
        if (err != cases[i].err || !strstr(answer.why, cases[i].words))
            fail_msg("case %zu: %s: %s", i, ear_err_name(err), answer.why);
    }
    assert_int_equal(count_items(&world), 0);
    close_world(&world);
}

static void test_copy__a_missing_right_is_denied(void **state)
{
    struct world world;
    struct answer answer;
    static const ear_pg_type types[] = {EAR_PG_I32};
    char where[512];
    (void)state;
    snprintf(where, sizeof(where), "%s user=meek", conninfo());
    open_as(&world, where, 1);
    struct ear_pg_batch *batch = plain(COPY_SECRET);
    ear_pg_push_int(ear_pg_copy(batch, types, 1), 1);
    assert_int_equal(run(&world, batch, &answer), EAR_DENIED);
    assert_non_null(strstr(answer.why, "copy_secret"));
    close_world(&world);
}

/* More than sockets hold; and refused at its first row, while we are still sending. */
static void test_copy__of_many_bytes_is_sent_as_the_server_takes_it(void **state)
{
    struct world world;
    struct answer answer;
    static char label[LARGE_BYTES];
    (void)state;
    open_empty(&world, 1);
    memset(label, 'x', sizeof(label));
    for (int64_t round = 0; round < 2; round++) {
        struct ear_pg_batch *batch = plain(COPY_ITEMS);
        struct ear_pg_array *rows = ear_pg_copy(batch, item_types, EAR_COUNT(item_types));
        for (int64_t id = 0; id < LARGE_ROWS; id++) {
            ear_pg_push_int(rows, round ? -id : id);
            ear_pg_push_text(rows, (struct ear_str){label, sizeof(label)});
        }
        assert_int_equal(run(&world, batch, &answer), round ? EAR_DATA : EAR_OK);
        assert_int_equal(count_items(&world), LARGE_ROWS);
    }
    assert_int_equal(world.downs, 0);
    close_world(&world);
}

static void test_copy__has_its_place_in_a_session(void **state)
{
    struct world world;
    struct answer answer;
    struct ear_pg_session *session;
    (void)state;
    open_empty(&world, 2);
    ear_pg_session_new(&session, world.pg);
    session_step(&world, session, items(1, 10), false, &answer);
    assert_int_equal(answer.err, EAR_OK);
    assert_int_equal(count_items(&world), 0);
    session_step(&world, session, plain(COUNT), false, &answer);
    assert_int_equal(answer.value, 10);
    session_step(&world, session, items(11, 10), true, &answer);
    assert_int_equal(answer.err, EAR_OK);
    ear_pg_session_end(&session);
    assert_int_equal(count_items(&world), 20);
    ear_pg_session_new(&session, world.pg);
    session_step(&world, session, items(21, 10), false, &answer);
    session_step(&world, session, items(1, 10), false, &answer);
    assert_int_equal(answer.err, EAR_DATA);
    session_step(&world, session, items(31, 10), true, &answer);
    assert_int_equal(answer.err, EAR_DATA);
    ear_pg_session_end(&session);
    assert_int_equal(count_items(&world), 20);
    close_world(&world);
}

/* The same key in a transaction that is not over: it is waited for, as long as a statement may. */
static void test_copy__waits_for_a_key_and_not_for_ever(void **state)
{
    struct world world;
    struct answer answer;
    struct ear_pg_session *session;
    (void)state;
    open_empty(&world, 2);
    ear_pg_session_new(&session, world.pg);
    session_step(&world, session, items(1, 1), false, &answer);
    assert_int_equal(run(&world, items(1, 1), &answer), EAR_AGAIN);
    assert_non_null(strstr(answer.why, "57014"));
    ear_pg_session_end(&session);
    assert_int_equal(run(&world, items(1, 1), &answer), EAR_OK);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy__values_of_every_type_come_back_as_they_went),
        cmocka_unit_test(test_copy__lists_of_words_and_json_have_types_of_their_own),
        cmocka_unit_test(test_copy__is_one_transaction_with_the_statements_around_it),
        cmocka_unit_test(test_copy__fails_as_a_whole),
        cmocka_unit_test(test_copy__errors_have_classes),
        cmocka_unit_test(test_copy__a_missing_right_is_denied),
        cmocka_unit_test(test_copy__of_many_bytes_is_sent_as_the_server_takes_it),
        cmocka_unit_test(test_copy__has_its_place_in_a_session),
        cmocka_unit_test(test_copy__waits_for_a_key_and_not_for_ever),
    };
    ear_crypt_start();
    return cmocka_run_group_tests(tests, make_schema, NULL);
}
