/* pg_cut: a proxy before PostgreSQL that loses the answers of commits, for tests/fault/lost.sh.
 *
 *   pg_cut PORT SERVER-PORT EVERY     on 127.0.0.1; each EVERYth transaction that wrote something
 * is committed, and then both ends are cut before its answer is passed on. A line on standard
 * output for each.
 *
 * What the server says is held back until ReadyForQuery, which it sends after the commit: a client
 * whose connection ends then cannot know what became of its transaction. */
#include "base/base.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS_MAX  64
#define CHUNK      65536
#define HELD_MAX   (64u << 20)
#define SSL_ASKED  80877103u
#define GSS_ASKED  80877104u
#define HEAD_BYTES 5 /* of a message: kind and length */

struct pair {
    int client, server;
    bool started;        /* the start-up packet went by: messages from here on */
    bool plain;          /* the next byte of the server answers a question for encryption */
    struct ear_buf held; /* of the server, since the last ReadyForQuery */
    size_t parsed;
    bool wrote; /* a statement since then changed rows */
};

static struct pair pairs[PAIRS_MAX];
static size_t pair_count;
static unsigned long every, commits;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "pg_cut: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int connect_to(uint16_t port, bool listening)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0) die("socket");
    if (!listening && connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (listening && (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 64))) die("bind");
    return fd;
}

static void take_client(int listener, uint16_t server_port)
{
    int client = accept(listener, NULL, NULL);
    if (client < 0) return;
    int server = pair_count < PAIRS_MAX ? connect_to(server_port, false) : -1;
    if (server < 0) {
        close(client);
        return;
    }
    pairs[pair_count] = (struct pair){.client = client, .server = server};
    ear_buf_init(&pairs[pair_count++].held, HELD_MAX);
}

static void end_pair(struct pair *pair)
{
    close(pair->client);
    close(pair->server);
    ear_buf_release(&pair->held);
    *pair = pairs[--pair_count];
}

static bool pass(int to, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(to, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

static uint32_t number_at(const char *bytes)
{
    uint32_t number;
    memcpy(&number, bytes, sizeof(number));
    return ntohl(number);
}

/* Before the first message there are packets without a kind: questions for encryption, the start.
 */
static bool from_client(struct pair *pair)
{
    char bytes[CHUNK];
    ssize_t got = recv(pair->client, bytes, sizeof(bytes), 0);
    if (got <= 0) return false;
    if (!pair->started && got >= 8) {
        uint32_t code = number_at(bytes + 4);
        pair->plain = code == SSL_ASKED || code == GSS_ASKED;
        pair->started = !pair->plain;
    }
    return pass(pair->server, bytes, (size_t)got);
}

static bool has_written(struct ear_str tag)
{
    return ear_str_starts(tag, EAR_STR("INSERT")) || ear_str_starts(tag, EAR_STR("UPDATE")) ||
           ear_str_starts(tag, EAR_STR("DELETE")) || ear_str_starts(tag, EAR_STR("COPY"));
}

/* False when the answer of this transaction is to be lost. */
static bool message(struct pair *pair, char kind, struct ear_str body)
{
    if (kind == 'C' && has_written(body)) pair->wrote = true;
    if (kind != 'Z') return true;
    bool committed = pair->wrote && body.len == 1 && body.ptr[0] == 'I';
    if (body.len == 1 && body.ptr[0] == 'I') pair->wrote = false;
    return !committed || ++commits % every != 0;
}

/* Passes on what was said up to the last ReadyForQuery; false when the connection is to be cut. */
static bool look_through(struct pair *pair)
{
    const struct ear_str held = ear_buf_str(&pair->held);
    size_t ready = 0;
    while (pair->parsed + HEAD_BYTES <= held.len) {
        const char *head = held.ptr + pair->parsed;
        size_t size = 1 + (size_t)number_at(head + 1);
        if (pair->parsed + size > held.len) break;
        if (!message(pair, head[0], (struct ear_str){head + HEAD_BYTES, size - HEAD_BYTES}))
            return false;
        pair->parsed += size;
        /* Asked and told outside of transactions, and that rows for a COPY may come: nothing is
         * held back there. */
        if (strchr("ZRSKNAEG", head[0])) ready = pair->parsed;
    }
    if (!pass(pair->client, held.ptr, ready)) return false;
    ear_buf_consume(&pair->held, ready);
    pair->parsed -= ready;
    return true;
}

static bool from_server(struct pair *pair)
{
    char bytes[CHUNK];
    ssize_t got = recv(pair->server, bytes, sizeof(bytes), 0);
    if (got <= 0) return false;
    if (pair->plain) {
        pair->plain = false;
        return pass(pair->client, bytes, (size_t)got);
    }
    if (ear_buf_append(&pair->held, bytes, (size_t)got)) return false;
    unsigned long before = commits;
    if (look_through(pair)) return true;
    if (commits > before && commits % every == 0) {
        printf("lost the answer of commit %lu\n", commits);
        fflush(stdout);
    }
    return false;
}

static void serve(int listener, uint16_t server_port)
{
    struct pollfd fds[1 + 2 * PAIRS_MAX];
    fds[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (size_t i = 0; i < pair_count; i++) {
        fds[1 + 2 * i] = (struct pollfd){.fd = pairs[i].client, .events = POLLIN};
        fds[2 + 2 * i] = (struct pollfd){.fd = pairs[i].server, .events = POLLIN};
    }
    if (poll(fds, 1 + 2 * pair_count, -1) < 0 && errno != EINTR) die("poll");
    /* From the end: the last one takes the place of one that ends. */
    for (size_t i = pair_count; i-- > 0;) {
        bool alive = true;
        if (fds[1 + 2 * i].revents) alive = from_client(&pairs[i]);
        if (alive && fds[2 + 2 * i].revents) alive = from_server(&pairs[i]);
        if (!alive) end_pair(&pairs[i]);
    }
    if (fds[0].revents) take_client(listener, server_port);
}

int main(int argc, char **argv)
{
    uint64_t numbers[3];
    for (int i = 0; i < 3; i++)
        if (argc != 4 || ear_num_u64(ear_str_from(argv[i + 1]), 65535, &numbers[i]) ||
            !numbers[i]) {
            fprintf(stderr, "usage: pg_cut PORT SERVER-PORT EVERY\n");
            return 2;
        }
    every = numbers[2];
    int listener = connect_to((uint16_t)numbers[0], true);
    for (;;) serve(listener, (uint16_t)numbers[1]);
}
