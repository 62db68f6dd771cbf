/* hostile_bus: peers that mean harm, or are broken, at a bus port, for so many seconds:
 *
 * hostile_bus tcp PORT SECONDS: bytes that are no ZeroMQ, and connections that stay silent
 * hostile_bus crowd PORT SECONDS: as many silent connections as there is room for
 * hostile_bus plain PORT SECONDS: ZeroMQ without CURVE
 * hostile_bus stranger PORT SECONDS KEYS AT: CURVE with a key that nobody listed
 * hostile_bus borrowed PORT SECONDS KEYS AT OF: with the listed key of OF, but not its secret
 * hostile_bus down PORT SECONDS KEYS SERVICE AT: a service taken over, at the port of service AT
 * hostile_bus calls PORT SECONDS KEYS SERVICE AT: the same, with questions
 * hostile_bus up PORT SECONDS KEYS [SERVICE]: the same, which binds PORT and pours out batches;
 * without SERVICE with a key that nobody listed
 *
 * KEYS is the folder of earshotctl keygen. Ends after SECONDS or on SIGTERM, with how much it
 * has said. */
#include "bus/bus.h"
#include "bus/keyring.h"
#include "wire/wire.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#define NOISE_BYTES ((size_t)3 << 20)
#define IDLE        150
#define CROWD       400

struct attack {
    uint16_t port;
    int64_t until_ms;
    const char *keys, *service, *at;
    const char *borrowed; /* whose public key we say is ours */
    void *zmq, *socket;
    struct ear_str to; /* routing id, where we are the upstream */
    uint64_t said;
};

static char noise[NOISE_BYTES];

static volatile sig_atomic_t stopped;

static void on_term(int signum)
{
    (void)signum;
    stopped = 1;
}

static bool goes_on(const struct attack *a)
{
    return !stopped && ear_clock_mono_ms() < a->until_ms;
}

/* --- what no library would send --- */

static int dial(const struct attack *a)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(a->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = 1};
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void attack_tcp(struct attack *a)
{
    static const char greeting[64] = "\xff\0\0\0\0\0\0\0\1\x7f\3\1CURVE";
    static const char null_greeting[64] = "\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL";
    static const char endless[9] = "\2\x7f\xff\xff\xff\xff\xff\xff\xff"; /* a frame of 2^63 bytes */
    int idle[IDLE];
    for (size_t i = 0; i < IDLE; i++) idle[i] = dial(a);
    for (unsigned round = 0; goes_on(a); round++) {
        int fd = dial(a);
        if (fd < 0) continue;
        const char *first = round % 3 == 0 ? greeting : round % 3 == 1 ? null_greeting : noise;
        if (send(fd, first, round % 7 ? 64 : 10, MSG_NOSIGNAL) > 0 &&
            send(fd, endless, sizeof(endless), MSG_NOSIGNAL) > 0 &&
            send(fd, noise + round % 999, 20000, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
            a->said++;
        usleep(2000);
        close(fd);
        if (idle[round % IDLE] >= 0) close(idle[round % IDLE]);
        idle[round % IDLE] = dial(a);
    }
    for (size_t i = 0; i < IDLE; i++)
        if (idle[i] >= 0) close(idle[i]);
}

static bool is_over(int fd)
{
    char heard[64];
    ssize_t n = recv(fd, heard, sizeof(heard), MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN);
}

/* Whoever is thrown out comes again. */
static void attack_crowd(struct attack *a)
{
    int crowd[CROWD];
    for (size_t i = 0; i < CROWD; i++) crowd[i] = -1;
    while (goes_on(a)) {
        for (size_t i = 0; i < CROWD && goes_on(a); i++) {
            if (crowd[i] >= 0 && is_over(crowd[i])) {
                close(crowd[i]);
                crowd[i] = -1;
            }
            if (crowd[i] < 0 && (crowd[i] = dial(a)) >= 0) a->said++;
        }
        usleep(2000);
    }
    for (size_t i = 0; i < CROWD; i++)
        if (crowd[i] >= 0) close(crowd[i]);
}

/* --- sockets --- */

static void read_key(const char *folder, const char *name, char key[static EAR_KEY_TEXT_BYTES])
{
    char path[512];
    struct ear_buf text;
    struct ear_diag diag = {0};
    ear_buf_init(&text, 4096);
    snprintf(path, sizeof(path), "%s/%s.key", folder, name);
    if (ear_file_read_secret(path, &text, &diag) != EAR_OK ||
        !ear_str_copy(key, EAR_KEY_TEXT_BYTES, ear_buf_str(&text))) {
        fprintf(stderr, "hostile_bus: %s\n", diag.text);
        exit(1);
    }
    ear_buf_release(&text);
}

static void set_keys(const struct attack *a)
{
    char secret[EAR_KEY_TEXT_BYTES], public[EAR_KEY_TEXT_BYTES], theirs[EAR_KEY_TEXT_BYTES];
    if (!a->keys) return;
    if (a->service) {
        read_key(a->keys, a->service, secret);
        EAR_CHECK(zmq_curve_public(public, secret) == 0);
    } else {
        ear_bus_keypair(public, secret);
    }
    if (a->borrowed) {
        char not_ours[EAR_KEY_TEXT_BYTES];
        read_key(a->keys, a->borrowed, not_ours);
        EAR_CHECK(zmq_curve_public(public, not_ours) == 0);
    }
    zmq_setsockopt(a->socket, ZMQ_CURVE_SECRETKEY, secret, strlen(secret));
    zmq_setsockopt(a->socket, ZMQ_CURVE_PUBLICKEY, public, strlen(public));
    if (a->at) {
        read_key(a->keys, a->at, secret);
        EAR_CHECK(zmq_curve_public(theirs, secret) == 0);
        zmq_setsockopt(a->socket, ZMQ_CURVE_SERVERKEY, theirs, strlen(theirs));
    } else {
        int one = 1;
        zmq_setsockopt(a->socket, ZMQ_CURVE_SERVER, &one, sizeof(one));
    }
}

static void open_socket(struct attack *a, int type)
{
    char url[64];
    int linger = 200, most = 20000;
    snprintf(url, sizeof(url), "tcp://127.0.0.1:%u", a->port);
    a->socket = zmq_socket(a->zmq, type);
    zmq_setsockopt(a->socket, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_setsockopt(a->socket, ZMQ_SNDHWM, &most, sizeof(most));
    set_keys(a);
    int rc = type == ZMQ_ROUTER ? zmq_bind(a->socket, url) : zmq_connect(a->socket, url);
    EAR_CHECK(rc == 0);
}

static void close_socket(struct attack *a)
{
    zmq_close(a->socket);
    a->socket = NULL;
}

/* Never waits long: whoever is thrown out has a full queue soon. */
static void say_bytes(struct attack *a, const void *bytes, size_t len, int more)
{
    if (a->to.len && zmq_send(a->socket, a->to.ptr, a->to.len, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return;
    if (zmq_send(a->socket, bytes, len, ZMQ_DONTWAIT | more) >= 0) a->said++;
}

static size_t pack(Earshot__V1__Frame *frame, uint32_t version, uint8_t *packed, size_t room)
{
    frame->version = version;
    EAR_CHECK(protobuf_c_message_get_packed_size(&frame->base) <= room);
    return protobuf_c_message_pack(&frame->base, packed);
}

/* As it should be, then in a version of tomorrow, cut off everywhere, with a byte turned, and with
 * a field that nobody knows. */
static void say_in_every_way(struct attack *a, Earshot__V1__Frame *frame)
{
    static uint8_t packed[300000];
    static const char unknown[] = "\xfa\x3f\x03new"; /* field 1023 */
    size_t len = pack(frame, 99, packed, sizeof(packed) - sizeof(unknown));
    say_bytes(a, packed, len, 0);
    len = pack(frame, EAR_WIRE_VERSION, packed, sizeof(packed) - sizeof(unknown));
    for (size_t cut = 0; cut < len; cut += 1 + len / 40) say_bytes(a, packed, cut, 0);
    for (size_t at = 0; at < len; at += 1 + len / 40) {
        packed[at] ^= 0xA5;
        say_bytes(a, packed, len, 0);
        packed[at] ^= 0xA5;
    }
    say_bytes(a, packed, len, 0);
    memcpy(packed + len, unknown, sizeof(unknown) - 1);
    say_bytes(a, packed, len + sizeof(unknown) - 1, 0);
}

static void say_noise(struct attack *a)
{
    static const size_t sizes[] = {0, 1, 9, 300, 5000, 60000};
    for (size_t i = 0; i < EAR_COUNT(sizes); i++)
        for (int n = 0; n < 20; n++) say_bytes(a, noise + ear_random_below(9999), sizes[i], 0);
    for (int n = 0; n < 200; n++) say_bytes(a, noise, 40, ZMQ_SNDMORE);
    say_bytes(a, noise, 40, 0);
}

/* --- frames --- */

static void say_hello(struct attack *a, const char *service, size_t instance_len)
{
    Earshot__V1__Hello hello = EARSHOT__V1__HELLO__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    hello.instance = (ProtobufCBinaryData){instance_len, (uint8_t *)noise};
    hello.service = (char *)(uintptr_t)service;
    hello.version_min = hello.version_max = EAR_WIRE_VERSION;
    frame.body_case = EARSHOT__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    say_in_every_way(a, &frame);
}

static void say_credit(struct attack *a, uint32_t lane)
{
    Earshot__V1__Credit credit = EARSHOT__V1__CREDIT__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    credit.lane = lane; /* of no posts: what it takes it could settle, as the service it is */
    credit.bytes = UINT64_MAX;
    frame.body_case = EARSHOT__V1__FRAME__BODY_CREDIT;
    frame.credit = &credit;
    say_in_every_way(a, &frame);
}

static void say_settle(struct attack *a, size_t count)
{
    Earshot__V1__Settle settle = EARSHOT__V1__SETTLE__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    struct ear_id id = ear_id_new(ear_clock_wall_us());
    settle.batch_id = ear_wire_bytes(&id);
    settle.fates = (ProtobufCBinaryData){count, (uint8_t *)noise};
    frame.body_case = EARSHOT__V1__FRAME__BODY_SETTLE;
    frame.settle = &settle;
    say_in_every_way(a, &frame);
}

static void say_batch(struct attack *a, const struct ear_id *id, uint32_t lane, size_t count,
                      struct ear_str item)
{
    static ProtobufCBinaryData items[2000];
    Earshot__V1__Batch batch = EARSHOT__V1__BATCH__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    for (size_t i = 0; i < count; i++)
        items[i] = (ProtobufCBinaryData){item.len, (uint8_t *)(uintptr_t)item.ptr};
    batch.batch_id = ear_wire_bytes(id);
    batch.lane = lane;
    batch.trace = (char *)(uintptr_t) "\xff\xfe no trace\n";
    batch.items = items;
    batch.n_items = count;
    frame.body_case = EARSHOT__V1__FRAME__BODY_BATCH;
    frame.batch = &batch;
    say_in_every_way(a, &frame);
}

static void say_beats(struct attack *a, unsigned count)
{
    Earshot__V1__Beat beat = EARSHOT__V1__BEAT__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    uint8_t packed[64];
    frame.body_case = EARSHOT__V1__FRAME__BODY_BEAT;
    frame.beat = &beat;
    size_t len = pack(&frame, EAR_WIRE_VERSION, packed, sizeof(packed));
    for (unsigned i = 0; i < count; i++) say_bytes(a, packed, len, 0);
}

static void say_question(struct attack *a, struct ear_str body)
{
    Earshot__V1__CallQuestion question = EARSHOT__V1__CALL_QUESTION__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    struct ear_id id = ear_id_new(1);
    question.question_id = ear_wire_bytes(&id);
    question.body = (ProtobufCBinaryData){body.len, (uint8_t *)(uintptr_t)body.ptr};
    frame.body_case = EARSHOT__V1__FRAME__BODY_QUESTION;
    frame.question = &question;
    say_in_every_way(a, &frame);
}

/* --- rounds --- */

static void hear_out(struct attack *a)
{
    char bytes[512];
    while (zmq_recv(a->socket, bytes, sizeof(bytes), ZMQ_DONTWAIT) >= 0) continue;
}

/* One connection: a Hello in every way ends with two that are right, then everything else. */
static void round_down(struct attack *a)
{
    static const char *const names[] = {"ingest", "operator", "\xff\xfe", "", "classifier\n"};
    struct ear_id id = ear_id_new(1);
    open_socket(a, ZMQ_DEALER);
    say_noise(a);
    for (size_t i = 0; i < EAR_COUNT(names); i++) say_hello(a, names[i], 16);
    say_hello(a, a->service ? a->service : "classifier", 3);
    say_hello(a, a->service ? a->service : "classifier", 16);
    for (uint32_t lane = 0; lane < 3; lane++) say_credit(a, lane);
    for (size_t count = 0; count < 200000; count = count * 9 + 1) say_settle(a, count);
    say_batch(a, &id, 0, 2, EAR_STR("item"));
    say_question(a, EAR_STR("question"));
    say_beats(a, 3000);
    say_bytes(a, noise, 70000, 0);
    zmq_poll(&(zmq_pollitem_t){.socket = a->socket, .events = ZMQ_POLLIN}, 1, 200);
    hear_out(a);
    close_socket(a);
}

static void round_calls(struct attack *a)
{
    static uint8_t packed[4096];
    Earshot__V1__Command command = EARSHOT__V1__COMMAND__INIT;
    struct ear_id id = ear_id_new(1);
    open_socket(a, ZMQ_DEALER);
    say_noise(a);
    command.command_id = ear_wire_bytes(&id);
    command.actor = (char *)(uintptr_t) "nobody\xff";
    size_t len = protobuf_c_message_pack(&command.base, packed);
    for (size_t cut = 0; cut <= len; cut++)
        say_question(a, (struct ear_str){(const char *)packed, cut});
    say_question(a, (struct ear_str){noise, 200000});
    for (int i = 0; i < 100; i++) say_question(a, (struct ear_str){noise + i, 100});
    say_settle(a, 10);
    say_hello(a, "responder", 16);
    say_beats(a, 3000);
    say_bytes(a, noise, NOISE_BYTES, 0);
    zmq_poll(&(zmq_pollitem_t){.socket = a->socket, .events = ZMQ_POLLIN}, 1, 200);
    hear_out(a);
    close_socket(a);
}

/* To whoever connected: batches before the Hello and after it, past any credit, of nothing, of too
 * much, of things that are no posts, twice under one id. */
static void pour(struct attack *a)
{
    static const char post[] = "\x0a\x10"
                               "0123456789abcdef\x1a\x03\xff\xfe\xfd";
    struct ear_id id = ear_id_new(ear_clock_wall_us());
    unsigned kind = (unsigned)ear_random_below(6);
    if (kind == 0) say_batch(a, &id, 0, 1, EAR_STR("too early"));
    say_hello(a, a->service, 16);
    if (kind == 1) say_batch(a, &id, 7, 1, EAR_STR("lane"));
    if (kind == 2) say_batch(a, &id, 0, 0, EAR_STR(""));
    if (kind == 3) say_batch(a, &id, 0, 600, EAR_STR("x"));
    if (kind == 4) say_noise(a);
    say_batch(a, &id, 1, 3, (struct ear_str){post, sizeof(post) - 1});
    say_batch(a, &id, 1, 2, (struct ear_str){noise, 5000});
    say_settle(a, 3);
    if (kind == 5) say_bytes(a, noise, NOISE_BYTES, 0);
}

static void attack_up(struct attack *a)
{
    char id[256];
    char rest[4096];
    open_socket(a, ZMQ_ROUTER);
    while (goes_on(a)) {
        int more = 1;
        size_t size = sizeof(more);
        zmq_poll(&(zmq_pollitem_t){.socket = a->socket, .events = ZMQ_POLLIN}, 1, 100);
        int len = zmq_recv(a->socket, id, sizeof(id), ZMQ_DONTWAIT);
        if (len < 0) continue;
        while (more) {
            zmq_recv(a->socket, rest, sizeof(rest), 0);
            zmq_getsockopt(a->socket, ZMQ_RCVMORE, &more, &size);
        }
        a->to = (struct ear_str){id, (size_t)len};
        pour(a);
    }
    close_socket(a);
}

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    struct attack a = {.port = (uint16_t)strtol(argv[2], NULL, 10),
                       .until_ms = ear_clock_mono_ms() + strtol(argv[3], NULL, 10) * 1000,
                       .keys = argc > 4 ? argv[4] : NULL,
                       .service = argc > 5 ? argv[5] : NULL,
                       .at = argc > 6 ? argv[6] : NULL};
    signal(SIGTERM, on_term);
    bool borrows = strcmp(argv[1], "borrowed") == 0;
    if (borrows) a.borrowed = a.at;
    if (borrows || strcmp(argv[1], "stranger") == 0) a.at = a.service, a.service = NULL;
    ear_crypt_start();
    ear_random(noise, sizeof(noise));
    a.zmq = zmq_ctx_new();
    if (strcmp(argv[1], "tcp") == 0) {
        attack_tcp(&a);
    } else if (strcmp(argv[1], "crowd") == 0) {
        attack_crowd(&a);
    } else if (strcmp(argv[1], "up") == 0) {
        attack_up(&a);
    } else {
        bool calls = strcmp(argv[1], "calls") == 0;
        while (goes_on(&a)) calls ? round_calls(&a) : round_down(&a);
    }
    zmq_ctx_term(a.zmq);
    printf("%s at %u: %llu\n", argv[1], a.port, (unsigned long long)a.said);
    return 0;
}
