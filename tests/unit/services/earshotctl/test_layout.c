/* Which columns of a table stay, and how wide they are. */
#include "layout.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* ID (whole), NAME (may be cut to 8), SINCE (left out second), NOTE (cut to 6, left out first), WHY
 * (cut to 10). */
static const struct ear_layout_column columns[] = {
    {36, 36, 0, false}, {12, 8, 0, false},  {16, 16, 2, false},
    {20, 6, 1, false},  {30, 10, 0, false},
};
#define ALL 122 /* 36 + 12 + 16 + 20 + 30, and four gaps */

static void test_layout__gives_way_in_order(void **state)
{
    (void)state;
    static const struct {
        size_t width;
        size_t wanted[EAR_COUNT(columns)]; /* 0: left out */
    } cases[] = {
        {0, {36, 12, 16, 20, 30}},   {200, {36, 12, 16, 20, 30}}, {ALL, {36, 12, 16, 20, 30}},
        {121, {36, 12, 16, 20, 29}}, {112, {36, 12, 16, 20, 20}}, {110, {36, 12, 16, 19, 19}},
        {84, {36, 8, 16, 6, 10}},    {83, {36, 12, 16, 0, 13}},   {76, {36, 8, 16, 0, 10}},
        {75, {36, 12, 0, 0, 23}},    {58, {36, 8, 0, 0, 10}},     {20, {36, 8, 0, 0, 10}},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_layout_column fitted[EAR_COUNT(columns)];
        size_t used = 0, shown = 0;
        memcpy(fitted, columns, sizeof(columns));
        ear_layout_fit(fitted, EAR_COUNT(fitted), cases[i].width);
        for (size_t c = 0; c < EAR_COUNT(fitted); c++) {
            size_t width = fitted[c].shown ? fitted[c].width : 0;
            if (width != cases[i].wanted[c])
                fail_msg("in %zu columns: the %zuth gets %zu, not %zu", cases[i].width, c, width,
                         cases[i].wanted[c]);
            used += width;
            shown += fitted[c].shown;
        }
        used += (shown - 1) * EAR_LAYOUT_GAP;
        if (cases[i].width >= 58) assert_true(used <= cases[i].width);
    }
}

static void test_layout__of_nothing_is_nothing(void **state)
{
    (void)state;
    struct ear_layout_column one = {5, 9, 0, false}; /* shorter than it may be cut to */
    ear_layout_fit(NULL, 0, 80);
    ear_layout_fit(&one, 1, 3);
    assert_int_equal(one.width, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout__gives_way_in_order),
        cmocka_unit_test(test_layout__of_nothing_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
