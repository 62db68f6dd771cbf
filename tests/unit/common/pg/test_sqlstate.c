#include "pg/sqlstate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_sqlstate__every_class_has_its_error(void **state)
{
    static const struct {
        const char *state;
        ear_err err;
        bool drop;
    } cases[] = {
        {NULL, EAR_UNAVAILABLE, true},    {"23505", EAR_DATA, false},
        {"22021", EAR_DATA, false},       {"22P03", EAR_INVALID, false},
        {"22P04", EAR_INVALID, false},    {"22012", EAR_AGAIN, false},
        {"40001", EAR_AGAIN, false},      {"40P01", EAR_AGAIN, false},
        {"55P03", EAR_AGAIN, false},      {"57014", EAR_AGAIN, false},
        {"57P01", EAR_UNAVAILABLE, true}, {"57P03", EAR_UNAVAILABLE, true},
        {"08006", EAR_UNAVAILABLE, true}, {"25006", EAR_UNAVAILABLE, true},
        {"26000", EAR_UNAVAILABLE, true}, {"0A000", EAR_AGAIN, true},
        {"42501", EAR_DENIED, false},     {"28P01", EAR_DENIED, false},
        {"42P01", EAR_INVALID, false},    {"42601", EAR_INVALID, false},
        {"53100", EAR_AGAIN, false},      {"54000", EAR_DATA, false},
        {"P0001", EAR_DATA, false},       {"XX000", EAR_AGAIN, false},
        {"", EAR_INVALID, false},
    };
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_pg_verdict verdict = ear_pg_judge(cases[i].state);
        assert_int_equal(verdict.err, cases[i].err);
        assert_int_equal(verdict.drop, cases[i].drop);
    }
}

static void test_sqlstate__knows_refusals_from_absence(void **state)
{
    (void)state;
    assert_true(ear_pg_is_refusal("FATAL:  password authentication failed for user \"x\""));
    assert_true(ear_pg_is_refusal("FATAL:  role \"x\" does not exist"));
    assert_true(ear_pg_is_refusal("FATAL:  database \"x\" does not exist"));
    assert_true(ear_pg_is_refusal("FATAL:  no pg_hba.conf entry for host \"1.2.3.4\""));
    assert_false(ear_pg_is_refusal("Connection refused"));
    assert_false(ear_pg_is_refusal("FATAL:  the database system is starting up"));
    assert_false(ear_pg_is_refusal(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sqlstate__every_class_has_its_error),
        cmocka_unit_test(test_sqlstate__knows_refusals_from_absence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
