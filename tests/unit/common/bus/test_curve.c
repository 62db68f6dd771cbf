/* Who may connect. */
#include "bus_rig.h"

#include <sys/stat.h>
#include <unistd.h>

struct keys {
    struct ear_loop *loop;
    char folder[64], peers[96];
    char ingest[96], classifier[96], stranger[96]; /* key files */
    char honest[512];                              /* the peers file */
};

static void write_file(const char *path, const char *text)
{
    struct ear_diag diag;
    if (ear_file_write(path, ear_str_from(text), 0600, &diag)) fail_msg("%s", diag.text);
}

static void make_key(const char *path, char public_key[41])
{
    char secret[41];
    ear_bus_keypair(public_key, secret);
    write_file(path, secret);
}

static const char *admitted; /* by sources made from now on; NULL: all */

static int set_up(void **state)
{
    struct keys *keys = ear_alloc(sizeof(*keys));
    rig_show_failures();
    admitted = NULL;
    char ingest[41], classifier[41], stranger[41];
    ear_crypt_start();
    if (ear_loop_new(&keys->loop)) return -1;
    snprintf(keys->folder, sizeof(keys->folder), "/tmp/ear_curve_XXXXXX");
    if (!mkdtemp(keys->folder)) return -1;
    snprintf(keys->peers, sizeof(keys->peers), "%s/peers", keys->folder);
    snprintf(keys->ingest, sizeof(keys->ingest), "%s/ingest", keys->folder);
    snprintf(keys->classifier, sizeof(keys->classifier), "%s/classifier", keys->folder);
    snprintf(keys->stranger, sizeof(keys->stranger), "%s/stranger", keys->folder);
    make_key(keys->ingest, ingest);
    make_key(keys->classifier, classifier);
    make_key(keys->stranger, stranger);
    snprintf(keys->honest, sizeof(keys->honest), "# who may connect\n\ningest %s\nclassifier  %s\n",
             ingest, classifier);
    write_file(keys->peers, keys->honest);
    *state = keys;
    return 0;
}

static int tear_down(void **state)
{
    struct keys *keys = *state;
    ear_loop_free(&keys->loop);
    unlink(keys->peers);
    unlink(keys->ingest);
    unlink(keys->classifier);
    unlink(keys->stranger);
    rmdir(keys->folder);
    free(keys);
    return 0;
}

static struct ear_bus *bus_with(struct keys *keys, const char *service, const char *key_file)
{
    struct ear_bus *bus;
    struct ear_diag diag;
    struct ear_bus_opts opts = {.service = service,
                                .key_file = key_file,
                                .peers_file = keys->peers,
                                .beat_ms = BEAT_MS,
                                .resolve_ms = 200};
    if (ear_bus_new(&bus, keys->loop, &opts, &diag)) fail_msg("%s", diag.text);
    return bus;
}

/* The classifier's key under another name: in the liar's own peers file it is the name's. */
static struct ear_bus *liar(struct keys *keys, const char *service)
{
    char peers[512], *classifier = strstr(keys->honest, "classifier");
    snprintf(peers, sizeof(peers), "%.*s%s%s", (int)(classifier - keys->honest), keys->honest,
             service, classifier + strlen("classifier"));
    write_file(keys->peers, peers);
    struct ear_bus *bus = bus_with(keys, service, keys->classifier);
    write_file(keys->peers, keys->honest);
    return bus;
}

static struct giver *safe_giver(struct keys *keys, const char *endpoint)
{
    static const struct ear_source_ops ops = {giver_room, giver_settled, giver_lost};
    struct giver *giver = ear_alloc(sizeof(*giver));
    struct ear_diag diag;
    giver->count = 20;
    for (size_t i = 0; i < giver->count; i++)
        giver->jobs[i] = (struct job){.id = ear_id_new(1), .count = 10};
    giver->bus = bus_with(keys, "ingest", keys->ingest);
    if (ear_source_new(&giver->source, giver->bus, endpoint, &ops, giver, &diag))
        fail_msg("%s", diag.text);
    if (admitted) ear_source_admit(giver->source, admitted);
    return giver;
}

static struct taker *safe_taker(struct keys *keys, struct ear_bus *bus, uint16_t port)
{
    char where[64];
    struct taker *taker = ear_alloc(sizeof(*taker));
    taker->loop = keys->loop;
    taker_open_with(taker, bus, at_port(where, "127.0.0.1", port), 512);
    return taker;
}

static void test_curve__known_keys_work(void **state)
{
    struct keys *keys = *state;
    struct giver *giver = safe_giver(keys, "*:0"); /* with keys, everywhere */
    struct taker *taker = safe_taker(keys, bus_with(keys, "classifier", keys->classifier),
                                     ear_source_port(giver->source));
    WAIT(keys->loop, giver->finished == 20);
    taker_free(&taker);
    giver_free(&giver);
}

static void refused(struct keys *keys, struct ear_bus *bus, const char *why_not)
{
    struct giver *giver = safe_giver(keys, "127.0.0.1:0");
    struct taker *taker = safe_taker(keys, bus, ear_source_port(giver->source));
    struct ear_source_stats stats;
    struct ear_diag why;
    /* At no time does either side take the link for a working one. */
    for (int64_t until = ear_clock_mono_ms() + 8 * BEAT_MS; ear_clock_mono_ms() < until;) {
        ear_loop_turn(keys->loop, 5);
        ear_source_stats(giver->source, &stats);
        assert_int_equal(stats.sinks, 0);
        assert_int_equal(ear_sink_sources(taker->sink), 0);
    }
    assert_int_equal(giver->rooms, 0);
    assert_false(ear_sink_reaches(taker->sink, &why));
    if (!strstr(why.text, why_not)) fail_msg("%s", why.text);
    taker_free(&taker);
    giver_free(&giver);
}

static void test_curve__a_key_that_is_not_listed_is_refused(void **state)
{
    struct keys *keys = *state;
    refused(keys, bus_with(keys, "classifier", keys->stranger), "refuses our CURVE key");
}

static void test_curve__no_key_is_refused(void **state)
{
    struct keys *keys = *state;
    refused(keys, open_bus(keys->loop, "classifier"), "refuses who has no CURVE key");
}

static void test_curve__a_name_that_is_not_the_keys_is_refused(void **state)
{
    struct keys *keys = *state;
    refused(keys, liar(keys, "assignment"), "does not answer");
}

static void test_curve__a_service_that_is_not_admitted_is_refused(void **state)
{
    struct keys *keys = *state;
    admitted = "assignment,responder";
    refused(keys, bus_with(keys, "classifier", keys->classifier), "does not answer");
    admitted = "assignment,classifier";
    struct giver *giver = safe_giver(keys, "127.0.0.1:0");
    struct taker *taker = safe_taker(keys, bus_with(keys, "classifier", keys->classifier),
                                     ear_source_port(giver->source));
    WAIT(keys->loop, giver->finished == 20);
    taker_free(&taker);
    giver_free(&giver);
}

struct desk {
    struct ear_server *server;
    unsigned asked, answers;
    ear_err err;
};

static void on_question(void *self, struct ear_call *call, struct ear_str request)
{
    struct desk *desk = self;
    desk->asked++;
    assert_string_equal(ear_call_peer(call), "classifier");
    ear_server_answer(desk->server, &call, request);
}

static void on_answer(void *self, ear_err err, struct ear_str answer)
{
    struct desk *desk = self;
    (void)answer;
    desk->err = err;
    desk->answers++;
}

static void test_curve__a_service_that_may_not_ask_is_not_heard(void **state)
{
    struct keys *keys = *state;
    struct desk desk = {0};
    struct ear_client *client;
    struct ear_diag diag;
    char where[64];
    struct ear_bus *here = bus_with(keys, "ingest", keys->ingest);
    struct ear_bus *there = bus_with(keys, "classifier", keys->classifier);
    assert_int_equal(ear_server_new(&desk.server, here, "127.0.0.1:0", on_question, &desk, &diag),
                     EAR_OK);
    at_port(where, "127.0.0.1", ear_server_port(desk.server));
    assert_int_equal(ear_client_new(&client, there, where, "ingest", &diag), EAR_OK);
    ear_server_admit(desk.server, "operator,responder");
    ear_client_ask(client, EAR_STR("drop all"), 900, on_answer, &desk);
    WAIT(keys->loop, desk.answers == 1);
    assert_int_equal(desk.err, EAR_TIMEOUT);
    assert_int_equal(desk.asked, 0);
    ear_server_admit(desk.server, "operator,classifier");
    ear_client_ask(client, EAR_STR("please"), 30000, on_answer, &desk);
    WAIT(keys->loop, desk.answers == 2);
    assert_int_equal(desk.err, EAR_OK);
    ear_client_free(&client);
    ear_server_free(&desk.server);
    ear_bus_free(&there);
    ear_bus_free(&here);
}

static void test_curve__a_source_with_another_key_is_not_believed(void **state)
{
    struct keys *keys = *state;
    struct giver *giver = safe_giver(keys, "127.0.0.1:0");
    giver_close(giver);
    giver->bus = liar(keys, "ingest"); /* a key that is known, but not ingest's */
    static const struct ear_source_ops ops = {giver_room, giver_settled, giver_lost};
    assert_int_equal(ear_source_new(&giver->source, giver->bus, "127.0.0.1:0", &ops, giver, NULL),
                     EAR_OK);
    struct taker *taker = safe_taker(keys, bus_with(keys, "classifier", keys->classifier),
                                     ear_source_port(giver->source));
    turn_for(keys->loop, 8 * BEAT_MS);
    assert_int_equal(giver->rooms, 0);
    assert_int_equal(ear_sink_sources(taker->sink), 0);
    taker_free(&taker);
    giver_free(&giver);
}

static void test_curve__without_keys_nothing_outside_this_machine(void **state)
{
    struct keys *keys = *state;
    static const char *const endpoints[] = {"*:0", "0.0.0.0:0", "[::]:0"};
    static const struct ear_source_ops ops = {giver_room, giver_settled, giver_lost};
    struct ear_bus *bus = open_bus(keys->loop, "ingest");
    for (size_t i = 0; i < EAR_COUNT(endpoints); i++) {
        struct ear_source *source;
        struct ear_diag diag;
        assert_int_equal(ear_source_new(&source, bus, endpoints[i], &ops, NULL, &diag), EAR_DENIED);
        assert_null(source);
    }
    ear_bus_free(&bus);
}

static void test_curve__key_files_are_checked_at_start(void **state)
{
    struct keys *keys = *state;
    char short_key[] = "tooshort", good[41], secret[41], text[128], other[128], both[128];
    ear_bus_keypair(good, secret);
    struct {
        const char *key, *peers;
        ear_err err;
    } cases[] = {
        {short_key, "", EAR_INVALID},
        {"0123456789012345678901234567890123456~\\\"", "", EAR_INVALID},
        {secret, "ingest", EAR_INVALID},
        {secret, "ingest short", EAR_INVALID},
        {secret, text, EAR_INVALID},
        {secret, "# nobody\n", EAR_INVALID},
        {secret, other, EAR_INVALID},
        {secret, both, EAR_OK},
    };
    snprintf(text, sizeof(text), "ingest %sx\n", good);
    snprintf(other, sizeof(other), "classifier %s\n", good); /* files that were mixed up */
    snprintf(both, sizeof(both), "classifier %s\ningest %s\n", good, good);
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_bus *bus;
        struct ear_diag diag;
        struct ear_bus_opts opts = {
            .service = "ingest", .key_file = keys->stranger, .peers_file = keys->peers};
        write_file(keys->stranger, cases[i].key);
        write_file(keys->peers, cases[i].peers);
        assert_int_equal(ear_bus_new(&bus, keys->loop, &opts, &diag), cases[i].err);
        ear_bus_free(&bus);
    }
}

static void test_curve__peers_without_a_key_are_a_mistake(void **state)
{
    struct keys *keys = *state;
    struct ear_bus *bus;
    struct ear_diag diag;
    struct ear_bus_opts opts = {.service = "ingest", .key_file = "", .peers_file = keys->peers};
    assert_int_equal(ear_bus_new(&bus, keys->loop, &opts, &diag), EAR_INVALID);
    assert_non_null(strstr(diag.text, "EAR_BUS_KEY_FILE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_curve__known_keys_work, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_curve__a_key_that_is_not_listed_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_curve__no_key_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_curve__a_name_that_is_not_the_keys_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_curve__a_service_that_is_not_admitted_is_refused,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_curve__a_service_that_may_not_ask_is_not_heard, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_curve__a_source_with_another_key_is_not_believed,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_curve__without_keys_nothing_outside_this_machine,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_curve__key_files_are_checked_at_start, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_curve__peers_without_a_key_are_a_mistake, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
