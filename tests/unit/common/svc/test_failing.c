#include "svc/failing.h"

#include <jansson.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static json_t *written(struct ear_failing *failing)
{
    struct ear_buf text;
    ear_buf_init(&text, 1 << 16);
    assert_int_equal(ear_buf_append_char(&text, '{'), EAR_OK);
    assert_int_equal(ear_failing_write(failing, "unheard", &text), EAR_OK);
    assert_int_equal(ear_buf_append_char(&text, '}'), EAR_OK);
    json_t *object = json_loadb(text.data, text.len, 0, NULL);
    assert_non_null(object);
    ear_buf_release(&text);
    return object;
}

static void test_failing__says_who_since_when_and_why(void **state)
{
    (void)state;
    struct ear_failing failing;
    ear_failing_init(&failing);
    ear_failing_add(&failing, "@shop", "mail", INT64_C(1772600767123456), "login refused: \xff!");
    json_t *made = written(&failing);
    json_t *wanted = json_loads("{\"unheard_accounts\":1,\"unheard\":[{\"account\":\"@shop\","
                                "\"connector\":\"mail\",\"since\":\"2026-03-04T05:06:07.123456Z\","
                                "\"why\":\"login refused: \xef\xbf\xbd!\"}]}",
                                0, NULL);
    assert_true(json_equal(made, wanted));
    json_decref(wanted);
    json_decref(made);
}

static void test_failing__names_sixteen_and_counts_all(void **state)
{
    (void)state;
    struct ear_failing failing;
    ear_failing_init(&failing);
    for (int i = 0; i < 40; i++) ear_failing_add(&failing, "@shop", "mail", 1, "away");
    json_t *made = written(&failing);
    assert_int_equal(json_integer_value(json_object_get(made, "unheard_accounts")), 40);
    assert_int_equal(json_array_size(json_object_get(made, "unheard")), 16);
    json_decref(made);
}

static void test_failing__none_is_an_empty_list(void **state)
{
    (void)state;
    struct ear_failing failing;
    ear_failing_init(&failing);
    json_t *made = written(&failing);
    json_t *wanted = json_loads("{\"unheard_accounts\":0,\"unheard\":[]}", 0, NULL);
    assert_true(json_equal(made, wanted));
    json_decref(wanted);
    json_decref(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failing__says_who_since_when_and_why),
        cmocka_unit_test(test_failing__names_sixteen_and_counts_all),
        cmocka_unit_test(test_failing__none_is_an_empty_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
