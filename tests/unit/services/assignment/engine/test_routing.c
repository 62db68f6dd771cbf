#include "world.h"

#include "engine/routing.h"

static void test_route__picks_the_aptest_team(void **state)
{
    (void)state;
    static const struct {
        const char *account, *language;
        int topic;
        const char *team;
    } rows[] = {
        {"@firm", "en", EARSHOT__V1__TOPIC__TOPIC_DELIVERY, "care"},
        {"@firm", "en", EARSHOT__V1__TOPIC__TOPIC_BILLING, "money"},
        {"@firm", "de", EARSHOT__V1__TOPIC__TOPIC_REFUND, "kasse"},
        {"@firm", "de", EARSHOT__V1__TOPIC__TOPIC_UNSURE, "care"},
        {"@nobody", "en", EARSHOT__V1__TOPIC__TOPIC_UNSURE, "care"},
        {"", "und", EARSHOT__V1__TOPIC__TOPIC_BILLING, "money"},
        {"@firm", "en", 99, "care"},
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++)
        assert_string_equal(
            ear_route_team(&world_care, rows[i].account, rows[i].language, rows[i].topic),
            rows[i].team);
    struct ear_care empty = {0};
    assert_string_equal(ear_route_team(&empty, "@firm", "en", 0), "");
}

struct seat_row {
    int32_t ana, ben, clo; /* open cases; -1: away */
    int64_t ana_idle, ben_idle, clo_idle;
    const char *language;
    const char *known;
    const char *want; /* NULL: the queue */
};

static void test_route__picks_the_agent(void **state)
{
    (void)state;
    static const struct seat_row rows[] = {
        {0, 0, -1, 2, 1, 0, "en", NULL, BEN},    /* same load: longest idle */
        {0, 0, -1, 1, 1, 0, "en", NULL, ANA},    /* all the same: by id */
        {1, 1, -1, 0, 0, 0, "en", NULL, BEN},    /* 1 of 2 against 1 of 4 */
        {1, 3, -1, 0, 0, 0, "en", NULL, ANA},    /* 2 of 4 against 3 of 4 */
        {2, 4, -1, 0, 0, 0, "en", NULL, NULL},   /* full */
        {-1, -1, -1, 0, 0, 0, "en", NULL, NULL}, /* nobody there */
        {0, 3, -1, 0, 0, 0, "en", BEN, BEN},     /* who knows the customer */
        {0, 4, -1, 0, 0, 0, "en", BEN, ANA},     /* … is full */
        {0, -1, -1, 0, 0, 0, "en", BEN, ANA},    /* … is away */
        {0, 0, 1, 1, 2, 3, "de", NULL, ANA},     /* all three speak it: Clo has 1 of 2 */
        {0, 0, 0, 3, 2, 1, "en", NULL, BEN},     /* Clo speaks German only */
        {-1, -1, 0, 0, 0, 0, "en", NULL, CLO},   /* better than nobody */
        {2, -1, 0, 0, 0, 0, "en", NULL, NULL},   /* Ana speaks it: wait for her */
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        const struct seat_row *r = &rows[i];
        struct ear_book book;
        ear_book_init(&book, &world_care, T0, world_new_id);
        if (r->ana >= 0) ear_book_put_seat(&book, &world_agents[0], r->ana, r->ana_idle);
        if (r->ben >= 0) ear_book_put_seat(&book, &world_agents[1], r->ben, r->ben_idle);
        if (r->clo >= 0) ear_book_put_seat(&book, &world_agents[2], r->clo, r->clo_idle);
        ear_book_put_seat(&book, &world_agents[3], 0, 0); /* of another team: never */
        struct ear_case c = {.team = "care", .language = r->language, .last_agent = r->known};
        struct ear_seat *got = ear_route_agent(&book, &c);
        if (r->want)
            assert_string_equal(got->agent->id, r->want);
        else
            assert_null(got);
        ear_book_release(&book);
    }
}

static void test_route__new_case_goes_to_who_had_the_last(void **state)
{
    struct ear_book *book = *state;
    ear_book_put_seat(book, &world_agents[0], 0, 0);
    ear_book_put_seat(book, &world_agents[1], 3, 0);
    struct ear_case old = {.case_id = id_of('x', 1),
                           .customer_id = id_of('c', 1),
                           .account = "@firm",
                           .platform = "bluesky",
                           .team = "care",
                           .last_agent = BEN,
                           .state = EAR_CASE_CLOSED,
                           .language = "en",
                           .closed_at_us = T0 - 90000 * S,
                           .changed_at_us = T0 - 90000 * S};
    ear_book_put_case(book, &old);
    struct ear_heard s;
    say(&s, 1, 1, 0);
    struct ear_case *c = decide_one(book, &s);
    assert_string_equal(c->agent, BEN);
    assert_true(last_entry(book)->affinity);
    assert_int_equal(ear_book_seat(book, BEN)->given, 1);
}

static void test_route__loads_spread_inside_a_batch(void **state)
{
    struct ear_book *book = *state;
    ear_book_put_seat(book, &world_agents[0], 0, 0);
    ear_book_put_seat(book, &world_agents[1], 0, 0);
    for (uint8_t i = 0; i < 8; i++) {
        struct ear_heard s;
        say(&s, i, i, i);
        decide_one(book, &s);
    }
    assert_int_equal(ear_book_seat(book, ANA)->open_cases, 2); /* to capacity, */
    assert_int_equal(ear_book_seat(book, BEN)->open_cases, 4);
    size_t queued = 0; /* then the queue */
    for (const struct ear_case *c = book->cases; c; c = c->next) queued += c->agent == NULL;
    assert_int_equal(queued, 2);
}

static void test_route__passes_on_and_lets_go(void **state)
{
    struct ear_book *book = *state;
    ear_book_put_seat(book, &world_agents[0], 0, 0);
    struct ear_heard s;
    say(&s, 1, 1, 0);
    struct ear_case *c = decide_one(book, &s);
    struct ear_entry *e = ear_book_enter(book, c, "operator");
    ear_route_give(book, c, e, &world_agents[1]);
    assert_string_equal(c->agent, BEN);
    assert_string_equal(c->last_agent, ANA);
    assert_string_equal(e->from_agent, ANA);
    assert_int_equal(ear_book_seat(book, ANA)->given, 0);
    ear_route_queue(book, c, ear_book_enter(book, c, "operator"), "money");
    assert_null(c->agent);
    assert_string_equal(c->team, "money");
    assert_int_equal(ear_book_seat(book, BEN)->given, 0);
}

static void test_route__nobody_passes_who_waits(void **state)
{
    (void)state;
    static const struct {
        const char *team;
        int64_t respond_by_s; /* of the first in the queue, from T0 */
        bool given;
    } rows[] = {
        {"care", 899, false}, /* they came first */
        {"care", 901, true},  /* we did: heard late */
        {"money", 1, true},   /* another queue */
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        void *world;
        world_up(&world);
        struct ear_book *book = world;
        ear_book_put_seat(book, &world_agents[0], 0, 0);
        struct ear_head head = {.team = rows[i].team,
                                .respond_by_us = T0 + rows[i].respond_by_s * S,
                                .case_id = id_of('x', 1)};
        ear_book_put_head(book, &head);
        struct ear_heard s;
        say(&s, 1, 1, 0);
        struct ear_case *c = decide_one(book, &s);
        assert_int_equal(c->agent != NULL, rows[i].given);
        assert_int_equal(ear_book_seat(book, ANA)->routed, rows[i].given);
        if (!rows[i].given) assert_int_equal(ear_route_queued(book, &c, 1), 1); /* its turn */
        world_down(&world);
    }
}

static void test_route__strays_go_back_to_a_queue(void **state)
{
    struct ear_book *book = *state;
    static const struct {
        const char *team, *agent, *code, *want_team;
    } rows[] = {
        {"care", "eve", "agent_left", "care"}, {"care", "zoe", "agent_left", "care"},
        {"gone", NULL, "team_gone", "care"},   {"gone", "eve", "agent_left", "care"},
        {"care", ANA, NULL, "care"},           {"money", NULL, NULL, "money"},
    };
    for (uint8_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_case fact = {.case_id = id_of('x', i),
                                .customer_id = id_of('c', i),
                                .account = "@firm",
                                .platform = "bluesky",
                                .language = "en",
                                .team = rows[i].team,
                                .agent = rows[i].agent,
                                .state = EAR_CASE_OPEN};
        struct ear_case *c = ear_book_put_case(book, &fact);
        assert_int_equal(ear_route_strays(book, &c, 1), rows[i].code != NULL);
        assert_string_equal(c->team, rows[i].want_team);
        if (!rows[i].code) continue;
        assert_null(c->agent);
        assert_string_equal(last_entry(book)->code, rows[i].code);
        assert_int_equal(ear_route_strays(book, &c, 1), 0);
    }
    assert_int_equal(ear_book_seat(book, "eve")->given, -2);
}

/* ---- the queue: deadline, then age, nothing else ---- */

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* Everything of a case that is neither deadline nor age. */
static void scramble(struct ear_case *c, uint64_t *seed)
{
    static const char *const languages[] = {"en", "de", "und", "pt"};
    static const char *const platforms[] = {"bluesky", "mail", "x"};
    c->customer_id = id_of('c', (uint8_t)next_random(seed));
    c->language = languages[next_random(seed) % 4];
    c->platform = platforms[next_random(seed) % 3];
    c->account = next_random(seed) % 2 ? "@firm" : "";
    c->intent = (int)(next_random(seed) % 9);
    c->topic = (int)(next_random(seed) % 12);
    c->urgency = (uint32_t)(next_random(seed) % 3);
    c->severity = (uint32_t)(next_random(seed) % 4);
    c->posts = (int32_t)next_random(seed);
    c->seq = (int32_t)next_random(seed);
    c->direct = next_random(seed) % 2;
    c->breached = next_random(seed) % 2;
    c->opened_at_us = (int64_t)next_random(seed);
    c->heard_at_us = (int64_t)next_random(seed);
    c->last_post_at_us = (int64_t)next_random(seed);
    c->changed_at_us = (int64_t)next_random(seed);
    c->last_agent = next_random(seed) % 2 ? ANA : NULL;
    c->first_responded_at_us = (int64_t)next_random(seed);
}

static void test_queue__permuting_anything_else_changes_nothing(void **state)
{
    (void)state;
    enum { CASES = 40, ROUNDS = 500 };
    static struct ear_case cases[CASES];
    uint64_t seed = 42;
    for (size_t i = 0; i < CASES; i++) {
        cases[i].case_id = id_of('x', (uint8_t)i);
        cases[i].respond_by_us = (int64_t)(next_random(&seed) % 8) * S; /* many the same, some 0 */
    }
    struct ear_case *first[CASES];
    struct ear_case *again[CASES];
    for (size_t i = 0; i < CASES; i++) first[i] = &cases[i];
    qsort(first, CASES, sizeof(first[0]), ear_queue_order);
    for (size_t i = 1; i < CASES; i++) {
        int64_t a = first[i - 1]->respond_by_us, b = first[i]->respond_by_us;
        assert_true(a == b || (a && a < b) || !b);
        if (a == b) assert_true(ear_id_cmp(&first[i - 1]->case_id, &first[i]->case_id) < 0);
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        memcpy(again, first, sizeof(again));
        for (size_t i = 0; i < CASES; i++) {
            size_t j = next_random(&seed) % CASES;
            struct ear_case *swap = again[i];
            again[i] = again[j];
            again[j] = swap;
            scramble(&cases[i], &seed);
        }
        qsort(again, CASES, sizeof(again[0]), ear_queue_order);
        assert_memory_equal(again, first, sizeof(again));
    }
}

static void test_queue__is_given_out_in_order(void **state)
{
    struct ear_book *book = *state;
    struct ear_case *queued[5];
    for (uint8_t i = 0; i < 5; i++) {
        struct ear_heard s;
        say(&s, i, i, 50 - i);
        queued[i] = decide_one(book, &s);
        assert_null(queued[i]->agent);
    }
    close_case(queued[4], 55);
    struct ear_case *oldest = queued[3], *next = queued[2];
    ear_book_put_seat(book, &world_agents[0], 0, 0); /* two places */
    assert_int_equal(ear_route_queued(book, queued, 5), 2);
    assert_string_equal(oldest->agent, ANA);
    assert_string_equal(next->agent, ANA);
    assert_int_equal(ear_route_queued(book, queued, 5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route__picks_the_aptest_team),
        cmocka_unit_test(test_route__picks_the_agent),
        WORLD_TEST(test_route__new_case_goes_to_who_had_the_last),
        WORLD_TEST(test_route__loads_spread_inside_a_batch),
        WORLD_TEST(test_route__passes_on_and_lets_go),
        cmocka_unit_test(test_route__nobody_passes_who_waits),
        WORLD_TEST(test_route__strays_go_back_to_a_queue),
        cmocka_unit_test(test_queue__permuting_anything_else_changes_nothing),
        WORLD_TEST(test_queue__is_given_out_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
