/* Keys that change while links are there. */
#include "bus_rig.h"

#include <unistd.h>

enum { INGEST, CLASSIFIER, SIDES };
static const char *const names[SIDES] = {"ingest", "classifier"};

/* Each side has a peers file of its own, so that one may know what the other does not yet. */
struct house {
    struct ear_loop *loop;
    char folder[32], key_file[SIDES][64], peers_file[SIDES][64];
    char public_[SIDES][41], fresh_public[SIDES][41], fresh_secret[SIDES][41];
    struct giver *giver;
    struct taker *taker;
};

static void write_file(const char *path, const char *text)
{
    struct ear_diag diag;
    if (ear_file_write(path, ear_str_from(text), 0600, &diag)) fail_msg("%s", diag.text);
}

/* What a side is told of the other: up to two keys. */
static void list(struct house *house, int side, const char *key, const char *other)
{
    char text[512];
    int peer = 1 - side;
    int len = snprintf(text, sizeof(text), "%s %s\n", names[side], house->public_[side]);
    if (key) len += snprintf(text + len, 64, "%s %s\n", names[peer], key);
    if (other) snprintf(text + len, 64, "%s %s\n", names[peer], other);
    write_file(house->peers_file[side], text);
}

static ear_err reload(struct house *house, int side)
{
    struct ear_diag diag = {0};
    ear_err err = ear_bus_reload(side == INGEST ? house->giver->bus : house->taker->bus, &diag);
    if (err) assert_non_null(strstr(diag.text, house->folder));
    return err;
}

static struct ear_bus *bus_of(struct house *house, int side)
{
    struct ear_bus *bus;
    struct ear_diag diag;
    struct ear_bus_opts opts = {.service = names[side],
                                .key_file = house->key_file[side],
                                .peers_file = house->peers_file[side],
                                .beat_ms = BEAT_MS,
                                .resolve_ms = 200};
    if (ear_bus_new(&bus, house->loop, &opts, &diag)) fail_msg("%s", diag.text);
    return bus;
}

static void give(struct house *house, size_t jobs)
{
    struct giver *giver = house->giver;
    for (size_t i = 0; i < jobs; i++)
        giver->jobs[giver->count++] = (struct job){.id = ear_id_new(1), .count = 10};
    giver_room(giver);
}

static void open_both(struct house *house)
{
    static const struct ear_source_ops ops = {giver_room, giver_settled, giver_lost};
    char where[64];
    struct ear_diag diag;
    house->giver = ear_alloc(sizeof(*house->giver));
    house->giver->bus = bus_of(house, INGEST);
    if (ear_source_new(&house->giver->source, house->giver->bus, "127.0.0.1:0", &ops, house->giver,
                       &diag))
        fail_msg("%s", diag.text);
    house->taker = ear_alloc(sizeof(*house->taker));
    house->taker->loop = house->loop;
    at_port(where, "127.0.0.1", ear_source_port(house->giver->source));
    taker_open_with(house->taker, bus_of(house, CLASSIFIER), where, 512);
}

static int set_up(void **state)
{
    struct house *house = ear_alloc(sizeof(*house));
    char secret[41];
    rig_show_failures();
    ear_crypt_start();
    if (ear_loop_new(&house->loop)) return -1;
    snprintf(house->folder, sizeof(house->folder), "/tmp/ear_reload_XXXXXX");
    if (!mkdtemp(house->folder)) return -1;
    for (int side = 0; side < SIDES; side++) {
        snprintf(house->key_file[side], 64, "%s/%s.key", house->folder, names[side]);
        snprintf(house->peers_file[side], 64, "%s/%s.peers", house->folder, names[side]);
        ear_bus_keypair(house->public_[side], secret);
        ear_bus_keypair(house->fresh_public[side], house->fresh_secret[side]);
        write_file(house->key_file[side], secret);
    }
    for (int side = 0; side < SIDES; side++) list(house, side, house->public_[1 - side], NULL);
    open_both(house);
    *state = house;
    return 0;
}

static int tear_down(void **state)
{
    struct house *house = *state;
    taker_free(&house->taker);
    giver_free(&house->giver);
    ear_loop_free(&house->loop);
    for (int side = 0; side < SIDES; side++) {
        unlink(house->key_file[side]);
        unlink(house->peers_file[side]);
    }
    rmdir(house->folder);
    free(house);
    return 0;
}

static size_t sinks(const struct house *house)
{
    struct ear_source_stats stats;
    ear_source_stats(house->giver->source, &stats);
    return stats.sinks;
}

static void test_reload__whose_key_is_taken_out_loses_its_link(void **state)
{
    struct house *house = *state;
    house->taker->lazy = true;
    give(house, 5);
    WAIT(house->loop, house->taker->count == 5);
    list(house, INGEST, NULL, NULL);
    assert_int_equal(reload(house, INGEST), EAR_OK);
    /* At once, on the connection that is there still. */
    taker_settle(house->taker, 0);
    WAIT(house->loop, house->giver->lost == 5 && sinks(house) == 0);
    assert_int_equal(house->giver->finished, 0);
    WAIT(house->loop, ear_sink_sources(house->taker->sink) == 0);
    turn_for(house->loop, 8 * BEAT_MS);
    assert_int_equal(sinks(house), 0);
    assert_int_equal(house->taker->batches, 5);
    list(house, INGEST, house->public_[CLASSIFIER], NULL);
    assert_int_equal(reload(house, INGEST), EAR_OK);
    house->taker->lazy = false;
    WAIT(house->loop, house->giver->finished == 5);
}

static void test_reload__who_connects_takes_another_key(void **state)
{
    struct house *house = *state;
    give(house, 5);
    WAIT(house->loop, house->giver->finished == 5);
    list(house, INGEST, house->public_[CLASSIFIER], house->fresh_public[CLASSIFIER]);
    assert_int_equal(reload(house, INGEST), EAR_OK);
    write_file(house->key_file[CLASSIFIER], house->fresh_secret[CLASSIFIER]);
    assert_int_equal(reload(house, CLASSIFIER), EAR_OK);
    give(house, 5);
    WAIT(house->loop, house->giver->finished == 10);
    assert_int_equal(house->giver->lost, 0);
    list(house, INGEST, house->fresh_public[CLASSIFIER], NULL);
    assert_int_equal(reload(house, INGEST), EAR_OK);
    WAIT(house->loop, sinks(house) == 0);
    WAIT(house->loop, sinks(house) == 1);
    give(house, 5);
    WAIT(house->loop, house->giver->finished == 15);
}

static void test_reload__who_is_connected_to_takes_another_key(void **state)
{
    struct house *house = *state;
    give(house, 5);
    WAIT(house->loop, house->giver->finished == 5);
    list(house, CLASSIFIER, house->public_[INGEST], house->fresh_public[INGEST]);
    assert_int_equal(reload(house, CLASSIFIER), EAR_OK);
    write_file(house->key_file[INGEST], house->fresh_secret[INGEST]);
    assert_int_equal(reload(house, INGEST), EAR_OK);
    /* The new link may be there before the end of the old one is seen. */
    turn_for(house->loop, 8 * BEAT_MS);
    WAIT(house->loop, sinks(house) == 1);
    give(house, 5);
    WAIT(house->loop, house->giver->finished == 10);
    list(house, CLASSIFIER, house->fresh_public[INGEST], NULL);
    assert_int_equal(reload(house, CLASSIFIER), EAR_OK);
    give(house, 5);
    WAIT(house->loop, house->giver->finished == 15);
}

static void test_reload__a_source_that_is_taken_out_is_left(void **state)
{
    struct house *house = *state;
    give(house, 5);
    WAIT(house->loop, house->giver->finished == 5);
    list(house, CLASSIFIER, house->fresh_public[INGEST], NULL);
    assert_int_equal(reload(house, CLASSIFIER), EAR_OK);
    WAIT(house->loop, ear_sink_sources(house->taker->sink) == 0);
    turn_for(house->loop, 8 * BEAT_MS);
    assert_int_equal(ear_sink_sources(house->taker->sink), 0);
}

static void test_reload__a_broken_file_changes_nothing(void **state)
{
    struct house *house = *state;
    static const char *const broken[] = {"", "# nobody\n", "classifier short\n", "classifier"};
    for (size_t i = 0; i < EAR_COUNT(broken); i++) {
        write_file(house->peers_file[INGEST], broken[i]);
        assert_int_equal(reload(house, INGEST), EAR_INVALID);
    }
    unlink(house->peers_file[INGEST]);
    assert_int_equal(reload(house, INGEST), EAR_NOT_FOUND);
    list(house, INGEST, NULL, NULL);
    write_file(house->key_file[INGEST], "no key");
    assert_int_equal(reload(house, INGEST), EAR_INVALID);
    give(house, 5);
    WAIT(house->loop, house->giver->finished == 5);
    assert_int_equal(house->giver->lost, 0);
}

static unsigned asked, answers;

static void on_question(void *self, struct ear_call *call, struct ear_str request)
{
    asked++;
    ear_server_answer(*(struct ear_server **)self, &call, request);
}

static void on_answer(void *self, ear_err err, struct ear_str answer)
{
    (void)answer;
    answers++;
    *(ear_err *)self = err;
}

static void test_reload__whose_key_is_taken_out_is_not_heard(void **state)
{
    struct house *house = *state;
    struct ear_server *server;
    struct ear_client *client;
    struct ear_diag diag;
    ear_err err;
    char where[64];
    assert_int_equal(
        ear_server_new(&server, house->giver->bus, "127.0.0.1:0", on_question, &server, &diag),
        EAR_OK);
    at_port(where, "127.0.0.1", ear_server_port(server));
    assert_int_equal(ear_client_new(&client, house->taker->bus, where, "ingest", &diag), EAR_OK);
    ear_client_ask(client, EAR_STR("please"), 30000, on_answer, &err);
    WAIT(house->loop, answers == 1);
    assert_int_equal(err, EAR_OK);
    list(house, INGEST, NULL, NULL);
    assert_int_equal(reload(house, INGEST), EAR_OK);
    ear_client_ask(client, EAR_STR("drop all"), 900, on_answer, &err);
    WAIT(house->loop, answers == 2);
    assert_int_equal(err, EAR_TIMEOUT);
    assert_int_equal(asked, 1);
    ear_client_free(&client);
    ear_server_free(&server);
}

#define HOUSE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOUSE_TEST(test_reload__whose_key_is_taken_out_loses_its_link),
        HOUSE_TEST(test_reload__who_connects_takes_another_key),
        HOUSE_TEST(test_reload__who_is_connected_to_takes_another_key),
        HOUSE_TEST(test_reload__a_source_that_is_taken_out_is_left),
        HOUSE_TEST(test_reload__a_broken_file_changes_nothing),
        HOUSE_TEST(test_reload__whose_key_is_taken_out_is_not_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
