#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "intake/queue.h"
#include <cmocka.h>

/* How long a delivery that just came waits. */
static int64_t gathers_ms(struct ear_queue queue, size_t posts)
{
    struct ear_delivery delivery = {.count = posts, .received_at_us = ear_clock_wall_us()};
    ear_queue_push(&queue, &delivery);
    return ear_queue_gathers_ms(&queue);
}

static void test_queue__waits_for_company_where_there_is_some(void **state)
{
    (void)state;
    static const struct {
        struct ear_queue queue;
        size_t posts;
        int64_t at_most_ms;
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
        int64_t ms = gathers_ms(rows[i].queue, rows[i].posts);
        assert_true(ms <= rows[i].at_most_ms);
        assert_true(ms >= rows[i].at_most_ms / 2); /* the machine may have been busy */
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

/* As if it had come just now. */
static bool first_waits(struct ear_queue *queue)
{
    queue->first->received_at_us = ear_clock_wall_us();
    return ear_queue_gathers_ms(queue) > 0;
}

static void test_queue__waits_for_no_more_than_lately_came(void **state)
{
    (void)state;
    struct ear_delivery all[16];
    struct ear_queue queue = {0};
    ear_queue_note(&queue, EAR_COUNT(all), 1600);
    for (size_t i = 0; i < EAR_COUNT(all); i++) {
        if (i) assert_true(first_waits(&queue));
        all[i] = (struct ear_delivery){.count = 100};
        ear_queue_push(&queue, &all[i]);
    }
    assert_int_equal(ear_queue_gathers_ms(&queue), 0);
    assert_ptr_equal(ear_queue_shift(&queue), &all[0]);
    assert_true(first_waits(&queue));
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
