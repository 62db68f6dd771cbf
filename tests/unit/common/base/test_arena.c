#include "base/arena.h"
#include "base/check.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void test_arena__gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    struct ear_arena *arena = ear_arena_new(1 << 20);
    for (int round = 0; round < 2; round++) {
        for (size_t size = 0; size < 300; size += 7) {
            unsigned char *p = ear_arena_try(arena, size);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++) assert_int_equal(p[i], 0);
            memset(p, 0xAA, size);
        }
        ear_arena_reset(arena);
        assert_int_equal(ear_arena_used(arena), 0);
    }
    ear_arena_free(&arena);
    assert_null(arena);
    ear_arena_free(&arena);
}

static void test_arena__keeps_its_ceiling(void **state)
{
    (void)state;
    static const size_t ceilings[] = {0, 16, 100, 4096, 100000};
    for (size_t i = 0; i < EAR_COUNT(ceilings); i++) {
        struct ear_arena *arena = ear_arena_new(ceilings[i]);
        assert_null(ear_arena_try(arena, ceilings[i] + 1));
        assert_null(ear_arena_try(arena, SIZE_MAX));
        assert_null(ear_arena_try(arena, SIZE_MAX - 8));
        size_t taken = 0;
        while (ear_arena_try(arena, 16)) taken += 16;
        assert_int_equal(taken, ceilings[i] / 16 * 16);
        assert_int_equal(ear_arena_used(arena), taken);
        ear_arena_reset(arena);
        assert_true(ceilings[i] < 16 || ear_arena_try(arena, 16));
        ear_arena_free(&arena);
    }
}

static void test_arena__takes_more_than_a_block_at_once(void **state)
{
    (void)state;
    struct ear_arena *arena = ear_arena_new(10 << 20);
    char *small = ear_arena_try(arena, 10);
    char *large = ear_arena_try(arena, 5 << 20);
    char *after = ear_arena_try(arena, 10);
    assert_true(small && large && after);
    memset(large, 1, 5 << 20);
    assert_int_equal(small[9] + after[0], 0);
    ear_arena_free(&arena);
}

static void test_arena__copies_text_with_its_end(void **state)
{
    (void)state;
    struct ear_arena *arena = ear_arena_new(64);
    assert_string_equal(ear_arena_copy(arena, EAR_STR("hello")), "hello");
    assert_string_equal(ear_arena_copy(arena, EAR_STR_NONE), "");
    assert_memory_equal(ear_arena_copy(arena, EAR_STR("a\0b")), "a\0b", 4);
    assert_null(ear_arena_copy(arena, EAR_STR("this one is longer than what is left")));
    ear_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena__gives_zeroed_aligned_memory),
        cmocka_unit_test(test_arena__keeps_its_ceiling),
        cmocka_unit_test(test_arena__takes_more_than_a_block_at_once),
        cmocka_unit_test(test_arena__copies_text_with_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
