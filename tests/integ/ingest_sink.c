/* ingest_sink: a classifier's stead for the tests of ingest: takes batches over the real bus and
 * settles them as told, writing a line a post on stdout:
 *
 *   LANE POST_ID TEXT
 *
 * ingest_sink HOST:PORT MODE [SECONDS]
 *   done        settles everything as done
 *   hold        settles nothing
 *   poison=TEXT fails posts of that text, the rest is done
 *   return      hands the first batch back, then settles
 * Ends on SIGTERM or after SECONDS. With CURVE where EAR_BUS_KEY_FILE and EAR_BUS_PEERS_FILE say
 * so. */
#include "bus/bus.h"
#include "wire/wire.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct taster {
    struct ear_loop *loop;
    struct ear_sink *sink;
    const char *mode;
    unsigned batches;
};

static uint8_t fate_of(const struct taster *taster, const Earshot__V1__Post *post)
{
    if (strncmp(taster->mode, "poison=", 7) == 0 && strcmp(post->text, taster->mode + 7) == 0) {
        return EAR_ITEM_FAILED;
    }
    if (strcmp(taster->mode, "return") == 0 && taster->batches == 1) return EAR_ITEM_RETURNED;
    return EAR_ITEM_DONE;
}

static uint8_t taste(const struct taster *taster, ear_lane lane, struct ear_str item)
{
    char text[EAR_ID_TEXT_BYTES];
    struct ear_id id;
    struct ear_arena *arena = ear_arena_new(4u << 20);
    Earshot__V1__Post *post =
        EAR_UNPACK(Earshot__V1__Post, earshot__v1__post__descriptor, item, arena);
    EAR_CHECK(post && ear_wire_id(&post->post_id, false, &id) == EAR_OK);
    ear_id_format(&id, text);
    printf("%s %s %s\n", lane == EAR_LANE_LIVE ? "live" : "backfill", text, post->text);
    uint8_t fate = fate_of(taster, post);
    ear_arena_free(&arena);
    return fate;
}

static void on_batch(void *self, const struct ear_batch *batch)
{
    struct taster *taster = self;
    uint8_t fates[EAR_BATCH_POSTS_MAX];
    taster->batches++;
    for (size_t i = 0; i < batch->count; i++) {
        fates[i] = taste(taster, batch->lane, batch->items[i]);
    }
    fflush(stdout);
    if (strcmp(taster->mode, "hold") == 0) return;
    const struct ear_settle settle = {batch->id, fates, batch->count};
    ear_sink_settle(taster->sink, &settle);
}

static void on_stop(void *self, int signum)
{
    (void)signum;
    ear_loop_stop(((struct taster *)self)->loop);
}

static void on_time(void *self)
{
    ear_loop_stop(((struct taster *)self)->loop);
}

int main(int argc, char **argv)
{
    static const struct ear_sink_ops ops = {.batch = on_batch};
    struct ear_bus *bus = NULL;
    struct ear_diag diag = {0};
    struct ear_timer *timer = NULL;
    if (argc < 3) return 2;
    struct taster taster = {.mode = argv[2]};
    const struct ear_bus_opts bus_opts = {.service = "classifier",
                                          .key_file = getenv("EAR_BUS_KEY_FILE"),
                                          .peers_file = getenv("EAR_BUS_PEERS_FILE")};
    /* More than a classifier has: who has most room gets the next batch, also beside one. */
    const struct ear_sink_opts sink_opts = {
        .sources = argv[1], .source_service = "ingest", .window_posts = {1 << 15}};
    ear_crypt_start();
    EAR_CHECK(ear_loop_new(&taster.loop) == EAR_OK);
    if (ear_bus_new(&bus, taster.loop, &bus_opts, &diag) != EAR_OK ||
        ear_sink_new(&taster.sink, bus, &sink_opts, &ops, &taster, &diag) != EAR_OK) {
        fprintf(stderr, "ingest_sink: %s\n", diag.text);
        return 1;
    }
    EAR_CHECK(ear_loop_on_signal(taster.loop, SIGTERM, on_stop, &taster) == EAR_OK);
    ear_timer_new(&timer, taster.loop, on_time, &taster);
    ear_timer_start(timer, (argc > 3 ? strtol(argv[3], NULL, 10) : 120) * 1000, 0);
    ear_loop_run(taster.loop);
    ear_timer_free(&timer);
    ear_sink_free(&taster.sink);
    ear_bus_free(&bus);
    ear_loop_free(&taster.loop);
    return 0;
}
