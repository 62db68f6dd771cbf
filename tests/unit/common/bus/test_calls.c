/* Questions and answers. */
#include "bus_rig.h"

struct post { /* a replica that answers, or does not */
    struct ear_bus *bus;
    struct ear_server *server;
    bool mute;
    unsigned asked;
    struct ear_call *kept;
};

static void asked(void *self, struct ear_call *call, struct ear_str request)
{
    struct post *post = self;
    char text[64];
    post->asked++;
    assert_string_equal(ear_call_peer(call), "");
    if (post->mute) {
        post->kept = call;
        return;
    }
    int len = snprintf(text, sizeof(text), "re: %.*s", EAR_STR_ARG(request));
    ear_server_answer(post->server, &call, (struct ear_str){text, (size_t)len});
    assert_null(call);
}

static void open_post(struct post *post, struct ear_loop *loop, const char *endpoint)
{
    struct ear_diag diag;
    post->bus = open_bus(loop, "assignment");
    if (ear_server_new(&post->server, post->bus, endpoint, asked, post, &diag))
        fail_msg("%s", diag.text);
}

static void close_post(struct post *post)
{
    ear_server_free(&post->server);
    ear_bus_free(&post->bus);
}

struct asker {
    struct ear_bus *bus;
    struct ear_client *client;
    unsigned answers;
    ear_err err;
    char text[64];
};

static void answered(void *self, ear_err err, struct ear_str answer)
{
    struct asker *asker = self;
    asker->answers++;
    asker->err = err;
    assert_true(ear_str_copy(asker->text, sizeof(asker->text), answer));
}

static void open_asker(struct asker *asker, struct ear_loop *loop, const char *servers)
{
    struct ear_diag diag;
    asker->bus = open_bus(loop, "earshotctl");
    if (ear_client_new(&asker->client, asker->bus, servers, "assignment", &diag))
        fail_msg("%s", diag.text);
}

static void close_asker(struct asker *asker)
{
    ear_client_free(&asker->client);
    ear_bus_free(&asker->bus);
}

static const char *both(char text[128], const struct post *one, const struct post *two)
{
    snprintf(text, 128, "127.0.0.1:%u,127.0.0.1:%u", (unsigned)ear_server_port(one->server),
             (unsigned)ear_server_port(two->server));
    return text;
}

static void test_calls__an_answer_comes_back(void **state)
{
    struct ear_loop *loop = *state;
    struct post post = {0};
    struct asker asker = {0};
    char where[64];
    open_post(&post, loop, "127.0.0.1:0");
    open_asker(&asker, loop, at_port(where, "127.0.0.1", ear_server_port(post.server)));
    /* Asked before the link is there: waits for it. */
    ear_client_ask(asker.client, EAR_STR("one"), 10000, answered, &asker);
    assert_int_equal(asker.answers, 0);
    WAIT(loop, asker.answers == 1);
    assert_int_equal(asker.err, EAR_OK);
    assert_string_equal(asker.text, "re: one");
    for (int i = 0; i < 500; i++)
        ear_client_ask(asker.client, EAR_STR("many"), 10000, answered, &asker);
    WAIT(loop, asker.answers == 501);
    assert_int_equal(post.asked, 501);
    turn_for(loop, 5 * BEAT_MS); /* idle links live on beats */
    ear_client_ask(asker.client, EAR_STR_NONE, 10000, answered, &asker);
    WAIT(loop, asker.answers == 502);
    assert_int_equal(asker.err, EAR_OK);
    close_asker(&asker);
    close_post(&post);
}

static void test_calls__another_replica_is_asked_after_a_third(void **state)
{
    struct ear_loop *loop = *state;
    struct post posts[2] = {{.mute = true}, {.mute = true}};
    struct asker asker = {0};
    char where[128];
    rig_beat_ms = 5 * BEAT_MS; /* no link may break meanwhile: then the other is asked at once */
    open_post(&posts[0], loop, "127.0.0.1:0");
    open_post(&posts[1], loop, "127.0.0.1:0");
    open_asker(&asker, loop, both(where, &posts[0], &posts[1]));
    int64_t from_ms = ear_clock_mono_ms();
    ear_client_ask(asker.client, EAR_STR("who"), 2970, answered, &asker);
    WAIT(loop, posts[0].asked + posts[1].asked == 1);
    struct post *other = posts[0].asked ? &posts[1] : &posts[0];
    other->mute = false;
    WAIT(loop, asker.answers == 1);
    assert_int_equal(asker.err, EAR_OK);
    assert_in_range(ear_clock_mono_ms() - from_ms, 900, 1900); /* not after two thirds */
    /* The first one's answer comes too late and changes nothing. */
    struct post *slow = other == &posts[0] ? &posts[1] : &posts[0];
    ear_server_answer(slow->server, &slow->kept, EAR_STR("late"));
    turn_for(loop, 50);
    assert_int_equal(asker.answers, 1);
    close_asker(&asker);
    close_post(&posts[0]);
    close_post(&posts[1]);
}

static void test_calls__a_dead_replicas_questions_go_to_another_at_once(void **state)
{
    struct ear_loop *loop = *state;
    struct post posts[2] = {{.mute = true}, {.mute = true}};
    struct asker asker = {0};
    char where[128];
    open_post(&posts[0], loop, "127.0.0.1:0");
    open_post(&posts[1], loop, "127.0.0.1:0");
    open_asker(&asker, loop, both(where, &posts[0], &posts[1]));
    turn_for(loop, 2 * BEAT_MS);
    int64_t from_ms = ear_clock_mono_ms();
    ear_client_ask(asker.client, EAR_STR("who"), 30000, answered, &asker);
    WAIT(loop, posts[0].asked + posts[1].asked == 1);
    struct post *dead = posts[0].asked ? &posts[0] : &posts[1];
    struct post *heir = posts[0].asked ? &posts[1] : &posts[0];
    heir->mute = false;
    close_post(dead);
    WAIT(loop, asker.answers == 1);
    assert_int_equal(asker.err, EAR_OK);
    assert_true(ear_clock_mono_ms() - from_ms < 5000);
    close_asker(&asker);
    close_post(heir);
}

static void test_calls__silence_is_a_timeout_and_absence_unavailable(void **state)
{
    struct ear_loop *loop = *state;
    struct post post = {.mute = true};
    struct asker asker = {0};
    char where[64];
    open_post(&post, loop, "127.0.0.1:0");
    uint16_t port = ear_server_port(post.server);
    open_asker(&asker, loop, at_port(where, "127.0.0.1", port));
    ear_client_ask(asker.client, EAR_STR("who"), 300, answered, &asker);
    WAIT(loop, asker.answers == 1);
    assert_int_equal(asker.err, EAR_TIMEOUT);
    assert_int_equal(post.asked, 1); /* not asked twice: it may be at work on it */
    close_post(&post);
    turn_for(loop, 2 * BEAT_MS);
    ear_client_ask(asker.client, EAR_STR("who"), 300, answered, &asker);
    WAIT(loop, asker.answers == 2);
    assert_int_equal(asker.err, EAR_UNAVAILABLE);
    close_asker(&asker);
}

static void test_calls__refused_and_closed_questions_are_told_so(void **state)
{
    struct ear_loop *loop = *state;
    static char big[(1 << 20) + 1];
    struct asker asker = {0};
    open_asker(&asker, loop, "127.0.0.1:9");
    ear_client_ask(asker.client, (struct ear_str){big, sizeof(big)}, 10000, answered, &asker);
    assert_int_equal(asker.answers, 0);
    WAIT(loop, asker.answers == 1);
    assert_int_equal(asker.err, EAR_TOO_LARGE);
    for (int i = 0; i < 1100; i++)
        ear_client_ask(asker.client, EAR_STR("many"), 60000, answered, &asker);
    WAIT(loop, asker.answers == 77);
    assert_int_equal(asker.err, EAR_LIMITED);
    ear_client_free(&asker.client);
    assert_int_equal(asker.answers, 1101);
    assert_int_equal(asker.err, EAR_CLOSED);
    ear_bus_free(&asker.bus);
}

static void test_calls__bad_names_are_refused_at_start(void **state)
{
    struct ear_loop *loop = *state;
    static const char *const texts[] = {"", "assignment", "a:1,,b:2", "a:0", "a:99999"};
    struct ear_bus *bus = open_bus(loop, "earshotctl");
    for (size_t i = 0; i < EAR_COUNT(texts); i++) {
        struct ear_client *client;
        struct ear_diag diag;
        assert_int_equal(ear_client_new(&client, bus, texts[i], "assignment", &diag), EAR_INVALID);
        assert_null(client);
    }
    ear_bus_free(&bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_calls__an_answer_comes_back),
        RIG_TEST(test_calls__another_replica_is_asked_after_a_third),
        RIG_TEST(test_calls__a_dead_replicas_questions_go_to_another_at_once),
        RIG_TEST(test_calls__silence_is_a_timeout_and_absence_unavailable),
        RIG_TEST(test_calls__refused_and_closed_questions_are_told_so),
        RIG_TEST(test_calls__bad_names_are_refused_at_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
