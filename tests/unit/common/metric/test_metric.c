#include "metric/metric.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

EAR_METRIC_DEFINE(POSTS, COUNTER, "t_posts_total", "account,result", "Posts \\ \"taken\"\nby us.")
EAR_METRIC_DEFINE(IDLE, COUNTER, "t_idle_total", "", "Never used.")
EAR_METRIC_DEFINE(LAG, GAUGE, "t_lag_seconds", "", "Lag.")
EAR_METRIC_DEFINE(WAIT, HISTOGRAM, "t_wait_seconds", "lane", "Waiting.")
EAR_METRIC_DEFINE(SIZE, HISTOGRAM, "t_body_bytes", "", "Bodies.")
EAR_METRIC_DEFINE(MANY, COUNTER, "t_many_total", "who", "Too many labels.")

static struct ear_buf out;

static const char *render(void)
{
    ear_buf_reset(&out);
    assert_int_equal(ear_metric_render(&out), EAR_OK);
    return out.data;
}

static void assert_holds(const char *text)
{
    if (!strstr(render(), text)) fail_msg("no \"%s\" in:\n%s", text, out.data);
}

static void test_metric__counts_a_series_per_label_values(void **state)
{
    (void)state;
    ear_metric_add(&M_POSTS, 1, "firm", "new");
    ear_metric_add(&M_POSTS, 2, "firm", "old");
    ear_metric_add(&M_POSTS, 3.5, "firm", "new");
    ear_metric_add(&M_POSTS, 1, "a\"b\\c\nd", "new");
    assert_holds("# HELP t_posts_total Posts \\\\ \"taken\"\\nby us.\n"
                 "# TYPE t_posts_total counter\n"
                 "t_posts_total{account=\"firm\",result=\"new\"} 4.5\n"
                 "t_posts_total{account=\"firm\",result=\"old\"} 2\n"
                 "t_posts_total{account=\"a\\\"b\\\\c\\nd\",result=\"new\"} 1\n");
}

static void test_metric__shows_what_is_registered_as_zero(void **state)
{
    (void)state;
    assert_null(strstr(render(), "t_idle_total"));
    ear_metric_register(&M_IDLE);
    ear_metric_register(&M_IDLE);
    assert_holds("# TYPE t_idle_total counter\nt_idle_total 0\n");
    const char *first = strstr(out.data, "# TYPE t_idle_total");
    assert_null(strstr(first + 1, "# TYPE t_idle_total"));
}

static void test_metric__gauges_go_both_ways(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "\nt_lag_seconds 0\n"},
        {-1.25, "\nt_lag_seconds -1.25\n"},
        {0.1, "\nt_lag_seconds 0.1\n"},
        {1795312328, "\nt_lag_seconds 1795312328\n"},
        {1e300, "\nt_lag_seconds 1e+300\n"},
        {INFINITY, "\nt_lag_seconds +Inf\n"},
        {-INFINITY, "\nt_lag_seconds -Inf\n"},
        {NAN, "\nt_lag_seconds NaN\n"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        ear_metric_set(&M_LAG, cases[i].value);
        assert_holds(cases[i].text);
    }
    ear_metric_set(&M_LAG, 5);
    ear_metric_add(&M_LAG, -2);
    assert_holds("\nt_lag_seconds 3\n");
}

static void test_metric__histograms_accumulate(void **state)
{
    (void)state;
    ear_metric_observe(&M_WAIT, 0.001, "live");
    ear_metric_observe(&M_WAIT, 0.02, "live");
    ear_metric_observe(&M_WAIT, 1, "live");
    ear_metric_observe(&M_WAIT, 5000, "live");
    assert_holds("t_wait_seconds_bucket{lane=\"live\",le=\"0.001\"} 1\n"
                 "t_wait_seconds_bucket{lane=\"live\",le=\"0.003\"} 1\n"
                 "t_wait_seconds_bucket{lane=\"live\",le=\"0.01\"} 1\n"
                 "t_wait_seconds_bucket{lane=\"live\",le=\"0.03\"} 2\n"
                 "t_wait_seconds_bucket{lane=\"live\",le=\"0.1\"} 2\n"
                 "t_wait_seconds_bucket{lane=\"live\",le=\"0.3\"} 2\n"
                 "t_wait_seconds_bucket{lane=\"live\",le=\"1\"} 3\n");
    assert_holds("t_wait_seconds_bucket{lane=\"live\",le=\"1000\"} 3\n"
                 "t_wait_seconds_bucket{lane=\"live\",le=\"+Inf\"} 4\n"
                 "t_wait_seconds_sum{lane=\"live\"} 5001.021\n"
                 "t_wait_seconds_count{lane=\"live\"} 4\n");
    ear_metric_observe(&M_SIZE, 300);
    assert_holds("t_body_bytes_bucket{le=\"256\"} 0\nt_body_bytes_bucket{le=\"1024\"} 1\n");
}

static void test_metric__has_a_ceiling_of_series(void **state)
{
    (void)state;
    char who[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(who, sizeof(who), "w%d", i);
        ear_metric_add(&M_MANY, 1, who);
    }
    ear_metric_add(&M_MANY, 1, "w0");
    assert_int_equal(M_MANY.series_count, 256);
    assert_holds("t_many_total{who=\"w0\"} 2\n");
    assert_holds("t_many_total{who=\"w254\"} 1\n");
    assert_holds("t_many_total{who=\"other\"} 745\n");
    assert_null(strstr(out.data, "\"w255\""));
}

static void test_metric_render__says_when_it_does_not_fit(void **state)
{
    (void)state;
    struct ear_buf small;
    ear_buf_init(&small, 200);
    assert_int_equal(ear_metric_render(&small), EAR_TOO_LARGE);
    ear_buf_release(&small);
}

static void test_metric_render__tells_of_the_process(void **state)
{
    (void)state;
    static const char *const names[] = {"\nprocess_cpu_seconds_total ", "\nprocess_open_fds ",
                                        "\nprocess_resident_memory_bytes ", "\nprocess_max_fds "};
    render();
    for (size_t i = 0; i < EAR_COUNT(names); i++) {
        const char *at = strstr(out.data, names[i]);
        assert_non_null(at);
        assert_true(at[strlen(names[i])] != '0' || i == 0);
    }
}

static int start(void **state)
{
    (void)state;
    ear_buf_init(&out, 1 << 20);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    ear_buf_release(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metric__counts_a_series_per_label_values),
        cmocka_unit_test(test_metric__shows_what_is_registered_as_zero),
        cmocka_unit_test(test_metric__gauges_go_both_ways),
        cmocka_unit_test(test_metric__histograms_accumulate),
        cmocka_unit_test(test_metric__has_a_ceiling_of_series),
        cmocka_unit_test(test_metric_render__says_when_it_does_not_fit),
        cmocka_unit_test(test_metric_render__tells_of_the_process),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
