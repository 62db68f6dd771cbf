/* hostile_relay: between two services that speak the bus without CURVE. Passes everything on, keeps
 * what it saw of Batch, Settle, question and answer, and sends it again: on the same connection in
 * another order, on a connection of its own that said the same Hello, and on one that said none.
 *
 * hostile_relay LISTEN_PORT UPSTREAM_PORT
 * Ends on SIGTERM and prints how much it sent again: "batches=N settles=N questions=N answers=N".
 */
#include "wire/wire.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#define LINES_MAX   64
#define RECORDS_MAX 4096
#define EACH        2 /* so many passed on for one that is sent again */

enum { BATCH, SETTLE, QUESTION, ANSWER, KINDS };
static const char *const names[KINDS] = {"batches", "settles", "questions", "answers"};

struct record {
    int kind;
    char *bytes; /* owned */
    size_t len;
};

/* A connection from below, and ours to above for it. */
struct line {
    char id[256];
    size_t id_len;
    void *up;
};

struct relay {
    void *context, *down;
    char upstream[64];
    struct line lines[LINES_MAX];
    size_t line_count;
    struct record hello, records[RECORDS_MAX];
    size_t record_count, seen;
    size_t again[KINDS];
    struct ear_arena *arena;
};

static volatile sig_atomic_t over;

static void stop(int signum)
{
    (void)signum;
    over = 1;
}

static void *socket_of(struct relay *relay, int type)
{
    int none = 0;
    void *socket = zmq_socket(relay->context, type);
    EAR_CHECK(socket && zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none)) == 0);
    return socket;
}

static void *connect_up(struct relay *relay)
{
    void *up = socket_of(relay, ZMQ_DEALER);
    EAR_CHECK(zmq_connect(up, relay->upstream) == 0);
    return up;
}

static struct record keep(int kind, struct ear_str bytes)
{
    struct record record = {.kind = kind, .bytes = ear_alloc(bytes.len), .len = bytes.len};
    memcpy(record.bytes, bytes.ptr, bytes.len);
    return record;
}

static void note(struct relay *relay, struct ear_str bytes)
{
    static const int kinds[] = {[EARSHOT__V1__FRAME__BODY_BATCH] = BATCH + 1,
                                [EARSHOT__V1__FRAME__BODY_SETTLE] = SETTLE + 1,
                                [EARSHOT__V1__FRAME__BODY_QUESTION] = QUESTION + 1,
                                [EARSHOT__V1__FRAME__BODY_ANSWER] = ANSWER + 1};
    ear_arena_reset(relay->arena);
    const Earshot__V1__Frame *frame =
        EAR_UNPACK(Earshot__V1__Frame, earshot__v1__frame__descriptor, bytes, relay->arena);
    if (!frame) return;
    size_t body = (size_t)frame->body_case;
    if (frame->body_case == EARSHOT__V1__FRAME__BODY_HELLO && !relay->hello.bytes)
        relay->hello = keep(0, bytes);
    if (body >= EAR_COUNT(kinds) || !kinds[body] || relay->record_count == RECORDS_MAX) return;
    relay->records[relay->record_count++] = keep(kinds[body] - 1, bytes);
    relay->seen++;
}

static bool goes_up(const struct record *record)
{
    return record->kind == SETTLE || record->kind == QUESTION;
}

static void send_down(struct relay *relay, const struct line *line, struct ear_str bytes)
{
    if (zmq_send(relay->down, line->id, line->id_len, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
        (void)zmq_send(relay->down, bytes.ptr, bytes.len, ZMQ_DONTWAIT);
}

/* Any of them, whatever came since. */
static void send_again(struct relay *relay, const struct line *line)
{
    if (!relay->record_count || relay->seen % EACH) return;
    struct record *record = &relay->records[ear_random_below(relay->record_count)];
    struct ear_str bytes = {record->bytes, record->len};
    relay->again[record->kind]++;
    if (goes_up(record))
        (void)zmq_send(line->up, bytes.ptr, bytes.len, ZMQ_DONTWAIT);
    else
        send_down(relay, line, bytes);
}

/* All that went up, from the last to the first, by somebody who comes from nowhere. */
static void impersonate(struct relay *relay, bool says_hello)
{
    void *up = connect_up(relay);
    if (says_hello && relay->hello.bytes)
        (void)zmq_send(up, relay->hello.bytes, relay->hello.len, ZMQ_DONTWAIT);
    for (size_t i = relay->record_count; i-- > 0;) {
        const struct record *record = &relay->records[i];
        if (!goes_up(record)) continue;
        if (zmq_send(up, record->bytes, record->len, ZMQ_DONTWAIT) >= 0)
            relay->again[record->kind]++;
    }
    int linger_ms = 500;
    zmq_setsockopt(up, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
    zmq_close(up);
}

static struct line *line_of(struct relay *relay, const char *id, size_t len)
{
    for (size_t i = 0; i < relay->line_count; i++)
        if (relay->lines[i].id_len == len && memcmp(relay->lines[i].id, id, len) == 0)
            return &relay->lines[i];
    EAR_CHECK(relay->line_count < LINES_MAX && len <= sizeof(relay->lines[0].id));
    struct line *line = &relay->lines[relay->line_count++];
    memcpy(line->id, id, len);
    line->id_len = len;
    line->up = connect_up(relay);
    return line;
}

static void from_below(struct relay *relay)
{
    char id[256];
    int len = zmq_recv(relay->down, id, sizeof(id), ZMQ_DONTWAIT);
    zmq_msg_t body;
    if (len < 0) return;
    zmq_msg_init(&body);
    if (zmq_msg_recv(&body, relay->down, 0) >= 0) {
        struct line *line = line_of(relay, id, (size_t)len);
        struct ear_str bytes = {zmq_msg_data(&body), zmq_msg_size(&body)};
        note(relay, bytes);
        (void)zmq_send(line->up, bytes.ptr, bytes.len, ZMQ_DONTWAIT);
        send_again(relay, line);
    }
    zmq_msg_close(&body);
}

static void from_above(struct relay *relay, struct line *line)
{
    zmq_msg_t body;
    zmq_msg_init(&body);
    if (zmq_msg_recv(&body, line->up, ZMQ_DONTWAIT) >= 0) {
        struct ear_str bytes = {zmq_msg_data(&body), zmq_msg_size(&body)};
        note(relay, bytes);
        send_down(relay, line, bytes);
        send_again(relay, line);
    }
    zmq_msg_close(&body);
}

static void pass(struct relay *relay)
{
    zmq_pollitem_t items[LINES_MAX + 1] = {{.socket = relay->down, .events = ZMQ_POLLIN}};
    size_t count = relay->line_count;
    for (size_t i = 0; i < count; i++)
        items[i + 1] = (zmq_pollitem_t){.socket = relay->lines[i].up, .events = ZMQ_POLLIN};
    if (zmq_poll(items, (int)count + 1, 50) <= 0) return;
    if (items[0].revents) from_below(relay);
    for (size_t i = 0; i < count; i++)
        if (items[i + 1].revents) from_above(relay, &relay->lines[i]);
}

static void end(struct relay *relay)
{
    for (size_t i = 0; i < relay->line_count; i++) zmq_close(relay->lines[i].up);
    zmq_close(relay->down);
    zmq_ctx_term(relay->context);
    for (size_t i = 0; i < relay->record_count; i++) free(relay->records[i].bytes);
    free(relay->hello.bytes);
    ear_arena_free(&relay->arena);
    for (int kind = 0; kind < KINDS; kind++)
        printf("%s=%zu%s", names[kind], relay->again[kind], kind == ANSWER ? "\n" : " ");
}

int main(int argc, char **argv)
{
    static struct relay relay;
    char url[64];
    if (argc != 3) return 2;
    ear_crypt_start();
    signal(SIGTERM, stop);
    relay.context = zmq_ctx_new();
    relay.arena = ear_arena_new((size_t)8 << 20);
    relay.down = socket_of(&relay, ZMQ_ROUTER);
    snprintf(url, sizeof(url), "tcp://127.0.0.1:%s", argv[1]);
    snprintf(relay.upstream, sizeof(relay.upstream), "tcp://127.0.0.1:%s", argv[2]);
    EAR_CHECK(zmq_bind(relay.down, url) == 0);
    int64_t next_ms = ear_clock_mono_ms() + 1000;
    for (bool says_hello = false; !over;) {
        pass(&relay);
        if (ear_clock_mono_ms() < next_ms) continue;
        next_ms = ear_clock_mono_ms() + 1000;
        impersonate(&relay, says_hello);
        says_hello = !says_hello;
    }
    end(&relay);
    return 0;
}
