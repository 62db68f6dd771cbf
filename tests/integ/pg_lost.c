/* What common/pg makes of backends that are killed, crash, stand still or take no writes any more.
 * Run by pg.sh. */
#include "pg_rig.h"

#include <signal.h>
#include <unistd.h>

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

/* The one connection is killed: what waits behind its statement, and what comes while it is away.
 */
static void test_pg__what_would_not_wait_is_told_that_nobody_is_there(void **state)
{
    struct world world, killer;
    struct answer answer, busy = {0}, behind = {0}, later = {0};
    (void)state;
    open_as(&world, conninfo(), 1);
    open_as(&killer, conninfo(), 1);
    assert_int_equal(run(&world, plain(CLEAR), &answer), EAR_OK);
    assert_int_equal(run(&world, plain(WHO_AM_I), &answer), EAR_OK);
    struct ear_pg_batch *sleeps = sleep_batch(5), *batch = insert(1, "a");
    ear_pg_run(world.pg, &sleeps, on_answer, &busy);
    ear_pg_batch_no_wait(batch);
    ear_pg_run(world.pg, &batch, on_answer, &behind);
    turn_for(world.loop, 100);
    assert_false(behind.over); /* for a connection, not for PostgreSQL */
    kill_backend(&killer, answer.value);
    wait_up(&world, false);
    batch = insert(2, "b");
    ear_pg_batch_no_wait(batch);
    ear_pg_run(world.pg, &batch, on_answer, &later);
    turn_until(world.loop, &behind.over);
    turn_until(world.loop, &later.over);
    assert_int_equal(behind.err, EAR_UNAVAILABLE);
    assert_int_equal(later.err, EAR_UNAVAILABLE);
    wait_up(&world, true);
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

static const ear_pg_type item_types[] = {EAR_PG_I64, EAR_PG_TEXT};

static struct ear_pg_batch *copy_one(int64_t id)
{
    struct ear_pg_batch *batch = plain(COPY_ITEMS);
    struct ear_pg_array *rows = ear_pg_copy(batch, item_types, EAR_COUNT(item_types));
    ear_pg_push_int(rows, id);
    ear_pg_push_text(rows, EAR_STR("copied"));
    return batch;
}

/* Where a COPY waits for a key that another transaction holds, its backend is killed, or stands
 * still, or crashes with all others. A statement behind it: COMMIT was not sent. Nothing behind it:
 * COMMIT was sent with it. */
typedef enum mishap { KILLED, FROZEN, CRASHED } mishap;

static void lose_copy(mishap what, bool last, ear_err expected)
{
    struct world world, other;
    struct answer answer, lost = {0};
    struct ear_pg_session *holder;
    open_as(&world, conninfo(), 1);
    open_as(&other, conninfo(), 2);
    assert_int_equal(run(&world, plain(CLEAR), &answer), EAR_OK);
    assert_int_equal(run(&world, plain(WHO_AM_I), &answer), EAR_OK);
    int64_t pid = answer.value;
    ear_pg_session_new(&holder, other.pg);
    session_step(&other, holder, insert(1, "held"), false, &answer);
    struct ear_pg_batch *batch = copy_one(1);
    if (!last) ear_pg_batch_add(batch, COUNT);
    ear_pg_run(world.pg, &batch, on_answer, &lost);
    turn_for(world.loop, 300);
    assert_false(lost.over);
    if (what == KILLED) kill_backend(&other, pid);
    if (what == FROZEN) assert_int_equal(kill((pid_t)pid, SIGSTOP), 0);
    if (what == CRASHED) ask_server("crash");
    turn_until(world.loop, &lost.over);
    assert_int_equal(lost.err, expected);
    if (what == FROZEN) assert_int_equal(kill((pid_t)pid, SIGCONT), 0);
    if (what == CRASHED) ask_server("start");
    ear_pg_session_end(&holder);
    wait_up(&world, true);
    assert_int_equal(count_items(&world), 0);
    close_world(&other);
    close_world(&world);
}

static void test_copy__lost_before_commit_was_sent_is_nothing_happened(void **state)
{
    (void)state;
    for (mishap what = KILLED; what <= CRASHED; what++) lose_copy(what, false, EAR_UNAVAILABLE);
}

static void test_copy__lost_with_its_commit_leaves_the_fate_open(void **state)
{
    (void)state;
    lose_copy(KILLED, true, EAR_UNAVAILABLE); /* the server's last words were about the COPY */
    lose_copy(FROZEN, true, EAR_UNKNOWN_FATE);
    lose_copy(CRASHED, true, EAR_UNKNOWN_FATE);
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
        cmocka_unit_test(test_pg__killed_before_commit_is_nothing_happened),
        cmocka_unit_test(test_pg__what_would_not_wait_is_told_that_nobody_is_there),
        cmocka_unit_test(test_pg__a_crash_after_commit_was_sent_leaves_the_fate_open),
        cmocka_unit_test(test_pg__a_frozen_backend_does_not_hold_a_connection_for_ever),
        cmocka_unit_test(test_copy__lost_before_commit_was_sent_is_nothing_happened),
        cmocka_unit_test(test_copy__lost_with_its_commit_leaves_the_fate_open),
        cmocka_unit_test(test_pg__a_read_only_server_is_left),
    };
    ear_crypt_start();
    return cmocka_run_group_tests(tests, make_schema, NULL);
}
