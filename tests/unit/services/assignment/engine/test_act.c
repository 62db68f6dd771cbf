#include "told.h"

static void test_reply__is_written_by_somebody(void **state)
{
    static const struct {
        const char *actor, *text, *error;
        bool closed;
    } rows[] = {
        {ANA, "Sorry!", "", false},      {"rule", "Thanks, we are closed until 9.", "", false},
        {"", "Sorry!", "denied", false}, {"zoe", "Sorry!", "denied", false},
        {ANA, "", "invalid", false},     {ANA, "Sorry!", "conflict", true},
    };
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        void *world;
        world_up(&world);
        struct ear_book *book = world;
        struct ear_case *c = a_case(book, 1);
        if (rows[i].closed) close_case(c, 1);
        int32_t seq = c->seq;
        struct told t;
        struct ear_answer answer;
        tell(&t, c, EARSHOT__V1__COMMAND__BODY_REPLY);
        PUT(t.actor, rows[i].actor);
        PUT(t.text, rows[i].text);
        ear_act(book, &t.ask, &answer);
        assert_string_equal(answer.error, rows[i].error);
        bool ok = !rows[i].error[0];
        assert_int_equal(answer.add_reply, ok);
        assert_int_equal(c->seq, seq + ok);
        if (ok) assert_int_equal(answer.by_rule, strcmp(rows[i].actor, "rule") == 0);
        assert_int_equal(c->respond_by_us != 0, !rows[i].closed); /* nothing seen yet */
        world_down(&world);
    }
}

/* The responder sends a customer's replies in the order of their ids. */
static void test_reply__comes_after_those_before_it_whatever_the_clock_says(void **state)
{
    static const int64_t steps_s[] = {0, 30, -7200, 0, 1, 7200, -86400};
    struct ear_book *book = *state;
    struct ear_case *c = a_case(book, 1);
    struct ear_id last = {{0}};
    for (size_t i = 0; i < EAR_COUNT(steps_s); i++) {
        struct told t;
        struct ear_answer answer;
        book->now_us += steps_s[i] * EAR_US_PER_S;
        tell(&t, c, EARSHOT__V1__COMMAND__BODY_REPLY);
        PUT(t.actor, ANA);
        PUT(t.text, "Sorry!");
        ear_act(book, &t.ask, &answer);
        assert_true(ear_id_cmp(&last, &answer.reply_id) < 0);
        assert_true(ear_id_time_us(&last) < ear_id_time_us(&answer.reply_id));
        last = answer.reply_id;
        (void)ear_book_enter(book, c, "timer"); /* what else happens puts nothing back */
    }
}

/* A case follows on a closed one whose replies a clock that was ahead has dated. */
static void test_reply__comes_after_those_of_the_case_before(void **state)
{
    struct ear_book *book = *state;
    struct ear_case *before = a_case(book, 1), *c;
    struct ear_case fresh = *before;
    struct told t;
    struct ear_answer first, second;
    tell(&t, before, EARSHOT__V1__COMMAND__BODY_REPLY);
    PUT(t.actor, ANA);
    PUT(t.text, "Sorry!");
    book->now_us += 7200 * EAR_US_PER_S;
    ear_act(book, &t.ask, &first);
    close_case(before, 1);
    book->now_us -= 7200 * EAR_US_PER_S;
    fresh.case_id = id_of('x', 201);
    c = ear_book_put_case(book, &fresh);
    t.ask.of = c;
    ear_act(book, &t.ask, &second);
    assert_true(second.add_reply);
    assert_true(ear_id_time_us(&first.reply_id) < ear_id_time_us(&second.reply_id));
}

static void test_reply__takes_a_queued_case_and_keeps_privacy(void **state)
{
    struct ear_book *book = *state;
    struct ear_case *c = a_case(book, 1);
    c->direct = true;
    struct told t;
    struct ear_answer answer;
    tell(&t, c, EARSHOT__V1__COMMAND__BODY_REPLY);
    PUT(t.actor, ANA);
    PUT(t.text, "Hello");
    ear_act(book, &t.ask, &answer);
    assert_string_equal(c->agent, ANA);
    assert_string_equal(answer.sign_off, "^Ana");
    assert_true(answer.direct);
}

static void test_note__keeps_reasons_out_of_the_history(void **state)
{
    struct ear_book *book = *state;
    struct ear_case *c = a_case(book, 1);
    struct told t;
    struct ear_answer answer;
    tell(&t, c, EARSHOT__V1__COMMAND__BODY_ASSIGN);
    PUT(t.agent, ANA);
    PUT(t.reason, "she knows Mr Gray");
    ear_act(book, &t.ask, &answer);
    assert_string_equal(answer.note, "she knows Mr Gray");
    assert_null(last_entry(book)->code);
    tell(&t, c, EARSHOT__V1__COMMAND__BODY_ASSIGN);
    PUT(t.agent, BEN);
    PUT(t.reason, "shift_ends");
    ear_act(book, &t.ask, &answer);
    assert_null(answer.note);
    assert_string_equal(last_entry(book)->code, "shift_ends");
}

static void test_actor__is_who_may_act(void **state)
{
    struct ear_book *book = *state;
    struct ear_case *c = a_case(book, 1);
    static const struct {
        const char *actor, *error;
    } rows[] = {{ANA, ""},         {"eve", "denied"}, /* left the firm */
                {"zoe", "denied"}, {"responder", "denied"}, {"timer", "denied"}, {"operator", ""},
                {"", ""}};
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct told t;
        struct ear_answer answer;
        tell(&t, c, EARSHOT__V1__COMMAND__BODY_NOTE);
        PUT(t.actor, rows[i].actor);
        PUT(t.text, "hm");
        ear_act(book, &t.ask, &answer);
        assert_string_equal(answer.error, rows[i].error);
    }
}

static void test_assign__goes_to_one(void **state)
{
    struct ear_book *book = *state;
    static const struct {
        const char *agent, *team, *error, *has_agent, *has_team;
    } rows[] = {
        {ANA, "", "", ANA, "care"},
        {ANA, "", "", ANA, "care"}, /* again: nothing */
        {"dan", "", "", "dan", "money"},
        {"", "care", "", NULL, "care"},
        {"", "", "invalid", NULL, "care"},
        {ANA, "care", "invalid", NULL, "care"},
        {"zoe", "", "not_found", NULL, "care"},
        {"", "nope", "not_found", NULL, "care"},
    };
    struct ear_case *c = a_case(book, 1);
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct told t;
        struct ear_answer answer;
        tell(&t, c, EARSHOT__V1__COMMAND__BODY_ASSIGN);
        PUT(t.agent, rows[i].agent);
        PUT(t.team, rows[i].team);
        ear_act(book, &t.ask, &answer);
        assert_string_equal(answer.error, rows[i].error);
        if (rows[i].has_agent)
            assert_string_equal(c->agent, rows[i].has_agent);
        else
            assert_null(c->agent);
        assert_string_equal(c->team, rows[i].has_team);
    }
    assert_int_equal(c->seq, 4); /* opened and three moves */
    assert_string_equal(c->last_agent, "dan");
    close_case(c, 1);
    struct told t;
    struct ear_answer answer;
    tell(&t, c, EARSHOT__V1__COMMAND__BODY_ASSIGN);
    PUT(t.agent, ANA);
    ear_act(book, &t.ask, &answer);
    assert_string_equal(answer.error, "conflict");
}

static void test_resolve__needs_an_answer_or_a_reason(void **state)
{
    static const struct {
        bool has_reply, closed;
        const char *code, *reason, *error, *want;
    } rows[] = {
        {true, false, "", "", "", "answered"},
        {true, false, "answered", "", "", "answered"},
        {false, false, "answered", "", "conflict", NULL},
        {false, false, "", "", "conflict", NULL},
        {false, false, "no_reply_needed", "", "", "no_reply_needed"},
        {false, false, "", "duplicate", "", "duplicate"},
        {false, false, "", "They called us", "", "other"},
        {false, false, "Not a code!", "", "invalid", NULL},
        {true, true, "answered", "", "conflict", NULL},
    };
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        void *world;
        world_up(&world);
        struct ear_book *book = world;
        ear_book_put_seat(book, &world_agents[0], 0, 0);
        struct ear_case *c = a_case(book, 1);
        if (rows[i].closed) close_case(c, 1);
        struct told t;
        struct ear_answer answer;
        tell(&t, c, EARSHOT__V1__COMMAND__BODY_RESOLVE);
        PUT(t.code, rows[i].code);
        PUT(t.reason, rows[i].reason);
        t.ask.has_reply = rows[i].has_reply;
        ear_act(book, &t.ask, &answer);
        assert_string_equal(answer.error, rows[i].error);
        if (rows[i].want) {
            assert_int_equal(c->state, EAR_CASE_CLOSED);
            assert_string_equal(c->close_code, rows[i].want);
            assert_null(c->agent);
            assert_string_equal(c->last_agent, ANA);
            assert_int_equal(c->respond_by_us, 0);
            assert_int_equal(ear_book_seat(book, ANA)->given, 0);
        }
        world_down(&world);
    }
}

static void test_reopen__starts_the_next_clock_with_the_same_agent(void **state)
{
    struct ear_book *book = *state;
    struct ear_case *c = a_case(book, 1);
    struct told t;
    struct ear_answer answer;
    tell(&t, c, EARSHOT__V1__COMMAND__BODY_REOPEN);
    ear_act(book, &t.ask, &answer);
    assert_string_equal(answer.error, "conflict"); /* it is open */

    close_case(c, 30);
    c->last_agent = BEN;
    ear_book_put_seat(book, &world_agents[0], 0, 0);
    ear_book_put_seat(book, &world_agents[1], 3, 0);
    ear_act(book, &t.ask, &answer);
    assert_string_equal(answer.error, "");
    assert_int_equal(c->state, EAR_CASE_OPEN);
    assert_string_equal(c->agent, BEN);
    assert_int_equal(c->clock_no, 2);
    assert_int_equal(c->respond_by_us, book->now_us + 900 * S);
    assert_true(ear_entry_has(last_entry(book), EAR_KIND_REOPENED));

    close_case(c, 50);
    struct ear_case other = *c; /* one open case a customer and account */
    other.case_id = id_of('x', 200);
    other.state = EAR_CASE_WAITING;
    ear_book_put_case(book, &other);
    ear_act(book, &t.ask, &answer);
    assert_string_equal(answer.error, "conflict");
}

static void test_presence__is_of_known_agents(void **state)
{
    struct ear_book *book = *state;
    struct told t;
    struct ear_answer answer;
    tell(&t, NULL, EARSHOT__V1__COMMAND__BODY_PRESENCE);
    PUT(t.agent, "zoe");
    ear_act(book, &t.ask, &answer);
    assert_string_equal(answer.error, "not_found");
    PUT(t.agent, ANA);
    ear_act(book, &t.ask, &answer);
    assert_true(answer.presence);
}

/* ---- outcomes ---- */

struct outcome_row {
    int before; /* of the reply */
    int outcome;
    bool by_rule;
    bool written_again; /* the customer, since the reply was written */
    ear_case_state from;
    bool answered_before;
    const char *error;
    ear_case_state to;
    bool clock_runs;
};

static const struct outcome_row outcome_rows[] = {
    {0, 1, false, false, EAR_CASE_OPEN, false, "", EAR_CASE_WAITING, false},
    {0, 1, false, true, EAR_CASE_OPEN, false, "", EAR_CASE_OPEN, true},
    {0, 1, true, false, EAR_CASE_OPEN, false, "", EAR_CASE_OPEN, true}, /* a rule stops no clock */
    {0, 1, false, false, EAR_CASE_CLOSED, false, "", EAR_CASE_CLOSED, false},
    {0, 2, false, false, EAR_CASE_OPEN, false, "", EAR_CASE_OPEN, true},
    {0, 3, false, false, EAR_CASE_OPEN, false, "", EAR_CASE_OPEN, true},
    {0, 2, false, false, EAR_CASE_WAITING, true, "", EAR_CASE_OPEN, true},
    {0, 2, false, false, EAR_CASE_CLOSED, false, "", EAR_CASE_OPEN, true}, /* R5: not without */
    {0, 3, false, false, EAR_CASE_CLOSED, false, "", EAR_CASE_OPEN, true},
    {0, 2, false, false, EAR_CASE_CLOSED, true, "", EAR_CASE_OPEN, true},
    {0, 2, true, false, EAR_CASE_WAITING, true, "", EAR_CASE_WAITING, false},
    {3, 1, false, false, EAR_CASE_OPEN, false, "", EAR_CASE_WAITING, false},
    {1, 2, false, false, EAR_CASE_WAITING, true, "", EAR_CASE_OPEN, true},     /* bounced */
    {1, 1, false, false, EAR_CASE_WAITING, true, "", EAR_CASE_WAITING, false}, /* told twice */
    {1, 3, false, false, EAR_CASE_WAITING, true, "conflict", EAR_CASE_WAITING, false},
    {2, 3, false, false, EAR_CASE_OPEN, false, "conflict", EAR_CASE_OPEN, true},
    {0, 0, false, false, EAR_CASE_OPEN, false, "", EAR_CASE_OPEN, true},
};

static void run_outcome(const struct outcome_row *row)
{
    void *world;
    world_up(&world);
    struct ear_book *book = world;
    struct ear_case *c = a_case(book, 1);
    struct told t;
    struct ear_answer answer;
    struct ear_reply reply = {.reply_id = id_of('y', 1),
                              .customer_id = c->customer_id,
                              .case_id = c->case_id,
                              .post_id = c->last_post_id,
                              .by_rule = row->by_rule,
                              .state = row->before};
    if (row->written_again) reply.post_id = id_of('p', 77);
    if (row->from == EAR_CASE_CLOSED) close_case(c, 1);
    if (row->from == EAR_CASE_WAITING) c->respond_by_us = 0;
    c->state = row->from;
    if (row->answered_before) c->first_responded_at_us = T0 + S;
    struct ear_id ref = id_of('r', 9);
    tell(&t, c, EARSHOT__V1__COMMAND__BODY_OUTCOME);
    t.ask.reply = &reply;
    t.outcome.state = (Earshot__V1__OutcomeState)row->outcome;
    t.outcome.visible_at_us = T0 + 30 * S;
    t.outcome.external_ref = (ProtobufCBinaryData){EAR_ID_BYTES, ref.b};
    ear_act(book, &t.ask, &answer);

    assert_string_equal(answer.error, row->error);
    assert_int_equal(c->state, row->to);
    assert_int_equal(c->respond_by_us != 0, row->clock_runs);
    bool changes = row->before != row->outcome && !row->error[0];
    assert_int_equal(answer.outcome, changes);
    if (changes && row->outcome == 1) {
        assert_ptr_not_equal(ear_book_link(book, &ref), NULL);
        if (!row->by_rule)
            assert_int_equal(c->first_responded_at_us, row->answered_before ? T0 + S : T0 + 30 * S);
        else
            assert_int_equal(c->first_responded_at_us, 0);
    }
    world_down(&world);
}

static void test_outcome__follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(outcome_rows); i++) run_outcome(&outcome_rows[i]);
}

/* What was meant to be said is either visible or in sight of a person. */
static void test_outcome__leaves_closed_what_a_later_reply_has_answered(void **state)
{
    struct ear_book *book = *state;
    struct ear_case *c = a_case(book, 1);
    struct ear_reply reply = {.reply_id = id_of('y', 1), .state = 3};
    struct told t;
    struct ear_answer answer;
    close_case(c, 1);
    tell(&t, c, EARSHOT__V1__COMMAND__BODY_OUTCOME);
    t.ask.reply = &reply;
    t.outcome.state = EARSHOT__V1__OUTCOME_STATE__OUTCOME_STATE_FAILED;
    t.ask.has_later_reply = true;
    ear_act(book, &t.ask, &answer);
    assert_int_equal(c->state, EAR_CASE_CLOSED);
    t.ask.has_later_reply = false;
    ear_act(book, &t.ask, &answer);
    assert_int_equal(c->state, EAR_CASE_OPEN);
}

static void test_outcome__of_nothing(void **state)
{
    struct ear_book *book = *state;
    struct told t;
    struct ear_answer answer;
    tell(&t, a_case(book, 1), EARSHOT__V1__COMMAND__BODY_OUTCOME);
    ear_act(book, &t.ask, &answer);
    assert_string_equal(answer.error, "not_found");
    tell(&t, NULL, EARSHOT__V1__COMMAND__BODY_NOTE);
    ear_act(book, &t.ask, &answer);
    assert_string_equal(answer.error, "not_found");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply__is_written_by_somebody),
        WORLD_TEST(test_reply__comes_after_those_before_it_whatever_the_clock_says),
        WORLD_TEST(test_reply__comes_after_those_of_the_case_before),
        WORLD_TEST(test_reply__takes_a_queued_case_and_keeps_privacy),
        WORLD_TEST(test_note__keeps_reasons_out_of_the_history),
        WORLD_TEST(test_actor__is_who_may_act),
        WORLD_TEST(test_assign__goes_to_one),
        cmocka_unit_test(test_resolve__needs_an_answer_or_a_reason),
        WORLD_TEST(test_reopen__starts_the_next_clock_with_the_same_agent),
        WORLD_TEST(test_presence__is_of_known_agents),
        cmocka_unit_test(test_outcome__follows_the_table),
        WORLD_TEST(test_outcome__leaves_closed_what_a_later_reply_has_answered),
        WORLD_TEST(test_outcome__of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
