#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "web/parcel.h"
#include <cmocka.h>

#define NOW (INT64_C(1795305600) * EAR_US_PER_S)
#define POST(id)                                                                    \
    "{\"platform\":\"forum\",\"external_id\":\"" id "\",\"author\":{\"id\":\"a\"}," \
    "\"text\":\"t\",\"created_at\":\"2026-03-04T05:06:07Z\"}"

static void test_parcel__numbers_lines_and_keeps_their_order(void **state)
{
    (void)state;
    struct ear_parcel parcel = {0};
    struct ear_buf out;
    ear_buf_init(&out, 1 << 16);
    const char *body = POST("1") "\r\n\n  \nnonsense\n" POST("2") "\n" POST("3");
    assert_int_equal(ear_parcel_read_lines(&parcel, ear_str_from(body), NOW, NULL), EAR_OK);
    assert_int_equal(parcel.post_count, 3);
    assert_int_equal(parcel.malformed, 1);
    const struct ear_post_result results[] = {
        {.kind = EAR_RESULT_STORED},
        {.kind = EAR_RESULT_REFUSED, .why = "why \"not\""},
        {.kind = EAR_RESULT_DUPLICATE},
    };
    assert_int_equal(ear_parcel_answer(&parcel, results, &out), EAR_OK);
    static const char *const want[] = {
        "{\"line\":1,\"status\":\"stored\",\"post_id\":\"00000000-0000-0000-0000-000000000000\"}",
        "{\"line\":4,\"status\":\"malformed\",\"error\":\"",
        "{\"line\":5,\"status\":\"refused\",\"error\":\"why \\\"not\\\"\"}",
        "{\"line\":6,\"status\":\"duplicate\",",
    };
    struct ear_str rest = ear_buf_str(&out), line;
    for (size_t i = 0; i < EAR_COUNT(want); i++) {
        assert_true(ear_str_split(&rest, '\n', &line));
        assert_true(ear_str_starts(line, ear_str_from(want[i])));
    }
    ear_parcel_release(&parcel);
    ear_buf_release(&out);
}

static void test_parcel__refuses_whole_bodies(void **state)
{
    (void)state;
    struct ear_buf many;
    ear_buf_init(&many, 1 << 20);
    for (int i = 0; i <= EAR_PARCEL_LINES_MAX; i++) {
        assert_int_equal(ear_buf_append_str(&many, EAR_STR("{}\n")), EAR_OK);
    }
    const struct {
        struct ear_str body;
        bool one;
        ear_err err;
    } rows[] = {
        {EAR_STR(""), false, EAR_INVALID},
        {EAR_STR("\n \n"), false, EAR_INVALID},
        {EAR_STR(""), true, EAR_INVALID},
        {EAR_STR("{}"), true, EAR_INVALID},
        {EAR_STR(POST("1")), true, EAR_OK},
        {EAR_STR(POST("1") POST("2")), true, EAR_INVALID},
        {ear_buf_str(&many), false, EAR_TOO_LARGE},
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_parcel parcel = {0};
        struct ear_diag diag;
        ear_err err = rows[i].one ? ear_parcel_read_one(&parcel, rows[i].body, NOW, &diag)
                                  : ear_parcel_read_lines(&parcel, rows[i].body, NOW, &diag);
        assert_int_equal(err, rows[i].err);
        ear_parcel_release(&parcel);
    }
    ear_buf_release(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parcel__numbers_lines_and_keeps_their_order),
        cmocka_unit_test(test_parcel__refuses_whole_bodies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
