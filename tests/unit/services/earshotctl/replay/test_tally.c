#include "replay/tally.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const size_t numbers[] = {7, 8, 11};

/* *told is what was said, owned by the caller. */
static ear_err read_answer(struct ear_tally *tally, const char *answer, char **told)
{
    size_t len;
    struct ear_diag diag = {0};
    FILE *out = open_memstream(told, &len);
    ear_err err =
        ear_tally_answer(tally, ear_str_from(answer), numbers, EAR_COUNT(numbers), out, &diag);
    fclose(out);
    assert_int_equal(err != EAR_OK, diag.text[0] != '\0');
    return err;
}

static void test_tally_answer__counts_by_status(void **state)
{
    (void)state;
    char *told;
    struct ear_tally tally = {0};
    assert_int_equal(
        read_answer(&tally,
                    "{\"line\":1,\"status\":\"stored\",\"post_id\":\"x\"}\n"
                    "{\"line\":2,\"status\":\"malformed\",\"error\":\"text is missing\"}\n"
                    "{\"line\":3,\"status\":\"duplicate\",\"later\":[1]}\n",
                    &told),
        EAR_OK);
    assert_string_equal(told, "earshotctl: line 8: malformed: text is missing\n");
    free(told);
    assert_int_equal(read_answer(&tally,
                                 "{\"line\":1,\"status\":\"tombstoned\"}\n\n"
                                 "{\"line\":3,\"status\":\"refused\",\"error\":\"too old\"}\n"
                                 "{\"line\":2,\"status\":\"stored\"}",
                                 &told),
                     EAR_OK);
    assert_string_equal(told, "earshotctl: line 11: refused: too old\n");
    free(told);
    json_t *sum = ear_tally_json(&tally, 1.5), *wanted;
    wanted =
        json_loads("{\"lines\":6,\"malformed\":1,\"stored\":2,\"duplicates\":1,\"tombstoned\":1,"
                   "\"refused\":1,\"seconds\":1.5}",
                   0, NULL);
    assert_true(json_equal(sum, wanted));
    json_decref(wanted);
    json_decref(sum);
}

static void test_tally_answer__counts_nothing_of_a_strange_answer(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "",
        "{}",
        "<html>",
        "{\"line\":1,\"status\":\"stored\"}\n",
        "{\"line\":1,\"status\":\"stored\"}\n{\"line\":2,\"status\":\"stored\"}\n"
        "{\"line\":4,\"status\":\"stored\"}\n",
        "{\"line\":1,\"status\":\"stored\"}\n{\"line\":2,\"status\":\"stored\"}\n"
        "{\"line\":0,\"status\":\"stored\"}\n",
        "{\"line\":1,\"status\":\"stored\"}\n{\"line\":2,\"status\":\"stored\"}\n"
        "{\"status\":\"stored\"}\n",
        "{\"line\":1,\"status\":\"stored\"}\n{\"line\":2,\"status\":\"stored\"}\n"
        "{\"line\":3,\"status\":\"eaten\"}\n",
        "{\"line\":1,\"status\":\"stored\"}\n{\"line\":2,\"status\":\"stored\"}\n"
        "{\"line\":3,\"status\":\"stored\"}\n{\"line\":3,\"status\":\"stored\"}\n",
    };
    struct ear_tally tally = {0};
    for (size_t i = 0; i < EAR_COUNT(answers); i++) {
        char *told;
        if (read_answer(&tally, answers[i], &told) != EAR_INVALID)
            fail_msg("taken: %s", answers[i]);
        assert_int_equal(tally.lines, 0);
        assert_int_equal(tally.stored, 0);
        free(told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tally_answer__counts_by_status),
        cmocka_unit_test(test_tally_answer__counts_nothing_of_a_strange_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
