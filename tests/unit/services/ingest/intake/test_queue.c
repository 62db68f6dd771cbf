#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "intake/queue.h"
#include <cmocka.h>

/* How long the first delivery waits when it came just now. The longest of many tries: the machine
 * may be busy between two looks at the clock. */
static int64_t gathers_ms(struct ear_queue *queue)
{
    int64_t longest_ms = 0;
    for (int i = 0; i < 100; i++) {
        queue->first->received_at_us = ear_clock_wall_us();
        int64_t ms = ear_queue_gathers_ms(queue);
        if (ms > longest_ms) longest_ms = ms;
    }
    return longest_ms;
}

static void test_queue__waits_for_company_where_there_is_some(void **state)
{
    (void)state;
    static const struct {
        struct ear_queue queue;
        size_t posts;
        int64_t wanted_ms;
    } rows[] = {
        {{.posts = 0}, 1, 2},                       /* nobody comes */
        {{.company = 5, .last_posts = 6}, 1, 7},    /* some do */
        {{.company = 30, .last_posts = 31}, 1, 10}, /* many do, with little each */
        {{.company = 0, .last_posts = 1000, .expected = 1}, 1000, 0},   /* one feed, alone */
        {{.company = 15, .last_posts = 1600, .expected = 16}, 100, 17}, /* many feeds */
        {{.company = 40, .last_posts = 2000, .expected = 41}, 50, 25},  /* and more of them */
        {{.company = 3, .under_way = 1, .coming = 20}, 1, 5},       /* a small one is under way */
        {{.company = 0, .under_way = 1, .coming = 1600}, 100, 25},  /* a large one is */
        {{.company = 40, .last_posts = 2000}, EAR_COMMIT_POSTS, 0}, /* a transaction is full */
        {{.under_way = 1, .coming = 1600}, EAR_COMMIT_POSTS + 1, 0},
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_queue queue = rows[i].queue;
        struct ear_delivery delivery = {.count = rows[i].posts};
        ear_queue_push(&queue, &delivery);
        assert_int_equal(gathers_ms(&queue), rows[i].wanted_ms);
    }
}

static void test_queue__does_not_wait_for_long(void **state)
{
    (void)state;
    struct ear_queue queue = {.company = 40, .last_posts = 2000, .under_way = 1, .coming = 2000};
    struct ear_delivery delivery = {
        .count = 1, .received_at_us = ear_clock_wall_us() - INT64_C(26) * EAR_US_PER_MS};
    assert_int_equal(ear_queue_gathers_ms(&queue), 0);
    ear_queue_push(&queue, &delivery);
    assert_int_equal(ear_queue_gathers_ms(&queue), 0);
    assert_ptr_equal(ear_queue_shift(&queue), &delivery);
    assert_int_equal(queue.posts, 0);
}

static void test_queue__waits_for_no_more_than_lately_came(void **state)
{
    (void)state;
    struct ear_delivery all[16];
    struct ear_queue queue = {0};
    ear_queue_note(&queue, EAR_COUNT(all), 1600);
    for (size_t i = 0; i < EAR_COUNT(all); i++) {
        if (i) assert_true(gathers_ms(&queue) > 0);
        all[i] = (struct ear_delivery){.count = 100};
        ear_queue_push(&queue, &all[i]);
    }
    assert_int_equal(ear_queue_gathers_ms(&queue), 0);
    assert_ptr_equal(ear_queue_shift(&queue), &all[0]);
    assert_true(gathers_ms(&queue) > 0);
}

/* One transaction that few came to changes little; who stays away is forgotten in the end. */
static void test_queue__forgets_slowly_who_stays_away(void **state)
{
    (void)state;
    struct ear_queue queue = {0};
    ear_queue_note(&queue, 16, 1600);
    ear_queue_note(&queue, 4, 400);
    assert_int_equal(queue.expected, 13);
    for (int i = 0; i < 12; i++) ear_queue_note(&queue, 4, 400);
    assert_int_equal(queue.expected, 4);
    ear_queue_note(&queue, 9, 900);
    assert_int_equal(queue.expected, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue__waits_for_company_where_there_is_some),
        cmocka_unit_test(test_queue__does_not_wait_for_long),
        cmocka_unit_test(test_queue__waits_for_no_more_than_lately_came),
        cmocka_unit_test(test_queue__forgets_slowly_who_stays_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
