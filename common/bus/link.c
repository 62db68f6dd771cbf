#include "bus/link.h"

#include "bus/events.h"
#include "bus/sender.h"
#include <stdlib.h>

#define HWM          4096
#define RETRY_MS     50
#define RETRY_MAX_MS 2000
#define TROUBLE_MS   (EAR_BUS_GATE_MS + 2 * RETRY_MAX_MS) /* each further try says it again */

static const bool legal[EAR_BUS_LINK_STATES][EAR_BUS_LINK_STATES] = {
    [EAR_BUS_LINK_WAITING] = {[EAR_BUS_LINK_OPENING] = true},
    [EAR_BUS_LINK_OPENING] = {[EAR_BUS_LINK_OPEN] = true, [EAR_BUS_LINK_WAITING] = true},
    [EAR_BUS_LINK_OPEN] = {[EAR_BUS_LINK_LIVE] = true, [EAR_BUS_LINK_WAITING] = true},
    [EAR_BUS_LINK_LIVE] = {[EAR_BUS_LINK_WAITING] = true},
};

static void set_state(struct ear_bus_link *link, ear_bus_link_state to)
{
    EAR_CHECK(legal[link->state][to]);
    if (to == EAR_BUS_LINK_LIVE)
        ear_log(&EV_BUS_LINK_UP, kv_text("address", link->host), kv_int("port", link->port),
                kv_text("service", link->service));
    link->state = to;
}

static ear_err message(void *self, zmq_msg_t *parts, size_t count)
{
    struct ear_bus_link *link = self;
    const Earshot__V1__Frame *frame;
    ear_err err = count == 1 ? ear_frame_read(link->bus, &parts[0], &frame) : EAR_INVALID;
    if (err == EAR_INVALID) {
        ear_frame_refuse(link->bus, "malformed", link->host);
        return EAR_OK;
    }
    /* libzmq's monitor may be a moment behind its data. */
    if (!ear_bus_link_is_up(link)) return EAR_OK;
    link->heard_ms = ear_loop_now_ms(link->bus->loop);
    if (!err && frame->body_case != EARSHOT__V1__FRAME__BODY_BEAT)
        link->ops->frame(link->self, link, frame);
    return err;
}

static void meet_trouble(struct ear_bus_link *link, const char *trouble)
{
    link->trouble = trouble;
    link->trouble_ms = ear_loop_now_ms(link->bus->loop);
}

static void opened(struct ear_bus_link *link)
{
    set_state(link, EAR_BUS_LINK_OPEN);
    link->trouble = NULL;
    link->version = link->bus->version_min;
    link->heard_ms = link->spoke_ms = ear_loop_now_ms(link->bus->loop);
    link->ops->opened(link->self, link);
}

static void event(void *self, int event)
{
    struct ear_bus_link *link = self;
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        if (link->state == EAR_BUS_LINK_OPENING) opened(link);
        break;
    case ZMQ_EVENT_DISCONNECTED:
        ear_bus_link_cut(link, "disconnected", 0);
        break;
    default:
        /* libzmq gives a socket up for good after some of these. */
        ear_frame_handshake_failed(link->bus, link->host, link->port);
        meet_trouble(link, link->bus->keyring
                               ? "refuses our CURVE key, or has another one than we are told: "
                                 "compare EAR_BUS_KEY_FILE and EAR_BUS_PEERS_FILE of both"
                               : "refuses who has no CURVE key: set EAR_BUS_KEY_FILE and "
                                 "EAR_BUS_PEERS_FILE");
        ear_bus_link_cut(link, "handshake failed", 0);
    }
}

static void drained(void *self)
{
    struct ear_bus_link *link = self;
    if (link->ops->drained) link->ops->drained(link->self);
}

static const struct ear_socket_ops socket_ops = {message, event, drained};

static void schedule(struct ear_bus_link *link, int64_t delay_ms)
{
    if (delay_ms == 0)
        delay_ms =
            ear_backoff_ms(link->tries++, RETRY_MS, RETRY_MAX_MS, ear_random_below(UINT64_MAX));
    ear_timer_start(link->retry, delay_ms, 0);
}

static ear_err open_socket(struct ear_bus_link *link, struct ear_diag *diag)
{
    const struct ear_socket_opts opts = {.type = ZMQ_DEALER,
                                         .max_bytes = EAR_FRAME_BYTES_MAX,
                                         .hwm = HWM,
                                         .server_key = link->key[0] ? link->key : NULL};
    char url[EAR_URL_BYTES];
    ear_endpoint_url(link->host, link->port, url);
    ear_err err = ear_socket_new(&link->socket, link->bus, &opts, &socket_ops, link, diag);
    if (err) return err;
    return ear_socket_connect(link->socket, url) ? ear_fail(diag, EAR_IO, "cannot connect")
                                                 : EAR_OK;
}

/* Of several keys another one each time: replicas change theirs one after the other. */
static bool choose_key(struct ear_bus_link *link)
{
    struct ear_bus *bus = link->bus;
    uint64_t suppressed;
    const char *key =
        bus->keyring ? ear_keyring_of(bus->keyring, link->service, link->tries) : NULL;
    if (!ear_str_copy(link->key, sizeof(link->key), ear_str_from(key))) link->key[0] = '\0';
    if (bus->keyring ? key != NULL : ear_endpoint_is_loopback(link->host)) return true;
    meet_trouble(link, bus->keyring
                           ? "is not asked: EAR_BUS_PEERS_FILE lists no key of its service"
                           : "is not asked: without EAR_BUS_KEY_FILE only this machine is");
    if (ear_log_gate_open(&bus->denied_gate, ear_loop_now_ms(bus->loop), EAR_BUS_GATE_MS,
                          &suppressed))
        ear_log(&EV_BUS_ADDRESS_DENIED, kv_text("address", link->host),
                kv_text("service", link->service), kv_int("suppressed", suppressed));
    return false;
}

static void try_open(void *self)
{
    struct ear_bus_link *link = self;
    struct ear_diag diag;
    if (!choose_key(link)) {
        schedule(link, EAR_BUS_GATE_MS);
        return;
    }
    set_state(link, EAR_BUS_LINK_OPENING);
    if (open_socket(link, &diag)) ear_bus_link_cut(link, diag.text, 0);
}

void ear_bus_link_new(struct ear_bus_link **out, struct ear_bus *bus, const char *host,
                      uint16_t port, const char *service, const struct ear_bus_link_ops *ops,
                      void *self)
{
    struct ear_bus_link *link = ear_alloc(sizeof(*link));
    *link = (struct ear_bus_link){
        .bus = bus, .ops = ops, .self = self, .port = port, .service = service};
    EAR_CHECK(ear_str_copy(link->host, sizeof(link->host), ear_str_from(host)));
    ear_timer_new(&link->retry, bus->loop, try_open, link);
    ear_timer_start(link->retry, 0, 0);
    *out = link;
}

static void close_link(struct ear_bus_link *link, const char *why, int linger_ms)
{
    bool was_up = ear_bus_link_is_up(link);
    ear_socket_free(&link->socket, linger_ms);
    if (link->state == EAR_BUS_LINK_WAITING) return;
    if (link->state == EAR_BUS_LINK_LIVE)
        ear_log(&EV_BUS_LINK_DOWN, kv_text("address", link->host), kv_int("port", link->port),
                kv_text("service", link->service), kv_text("reason", why));
    set_state(link, EAR_BUS_LINK_WAITING);
    if (was_up) link->ops->closed(link->self, link);
}

void ear_bus_link_free(struct ear_bus_link **link, int linger_ms)
{
    if (!*link) return;
    close_link(*link, "not needed any more", linger_ms);
    ear_timer_free(&(*link)->retry);
    EAR_FREE(*link);
}

const char *ear_bus_link_trouble(const struct ear_bus_link *link)
{
    int64_t since_ms = ear_loop_now_ms(link->bus->loop) - link->trouble_ms;
    return since_ms < TROUBLE_MS ? link->trouble : NULL;
}

void ear_bus_link_confirm(struct ear_bus_link *link)
{
    set_state(link, EAR_BUS_LINK_LIVE);
    link->tries = 0;
}

void ear_bus_link_cut(struct ear_bus_link *link, const char *why, int64_t delay_ms)
{
    close_link(link, why, 0);
    schedule(link, delay_ms);
}

static void sent(struct ear_bus_link *link, ear_err err)
{
    if (err)
        ear_bus_link_cut(link, ear_err_text(err), 0);
    else
        link->spoke_ms = ear_loop_now_ms(link->bus->loop);
}

void ear_bus_link_send(struct ear_bus_link *link, Earshot__V1__Frame *frame)
{
    sent(link, ear_frame_send(link->socket, EAR_STR_NONE, link->version, frame));
}

void ear_bus_link_send_hello(struct ear_bus_link *link)
{
    sent(link, ear_frame_send_hello(link->bus, link->socket, EAR_STR_NONE));
}

void ear_bus_link_tick(struct ear_bus_link *link, int64_t last_ms, int64_t now_ms)
{
    if (!ear_bus_link_is_up(link)) return;
    if (!ear_sender_listed(link->bus, link->service, link->key)) {
        ear_bus_link_cut(link, "key not listed any more", 0);
        return;
    }
    link->heard_ms = ear_bus_heard_ms(link->bus, link->heard_ms, last_ms, now_ms);
    if (now_ms - link->heard_ms >= EAR_BUS_SILENT_BEATS * link->bus->beat_ms)
        ear_bus_link_cut(link, "silent", 0);
    else if (now_ms - link->spoke_ms >= EAR_BUS_QUIET_MS(link->bus))
        sent(link, ear_frame_send_beat(link->socket, EAR_STR_NONE, link->version));
}
