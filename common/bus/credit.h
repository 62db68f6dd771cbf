/* credit: the arithmetic of what may be in flight on one lane of one link. Pure, private to bus.
 *
 * All counts are cumulative since Hello, so a repeated or overtaken Credit changes nothing and a
 * lost one is made good by the next. docs/protocol.md works an example. */
#ifndef EAR_BUS_CREDIT_H
#define EAR_BUS_CREDIT_H

#include "base/base.h"
#include <stdint.h>

struct ear_amount {
    uint64_t posts;
    uint64_t bytes;
};

/* Upstream's view: what it was allowed and what it used. */
struct ear_allowance {
    struct ear_amount granted;
    struct ear_amount sent;
};

/* What may be sent now; never below zero, also when a draining peer took credit back. */
struct ear_amount ear_allowance_left(const struct ear_allowance *allowance);
bool ear_allowance_fits(const struct ear_allowance *allowance, struct ear_amount need);

/* Downstream's view. */
struct ear_grant {
    struct ear_amount window; /* how much may be unsettled */
    struct ear_amount received;
    struct ear_amount settled;
    struct ear_amount announced; /* what the last Credit said */
    struct ear_amount top;       /* the most any Credit said: what upstream may rely on */
};

void ear_grant_init(struct ear_grant *grant, struct ear_amount window);
/* False when upstream had no credit for it; nothing is counted then. */
bool ear_grant_receive(struct ear_grant *grant, struct ear_amount got);
void ear_grant_settle(struct ear_grant *grant, struct ear_amount done);
/* True when it pays to send a Credit: a quarter of the window came free, or all of it did. */
bool ear_grant_due(const struct ear_grant *grant);
/* True when a Credit would say anything new. */
bool ear_grant_stale(const struct ear_grant *grant);
/* What to send; counts as sent. */
struct ear_amount ear_grant_announce(struct ear_grant *grant);
/* Takes back what was not used yet; to send. */
struct ear_amount ear_grant_withdraw(struct ear_grant *grant);

#endif
