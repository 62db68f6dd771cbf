/* Names whose addresses come and go. The look-up is the test's own: what a name server answers
 * cannot be had on demand. Everything else is real. */
#include "bus_rig.h"

static const char *answer[4];
static size_t answer_count;
static ear_err answer_err;
static unsigned look_ups;

struct ear_resolve {
    ear_resolve_fn *fn;
    void *self;
};

static void give_answer(void *self)
{
    struct ear_resolve *resolve = self;
    look_ups++;
    if (resolve->fn) resolve->fn(resolve->self, answer_err, answer, answer_count);
    free(resolve);
}

void ear_resolve_start(struct ear_resolve **token, struct ear_loop *loop, const char *host,
                       ear_resolve_fn *fn, void *self)
{
    struct ear_resolve *resolve = ear_alloc(sizeof(*resolve));
    (void)host;
    *resolve = (struct ear_resolve){fn, self};
    *token = resolve;
    ear_loop_later(loop, give_answer, resolve);
}

void ear_resolve_forget(struct ear_resolve **token)
{
    if (*token) (*token)->fn = NULL;
    *token = NULL;
}

static void say(ear_err err, const char *first, const char *second)
{
    answer_err = err;
    answer[0] = first;
    answer[1] = second;
    answer_count = second ? 2 : first ? 1 : 0;
}

/* Until the name was looked up so often again. */
static void wait_answers(struct ear_loop *loop, unsigned count)
{
    unsigned until = look_ups + count;
    WAIT(loop, look_ups >= until);
}

struct pair {
    struct giver *one, *two;
    struct taker *taker;
};

static void open_pair(struct pair *pair, struct ear_loop *loop, size_t jobs)
{
    char where[64];
    pair->one = giver_new(loop, "127.0.0.1:0", jobs, 10);
    uint16_t port = ear_source_port(pair->one->source);
    pair->two = giver_new(loop, at_port(where, "127.0.0.2", port), jobs, 10);
    pair->taker = taker_new(loop, at_port(where, "ingest", port), 512);
}

static void close_pair(struct pair *pair)
{
    taker_free(&pair->taker);
    giver_free(&pair->one);
    giver_free(&pair->two);
}

static size_t links(const struct pair *pair)
{
    return ear_sink_sources(pair->taker->sink);
}

static void test_names__a_new_address_is_connected(void **state)
{
    struct pair pair;
    say(EAR_OK, "127.0.0.1", NULL);
    open_pair(&pair, *state, 3);
    WAIT(*state, pair.one->finished == 3);
    assert_int_equal(links(&pair), 1);
    say(EAR_OK, "127.0.0.1", "127.0.0.2");
    WAIT(*state, pair.two->finished == 3);
    assert_int_equal(links(&pair), 2);
    close_pair(&pair);
}

static void test_names__an_address_goes_after_three_answers_without_it(void **state)
{
    struct pair pair;
    say(EAR_OK, "127.0.0.1", "127.0.0.2");
    open_pair(&pair, *state, 3);
    WAIT(*state, links(&pair) == 2);
    WAIT(*state, pair.two->finished == 3);
    say(EAR_OK, "127.0.0.1", NULL);
    wait_answers(*state, 2);
    assert_int_equal(links(&pair), 2);
    say(EAR_OK, "127.0.0.1", "127.0.0.2"); /* back: counted from the start again */
    wait_answers(*state, 1);
    say(EAR_OK, "127.0.0.1", NULL);
    wait_answers(*state, 2);
    assert_int_equal(links(&pair), 2);
    wait_answers(*state, 1);
    WAIT(*state, links(&pair) == 1);
    close_pair(&pair);
}

static void test_names__no_answer_is_not_an_answer_without_it(void **state)
{
    struct pair pair;
    say(EAR_OK, "127.0.0.1", "127.0.0.2");
    open_pair(&pair, *state, 0);
    WAIT(*state, links(&pair) == 2);
    say(EAR_UNAVAILABLE, NULL, NULL);
    wait_answers(*state, 5);
    assert_int_equal(links(&pair), 2);
    say(EAR_NOT_FOUND, NULL, NULL);
    wait_answers(*state, 3);
    WAIT(*state, links(&pair) == 0);
    close_pair(&pair);
}

static void test_names__an_address_stays_while_anything_is_owed_to_it(void **state)
{
    struct pair pair;
    say(EAR_OK, "127.0.0.1", "127.0.0.2");
    open_pair(&pair, *state, 3);
    pair.taker->lazy = true;
    WAIT(*state, pair.taker->count == 6);
    say(EAR_OK, "127.0.0.1", NULL);
    wait_answers(*state, 6);
    assert_int_equal(links(&pair), 2);
    while (pair.taker->count) taker_settle(pair.taker, 0);
    WAIT(*state, pair.two->finished == 3);
    WAIT(*state, links(&pair) == 1);
    assert_int_equal(pair.two->lost, 0);
    close_pair(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_names__a_new_address_is_connected),
        RIG_TEST(test_names__an_address_goes_after_three_answers_without_it),
        RIG_TEST(test_names__no_answer_is_not_an_answer_without_it),
        RIG_TEST(test_names__an_address_stays_while_anything_is_owed_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
