/* link: one DEALER to one address of an upstream service, opened again and again until it is
 * freed. Private to bus.
 *
 * A DEALER lives for one connection only: once that breaks, the socket is thrown away with all
 * that was queued in it, so nothing stale ever reaches a new peer. */
#ifndef EAR_BUS_LINK_H
#define EAR_BUS_LINK_H

#include "bus/frame.h"

typedef enum ear_bus_link_state {
    EAR_BUS_LINK_WAITING, /* to be opened when its timer says so */
    EAR_BUS_LINK_OPENING, /* libzmq connects and shakes hands */
    EAR_BUS_LINK_OPEN,    /* both sides can talk */
    EAR_BUS_LINK_LIVE,    /* the owner found that the peer is the right one */
    EAR_BUS_LINK_STATES
} ear_bus_link_state;

struct ear_bus_link;

/* The owner's side; all of it is called on the loop's thread. */
struct ear_bus_link_ops {
    void (*opened)(void *self, struct ear_bus_link *link);
    /* After OPEN or LIVE, once. */
    void (*closed)(void *self, struct ear_bus_link *link);
    void (*frame)(void *self, struct ear_bus_link *link, const Earshot__V1__Frame *frame);
    /* After a run of frames; may be NULL. */
    void (*drained)(void *self);
    /* True while the link must not be dropped although its address vanished. */
    bool (*busy)(void *self, const struct ear_bus_link *link);
};

struct ear_bus_link {
    struct ear_bus_link *next; /* list of names */
    struct ear_bus *bus;       /* borrowed */
    const struct ear_bus_link_ops *ops;
    void *self;
    ear_bus_link_state state;
    char host[EAR_HOST_BYTES]; /* numeric */
    uint16_t port;
    const char *service;          /* whose key the peer must show; borrowed */
    char key[EAR_KEY_TEXT_BYTES]; /* the one that it was asked to show; "" without CURVE */
    const void *origin;           /* the name it was found behind; opaque here */
    unsigned missing;             /* answers in a row without this address */
    struct ear_socket *socket;    /* owned; NULL while waiting */
    struct ear_timer *retry;      /* owned */
    unsigned tries;
    const char *trouble; /* why the last try failed, where that is known; a constant, or NULL */
    int64_t trouble_ms;  /* when that was */
    uint32_t version;    /* what we write here; grows when the peer says what it reads */
    int64_t heard_ms, spoke_ms;
    void *data; /* the owner's */
};

void ear_bus_link_new(struct ear_bus_link **out, struct ear_bus *bus, const char *host,
                      uint16_t port, const char *service, const struct ear_bus_link_ops *ops,
                      void *self);
/* Says closed() first where that is due. */
void ear_bus_link_free(struct ear_bus_link **link, int linger_ms);

/* OPEN to LIVE: tries start anew. */
void ear_bus_link_confirm(struct ear_bus_link *link);
/* Closes now and opens again: after delay_ms, or with 0 after a back-off. */
void ear_bus_link_cut(struct ear_bus_link *link, const char *why, int64_t delay_ms);
/* A failed send cuts the link: a peer that takes nothing is as good as gone. */
void ear_bus_link_send(struct ear_bus_link *link, Earshot__V1__Frame *frame);
void ear_bus_link_send_hello(struct ear_bus_link *link);
/* Once a beat: cuts a link that was silent for too long, beats where it was idle. */
void ear_bus_link_tick(struct ear_bus_link *link, int64_t last_ms, int64_t now_ms);

/* What somebody has to mend before the link can be used, behind "the address …"; NULL: not known.
 */
const char *ear_bus_link_trouble(const struct ear_bus_link *link);

static inline bool ear_bus_link_is_up(const struct ear_bus_link *link)
{
    return link->state == EAR_BUS_LINK_OPEN || link->state == EAR_BUS_LINK_LIVE;
}

#endif
