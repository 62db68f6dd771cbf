#include "private.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 256

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* "host:port", "[v6]:port" */
static ear_err cut(struct ear_str text, struct ear_str *host, uint16_t *port)
{
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':') colon--;
    if (colon < 2) return EAR_INVALID;
    uint64_t number = 0;
    struct ear_str tail = {text.ptr + colon, text.len - colon};
    if (ear_num_u64(tail, UINT16_MAX, &number) != EAR_OK) return EAR_INVALID;
    *host = (struct ear_str){text.ptr, colon - 1};
    if (host->len > 2 && host->ptr[0] == '[' && host->ptr[host->len - 1] == ']') {
        *host = (struct ear_str){host->ptr + 1, host->len - 2};
    }
    *port = (uint16_t)number;
    return EAR_OK;
}

/* Only numbers, "*" and "localhost": looking a name up could block. */
static ear_err parse(struct ear_str host, uint16_t port, union address *at)
{
    char text[INET6_ADDRSTRLEN];
    *at = (union address){0};
    if (ear_str_eq(host, EAR_STR("localhost"))) host = EAR_STR("127.0.0.1");
    if (ear_str_eq(host, EAR_STR("*"))) host = EAR_STR("::");
    if (!ear_str_copy(text, sizeof(text), host)) return EAR_INVALID;
    if (inet_pton(AF_INET, text, &at->v4.sin_addr) == 1) {
        at->v4.sin_family = AF_INET;
        at->v4.sin_port = htons(port);
        return EAR_OK;
    }
    if (inet_pton(AF_INET6, text, &at->v6.sin6_addr) == 1) {
        at->v6.sin6_family = AF_INET6;
        at->v6.sin6_port = htons(port);
        return EAR_OK;
    }
    return EAR_INVALID;
}

static int open_at(const union address *at)
{
    int fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    bool v6 = at->any.sa_family == AF_INET6;
    socklen_t size = v6 ? sizeof(at->v6) : sizeof(at->v4);
    int on = 1, off = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        (!v6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0) &&
        bind(fd, &at->any, size) == 0 && listen(fd, BACKLOG) == 0) {
        return fd;
    }
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static ear_err errno_err(void)
{
    switch (errno) {
    case EADDRINUSE:
        return EAR_CONFLICT;
    case EACCES:
        return EAR_DENIED;
    case EADDRNOTAVAIL:
        return EAR_INVALID;
    default:
        return EAR_IO;
    }
}

ear_err ear_httpd_listen(const char *listen_at, int *fd, uint16_t *port, struct ear_diag *diag)
{
    struct ear_str host;
    union address at;
    uint16_t wanted = 0;
    if (cut(ear_str_from(listen_at), &host, &wanted) != EAR_OK ||
        parse(host, wanted, &at) != EAR_OK) {
        return ear_fail(diag, EAR_INVALID,
                        "cannot listen on \"%s\": use *:PORT, ADDRESS:PORT or localhost:PORT",
                        listen_at);
    }
    *fd = open_at(&at);
    if (*fd < 0 && ear_str_eq(host, EAR_STR("*")) && errno != EADDRINUSE && errno != EACCES) {
        /* a machine without IPv6 */
        at = (union address){.v4 = {.sin_family = AF_INET, .sin_port = htons(wanted)}};
        *fd = open_at(&at);
    }
    if (*fd < 0) {
        return ear_fail(diag, errno_err(), "cannot listen on %s: %s", listen_at, strerror(errno));
    }
    union address bound = {0};
    socklen_t size = sizeof(bound);
    EAR_CHECK(getsockname(*fd, &bound.any, &size) == 0);
    *port = ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
    return EAR_OK;
}
