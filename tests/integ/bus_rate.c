/* bus_rate KEYS POSTS: how many posts a second go through one link between two processes, with
 * CURVE, in batches of 100 posts of 400 bytes, each settled. KEYS is an empty folder. One line on
 * standard output: "posts=… seconds=… posts_per_s=…". */
#include "bus/bus.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH_POSTS 100
#define POST_BYTES  400
#define WAIT_MS     60000

struct files {
    char ingest[256], classifier[256], peers[256];
};

static void write_file(const char *path, const char *text)
{
    struct ear_diag diag;
    if (!ear_file_write(path, ear_str_from(text), 0600, &diag)) return;
    fprintf(stderr, "%s\n", diag.text);
    exit(1);
}

static void make_keys(struct files *files, const char *folder)
{
    char public_keys[2][41], secret[41], peers[256];
    snprintf(files->ingest, sizeof(files->ingest), "%s/ingest.key", folder);
    snprintf(files->classifier, sizeof(files->classifier), "%s/classifier.key", folder);
    snprintf(files->peers, sizeof(files->peers), "%s/peers", folder);
    ear_bus_keypair(public_keys[0], secret);
    write_file(files->ingest, secret);
    ear_bus_keypair(public_keys[1], secret);
    write_file(files->classifier, secret);
    snprintf(peers, sizeof(peers), "ingest %s\nclassifier %s\n", public_keys[0], public_keys[1]);
    write_file(files->peers, peers);
}

static struct ear_bus *open_bus(struct ear_loop *loop, const char *service, const char *key,
                                const char *peers)
{
    struct ear_bus *bus;
    struct ear_diag diag;
    struct ear_bus_opts opts = {.service = service, .key_file = key, .peers_file = peers};
    if (!ear_bus_new(&bus, loop, &opts, &diag)) return bus;
    fprintf(stderr, "%s\n", diag.text);
    exit(1);
}

/* --- the one that settles --- */

struct mill {
    struct ear_sink *sink;
};

static void grind(void *self, const struct ear_batch *batch)
{
    static const uint8_t fates[EAR_BATCH_POSTS_MAX];
    struct mill *mill = self;
    ear_sink_settle(mill->sink, &(struct ear_settle){batch->id, fates, batch->count});
}

_Noreturn static void run_sink(const struct files *files, uint16_t port)
{
    static const struct ear_sink_ops ops = {.batch = grind};
    struct ear_loop *loop;
    struct mill mill;
    struct ear_diag diag;
    char where[64];
    snprintf(where, sizeof(where), "127.0.0.1:%u", (unsigned)port);
    if (ear_loop_new(&loop)) exit(1);
    struct ear_bus *bus = open_bus(loop, "classifier", files->classifier, files->peers);
    struct ear_sink_opts opts = {.sources = where, .source_service = "ingest"};
    if (ear_sink_new(&mill.sink, bus, &opts, &ops, &mill, &diag)) exit(1);
    ear_loop_run(loop);
    exit(0);
}

/* --- the one that offers --- */

struct feed {
    struct ear_source *source;
    int64_t left, unsettled;
    bool broken;
};

static void offer(void *self)
{
    static char text[POST_BYTES];
    struct feed *feed = self;
    struct ear_str items[BATCH_POSTS];
    for (size_t i = 0; i < BATCH_POSTS; i++) items[i] = (struct ear_str){text, sizeof(text)};
    while (feed->left > 0) {
        struct ear_batch batch = {
            .id = ear_id_new(ear_clock_wall_us()), .items = items, .count = BATCH_POSTS};
        if (ear_source_offer(feed->source, &batch)) return;
        feed->left -= BATCH_POSTS;
        feed->unsettled += BATCH_POSTS;
    }
}

static void settled(void *self, const struct ear_settle *settle)
{
    struct feed *feed = self;
    feed->unsettled -= (int64_t)settle->count;
}

static void lost(void *self, const struct ear_id *id)
{
    struct feed *feed = self;
    (void)id;
    feed->broken = true;
}

static bool turn_until_done(struct ear_loop *loop, const struct feed *feed, bool linked)
{
    struct ear_source_stats stats;
    for (int64_t until_ms = ear_clock_mono_ms() + WAIT_MS; ear_clock_mono_ms() < until_ms;) {
        ear_loop_turn(loop, 10);
        ear_source_stats(feed->source, &stats);
        if (feed->broken) return false;
        if (linked ? feed->left == 0 && feed->unsettled == 0 : stats.sinks > 0) return true;
    }
    return false;
}

static uint16_t find_port(const struct files *files)
{
    static const struct ear_source_ops ops = {offer, settled, lost};
    struct ear_loop *loop;
    struct feed feed = {0};
    struct ear_diag diag;
    if (ear_loop_new(&loop)) exit(1);
    struct ear_bus *bus = open_bus(loop, "ingest", files->ingest, files->peers);
    if (ear_source_new(&feed.source, bus, "127.0.0.1:0", &ops, &feed, &diag)) exit(1);
    uint16_t port = ear_source_port(feed.source);
    ear_source_free(&feed.source);
    ear_bus_free(&bus);
    ear_loop_free(&loop);
    return port;
}

static bool run_source(const struct files *files, uint16_t port, int64_t posts)
{
    static const struct ear_source_ops ops = {offer, settled, lost};
    struct ear_loop *loop;
    struct feed feed = {0};
    struct ear_diag diag;
    char where[64];
    snprintf(where, sizeof(where), "127.0.0.1:%u", (unsigned)port);
    if (ear_loop_new(&loop)) return false;
    struct ear_bus *bus = open_bus(loop, "ingest", files->ingest, files->peers);
    if (ear_source_new(&feed.source, bus, where, &ops, &feed, &diag)) return false;
    bool done = turn_until_done(loop, &feed, false);
    int64_t from_ms = ear_clock_mono_ms();
    feed.left = posts / BATCH_POSTS * BATCH_POSTS;
    offer(&feed);
    done = done && turn_until_done(loop, &feed, true);
    double seconds = (double)(ear_clock_mono_ms() - from_ms) / 1000;
    if (done)
        printf("posts=%" PRId64 " seconds=%.3f posts_per_s=%.0f\n", posts, seconds,
               (double)posts / (seconds > 0 ? seconds : 0.001));
    ear_source_free(&feed.source);
    ear_bus_free(&bus);
    ear_loop_free(&loop);
    return done;
}

int main(int argc, char **argv)
{
    int64_t posts;
    struct files files;
    if (argc != 3 || ear_num_i64(ear_str_from(argv[2]), BATCH_POSTS, INT32_MAX, &posts)) {
        fprintf(stderr, "usage: bus_rate KEYS POSTS\n");
        return 2;
    }
    ear_crypt_start();
    make_keys(&files, argv[1]);
    uint16_t port =
        find_port(&files); /* and free it before the fork: libzmq does not survive one */
    pid_t sink = fork();
    if (sink == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (sink == 0) run_sink(&files, port);
    bool done = run_source(&files, port, posts);
    kill(sink, SIGKILL);
    waitpid(sink, NULL, 0);
    return done ? 0 : 1;
}
