#include "hear/care.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The test holds the text itself, so that it can look at what is left of it. */
static void test_secrets__are_wiped_by_who_holds_them_last(void **state)
{
    (void)state;
    static const char nothing[9];
    json_t *secrets = json_pack("[s,s]", "password", "");
    json_t *text = json_incref(json_array_get(secrets, 0));
    json_t *of_listener = json_incref(secrets);
    ear_secrets_forget(secrets);
    assert_string_equal(json_string_value(text), "password");
    ear_secrets_forget(of_listener);
    assert_memory_equal(json_string_value(text), nothing, sizeof(nothing));
    json_decref(text);
    ear_secrets_forget(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets__are_wiped_by_who_holds_them_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
