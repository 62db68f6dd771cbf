#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "offer/verdict.h"
#include <cmocka.h>

static void test_verdict__by_table(void **state)
{
    (void)state;
    static const struct {
        int tries;
        size_t left;
        bool counted;
        struct ear_verdict want;
    } rows[] = {
        {0, 0, true, {.kind = EAR_VERDICT_DELETE}},
        {7, 0, false, {.kind = EAR_VERDICT_DELETE}},
        {2, 512, false, {.kind = EAR_VERDICT_NARROW, .tries = 2}},
        {2, 1, false, {.kind = EAR_VERDICT_NARROW, .tries = 2}},
        {0, 512, true, {.kind = EAR_VERDICT_NARROW, .tries = 1}},
        {1,
         512,
         true,
         {.kind = EAR_VERDICT_SPLIT,
          .tries = 2,
          .first = 256,
          .first_tries = 1,
          .second_tries = 1}},
        {1,
         3,
         true,
         {.kind = EAR_VERDICT_SPLIT, .tries = 2, .first = 1, .first_tries = 0, .second_tries = 1}},
        {1,
         2,
         true,
         {.kind = EAR_VERDICT_SPLIT, .tries = 2, .first = 1, .first_tries = 0, .second_tries = 0}},
        {0, 1, true, {.kind = EAR_VERDICT_NARROW, .tries = 1}},
        {1, 1, true, {.kind = EAR_VERDICT_NARROW, .tries = 2}},
        {2, 1, true, {.kind = EAR_VERDICT_BURY, .tries = 3}},
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_verdict got = ear_verdict_of(rows[i].tries, rows[i].left, rows[i].counted);
        if (got.kind != rows[i].want.kind || got.first != rows[i].want.first ||
            got.first_tries != rows[i].want.first_tries ||
            got.second_tries != rows[i].want.second_tries ||
            (got.kind != EAR_VERDICT_DELETE && got.tries != rows[i].want.tries)) {
            fail_msg("row %zu: kind %d tries %d first %zu (%d, %d)", i, got.kind, got.tries,
                     got.first, got.first_tries, got.second_tries);
        }
    }
}

/* One bad post among many costs its sinks a bounded number of lives, and no other post dies. */
static void test_verdict__isolates_one_bad_post(void **state)
{
    (void)state;
    struct part {
        size_t from, count;
        int tries;
    } parts[64] = {{0, 512, 0}};
    size_t open = 1, losses = 0, buried = 0;
    const size_t bad = 300;
    while (open > 0) {
        struct part part = parts[--open];
        bool lost = bad >= part.from && bad < part.from + part.count;
        losses += lost;
        struct ear_verdict verdict = ear_verdict_of(part.tries, lost ? part.count : 0, lost);
        if (verdict.kind == EAR_VERDICT_BURY) {
            assert_int_equal(part.count, 1);
            buried++;
        } else if (verdict.kind == EAR_VERDICT_NARROW) {
            parts[open++] = (struct part){part.from, part.count, verdict.tries};
        } else if (verdict.kind == EAR_VERDICT_SPLIT) {
            parts[open++] = (struct part){part.from, verdict.first, verdict.first_tries};
            parts[open++] = (struct part){part.from + verdict.first, part.count - verdict.first,
                                          verdict.second_tries};
        }
        assert_true(open < EAR_COUNT(parts));
    }
    assert_int_equal(buried, 1);
    assert_true(losses <= 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdict__by_table),
        cmocka_unit_test(test_verdict__isolates_one_bad_post),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
