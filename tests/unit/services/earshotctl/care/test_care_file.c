/* care.yaml by tables: what good files become, and which line of a bad one is blamed for what. */
#include "care/care_file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TEAM "teams: [{ id: care, name: Care, default: true }]\n"

/* Parses; *told is what was said, owned by the caller. */
static json_t *parse(const char *text, char **told)
{
    size_t len;
    json_t *care = NULL;
    FILE *out = open_memstream(told, &len);
    ear_err err = ear_care_parse(ear_str_from(text), "f", &care, out);
    fclose(out);
    assert_int_equal(err == EAR_OK, care != NULL);
    assert_int_equal(err == EAR_OK, **told == '\0');
    return care;
}

static json_t *parse_good(const char *text)
{
    char *told;
    json_t *care = parse(text, &told);
    if (!care) fail_msg("refused: %s", told);
    free(told);
    return care;
}

static void expect_json(const json_t *value, const char *wanted)
{
    json_t *other = json_loads(wanted, JSON_DECODE_ANY, NULL);
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    assert_non_null(other);
    if (!json_equal(value, other)) fail_msg("%s instead of %s", text, wanted);
    free(text);
    json_decref(other);
}

static void test_care_parse__fills_in_what_is_left_out(void **state)
{
    (void)state;
    json_t *care =
        parse_good("firm: F\n" TEAM "accounts: [{ id: '@f', platform: feed, team: care }]\n"
                   "agents: [{ id: ana, name: Ana, team: care, capacity: 3 }]\n"
                   "policies: [{ id: p }]\n");
    expect_json(
        care,
        "{\"firm\":\"F\","
        "\"team\":[{\"team_id\":\"care\",\"name\":\"Care\",\"is_default\":true,\"languages\":[],"
        "\"topics\":[]}],"
        "\"account\":[{\"account_id\":\"@f\",\"platform\":\"feed\",\"author_id\":\"\","
        "\"team_id\":\"care\",\"settings\":{},\"secrets\":[],\"enabled\":true}],"
        "\"agent\":[{\"agent_id\":\"ana\",\"name\":\"Ana\",\"team_id\":\"care\",\"capacity\":3,"
        "\"sign_off\":\"\",\"languages\":[],\"shifts\":[]}],"
        "\"policy\":[{\"policy_id\":\"p\",\"team_id\":null,\"platform\":null,"
        "\"first_response_s\":900,\"warn_before_s\":300,\"reopen_within_s\":604800}]}");
    json_decref(care);
}

static void test_care_parse__takes_every_field(void **state)
{
    (void)state;
    json_t *care = parse_good(
        "firm: F\n"
        "teams:\n"
        "  - { id: care, name: Care, default: true, languages: [en, de], topics: [billing, howto] "
        "}\n"
        "accounts:\n"
        "  - { id: a, platform: mail, team: care, author_id: a@f.example, enabled: false,\n"
        "      secrets: [one, two.key], settings: { host: h, port: '25' } }\n"
        "policies:\n"
        "  - { id: p, team: care, platform: mail, first_response: 2h, warn_before: 90s, "
        "reopen_within: 3d }\n");
    expect_json(json_array_get(json_object_get(care, "team"), 0),
                "{\"team_id\":\"care\",\"name\":\"Care\",\"is_default\":true,"
                "\"languages\":[\"en\",\"de\"],\"topics\":[\"billing\",\"howto\"]}");
    expect_json(json_array_get(json_object_get(care, "account"), 0),
                "{\"account_id\":\"a\",\"platform\":\"mail\",\"author_id\":\"a@f.example\","
                "\"team_id\":\"care\",\"settings\":{\"host\":\"h\",\"port\":\"25\"},"
                "\"secrets\":[\"one\",\"two.key\"],\"enabled\":false}");
    expect_json(json_array_get(json_object_get(care, "policy"), 0),
                "{\"policy_id\":\"p\",\"team_id\":\"care\",\"platform\":\"mail\","
                "\"first_response_s\":7200,\"warn_before_s\":90,\"reopen_within_s\":259200}");
    json_decref(care);
}

static void test_care_parse__orders_shifts_as_the_database_tells_them(void **state)
{
    (void)state;
    json_t *care = parse_good("firm: F\n" TEAM "agents:\n  - id: a\n    name: A\n    team: care\n"
                              "    capacity: 1\n    shifts:\n"
                              "    - { days: sat, from: '08:00', to: '09:00', zone: UTC }\n"
                              "    - { days: daily, from: '21:00', to: '24:00', zone: UTC }\n"
                              "    - { days: daily, from: '00:00', to: '06:00', zone: UTC }\n"
                              "    - { days: mon, from: '09:00', to: '12:00', zone: UTC }\n"
                              "    - { days: mon, from: '09:00', to: '11:00', zone: UTC }\n");
    const json_t *shifts =
        json_object_get(json_array_get(json_object_get(care, "agent"), 0), "shifts");
    static const char *const until[] = {"11:00", "12:00", "06:00", "24:00", "09:00"};
    assert_int_equal(json_array_size(shifts), EAR_COUNT(until));
    for (size_t i = 0; i < EAR_COUNT(until); i++)
        assert_string_equal(
            json_string_value(json_object_get(json_array_get(shifts, i), "to_time")), until[i]);
    json_decref(care);
}

static void test_care_parse__reads_days_of_shifts(void **state)
{
    (void)state;
    static const struct {
        const char *days, *wanted;
    } cases[] = {
        {"daily", "[1,2,3,4,5,6,7]"},
        {"mon-fri", "[1,2,3,4,5]"},
        {"sat", "[6]"},
        {"'mon,wed,fri'", "[1,3,5]"},
        {"sat-mon", "[1,6,7]"},
        {"'fri-sun, tue'", "[2,5,6,7]"},
        {"'mon,mon'", "[1]"},
        {"'mon-tue,tue-wed'", "[1,2,3]"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        char text[512];
        snprintf(text, sizeof(text),
                 "firm: F\n" TEAM "agents:\n  - { id: a, name: A, team: care, capacity: 1, shifts: "
                 "[{ days: %s, from: '08:30', to: '24:00', zone: Europe/London }] }\n",
                 cases[i].days);
        json_t *care = parse_good(text);
        const json_t *agent = json_array_get(json_object_get(care, "agent"), 0);
        const json_t *shift = json_array_get(json_object_get(agent, "shifts"), 0);
        expect_json(json_object_get(shift, "weekdays"), cases[i].wanted);
        expect_json(json_object_get(shift, "to_time"), "\"24:00\"");
        expect_json(json_object_get(shift, "time_zone"), "\"Europe/London\"");
        json_decref(care);
    }
}

/* A file, and what is said about it: "line: beginning of the message" for each mistake, in order,
 * separated by '|'. */
struct bad_case {
    const char *text, *told;
};

static const struct bad_case whole_files[] = {
    {"", "1: the file is empty"},
    {"firm: [\n", "2: not valid YAML"},
    {"firm: F\n---\nfirm: G\n", "more than one document"},
    {"- firm\n", "1: begin with 'firm: NAME'|1: 'firm' is missing|1: 'teams' is missing"},
    {TEAM, "1: 'firm' is missing"},
    {"firm: F\n", "1: 'teams' is missing"},
    {"firm: F\nfirm: G\n" TEAM, "2: 'firm' stands twice"},
    {"firm: F\n" TEAM "agnets: []\n", "3: no such key 'agnets'; known are firm, teams"},
    {"firm: F\n" TEAM "\"\\e[31m\\u202e\\n\": []\n", "3: no such key '.[31m... '; known are"},
    {"firm: F\n" TEAM "accounts:\n  id: x\n", "4: accounts: use a list"},
    {"firm: F\nteams:\n  - { id: a, name: A }\n", "3: no team is the default"},
    {"firm: F\nteams:\n  - { id: a, name: A, default: true }\n  - { id: b, name: B, default: true "
     "}\n",
     "4: a second default team"},
    {"firm: F\nteams:\n  - { id: a, name: A, default: true }\n  - { id: a, name: B }\n",
     "4: team 'a' stands twice, first in line 3"},
};

static const struct bad_case rows[] = {
    {"accounts:\n  - id: x\n    platform: feed\n    team: nobody\n",
     "4: account: no team 'nobody'"},
    {"accounts:\n  - id: x\n    platform: feed\n", "4: account: 'team' is missing"},
    {"agents:\n  - { id: rule, name: R, team: care, capacity: 1 }\n",
     "4: id: in the history of cases this name"},
    {"accounts:\n  - id: 'a b'\n    platform: feed\n    team: care\n", "4: id: use 1 to 128 bytes"},
    {"accounts:\n  - id: x\n    id: y\n    platform: feed\n    team: care\n",
     "5: account: 'id' stands twice"},
    {"accounts:\n  - id: x\n    platform: feed\n    team: care\n    enabled: maybe\n",
     "7: enabled: use true or false"},
    {"accounts:\n  - id: x\n    platform: feed\n    team: care\n    secrets:\n      - "
     "../etc/passwd\n",
     "8: secrets: use the name of a file"},
    {"accounts:\n  - id: x\n    platform: feed\n    team: care\n    secrets: [my secret]\n",
     "7: secrets: use the name of a file"},
    {"accounts:\n  - id: x\n    platform: feed\n    team: care\n    secrets: one\n",
     "7: secrets: use a list"},
    {"accounts:\n  - id: x\n    platform: feed\n    team: care\n    settings:\n      a: 1\n      "
     "a: 2\n",
     "9: settings: a stands twice"},
    {"accounts:\n  - id: x\n    platform: feed\n    team: care\n    settings: { a: [b] }\n",
     "7: settings: use one value"},
    {"accounts:\n  - just text\n", "4: account: use a map"},
    {"agents:\n  - { id: Ana, name: A, team: care, capacity: 1 }\n", "4: id: use 1 to 64 of a-z"},
    {"agents:\n  - { id: a, name: '', team: care, capacity: 1 }\n", "4: name: use 1 to 256 bytes"},
    {"agents:\n  - { id: a, name: A, team: care, capacity: 10001 }\n",
     "4: capacity: use a whole number"},
    {"agents:\n  - id: a\n    nmae: A\n    team: care\n    capacity: 1\n",
     "5: agent: no such key 'nmae'; known are id, name"},
    {"agents:\n  - id: a\n    name: A\n    team: care\n    capacity: x\n    languages: [english]\n",
     "7: capacity: use|8: languages: use two or three letters"},
    {"policies:\n  - { id: p, first_response: 0s }\n", "4: first_response: use a duration"},
    {"policies:\n  - { id: p, first_response: soon }\n", "4: first_response: use a duration"},
    {"policies:\n  - { id: p, team: none }\n", "4: policy: no team 'none'"},
};

static const struct bad_case shifts[] = {
    {"{ days: mon-fry, from: '08:00', to: '16:00', zone: UTC }", "4: shifts: mon-fry: use daily"},
    {"{ days: '', from: '08:00', to: '16:00', zone: UTC }", "4: days: use 1 to 256"},
    {"{ days: mon, from: '8:00', to: '16:00', zone: UTC }", "4: shifts: 8:00: use a time of day"},
    {"{ days: mon, from: '08:00', to: '24:01', zone: UTC }", "4: shifts: 24:01: use a time of day"},
    {"{ days: mon, from: '08:60', to: '16:00', zone: UTC }", "4: shifts: 08:60: use a time of day"},
    {"{ days: mon, from: '22:00', to: '06:00', zone: UTC }", "4: shifts: ends before it begins"},
    {"{ days: mon, from: '08:00', to: '08:00', zone: UTC }", "4: shifts: ends before it begins"},
    {"{ days: mon, from: '08:00', to: '16:00' }", "4: shift: 'zone' is missing"},
    {"{ from: '08:00', to: '16:00', zone: UTC, paid: true }", "4: shift: no such key 'paid'"},
    {"mon-fri", "4: shift: use a map"},
};

static void expect_told(const char *text, const char *wanted)
{
    char *told;
    json_t *care = parse(text, &told);
    struct ear_str lines = ear_str_from(told), wishes = ear_str_from(wanted), line, wish;
    if (care) fail_msg("taken:\n%s", text);
    while (ear_str_split(&wishes, '|', &wish)) {
        bool more = ear_str_split(&lines, '\n', &line) && line.len > 0;
        size_t at = more ? ear_str_find(line, wish) : SIZE_MAX;
        if (at > 8) fail_msg("'%.*s' is not said of\n%s\nbut:\n%s", EAR_STR_ARG(wish), text, told);
    }
    if (lines.len > 0) fail_msg("more is said of\n%s\n:\n%s", text, told);
    free(told);
}

static void test_care_parse__names_line_and_reason_of_a_mistake(void **state)
{
    (void)state;
    char text[1024];
    for (size_t i = 0; i < EAR_COUNT(whole_files); i++)
        expect_told(whole_files[i].text, whole_files[i].told);
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        snprintf(text, sizeof(text), "firm: F\n" TEAM "%s", rows[i].text);
        expect_told(text, rows[i].told);
    }
    for (size_t i = 0; i < EAR_COUNT(shifts); i++) {
        snprintf(text, sizeof(text),
                 "firm: F\n" TEAM
                 "agents:\n  - { id: a, name: A, team: care, capacity: 1, shifts: [%s] }\n",
                 shifts[i].text);
        expect_told(text, shifts[i].told);
    }
}

static void test_care_parse__survives_every_cut(void **state)
{
    (void)state;
    static const char whole[] = "firm: F\nteams:\n  - id: care\n    name: \"C\\u0000\"\n    "
                                "default: true\n    topics: [billing]\n"
                                "agents:\n  - &x { id: a, name: A, team: care, capacity: 1, "
                                "shifts: [{ days: mon }] }\n  - *x\n";
    for (size_t len = 0; len < sizeof(whole); len++) {
        char cut[sizeof(whole)], *told;
        memcpy(cut, whole, len);
        cut[len] = '\0';
        json_decref(parse(cut, &told));
        free(told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_care_parse__fills_in_what_is_left_out),
        cmocka_unit_test(test_care_parse__takes_every_field),
        cmocka_unit_test(test_care_parse__reads_days_of_shifts),
        cmocka_unit_test(test_care_parse__orders_shifts_as_the_database_tells_them),
        cmocka_unit_test(test_care_parse__names_line_and_reason_of_a_mistake),
        cmocka_unit_test(test_care_parse__survives_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
