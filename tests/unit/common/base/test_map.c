#include "base/check.h"
#include "base/id.h"
#include "base/map.h"
#include "base/num.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define MANY 20000

static int values[MANY];

static struct ear_str name(char text[static 16], int i)
{
    snprintf(text, 16, "key-%d", i);
    return ear_str_from(text);
}

static struct ear_map *filled(void)
{
    char text[16];
    struct ear_map *map = ear_map_new();
    for (int i = 0; i < MANY; i++) assert_null(ear_map_put(map, name(text, i), &values[i]));
    return map;
}

static void test_map__finds_each_of_many(void **state)
{
    (void)state;
    char text[16];
    struct ear_map *map = filled();
    assert_int_equal(ear_map_count(map), MANY);
    for (int i = 0; i < MANY; i++) assert_ptr_equal(ear_map_get(map, name(text, i)), &values[i]);
    assert_null(ear_map_get(map, EAR_STR("key-")));
    for (int i = 0; i < MANY; i += 2)
        assert_ptr_equal(ear_map_take(map, name(text, i)), &values[i]);
    assert_int_equal(ear_map_count(map), MANY / 2);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(ear_map_get(map, name(text, i)), i % 2 ? &values[i] : NULL);
    ear_map_free(&map, NULL);
    assert_null(map);
    ear_map_free(&map, NULL);
}

static struct ear_str ids(struct ear_id key[2], int i, size_t count)
{
    key[0] = key[1] = (struct ear_id){{0}};
    ear_put_be(key[0].b + 12, (uint64_t)i, 4);
    return (struct ear_str){(const char *)key[0].b, count * EAR_ID_BYTES};
}

static void test_map__of_ids_lives_in_an_arena(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 2; count++) {
        struct ear_id key[2];
        struct ear_arena *arena = ear_arena_new((size_t)8 << 20);
        struct ear_map *map = ear_map_new_of_ids(arena);
        for (int i = 0; i < MANY; i++)
            assert_null(ear_map_put(map, ids(key, i, count), &values[i]));
        size_t used = ear_arena_used(arena);
        assert_true(used >= MANY * sizeof(void *));
        assert_ptr_equal(ear_map_put(map, ids(key, 7, count), &values[8]), &values[7]);
        assert_int_equal(ear_arena_used(arena), used);
        for (int i = 0; i < MANY; i += 2) ear_map_take(map, ids(key, i, count));
        assert_int_equal(ear_map_count(map), MANY / 2);
        for (int i = 9; i < MANY; i++)
            assert_ptr_equal(ear_map_get(map, ids(key, i, count)), i % 2 ? &values[i] : NULL);
        ear_map_free(&map, NULL);
        assert_null(map);
        ear_arena_free(&arena);
    }
}

static void test_map__keys_are_bytes(void **state)
{
    (void)state;
    struct ear_map *map = ear_map_new();
    ear_map_put(map, EAR_STR("a\0b"), &values[0]);
    ear_map_put(map, EAR_STR("a\0c"), &values[1]);
    ear_map_put(map, EAR_STR(""), &values[2]);
    assert_ptr_equal(ear_map_get(map, EAR_STR("a\0b")), &values[0]);
    assert_ptr_equal(ear_map_get(map, EAR_STR("a\0c")), &values[1]);
    assert_ptr_equal(ear_map_get(map, EAR_STR_NONE), &values[2]);
    assert_null(ear_map_get(map, EAR_STR("a")));
    assert_ptr_equal(ear_map_put(map, EAR_STR("a\0b"), &values[3]), &values[0]);
    assert_int_equal(ear_map_count(map), 3);
    assert_ptr_equal(ear_map_take(map, EAR_STR_NONE), &values[2]);
    assert_null(ear_map_take(map, EAR_STR_NONE));
    ear_map_free(&map, NULL);
}

struct visit {
    struct ear_map *map;
    size_t seen;
    size_t stop_at;
};

static bool take_each(void *self, struct ear_str key, void *value)
{
    struct visit *visit = self;
    visit->seen++;
    assert_ptr_equal(ear_map_take(visit->map, key), value);
    return visit->seen != visit->stop_at;
}

static void test_map_each__may_take_what_it_shows(void **state)
{
    (void)state;
    struct visit visit = {.map = filled(), .stop_at = MANY / 4};
    ear_map_each(visit.map, take_each, &visit);
    assert_int_equal(visit.seen, MANY / 4);
    assert_int_equal(ear_map_count(visit.map), MANY - MANY / 4);
    visit.stop_at = 0;
    ear_map_each(visit.map, take_each, &visit);
    assert_int_equal(visit.seen, MANY);
    assert_int_equal(ear_map_count(visit.map), 0);
    ear_map_free(&visit.map, NULL);
}

static void drop_value(void *value)
{
    ++*(int *)value;
}

static void test_map_free__drops_what_is_left(void **state)
{
    (void)state;
    int dropped[3] = {0};
    struct ear_map *map = ear_map_new();
    ear_map_put(map, EAR_STR("a"), &dropped[0]);
    ear_map_put(map, EAR_STR("b"), &dropped[1]);
    ear_map_put(map, EAR_STR("c"), &dropped[2]);
    ear_map_take(map, EAR_STR("b"));
    ear_map_free(&map, drop_value);
    assert_int_equal(dropped[0], 1);
    assert_int_equal(dropped[1], 0);
    assert_int_equal(dropped[2], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map__finds_each_of_many),
        cmocka_unit_test(test_map__of_ids_lives_in_an_arena),
        cmocka_unit_test(test_map__keys_are_bytes),
        cmocka_unit_test(test_map_each__may_take_what_it_shows),
        cmocka_unit_test(test_map_free__drops_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
