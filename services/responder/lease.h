/* lease: which accounts this responder sends for. One row an account; a new owner raises its epoch.
 * Renewed thrice within its life. A responder takes up to its share of them, and lets go of what is
 * over it when another one comes; what runs out goes to whoever has room. */
#ifndef EAR_RESPONDER_LEASE_H
#define EAR_RESPONDER_LEASE_H

#include "account.h"

struct ear_leases;

void ear_leases_new(struct ear_leases **out, struct ear_responder *core);
void ear_leases_free(struct ear_leases **leases);
/* Asks now, besides the regular times. */
void ear_leases_hurry(struct ear_leases *leases);
/* Gives all back, so that others need not wait; calls ear_responder_check_drained at the end. */
void ear_leases_release(struct ear_leases *leases);
bool ear_leases_released(const struct ear_leases *leases);
/* The database said that it is not ours any more. */
void ear_lease_lost(struct ear_account *account);

#endif
