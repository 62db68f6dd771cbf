/* Files replaced under a running service: taken, refused, gone, and back. */
#include "care_model.h"
#include "supply.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <signal.h>

struct rig {
    struct ear_loop *loop;
    struct ear_supply *supply;
    struct ear_classifier_settings settings;
    char folder[64], model[96], topics[96], rules[96];
    unsigned loaded;
};

static void on_loaded(void *self)
{
    ((struct rig *)self)->loaded++;
}

static void put(const char *path, const char *text)
{
    assert_int_equal(ear_file_write(path, ear_str_from(text), 0644, NULL), EAR_OK);
}

static int set_up(void **state)
{
    struct rig *rig = ear_alloc(sizeof *rig);
    (void)snprintf(rig->folder, sizeof rig->folder, "/tmp/test_supply_XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    (void)snprintf(rig->model, sizeof rig->model, "%s/model", rig->folder);
    (void)snprintf(rig->topics, sizeof rig->topics, "%s/topics", rig->folder);
    (void)snprintf(rig->rules, sizeof rig->rules, "%s/rules", rig->folder);
    rig->settings = (struct ear_classifier_settings){
        .model = rig->model, .topics = rig->topics, .rules = rig->rules};
    care_model_put(rig->model, "care-1", care_topics, 0.5F);
    care_model_put(rig->topics, "topics-1", care_topics, 0.5F);
    put(rig->rules, "2 safety: smoke\n");
    assert_int_equal(ear_loop_new(&rig->loop), EAR_OK);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    ear_supply_free(&rig->supply);
    ear_loop_free(&rig->loop);
    (void)unlink(rig->model);
    (void)unlink(rig->topics);
    (void)unlink(rig->rules);
    assert_int_equal(rmdir(rig->folder), 0);
    EAR_FREE(rig);
    return 0;
}

static void start(struct rig *rig)
{
    struct ear_diag diag = {0};
    if (ear_supply_new(&rig->supply, rig->loop, &rig->settings, on_loaded, rig, &diag))
        fail_msg("%s", diag.text);
}

static void turn_until_loaded(struct rig *rig, unsigned times)
{
    int64_t end = ear_clock_mono_ms() + 20000;
    while (rig->loaded < times && ear_clock_mono_ms() < end) ear_loop_turn(rig->loop, 100);
    assert_int_equal(rig->loaded, times);
}

static void turn_for(struct rig *rig, int64_t ms)
{
    int64_t end = ear_clock_mono_ms() + ms;
    while (ear_clock_mono_ms() < end) ear_loop_turn(rig->loop, 50);
}

static const char *version(const struct rig *rig)
{
    return ear_triager_version(ear_supply_triager(rig->supply));
}

static unsigned urgency_of(struct rig *rig, const char *text)
{
    struct ear_triage_post post = {.text = ear_str_from(text)};
    struct ear_triage out;
    ear_triage(ear_supply_triager(rig->supply), &post, &out);
    return out.urgency;
}

static void test_supply__reads_all_files_at_first(void **state)
{
    struct rig *rig = *state;
    start(rig);
    assert_non_null(strstr(version(rig), "care-1 "));
    assert_non_null(strstr(version(rig), " + topics-1 "));
    assert_int_equal(urgency_of(rig, "smoke"), 2);
}

#ifdef EAR_FAULTS
static void test_supply__takes_a_file_up_again_that_it_had_no_memory_for(void **state)
{
    struct rig *rig = *state;
    start(rig);
    put(rig->rules, "2 safety: fire\n");
    setenv("EAR_FAULT", "alloc:*1=fail", 1);
    turn_for(rig, 3000); /* it looks every 2 s */
    unsetenv("EAR_FAULT");
    assert_int_equal(rig->loaded, 0);
    turn_until_loaded(rig, 1);
    (void)ear_supply_refresh(rig->supply);
    assert_int_equal(urgency_of(rig, "fire"), 2);
}
#endif

static void test_supply__says_which_file_is_wrong_at_first(void **state)
{
    struct rig *rig = *state;
    static const char *const keys[] = {"EAR_CLASSIFIER_MODEL", "EAR_CLASSIFIER_TOPICS",
                                       "EAR_CLASSIFIER_RULES"};
    const char *const files[] = {rig->model, rig->topics, rig->rules};
    for (int i = 2; i >= 0; i--) {
        struct ear_diag diag = {0};
        put(files[i], "garbage");
        assert_int_not_equal(
            ear_supply_new(&rig->supply, rig->loop, &rig->settings, on_loaded, rig, &diag), EAR_OK);
        assert_null(rig->supply);
        assert_non_null(strstr(diag.text, keys[i]));
        assert_non_null(strstr(diag.text, files[i]));
    }
}

/* Every two seconds by itself; put in place only when asked. */
static void test_supply__a_replaced_file_is_noticed(void **state)
{
    struct rig *rig = *state;
    start(rig);
    care_model_put(rig->model, "care-2", care_topics, 0.5F);
    turn_until_loaded(rig, 1);
    assert_non_null(strstr(version(rig), "care-1 "));
    assert_true(ear_supply_refresh(rig->supply));
    assert_non_null(strstr(version(rig), "care-2 "));
    assert_non_null(strstr(version(rig), " + topics-1 "));
    assert_false(ear_supply_refresh(rig->supply));
}

static void test_supply__a_hangup_reads_all_again(void **state)
{
    struct rig *rig = *state;
    start(rig);
    put(rig->rules, "1 safety: smoke\n");
    assert_int_equal(raise(SIGHUP), 0);
    turn_until_loaded(rig, 3);
    assert_true(ear_supply_refresh(rig->supply));
    assert_int_equal(urgency_of(rig, "smoke"), 1);
}

static void test_supply__what_is_refused_or_gone_changes_nothing(void **state)
{
    struct rig *rig = *state;
    start(rig);
    put(rig->model, "EARMODEL but not really");
    put(rig->rules, "9 nonsense\n");
    assert_int_equal(unlink(rig->topics), 0);
    assert_int_equal(raise(SIGHUP), 0);
    turn_for(rig, 2500);
    assert_int_equal(rig->loaded, 0);
    assert_false(ear_supply_refresh(rig->supply));
    assert_non_null(strstr(version(rig), "care-1 "));
    assert_non_null(strstr(version(rig), " + topics-1 "));
    assert_int_equal(urgency_of(rig, "smoke"), 2);
    care_model_put(rig->model, "care-3", care_topics, 0.5F); /* mended */
    turn_until_loaded(rig, 1);
    assert_true(ear_supply_refresh(rig->supply));
    assert_non_null(strstr(version(rig), "care-3 "));
}

static void test_supply__may_end_while_it_reads(void **state)
{
    struct rig *rig = *state;
    start(rig);
    assert_int_equal(raise(SIGHUP), 0);
    ear_loop_turn(rig->loop, 10);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_supply__reads_all_files_at_first),
#ifdef EAR_FAULTS
        TEST(test_supply__takes_a_file_up_again_that_it_had_no_memory_for),
#endif
        TEST(test_supply__says_which_file_is_wrong_at_first),
        TEST(test_supply__a_replaced_file_is_noticed),
        TEST(test_supply__a_hangup_reads_all_again),
        TEST(test_supply__what_is_refused_or_gone_changes_nothing),
        TEST(test_supply__may_end_while_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
