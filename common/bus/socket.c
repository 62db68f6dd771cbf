#include "bus/socket.h"

#include "bus/events.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGES_A_TURN  64
#define HANDSHAKE_MS     5000
#define RECONNECT_MS     100
#define RECONNECT_MAX_MS 1000
#define AGAIN_MS         20

struct ear_socket {
    struct ear_bus *bus;     /* borrowed */
    struct ear_socket *next; /* list of the bus */
    void *zmq;               /* owned; NULL once freed */
    void *monitor;           /* owned; NULL: none */
    struct ear_watch *watch, *monitor_watch;
    bool due, monitor_due;     /* something may lie there: look until there is nothing */
    char bound[EAR_URL_BYTES]; /* where it listens; "": it does not */
    bool unbound;              /* to be bound there again */
    zmq_msg_t parts[EAR_SOCKET_PARTS_MAX]; /* of the message that is read, or waits for memory */
    size_t count;                          /* of them; 0: none */
    const struct ear_socket_ops *ops;      /* borrowed, static */
    void *self;
};

/* Only wakes the loop and says where to look; the hook reads. */
static void woken(void *self, unsigned events)
{
    bool *due = self;
    (void)events;
    *due = true;
}

static ear_err watch(struct ear_watch **out, struct ear_loop *loop, void *zmq, bool *due)
{
    int fd;
    size_t size = sizeof(fd);
    if (zmq_getsockopt(zmq, ZMQ_FD, &fd, &size) != 0) return EAR_IO;
    ear_err err = ear_watch_new(out, loop, fd, woken, due);
    *due = true;
    if (!err) ear_watch_set(*out, EAR_READABLE);
    return err;
}

static bool set_int(void *zmq, int option, int value)
{
    return zmq_setsockopt(zmq, option, &value, sizeof(value)) == 0;
}

static bool set_text(void *zmq, int option, const char *value)
{
    return zmq_setsockopt(zmq, option, value, strlen(value)) == 0;
}

static bool set_limits(void *zmq, const struct ear_socket_opts *opts)
{
    bool ok = set_int(zmq, ZMQ_SNDHWM, opts->hwm) && set_int(zmq, ZMQ_RCVHWM, opts->hwm) &&
              set_int(zmq, ZMQ_LINGER, opts->linger_ms) && set_int(zmq, ZMQ_IPV6, 1) &&
              set_int(zmq, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
              set_int(zmq, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
              set_int(zmq, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) &&
              set_int(zmq, ZMQ_CONNECT_TIMEOUT, HANDSHAKE_MS) &&
              zmq_setsockopt(zmq, ZMQ_MAXMSGSIZE, &opts->max_bytes, sizeof(opts->max_bytes)) == 0;
    if (ok && opts->type == ZMQ_ROUTER) ok = set_int(zmq, ZMQ_ROUTER_MANDATORY, 1);
    return ok;
}

static bool set_keys(void *zmq, const struct ear_keyring *ring, const char *server_key)
{
    if (!ring) return true;
    bool ok = set_text(zmq, ZMQ_CURVE_SECRETKEY, ear_keyring_secret(ring)) &&
              set_text(zmq, ZMQ_CURVE_PUBLICKEY, ear_keyring_public(ring));
    if (server_key) return ok && set_text(zmq, ZMQ_CURVE_SERVERKEY, server_key);
    return ok && set_int(zmq, ZMQ_CURVE_SERVER, 1) && set_text(zmq, ZMQ_ZAP_DOMAIN, "earshot");
}

static bool start_monitor(struct ear_socket *socket)
{
    char name[64];
    struct ear_bus *bus = socket->bus;
    snprintf(name, sizeof(name), "inproc://monitor-%llu", (unsigned long long)bus->monitors++);
    int events = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                 ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                 ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    if (zmq_socket_monitor(socket->zmq, name, events) != 0) return false;
    socket->monitor = zmq_socket(bus->zmq, ZMQ_PAIR);
    return socket->monitor && set_int(socket->monitor, ZMQ_LINGER, 0) &&
           zmq_connect(socket->monitor, name) == 0 &&
           watch(&socket->monitor_watch, bus->loop, socket->monitor, &socket->monitor_due) ==
               EAR_OK;
}

ear_err ear_socket_new(struct ear_socket **out, struct ear_bus *bus,
                       const struct ear_socket_opts *opts, const struct ear_socket_ops *ops,
                       void *self, struct ear_diag *diag)
{
    struct ear_socket *socket = ear_alloc(sizeof(*socket));
    *socket = (struct ear_socket){.bus = bus, .ops = ops, .self = self, .next = bus->sockets};
    bus->sockets = socket;
    *out = socket;
    socket->zmq = zmq_socket(bus->zmq, opts->type);
    bool inside = opts->type == ZMQ_REP; /* the ZAP handler */
    if (socket->zmq && set_limits(socket->zmq, opts) &&
        (inside || set_keys(socket->zmq, bus->keyring, opts->server_key)) &&
        watch(&socket->watch, bus->loop, socket->zmq, &socket->due) == EAR_OK &&
        (!ops->event || start_monitor(socket)))
        return EAR_OK;
    ear_err err = ear_fail(diag, EAR_IO, "ZeroMQ socket: %s", zmq_strerror(zmq_errno()));
    ear_socket_free(out, 0);
    return err;
}

static void close_parts(zmq_msg_t *parts, size_t *count)
{
    for (size_t i = 0; i < *count && i < EAR_SOCKET_PARTS_MAX; i++) zmq_msg_close(&parts[i]);
    *count = 0;
}

/* Structs stay in the list while the hook walks it. */
static void reap(struct ear_bus *bus)
{
    if (bus->turning) return;
    for (struct ear_socket **at = &bus->sockets; *at;) {
        struct ear_socket *socket = *at;
        if (socket->zmq) {
            at = &socket->next;
            continue;
        }
        *at = socket->next;
        close_parts(socket->parts, &socket->count);
        free(socket);
    }
}

void ear_socket_free(struct ear_socket **socket, int linger_ms)
{
    struct ear_socket *s = *socket;
    if (!s) return;
    *socket = NULL;
    ear_watch_free(&s->watch);
    ear_watch_free(&s->monitor_watch);
    if (s->zmq) {
        zmq_socket_monitor(s->zmq, NULL, 0);
        set_int(s->zmq, ZMQ_LINGER, linger_ms);
        zmq_close(s->zmq);
    }
    if (s->monitor) zmq_close(s->monitor);
    s->zmq = s->monitor = NULL;
    reap(s->bus);
}

static uint16_t bound_port(struct ear_socket *socket)
{
    size_t size = sizeof(socket->bound);
    struct ear_endpoint bound;
    if (zmq_getsockopt(socket->zmq, ZMQ_LAST_ENDPOINT, socket->bound, &size) != 0) return 0;
    return ear_endpoint_parse(ear_str_from(socket->bound), false, &bound, NULL) ? 0 : bound.port;
}

static bool try_bind(void *zmq, const char *url)
{
    if (zmq_bind(zmq, url) == 0) return true;
    /* A kernel without IPv6 cannot listen on "*" with it. */
    return errno == EAFNOSUPPORT && set_int(zmq, ZMQ_IPV6, 0) && zmq_bind(zmq, url) == 0;
}

ear_err ear_socket_bind(struct ear_socket *socket, const char *endpoint, uint16_t *port,
                        struct ear_diag *diag)
{
    struct ear_endpoint want;
    char url[EAR_URL_BYTES];
    ear_err err = ear_endpoint_parse(ear_str_from(endpoint), true, &want, diag);
    if (err) return err;
    bool local = ear_endpoint_is_loopback(want.host);
    if (!socket->bus->keyring && !local)
        return ear_fail(diag, EAR_DENIED,
                        "%s: without a CURVE key a bus listens on loopback only; set the key and "
                        "peers files",
                        endpoint);
    if (ear_str_eq(ear_str_from(want.host), EAR_STR("localhost")))
        (void)ear_str_copy(want.host, sizeof(want.host), EAR_STR("127.0.0.1"));
    if (!ear_endpoint_is_bindable(want.host))
        return ear_fail(diag, EAR_INVALID, "%s: bind to \"*\" or to a numeric address", endpoint);
    ear_endpoint_url(want.host, want.port, url);
    if (!try_bind(socket->zmq, url))
        return ear_fail(diag, errno == EADDRINUSE ? EAR_CONFLICT : EAR_IO, "%s: %s", endpoint,
                        zmq_strerror(zmq_errno()));
    socket->due = true;
    *port = bound_port(socket);
    return EAR_OK;
}

void ear_socket_unbind_all(struct ear_bus *bus)
{
    for (struct ear_socket *s = bus->sockets; s; s = s->next) {
        if (!s->zmq || !s->bound[0]) continue;
        s->unbound |= zmq_unbind(s->zmq, s->bound) == 0;
        EAR_CHECK(set_keys(s->zmq, bus->keyring, NULL));
        s->due = true;
    }
}

bool ear_socket_bind_all(struct ear_bus *bus)
{
    bool all = true;
    for (struct ear_socket *s = bus->sockets; s; s = s->next) {
        if (!s->zmq || !s->unbound) continue;
        s->unbound = !try_bind(s->zmq, s->bound);
        s->due = true;
        all &= !s->unbound;
    }
    return all;
}

ear_err ear_socket_bind_inproc(struct ear_socket *socket, const char *url)
{
    return zmq_bind(socket->zmq, url) == 0 ? EAR_OK : EAR_IO;
}

ear_err ear_socket_connect(struct ear_socket *socket, const char *url)
{
    socket->due = true;
    return zmq_connect(socket->zmq, url) == 0 ? EAR_OK : EAR_IO;
}

/* A send may have eaten the edge of something that came in. */
static void stay_awake(struct ear_socket *socket)
{
    struct ear_bus *bus = socket->bus;
    socket->due = true;
    if (!bus->turning && !ear_timer_active(bus->kick)) ear_timer_start(bus->kick, 0, 0);
}

static ear_err send_failed(int error)
{
    if (error == EAGAIN) return EAR_AGAIN;
    return error == EHOSTUNREACH ? EAR_UNAVAILABLE : EAR_IO;
}

ear_err ear_socket_send(struct ear_socket *socket, zmq_msg_t *parts, size_t count)
{
    ear_err err = EAR_OK;
    for (size_t i = 0; i < count; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);
        /* libzmq takes all parts or none: only the first can be refused. */
        if (!err && zmq_msg_send(&parts[i], socket->zmq, flags) < 0) err = send_failed(zmq_errno());
        zmq_msg_close(&parts[i]);
    }
    stay_awake(socket);
    return err;
}

/* All parts of the next message; the count goes on past the room there is. */
static bool receive(void *zmq, zmq_msg_t parts[static EAR_SOCKET_PARTS_MAX], size_t *count)
{
    *count = 0;
    for (bool more = true; more;) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, zmq, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&part);
            EAR_CHECK(*count == 0 || zmq_errno() != EAGAIN);
            close_parts(parts, count);
            return false;
        }
        more = zmq_msg_more(&part);
        if (*count < EAR_SOCKET_PARTS_MAX) {
            zmq_msg_init(&parts[*count]);
            zmq_msg_move(&parts[*count], &part);
        }
        zmq_msg_close(&part);
        ++*count;
    }
    return true;
}

/* What comes behind it stays with libzmq, whose high-water mark then holds up who sends. */
static void wait_for_memory(struct ear_bus *bus)
{
    uint64_t suppressed;
    if (!ear_timer_active(bus->again)) ear_timer_start(bus->again, AGAIN_MS, 0);
    if (ear_log_gate_open(&bus->memory_gate, ear_loop_now_ms(bus->loop), EAR_BUS_GATE_MS,
                          &suppressed))
        ear_log(&EV_BUS_NO_MEMORY, kv_int("suppressed", suppressed));
}

bool ear_socket_waits(const struct ear_socket *socket)
{
    return socket->count > 0;
}

void ear_socket_again(void *self)
{
    struct ear_bus *bus = self;
    for (struct ear_socket *s = bus->sockets; s; s = s->next) s->due |= ear_socket_waits(s);
}

static void drain_messages(struct ear_socket *socket)
{
    size_t taken = 0;
    bool starved = false;
    /* Before the news that a peer left, what he said last. */
    if (!socket->due && !socket->monitor_due) return;
    socket->due = false;
    while (taken < MESSAGES_A_TURN && socket->zmq && !starved &&
           (socket->count || receive(socket->zmq, socket->parts, &socket->count))) {
        taken++;
        starved = socket->ops->message(socket->self, socket->parts, socket->count) == EAR_NO_MEMORY;
        if (!starved) close_parts(socket->parts, &socket->count);
    }
    if (starved) wait_for_memory(socket->bus);
    socket->due |= taken == MESSAGES_A_TURN;
    if (taken && socket->zmq && socket->ops->drained) socket->ops->drained(socket->self);
}

static void drain_events(struct ear_socket *socket)
{
    zmq_msg_t parts[EAR_SOCKET_PARTS_MAX];
    size_t count, taken = 0;
    if (!socket->monitor_due) return;
    socket->monitor_due = false;
    while (taken < MESSAGES_A_TURN && socket->zmq && socket->monitor &&
           receive(socket->monitor, parts, &count)) {
        uint16_t event = 0; /* the first part is event (16 bits, host order) and value (32) */
        taken++;
        if (zmq_msg_size(&parts[0]) >= sizeof(event))
            memcpy(&event, zmq_msg_data(&parts[0]), sizeof(event));
        close_parts(parts, &count);
        socket->ops->event(socket->self, event);
    }
    socket->monitor_due |= taken == MESSAGES_A_TURN;
}

bool ear_socket_turn(void *self)
{
    struct ear_bus *bus = self;
    bool more = false;
    bus->turning = true;
    for (struct ear_socket *s = bus->sockets; s; s = s->next) {
        drain_messages(s);
        drain_events(s);
    }
    bus->turning = false;
    reap(bus);
    /* Also what one room sent while another one was read. */
    for (struct ear_socket *s = bus->sockets; s; s = s->next) more |= s->due || s->monitor_due;
    return more;
}
