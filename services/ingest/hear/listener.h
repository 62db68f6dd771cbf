/* listener: hears one account through its connector while this process holds the account's lease:
 * opens it with the stored cursor and session, polls, hands each round to intake, and lets the
 * connector go on only when the round is committed. */
#ifndef EAR_INGEST_LISTENER_H
#define EAR_INGEST_LISTENER_H

#include "hear/care.h"
#include "hear/lease.h"
#include "intake/intake.h"

struct ear_listener;

/* Shared by all listeners; outlives them. */
struct ear_listener_env {
    struct ear_loop *loop;
    struct ear_pg *pg;
    struct ear_fetch *fetch;
    struct ear_intake *intake;
    struct ear_leases *leases;
    struct ear_id owner; /* this process, as the leases have it */
};

/* Copies what it needs of the account. Nothing happens before the lease is held. */
void ear_listener_new(struct ear_listener **out, const struct ear_listener_env *env,
                      const struct ear_account *account);
/* Stops at once and gives the lease up; the memory goes when nothing is under way any more. */
void ear_listener_free(struct ear_listener **listener);

const char *ear_listener_account(const struct ear_listener *listener);
const char *ear_listener_lease(const struct ear_listener *listener);
/* False where the account has changed so that it must be opened anew. */
bool ear_listener_fits(const struct ear_listener *listener, const struct ear_account *account);
void ear_listener_lease_changed(struct ear_listener *listener, bool held);
/* Wall time of the last round without an error; before the first, of when the lease was won; 0
 * while it is not held. */
int64_t ear_listener_heard_us(const struct ear_listener *listener);
/* Why the last round, or the way to it, failed; "" where it did not, or the lease is not held. */
const char *ear_listener_trouble(const struct ear_listener *listener);
const char *ear_listener_connector(const struct ear_listener *listener);

#endif
