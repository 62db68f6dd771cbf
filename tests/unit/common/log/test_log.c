#include "log/log.h"
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct ear_event EV_THING = {EAR_LOG_INFO, "test.thing", "A thing happened."};
static const struct ear_event EV_DETAIL = {EAR_LOG_DEBUG, "test.detail", "A detail of it."};
static const struct ear_event EV_ALARM = {EAR_LOG_WARN, "test.alarm", "It went wrong."};

static int ends[2];
static char caught[65536];

/* What was written since the last call, without the time that leads each line. */
static const char *catch_line(void)
{
    ssize_t got = read(ends[0], caught, sizeof(caught) - 1);
    caught[got > 0 ? got : 0] = '\0';
    const char *level = strstr(caught, " level=");
    return level ? level + 1 : caught;
}

static void test_log__writes_one_logfmt_line(void **state)
{
    (void)state;
    struct ear_id id = {.b = {1}};
    struct ear_diag diag;
    ear_fail(&diag, EAR_LIMITED, "wait 3 s");
    ear_log(&EV_THING);
    assert_string_equal(catch_line(), "level=info svc=ingest event=test.thing\n");
    ear_log(&EV_THING, kv_text("peer", "3fa9"), kv_int("credit", -5), kv_real("lag", 0.25),
            kv_id("post", &id), kv_str("part", ((struct ear_str){"abcdef", 3})));
    assert_string_equal(catch_line(),
                        "level=info svc=ingest event=test.thing peer=3fa9 credit=-5 lag=0.25 "
                        "post=01000000-0000-0000-0000-000000000000 part=abc\n");
    ear_log(&EV_THING, kv_diag(&diag), kv_id("case", NULL), kv_text("none", NULL));
    assert_string_equal(catch_line(), "level=info svc=ingest event=test.thing err=limited "
                                      "why=\"wait 3 s\" case=\"\" none=\"\"\n");
}

static void test_log__begins_with_milliseconds(void **state)
{
    (void)state;
    int64_t at_us;
    ear_log(&EV_THING);
    catch_line();
    assert_memory_equal(caught, "ts=", 3);
    struct ear_str ts = {caught + 3, 24};
    assert_int_equal(ts.ptr[19], '.');
    assert_int_equal(ts.ptr[23], 'Z');
    assert_int_equal(ear_time_parse(ts, &at_us), EAR_OK);
    assert_true(llabs(ear_clock_wall_us() - at_us) < 10 * EAR_US_PER_S);
}

static void test_log__values_cannot_forge_a_line(void **state)
{
    (void)state;
    static const struct {
        struct ear_str value;
        const char *written;
    } cases[] = {
        {{"plain-1.2:3/4", 13}, "plain-1.2:3/4"},
        {{"two words", 9}, "\"two words\""},
        {{"a=b", 3}, "\"a=b\""},
        {{"x\nlevel=fatal", 13}, "\"x\\nlevel=fatal\""},
        {{"\r\t\"\\", 4}, "\"\\r\\t\\\"\\\\\""},
        {{"\0\x1b[2J\x7f", 6}, "\"\\x00\\x1b[2J\\x7f\""},
        {{"gr\xc3\xbc\xc3\x9f", 6}, "\"gr\xc3\xbc\xc3\x9f\""},
        {{"\xf0\x9f\x98\x80", 4}, "\"\xf0\x9f\x98\x80\""},
        {{"\xc2\x9b", 2}, "\"\\xc2\\x9b\""},          /* a C1 control: CSI */
        {{"\xc0\x8a", 2}, "\"\\xc0\\x8a\""},          /* an overlong line feed */
        {{"\xe0\x80\x8a", 3}, "\"\\xe0\\x80\\x8a\""}, /* another */
        {{"\xf0\x80\x80\x8a", 4}, "\"\\xf0\\x80\\x80\\x8a\""},
        {{"\xed\xa0\x80", 3}, "\"\\xed\\xa0\\x80\""}, /* a surrogate */
        {{"\xf4\x90\x80\x80", 4}, "\"\\xf4\\x90\\x80\\x80\""},
        {{"\xff\xfe", 2}, "\"\\xff\\xfe\""},
        {{"\xc3", 1}, "\"\\xc3\""},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        ear_log(&EV_THING, kv_str("v", cases[i].value));
        const char *value = strstr(catch_line(), " v=");
        assert_non_null(value);
        assert_int_equal(strlen(value), strlen(cases[i].written) + 4);
        assert_memory_equal(value + 3, cases[i].written, strlen(cases[i].written));
        assert_ptr_equal(strchr(caught, '\n'), caught + strlen(caught) - 1);
    }
}

static void test_log__cuts_values_and_lines(void **state)
{
    (void)state;
    char many[3000];
    memset(many, 'x', sizeof(many));
    struct ear_str value = {many, sizeof(many)};
    struct ear_str longest = {many, 512};
    ear_log(&EV_THING, kv_str("v", longest));
    assert_true(strlen(strstr(catch_line(), " v=")) == 512 + 4);
    ear_log(&EV_THING, kv_str("v", value));
    assert_non_null(strstr(catch_line(), "x…\"\n"));
    assert_true(strlen(caught) < 650);
    memset(many, '\n', sizeof(many));
    ear_log(&EV_THING, kv_str("a", value), kv_str("b", value), kv_str("c", value),
            kv_str("d", value), kv_str("e", value), kv_str("f", value), kv_str("g", value),
            kv_str("h", value), kv_str("i", value), kv_int("z", 1));
    catch_line();
    assert_true(strlen(caught) <= 4096);
    assert_non_null(strstr(caught, " cut=yes\n"));
    assert_null(strstr(caught, " h="));
}

static void test_log__keeps_below_the_least_level(void **state)
{
    (void)state;
    ear_log(&EV_DETAIL);
    ear_log(&EV_THING);
    assert_string_equal(catch_line(), "level=info svc=ingest event=test.thing\n");
    ear_log_start("ingest", EAR_LOG_DEBUG);
    ear_log(&EV_DETAIL);
    assert_string_equal(catch_line(), "level=debug svc=ingest event=test.detail\n");
    ear_log_start("ingest", EAR_LOG_INFO);
}

static void test_log__leaves_errno_alone(void **state)
{
    (void)state;
    ear_log_to(-1);
    errno = ENOENT;
    ear_log(&EV_THING);
    assert_int_equal(errno, ENOENT);
    ear_log_to(ends[1]);
}

static bool readable(void)
{
    struct pollfd look = {.fd = ends[0], .events = POLLIN};
    return poll(&look, 1, 0) == 1;
}

static void test_log__holds_lines_until_released(void **state)
{
    (void)state;
    ear_log_hold();
    ear_log(&EV_THING, kv_int("n", 1));
    ear_log(&EV_THING, kv_int("n", 2));
    assert_false(readable());
    ear_log_release();
    assert_non_null(strstr(catch_line(), "n=2"));
    /* A warning goes out at once, behind what was held. */
    ear_log_hold();
    ear_log(&EV_THING, kv_int("n", 3));
    ear_log(&EV_ALARM, kv_int("n", 4));
    const char *lines = catch_line();
    assert_true(strstr(lines, "n=3") < strstr(lines, "n=4"));
    ear_log_release();
    assert_false(readable());
}

static void test_log_level__is_one_of_four_words(void **state)
{
    (void)state;
    ear_level level = EAR_LOG_INFO;
    assert_int_equal(ear_log_parse_level(EAR_STR("debug"), &level), EAR_OK);
    assert_int_equal(level, EAR_LOG_DEBUG);
    assert_int_equal(ear_log_parse_level(EAR_STR("error"), &level), EAR_OK);
    assert_int_equal(level, EAR_LOG_ERROR);
    assert_int_equal(ear_log_parse_level(EAR_STR("Error"), &level), EAR_INVALID);
    assert_int_equal(ear_log_parse_level(EAR_STR(""), &level), EAR_INVALID);
    assert_int_equal(level, EAR_LOG_ERROR);
}

static void test_log_gate__opens_once_an_interval(void **state)
{
    (void)state;
    struct ear_log_gate gate = {0};
    uint64_t suppressed = 99;
    assert_true(ear_log_gate_open(&gate, 5000, 1000, &suppressed));
    assert_int_equal(suppressed, 0);
    assert_false(ear_log_gate_open(&gate, 5001, 1000, &suppressed));
    assert_false(ear_log_gate_open(&gate, 5999, 1000, NULL));
    assert_true(ear_log_gate_open(&gate, 6000, 1000, &suppressed));
    assert_int_equal(suppressed, 2);
    assert_true(ear_log_gate_open(&gate, 7000, 1000, &suppressed));
    assert_int_equal(suppressed, 0);
}

static int start(void **state)
{
    (void)state;
    ear_log_start("ingest", EAR_LOG_INFO);
    if (pipe(ends) != 0) return -1;
    ear_log_to(ends[1]);
    return 0;
}

static void test_log_budget__lets_the_first_lines_through_and_counts_the_rest(void **state)
{
    (void)state;
    struct ear_log_budget budget = {0};
    uint64_t suppressed = 99;
    for (int i = 0; i < EAR_LOG_BUDGET_LINES; i++) {
        assert_true(ear_log_budget_spend(&budget, 7000 + i, &suppressed));
        assert_int_equal(suppressed, 0);
    }
    for (int i = 0; i < 1000; i++)
        assert_false(ear_log_budget_spend(&budget, 7000 + i, &suppressed));
    assert_true(ear_log_budget_spend(&budget, 7000 + EAR_LOG_BUDGET_MS, &suppressed));
    assert_int_equal(suppressed, 1000);
    assert_true(ear_log_budget_spend(&budget, 7001 + EAR_LOG_BUDGET_MS, &suppressed));
    assert_int_equal(suppressed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log__writes_one_logfmt_line),
        cmocka_unit_test(test_log__begins_with_milliseconds),
        cmocka_unit_test(test_log__values_cannot_forge_a_line),
        cmocka_unit_test(test_log__cuts_values_and_lines),
        cmocka_unit_test(test_log__keeps_below_the_least_level),
        cmocka_unit_test(test_log__leaves_errno_alone),
        cmocka_unit_test(test_log__holds_lines_until_released),
        cmocka_unit_test(test_log_level__is_one_of_four_words),
        cmocka_unit_test(test_log_gate__opens_once_an_interval),
        cmocka_unit_test(test_log_budget__lets_the_first_lines_through_and_counts_the_rest),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
