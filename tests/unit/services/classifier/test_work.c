#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "work.h"
#include <cmocka.h>

static struct ear_work *work_of(size_t count)
{
    static const struct ear_str items[] = {{"one", 3}, {"", 0}, {"three", 5}, {"four", 4}};
    const struct ear_batch batch = {.id = {{9}},
                                    .lane = EAR_LANE_BACKFILL,
                                    .trace = EAR_STR("00-trace"),
                                    .items = items,
                                    .count = count};
    return ear_work_new(&batch);
}

static void test_work__keeps_what_came(void **state)
{
    (void)state;
    struct ear_work *work = work_of(4);
    assert_int_equal(work->lane, EAR_LANE_BACKFILL);
    assert_string_equal(work->trace, "00-trace");
    assert_true(ear_str_eq(ear_work_item(work, 0), EAR_STR("one")));
    assert_int_equal(ear_work_item(work, 1).len, 0);
    assert_true(ear_str_eq(ear_work_item(work, 2), EAR_STR("three")));
    assert_true(ear_str_eq(ear_work_item(work, 3), EAR_STR("four")));
    ear_work_free(&work);
    assert_null(work);
    ear_work_free(&work);
}

/* An image leaves out what could not be read; fates come back to the items that they are of. */
static void test_work__fates_find_their_items(void **state)
{
    (void)state;
    struct ear_work *work = work_of(4);
    struct ear_str items[EAR_BATCH_POSTS_MAX];
    static const uint8_t fates[] = {EAR_ITEM_RETURNED, EAR_ITEM_DONE};
    work->fates[0] = work->fates[2] = EAR_ITEM_FAILED;
    assert_int_equal(ear_buf_append(&work->image, "ONE", 3), EAR_OK);
    ear_work_add_image(work, 1);
    assert_int_equal(ear_buf_append(&work->image, "THREE", 5), EAR_OK);
    ear_work_add_image(work, 3);
    struct ear_batch image = ear_work_batch(work, items);
    assert_int_equal(image.count, 2);
    assert_int_equal(image.lane, EAR_LANE_BACKFILL);
    assert_int_equal(ear_id_cmp(&image.id, &work->id), 0);
    assert_true(ear_str_eq(image.items[0], EAR_STR("ONE")));
    assert_true(ear_str_eq(image.items[1], EAR_STR("THREE")));
    ear_work_slim(work);
    ear_work_set_fates(work, fates, EAR_COUNT(fates));
    static const uint8_t expected[] = {EAR_ITEM_FAILED, EAR_ITEM_RETURNED, EAR_ITEM_FAILED,
                                       EAR_ITEM_DONE};
    assert_memory_equal(work->fates, expected, sizeof(expected));
    ear_work_free(&work);
}

static void test_work__queues_are_first_in_first_out(void **state)
{
    (void)state;
    struct ear_work_queue queue = {0};
    struct ear_work *works[3];
    for (size_t i = 0; i < 3; i++) {
        works[i] = work_of(i + 1);
        ear_work_push(&queue, works[i]);
    }
    assert_int_equal(queue.posts, 6);
    ear_work_remove(&queue, works[1]);
    ear_work_remove(&queue, works[1]); /* not there any more */
    assert_int_equal(queue.posts, 4);
    assert_ptr_equal(queue.first, works[0]);
    ear_work_pop(&queue);
    assert_ptr_equal(queue.first, works[2]);
    ear_work_remove(&queue, works[2]);
    assert_null(queue.first);
    assert_null(queue.last);
    assert_int_equal(queue.posts, 0);
    ear_work_push(&queue, works[1]);
    assert_ptr_equal(queue.last, works[1]);
    for (size_t i = 0; i < 3; i++) ear_work_free(&works[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work__keeps_what_came),
        cmocka_unit_test(test_work__fates_find_their_items),
        cmocka_unit_test(test_work__queues_are_first_in_first_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
