#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "offer/row.h"
#include <cmocka.h>
#include <stdlib.h>

static struct ear_row *row_of(uint8_t first, size_t count, int tries)
{
    struct ear_id id = {{first}}, posts[8] = {{{0}}};
    for (size_t i = 0; i < count; i++) posts[i].b[0] = (uint8_t)(first + i);
    return ear_row_new(&id, EAR_LANE_LIVE, tries, EAR_STR("trace"), posts, count);
}

static void test_row__counts_what_is_left(void **state)
{
    (void)state;
    struct ear_row *row = row_of(10, 4, 0);
    struct ear_id left[4];
    bool counted = true;
    assert_false(ear_row_is_over(row));
    for (size_t i = 0; i < 4; i++) ear_row_set(row, i, EAR_CELL_FLYING);
    ear_row_set(row, 0, EAR_CELL_DONE);
    ear_row_set(row, 1, EAR_CELL_BACK);
    ear_row_set(row, 2, EAR_CELL_DONE);
    assert_false(ear_row_is_over(row));
    ear_row_set(row, 3, EAR_CELL_BACK);
    assert_true(ear_row_is_over(row));
    assert_int_equal(ear_row_left(row, left, &counted), 2);
    assert_false(counted);
    assert_int_equal(left[0].b[0], 11);
    assert_int_equal(left[1].b[0], 13);
    ear_row_set(row, 3, EAR_CELL_BAD);
    assert_int_equal(ear_row_left(row, left, &counted), 2);
    assert_true(counted);
    ear_row_free(&row);
}

static void test_row_queue__takes_oldest_first_and_suspects_alone(void **state)
{
    (void)state;
    struct ear_row *rows[] = {row_of(10, 3, 0), row_of(20, 3, 0), row_of(30, 2, 1),
                              row_of(40, 1, 0)};
    struct ear_row_queue queue = {0};
    struct ear_cell cells[8];
    static const struct {
        size_t max;
        size_t count;
        uint8_t first;
    } takes[] = {{4, 4, 10}, {8, 2, 21}, {8, 2, 30}, {8, 1, 40}, {8, 0, 0}};
    for (size_t i = 0; i < EAR_COUNT(rows); i++) ear_row_queue_push(&queue, rows[i]);
    for (size_t i = 0; i < EAR_COUNT(takes); i++) {
        assert_int_equal(ear_row_queue_take(&queue, cells, takes[i].max), takes[i].count);
        if (takes[i].count) assert_int_equal(ear_cell_post(&cells[0])->b[0], takes[i].first);
    }
    assert_null(queue.first);
    assert_null(queue.last);
    ear_row_set(rows[1], 2, EAR_CELL_PENDING);
    ear_row_queue_push_front(&queue, rows[1]);
    ear_row_queue_push_front(&queue, rows[1]);
    assert_int_equal(ear_row_queue_take(&queue, cells, 8), 1);
    assert_int_equal(ear_cell_post(&cells[0])->b[0], 22);
    for (size_t i = 0; i < EAR_COUNT(rows); i++) ear_row_free(&rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row__counts_what_is_left),
        cmocka_unit_test(test_row_queue__takes_oldest_first_and_suspects_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
