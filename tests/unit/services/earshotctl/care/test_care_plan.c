#include "base/base.h"
#include "care/care_plan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct plan_case {
    const char *now, *wanted, *plan;
};

static json_t *load(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);
    if (!value) fail_msg("not JSON: %s", text);
    return value;
}

static void test_care_plan__says_what_differs(void **state)
{
    (void)state;
    static const struct plan_case cases[] = {
        {"{}", "{}", "[]"},
        {"{\"team\":[]}", "{\"team\":[{\"team_id\":\"a\"}]}",
         "[{\"do\":\"add\",\"what\":\"team\",\"id\":\"a\",\"fields\":[]}]"},
        {"{\"agent\":[{\"agent_id\":\"a\"}]}", "{\"agent\":[]}",
         "[{\"do\":\"remove\",\"what\":\"agent\",\"id\":\"a\",\"fields\":[]}]"},
        {"{\"agent\":[{\"agent_id\":\"a\",\"capacity\":1,\"name\":\"A\"}]}",
         "{\"agent\":[{\"agent_id\":\"a\",\"capacity\":2,\"name\":\"A\"}]}",
         "[{\"do\":\"change\",\"what\":\"agent\",\"id\":\"a\",\"fields\":"
         "[{\"field\":\"capacity\",\"from\":1,\"to\":2}]}]"},
        /* Order of rows and of members does not matter, order in lists does. */
        {"{\"team\":[{\"team_id\":\"a\",\"name\":\"A\"},{\"team_id\":\"b\"}]}",
         "{\"team\":[{\"team_id\":\"b\"},{\"name\":\"A\",\"team_id\":\"a\"}]}", "[]"},
        {"{\"team\":[{\"team_id\":\"a\",\"languages\":[\"en\",\"de\"]}]}",
         "{\"team\":[{\"team_id\":\"a\",\"languages\":[\"de\",\"en\"]}]}",
         "[{\"do\":\"change\",\"what\":\"team\",\"id\":\"a\",\"fields\":"
         "[{\"field\":\"languages\",\"from\":[\"en\",\"de\"],\"to\":[\"de\",\"en\"]}]}]"},
        /* A column that the database does not have yet. */
        {"{\"policy\":[{\"policy_id\":\"p\"}]}", "{\"policy\":[{\"policy_id\":\"p\",\"new\":1}]}",
         "[{\"do\":\"change\",\"what\":\"policy\",\"id\":\"p\",\"fields\":"
         "[{\"field\":\"new\",\"from\":null,\"to\":1}]}]"},
        /* Tables in their order; within one first what is wanted, then what goes. */
        {"{\"account\":[{\"account_id\":\"x\"}],\"team\":[{\"team_id\":\"x\"}]}",
         "{\"account\":[{\"account_id\":\"y\"}],\"team\":[{\"team_id\":\"y\"}]}",
         "[{\"do\":\"add\",\"what\":\"team\",\"id\":\"y\",\"fields\":[]},"
         "{\"do\":\"remove\",\"what\":\"team\",\"id\":\"x\",\"fields\":[]},"
         "{\"do\":\"add\",\"what\":\"account\",\"id\":\"y\",\"fields\":[]},"
         "{\"do\":\"remove\",\"what\":\"account\",\"id\":\"x\",\"fields\":[]}]"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        json_t *now = load(cases[i].now), *wanted = load(cases[i].wanted);
        json_t *plan = ear_care_plan(now, wanted), *expected = load(cases[i].plan);
        char *text = json_dumps(plan, JSON_COMPACT);
        if (!json_equal(plan, expected)) fail_msg("%s instead of %s", text, cases[i].plan);
        free(text);
        json_decref(expected);
        json_decref(plan);
        json_decref(wanted);
        json_decref(now);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_care_plan__says_what_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
