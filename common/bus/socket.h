/* socket: one ZeroMQ socket on the loop, with its monitor. Private to bus, as zmq.h is.
 *
 * ZMQ_FD is edge-triggered and any call on the socket may eat the edge, so the descriptor, and each
 * such call, only says that the socket is due: one hook of the bus then drains a bounded number of
 * messages of those that are, a turn, and the loop does not sleep before a socket was found empty.
 * Looking at an empty one costs a system call: those that are not due are left alone. */
#ifndef EAR_BUS_SOCKET_H
#define EAR_BUS_SOCKET_H

#include "bus/core.h"
#include "bus/endpoint.h"
#include <zmq.h>

#define EAR_SOCKET_PARTS_MAX 8

struct ear_socket_ops {
    /* One whole message; the parts are borrowed. The socket may be freed meanwhile. EAR_NO_MEMORY:
     * nothing was done with it; it comes again in a while, and what is behind it waits. All other
     * trouble is the owner's. */
    ear_err (*message)(void *self, zmq_msg_t *parts, size_t count);
    /* ZMQ_EVENT_… of the monitor; NULL: no monitor. */
    void (*event)(void *self, int event);
    /* After a run of messages; may be NULL. */
    void (*drained)(void *self);
};

struct ear_socket_opts {
    int type;          /* ZMQ_ROUTER … */
    int64_t max_bytes; /* of one message part */
    int hwm;           /* messages each way and connection */
    int linger_ms;
    const char *server_key; /* Z85, of the server to connect to; NULL: this side serves */
};

ear_err ear_socket_new(struct ear_socket **out, struct ear_bus *bus,
                       const struct ear_socket_opts *opts, const struct ear_socket_ops *ops,
                       void *self, struct ear_diag *diag) EAR_MUST_CHECK;
/* linger_ms replaces the option: how long libzmq may go on delivering what was sent. */
void ear_socket_free(struct ear_socket **socket, int linger_ms);

/* "host:port"; EAR_DENIED without keys on an address that others can reach. */
ear_err ear_socket_bind(struct ear_socket *socket, const char *endpoint, uint16_t *port,
                        struct ear_diag *diag) EAR_MUST_CHECK;
/* After a change of our own key, which connections are given when they are made: those to us are
 * cut, and new ones get the new key once all are bound again. libzmq stops listening in its own
 * time: try again until it is true. */
void ear_socket_unbind_all(struct ear_bus *bus);
bool ear_socket_bind_all(struct ear_bus *bus);
/* For names inside this process. */
ear_err ear_socket_bind_inproc(struct ear_socket *socket, const char *url) EAR_MUST_CHECK;
ear_err ear_socket_connect(struct ear_socket *socket, const char *url) EAR_MUST_CHECK;

/* Sends parts as one message, all or nothing, and empties them in any case. EAR_AGAIN at the high-
 * water mark, EAR_UNAVAILABLE when a ROUTER does not know the peer. */
ear_err ear_socket_send(struct ear_socket *socket, zmq_msg_t *parts, size_t count) EAR_MUST_CHECK;

/* Whether a message waits for memory, and all that is behind it. */
bool ear_socket_waits(const struct ear_socket *socket);
/* What there was no memory to read is looked at again; for the bus's timer. */
void ear_socket_again(void *bus);
/* The bus's hook. */
bool ear_socket_turn(void *bus);

#endif
