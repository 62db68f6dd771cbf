/* outbox: hands replies that are due to responders and forgets them when they are taken over.
 *
 * What is due is read from table reply_due, never from memory; one replica offers, under a lease.
 * Should two, the responder knows a reply by its id. Woken by NOTIFY earshot_replies, by credit
 * and, against anything missed, every few seconds. */
#ifndef EAR_ASSIGNMENT_OUTBOX_H
#define EAR_ASSIGNMENT_OUTBOX_H

#include "bus/bus.h"
#include "ground.h"

struct ear_commands;
struct ear_outbox;

ear_err ear_outbox_new(struct ear_outbox **out, const struct ear_ground *ground,
                       struct ear_bus *bus, const char *endpoint,
                       struct ear_diag *diag) EAR_MUST_CHECK;
/* Borrowed. What no responder can read, three times, is given up by a command of our own. */
void ear_outbox_wire(struct ear_outbox *outbox, struct ear_commands *commands);
/* After ear_pg_free. */
void ear_outbox_free(struct ear_outbox **outbox);
void ear_outbox_kick(struct ear_outbox *outbox);
/* Offers no more. What is offered may still be settled. */
void ear_outbox_drain(struct ear_outbox *outbox);
bool ear_outbox_is_idle(const struct ear_outbox *outbox);

struct ear_outbox_stats {
    size_t responders; /* linked */
    size_t offered;    /* replies not settled yet */
    int64_t credit;    /* replies that responders would take now */
};
struct ear_outbox_stats ear_outbox_stats(const struct ear_outbox *outbox);

#endif
