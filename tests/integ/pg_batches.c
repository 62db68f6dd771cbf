/* Values, batches, their errors and sessions of common/pg. Run by pg.sh. */
#include "pg_rig.h"

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

static struct ear_pg_batch *wrong_type(void)
{
    struct ear_pg_batch *batch = plain(SLEEP);
    ear_pg_text(batch, EAR_STR("1"));
    return batch;
}

/* Of what belongs into it a part could not be made: none of it may be written. */
static struct ear_pg_batch *unfinished(void)
{
    struct ear_pg_batch *batch = with_text(INSERT, 9, EAR_STR("half"));
    ear_pg_batch_fail(batch, EAR_NO_MEMORY);
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
        {unfinished(), EAR_NO_MEMORY, ear_err_text(EAR_NO_MEMORY)},
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
    };
    ear_crypt_start();
    return cmocka_run_group_tests(tests, make_schema, NULL);
}
