/* script_peer: a server for one connection that plays a list of lines, in a thread with blocking
 * sockets. For tests of what happens when a peer goes away at one exact byte. */
#ifndef EAR_TESTS_SCRIPT_PEER_H
#define EAR_TESTS_SCRIPT_PEER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* A script is a list of steps: "<text" reads until text was seen, ">text" sends it, "!" closes
 * with a reset, "." closes, "~" stays silent until the client goes. */
struct peer {
    int listener;
    int port;
    const char *const *script;
    pthread_t thread;
    char heard[65536];
    size_t heard_len;
    bool silent; /* it came to a "~" */
};

static inline void peer_hear_until(struct peer *peer, int fd, const char *text)
{
    size_t from = peer->heard_len;
    while (peer->heard_len < sizeof(peer->heard) - 1) {
        peer->heard[peer->heard_len] = '\0';
        if (strstr(peer->heard + from, text)) return;
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, 10000) != 1) return;
        ssize_t n = recv(fd, peer->heard + peer->heard_len, 1, 0);
        if (n <= 0) return;
        peer->heard_len++;
    }
}

static inline void peer_play(struct peer *peer, int fd)
{
    for (const char *const *step = peer->script; *step; step++) {
        const char *text = *step + 1;
        if (**step == '<') peer_hear_until(peer, fd, text);
        if (**step == '>' && send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) break;
        if (**step == '~') peer->silent = true;
        if (**step == '~') peer_hear_until(peer, fd, "\x01never");
        if (**step == '!') {
            struct linger now = {.l_onoff = 1, .l_linger = 0};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        }
    }
    close(fd);
}

static inline void *peer_serve(void *self)
{
    struct peer *peer = self;
    int fd = accept(peer->listener, NULL, NULL);
    if (fd >= 0) peer_play(peer, fd);
    return NULL;
}

static inline void peer_listen(struct peer *peer)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    *peer = (struct peer){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(peer->listener >= 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(peer->listener, 8), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&at, &size), 0);
    peer->port = ntohs(at.sin_port);
}

static inline void peer_start(struct peer *peer, const char *const *script)
{
    peer_listen(peer);
    peer->script = script;
    assert_int_equal(pthread_create(&peer->thread, NULL, peer_serve, peer), 0);
}

static inline void peer_stop(struct peer *peer)
{
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    peer->heard[peer->heard_len] = '\0';
}

#endif
