#include "world.h"

#include "engine/lifecycle.h"
#include "engine/threading.h"

/* ---- one row a line of the table in docs/states.md ---- */

enum before { NO_CASE, OPEN, WAITING, CLOSED_WARM, CLOSED_COLD };
enum thread { BY_CUSTOMER, BY_REPLY, BY_CONVERSATION, OF_OTHER, OWN_POST, OWN_LINKED };

static const struct row {
    enum before before;
    enum thread thread;
    int answer;
    int intent;
    ear_decision want;
} rows[] = {
    {NO_CASE, BY_CUSTOMER, 1, 2, EAR_DECIDED_OPENED},
    {NO_CASE, BY_CUSTOMER, 0, 0, EAR_DECIDED_OPENED}, /* unsure: a person decides */
    {NO_CASE, BY_CUSTOMER, 2, 4, EAR_DECIDED_NONE_NEEDED},
    {NO_CASE, BY_CUSTOMER, 1, 7, EAR_DECIDED_NONE_NEEDED}, /* spam */
    {NO_CASE, BY_CUSTOMER, 0, 7, EAR_DECIDED_NONE_NEEDED},
    {OPEN, BY_CUSTOMER, 1, 2, EAR_DECIDED_JOINED},
    {OPEN, BY_CUSTOMER, 2, 4, EAR_DECIDED_JOINED},
    {OPEN, BY_REPLY, 0, 0, EAR_DECIDED_JOINED},
    {OPEN, BY_CUSTOMER, 1, 7, EAR_DECIDED_JOINED},
    {WAITING, BY_CUSTOMER, 1, 2, EAR_DECIDED_JOINED},
    {WAITING, BY_CONVERSATION, 2, 4, EAR_DECIDED_JOINED},
    {CLOSED_WARM, BY_CUSTOMER, 1, 2, EAR_DECIDED_REOPENED},
    {CLOSED_WARM, BY_REPLY, 0, 0, EAR_DECIDED_REOPENED},
    {CLOSED_WARM, BY_CONVERSATION, 1, 1, EAR_DECIDED_REOPENED},
    {CLOSED_WARM, BY_CUSTOMER, 2, 4, EAR_DECIDED_NONE_NEEDED},
    {CLOSED_WARM, BY_REPLY, 2, 4, EAR_DECIDED_JOINED}, /* thanks, to the case that earned them */
    {CLOSED_COLD, BY_CUSTOMER, 1, 2, EAR_DECIDED_OPENED},
    {CLOSED_COLD, BY_REPLY, 1, 2, EAR_DECIDED_OPENED},
    {CLOSED_COLD, BY_CONVERSATION, 2, 4, EAR_DECIDED_JOINED},
    {NO_CASE, OF_OTHER, 0, 0, EAR_DECIDED_RELATED},
    {NO_CASE, OF_OTHER, 2, 4, EAR_DECIDED_RELATED},
    {NO_CASE, OF_OTHER, 1, 2, EAR_DECIDED_OPENED}, /* asks the firm in another's thread */
    {NO_CASE, OF_OTHER, 1, 7, EAR_DECIDED_RELATED},
    {OPEN, OF_OTHER, 0, 0, EAR_DECIDED_JOINED},
    {CLOSED_WARM, OF_OTHER, 0, 0, EAR_DECIDED_RELATED},
    {CLOSED_WARM, OF_OTHER, 1, 2, EAR_DECIDED_REOPENED},
    {NO_CASE, OWN_POST, 0, 0, EAR_DECIDED_OWN_ALONE},
    {OPEN, OWN_POST, 0, 0, EAR_DECIDED_OWN_ALONE},
    {OPEN, OWN_LINKED, 0, 0, EAR_DECIDED_OWN},
    {CLOSED_WARM, OWN_LINKED, 0, 0, EAR_DECIDED_OWN},
};

static struct ear_case *make_case(struct ear_book *book, uint8_t customer, uint8_t number,
                                  enum before before)
{
    struct ear_heard s;
    say(&s, customer, number, -100000);
    struct ear_case *c = decide_one(book, &s);
    if (before == WAITING) {
        c->state = EAR_CASE_WAITING;
        c->respond_by_us = 0;
    }
    if (before == CLOSED_WARM) close_case(c, -86400);
    if (before == CLOSED_COLD) close_case(c, -86401);
    return c;
}

static void lead_to(struct ear_book *book, struct ear_id ref, const struct ear_case *c)
{
    ear_book_point(book, &ref, c);
}

static void say_row(const struct row *row, struct ear_heard *s)
{
    say(s, 1, 3, 0);
    s->triage.answer = (Earshot__V1__Answer)row->answer;
    s->triage.intent = (Earshot__V1__Intent)row->intent;
    if (row->thread == BY_CONVERSATION)
        s->conversation_ref = id_of('r', 1);
    else if (row->thread != BY_CUSTOMER && row->thread != OWN_POST)
        s->reply_ref = id_of('r', 1);
    s->own = row->thread == OWN_POST || row->thread == OWN_LINKED;
    if (s->own) s->customer_id = id_of('c', 99);
}

static void check_case(const struct row *row, const struct ear_case *got,
                       const struct ear_case *mine, const struct ear_case *other)
{
    switch (row->want) {
    case EAR_DECIDED_JOINED:
    case EAR_DECIDED_REOPENED:
    case EAR_DECIDED_OWN:
        assert_ptr_equal(got, mine);
        break;
    case EAR_DECIDED_OPENED:
        assert_true(got->is_new && got != mine && got != other);
        if (mine) assert_int_equal(ear_id_cmp(&got->follows, &mine->case_id), 0);
        break;
    case EAR_DECIDED_RELATED:
        assert_ptr_equal(got, other);
        break;
    default:
        assert_null(got);
    }
}

static void run_row(const struct row *row)
{
    void *state;
    struct ear_heard s;
    world_up(&state);
    struct ear_book *book = state;
    struct ear_case *mine = row->before ? make_case(book, 1, 1, row->before) : NULL;
    struct ear_case *other = make_case(book, 2, 2, OPEN);
    int32_t other_seq = other->seq;
    const struct ear_case *linked = row->thread == OF_OTHER ? other : mine;
    say_row(row, &s);
    if (linked) lead_to(book, id_of('r', 1), linked);

    struct ear_case *got = decide_one(book, &s);
    assert_int_equal(last_decision(book), row->want);
    check_case(row, got, mine, other);
    assert_int_equal(other->seq, other_seq + (row->thread == OF_OTHER));
    world_down(&state);
}

static void test_decide__follows_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < EAR_COUNT(rows); i++) run_row(&rows[i]);
}

/* ---- bursts ---- */

static void test_decide__opens_one_case_for_a_burst(void **state)
{
    struct ear_book *book = *state;
    struct ear_heard s[5];
    const struct ear_heard *heard[6];
    for (uint8_t i = 0; i < 5; i++) {
        say(&s[i], 1, i, 10 - i); /* the last heard was said first */
        heard[i] = &s[i];
    }
    heard[5] = &s[2]; /* the same again */
    assert_int_equal(ear_decide(book, heard, 6), 5);
    size_t opened = 0;
    for (const struct ear_verdict *v = book->verdicts; v; v = v->next)
        opened += v->decision == EAR_DECIDED_OPENED;
    assert_int_equal(opened, 1);
    assert_int_equal(ear_id_cmp(&book->verdicts->heard->post_id, &s[4].post_id), 0);
    const struct ear_case *c = book->verdicts->of;
    assert_int_equal(c->posts, 5);
    assert_int_equal(c->seq, 5);
    assert_int_equal(c->opened_at_us, T0 + 6 * S);
    assert_int_equal(ear_id_cmp(&c->last_post_id, &s[0].post_id), 0);
    assert_int_equal(ear_decide(book, heard, 6), 0); /* nothing twice */
}

static void test_decide__keeps_accounts_apart_but_not_unknown_ones(void **state)
{
    struct ear_book *book = *state;
    struct ear_heard first, second, third;
    say(&first, 1, 1, 0);
    say(&second, 1, 2, 1);
    second.account = "@help";
    say(&third, 1, 3, 2);
    third.account = "";
    struct ear_case *a = decide_one(book, &first);
    struct ear_case *b = decide_one(book, &second);
    assert_ptr_not_equal(a, b);
    decide_one(book, &third);
    assert_int_equal(last_decision(book), EAR_DECIDED_JOINED);
}

/* A thread that led to another account's case, closed long ago, opens none beside the open one. */
static void test_decide__joins_what_is_open_on_the_posts_own_account(void **state)
{
    struct ear_book *book = *state;
    struct ear_case *cold = make_case(book, 1, 1, CLOSED_COLD); /* on @firm */
    struct ear_heard s;
    say(&s, 1, 2, -50);
    s.account = "@help";
    struct ear_case *open = decide_one(book, &s);
    assert_ptr_not_equal(open, cold);
    say(&s, 1, 3, 0);
    s.account = "@help";
    s.reply_ref = id_of('r', 1);
    lead_to(book, id_of('r', 1), cold);
    assert_ptr_equal(decide_one(book, &s), open);
    assert_int_equal(last_decision(book), EAR_DECIDED_JOINED);
}

static void test_decide__no_author_writes_after_we_heard(void **state)
{
    struct ear_book *book = *state;
    struct ear_heard first, second;
    say(&first, 1, 1, 0);
    first.created_at_us = T0 + 86400 * S; /* so it claims */
    struct ear_case *c = decide_one(book, &first);
    say(&second, 1, 2, 10);
    decide_one(book, &second);
    assert_int_equal(ear_id_cmp(&c->last_post_id, &second.post_id), 0);
    assert_int_equal(c->last_post_at_us, T0 + 10 * S);
}

static void test_decide__earlier_post_that_comes_late_sorts_in(void **state)
{
    struct ear_book *book = *state;
    struct ear_heard first, late;
    say(&first, 1, 1, 30);
    struct ear_case *c = decide_one(book, &first);
    int32_t clock_no = c->clock_no;
    say(&late, 1, 2, 0);
    late.received_at_us = T0 + 50 * S;
    decide_one(book, &late);
    assert_int_equal(c->respond_by_us, T0 + 900 * S);
    assert_int_equal(c->opened_at_us, T0);
    assert_int_equal(c->clock_no, clock_no);
    assert_int_equal(ear_id_cmp(&c->last_post_id, &first.post_id), 0);
    size_t moves = 0, starts = 0;
    for (const struct ear_due *d = book->dues; d; d = d->next) {
        moves += d->change == EAR_DUE_MOVE;
        starts += d->change == EAR_DUE_START;
    }
    assert_int_equal(starts, 1); /* that of the first post alone */
    assert_int_equal(moves, 2);
}

/* What a post did to its case stands with its verdict, and leads to the line before. */
static void test_decide__lines_of_posts_stand_with_their_verdicts(void **state)
{
    struct ear_book *book = *state;
    struct ear_heard first, second;
    say(&first, 1, 1, 0);
    struct ear_case *c = decide_one(book, &first);
    say(&second, 1, 2, 10);
    decide_one(book, &second);
    const struct ear_verdict *v = book->verdicts;
    assert_ptr_equal(v->line, book->entries);
    assert_true(v->line->in_triage);
    assert_true(ear_id_is_nil(&v->before));
    assert_int_equal(v->next->line->seq, 2);
    assert_int_equal(ear_id_cmp(&v->next->before, &first.post_id), 0);
    assert_int_equal(ear_id_cmp(&c->tail_post_id, &second.post_id), 0);
}

static void test_decide__repeats_raise_nothing(void **state)
{
    struct ear_book *book = *state;
    struct ear_heard s;
    say(&s, 1, 1, 0);
    struct ear_case *c = decide_one(book, &s);
    int64_t respond_by_us = c->respond_by_us;
    for (uint8_t i = 2; i < 20; i++) {
        say(&s, 1, i, i);
        decide_one(book, &s);
    }
    assert_int_equal(c->respond_by_us, respond_by_us);
    assert_int_equal(c->clock_no, 1);
}

static void test_decide__customer_writing_again_starts_the_next_clock(void **state)
{
    struct ear_book *book = *state;
    struct ear_case *c = make_case(book, 1, 1, WAITING);
    struct ear_heard thanks, question;
    say(&thanks, 1, 2, 1);
    thanks.triage.answer = EARSHOT__V1__ANSWER__ANSWER_NOT_NEEDED;
    decide_one(book, &thanks);
    assert_int_equal(c->state, EAR_CASE_WAITING);
    say(&question, 1, 3, 2);
    decide_one(book, &question);
    assert_int_equal(c->state, EAR_CASE_OPEN);
    assert_int_equal(c->clock_no, 2);
    assert_int_equal(c->respond_by_us, T0 + 902 * S);
}

static void test_decide__conversation_leads_to_the_customers_newest_case(void **state)
{
    struct ear_book *book = *state;
    struct ear_heard s;
    say(&s, 1, 1, -200000);
    s.conversation_ref = id_of('k', 1);
    struct ear_case *first = decide_one(book, &s);
    close_case(first, -150000);
    say(&s, 1, 2, 0);
    s.conversation_ref = id_of('k', 1);
    struct ear_case *second = decide_one(book, &s);
    const struct ear_link *link = ear_book_link(book, &s.conversation_ref);
    assert_int_equal(ear_id_cmp(&link->case_id, &second->case_id), 0);
    say(&s, 2, 3, 1); /* a bystander takes nothing over */
    s.conversation_ref = id_of('k', 1);
    decide_one(book, &s);
    link = ear_book_link(book, &s.conversation_ref);
    assert_int_equal(ear_id_cmp(&link->case_id, &second->case_id), 0);
}

static void test_decide__echo_of_a_reply_is_marked(void **state)
{
    struct ear_book *book = *state;
    struct ear_case *c = make_case(book, 1, 1, OPEN);
    struct ear_heard s;
    say(&s, 9, 2, 1);
    s.own = true;
    lead_to(book, s.self_ref, c);
    assert_ptr_equal(decide_one(book, &s), c);
    assert_string_equal(last_entry(book)->code, "echo");
    assert_int_not_equal(c->respond_by_us, 0);
}

static void test_decide__notes_further_accounts(void **state)
{
    struct ear_book *book = *state;
    static const char *const both[] = {"@firm", "@help"};
    struct ear_heard s;
    say(&s, 1, 1, 0);
    s.mentions = both;
    s.mention_count = 2;
    decide_one(book, &s);
    assert_string_equal(book->mentions->account, "@help");
    assert_null(book->mentions->next);
    assert_true(ear_entry_has(last_entry(book), EAR_KIND_MENTIONED));
}

static void test_decide__known_post_heard_by_a_further_account(void **state)
{
    struct ear_book *book = *state;
    static const char *const heard[] = {"@help", "@firm", "@shop"};
    struct ear_heard s;
    say(&s, 1, 1, 0);
    struct ear_case *c = decide_one(book, &s);
    struct ear_decided fact = {
        .key = {s.post_id, s.customer_id}, .case_id = c->case_id, .heard = EAR_STR("@help")};
    ear_book_put_decided(book, &fact);
    int32_t seq = c->seq, posts = c->posts;
    s.mentions = heard;
    s.mention_count = 3;
    for (int i = 0; i < 2; i++) {
        const struct ear_heard *again = &s;
        assert_int_equal(ear_decide(book, &again, 1), 0);
        assert_int_equal(c->seq, seq + 1);
        assert_int_equal(c->posts, posts);
        assert_string_equal(book->mentions->account, "@shop");
        assert_null(book->mentions->next);
        assert_string_equal(last_entry(book)->account, "@shop");
        assert_int_equal(last_entry(book)->kinds, INT64_C(1) << EAR_KIND_MENTIONED);
    }
}

static void test_case__may_take_legal_steps_only(void **state)
{
    (void)state;
    static const bool legal[4][4] = {[EAR_CASE_OPEN] = {0, 0, 1, 1},
                                     [EAR_CASE_WAITING] = {0, 1, 0, 1},
                                     [EAR_CASE_CLOSED] = {0, 1, 0, 0}};
    for (int from = 1; from <= 3; from++)
        for (int to = 1; to <= 3; to++)
            assert_int_equal(ear_case_may((ear_case_state)from, (ear_case_state)to),
                             legal[from][to]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decide__follows_the_table),
        WORLD_TEST(test_decide__opens_one_case_for_a_burst),
        WORLD_TEST(test_decide__keeps_accounts_apart_but_not_unknown_ones),
        WORLD_TEST(test_decide__joins_what_is_open_on_the_posts_own_account),
        WORLD_TEST(test_decide__no_author_writes_after_we_heard),
        WORLD_TEST(test_decide__earlier_post_that_comes_late_sorts_in),
        WORLD_TEST(test_decide__repeats_raise_nothing),
        WORLD_TEST(test_decide__lines_of_posts_stand_with_their_verdicts),
        WORLD_TEST(test_decide__customer_writing_again_starts_the_next_clock),
        WORLD_TEST(test_decide__conversation_leads_to_the_customers_newest_case),
        WORLD_TEST(test_decide__echo_of_a_reply_is_marked),
        WORLD_TEST(test_decide__notes_further_accounts),
        WORLD_TEST(test_decide__known_post_heard_by_a_further_account),
        cmocka_unit_test(test_case__may_take_legal_steps_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
