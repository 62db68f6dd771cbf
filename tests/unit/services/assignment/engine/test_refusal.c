#include "told.h"

#include <stdio.h>

/* Who reads a refusal learns whom it is about and where to look. */
static void test_refusal__name_what_they_are_about(void **state)
{
    struct ear_book *book = *state;
    static const struct {
        Earshot__V1__Command__BodyCase body;
        const char *actor, *agent, *team, *error, *message;
    } rows[] = {
        {EARSHOT__V1__COMMAND__BODY_ASSIGN, "", "zoe", "", "not_found",
         "no agent 'zoe' in care.yaml: earshotctl agent list shows all"},
        {EARSHOT__V1__COMMAND__BODY_ASSIGN, "", "eve", "", "not_found",
         "no agent 'eve' in care.yaml any more: earshotctl agent list shows all"},
        {EARSHOT__V1__COMMAND__BODY_ASSIGN, "", "", "nope", "not_found",
         "no team 'nope' in care.yaml; there are care, kasse, money"},
        {EARSHOT__V1__COMMAND__BODY_PRESENCE, "", "zoe", "", "not_found",
         "no agent 'zoe' in care.yaml: earshotctl agent list shows all"},
        {EARSHOT__V1__COMMAND__BODY_NOTE, "zoe", "", "", "denied",
         "no agent 'zoe' in care.yaml: earshotctl agent list shows all"},
        {EARSHOT__V1__COMMAND__BODY_REPLY, "", "", "", "denied",
         "a reply is written by an agent of care.yaml: say who by --as AGENT"},
    };
    struct ear_case *c = a_case(book, 1);
    struct told t;
    struct ear_answer answer;
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        tell(&t, c, rows[i].body);
        PUT(t.actor, rows[i].actor);
        PUT(t.agent, rows[i].agent);
        PUT(t.team, rows[i].team);
        PUT(t.text, "well");
        ear_act(book, &t.ask, &answer);
        assert_string_equal(answer.error, rows[i].error);
        assert_string_equal(answer.message, rows[i].message);
    }
}

static void test_refusal__name_the_account_and_the_other_case(void **state)
{
    struct ear_book *book = *state;
    struct ear_case *c = a_case(book, 1);
    struct ear_case other = *c;
    struct told t;
    struct ear_answer answer;
    char id[EAR_ID_TEXT_BYTES];
    other.case_id = id_of('x', 200);
    ear_id_format(&other.case_id, id);
    close_case(c, 1);
    ear_book_put_case(book, &other);
    tell(&t, c, EARSHOT__V1__COMMAND__BODY_REOPEN);
    ear_act(book, &t.ask, &answer);
    assert_string_equal(answer.error, "conflict");
    assert_non_null(strstr(answer.message, id));
    tell(&t, &other, EARSHOT__V1__COMMAND__BODY_REPLY);
    PUT(t.actor, ANA);
    PUT(t.text, "Sorry!");
    other.account = "@gone";
    ear_act(book, &t.ask, &answer);
    assert_string_equal(answer.error, "conflict");
    assert_non_null(strstr(answer.message, "'@gone'"));
    assert_false(answer.add_reply);
}

/* However long a name is that was given, what is said back is short and of whole letters. */
static void test_refusal__say_long_names_back_in_part(void **state)
{
    struct ear_book *book = *state;
    static char name[4096];
    char wanted[256];
    struct told t;
    struct ear_answer answer;
    name[0] = 'x';
    for (size_t i = 1; i + 2 < sizeof(name); i += 2) memcpy(name + i, "\xc3\xab", 2);
    tell(&t, a_case(book, 1), EARSHOT__V1__COMMAND__BODY_PRESENCE);
    t.presence.agent = name;
    ear_act(book, &t.ask, &answer);
    snprintf(wanted, sizeof(wanted),
             "no agent '%.63s' in care.yaml: earshotctl agent list shows all", name);
    assert_string_equal(answer.message, wanted);
}

/* Before the first apply there is none, which is said, too. */
static void test_refusal__tell_how_many_teams_there_are(void **state)
{
    struct ear_book *book = *state;
    const struct ear_care *whole = book->care;
    struct ear_care care = *whole;
    struct told t;
    struct ear_answer answer;
    static const char *const wanted[] = {"no team 'nope' in care.yaml; there is none",
                                         "no team 'nope' in care.yaml; there is care"};
    tell(&t, a_case(book, 1), EARSHOT__V1__COMMAND__BODY_ASSIGN);
    PUT(t.team, "nope");
    book->care = &care;
    for (care.team_count = 0; care.team_count < EAR_COUNT(wanted); care.team_count++) {
        ear_act(book, &t.ask, &answer);
        assert_string_equal(answer.message, wanted[care.team_count]);
    }
    book->care = whole;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_refusal__name_what_they_are_about),
        WORLD_TEST(test_refusal__name_the_account_and_the_other_case),
        WORLD_TEST(test_refusal__tell_how_many_teams_there_are),
        WORLD_TEST(test_refusal__say_long_names_back_in_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
