/* lease: whose turn it is, by rows with epochs and the database's clock. One object holds all the
 * leases that this instance wants: its own intake rows, and one an account that a connector hears.
 *
 * A lease counts as held from the answer until a sixth of its length before it would run out,
 * counted from when it was asked for: a slow database makes it shorter, never longer. */
#ifndef EAR_INGEST_LEASE_H
#define EAR_INGEST_LEASE_H

#include "pg/pg.h"

struct ear_leases;

/* A lease was won (held) or is gone. */
typedef void ear_lease_fn(void *self, const char *name, bool held);

struct ear_lease_opts {
    struct ear_loop *loop;
    struct ear_pg *pg;
    struct ear_id owner; /* this process */
    int64_t lease_ms;
    ear_lease_fn *changed;
    void *self;
};

void ear_leases_new(struct ear_leases **out, const struct ear_lease_opts *opts);
void ear_leases_free(struct ear_leases **leases);

/* From now on this lease is asked for and renewed. Idempotent. */
void ear_leases_want(struct ear_leases *leases, const char *name);
/* No longer; others may take it at once. changed is not called. */
void ear_leases_drop(struct ear_leases *leases, const char *name);
/* True while held; *epoch (may be NULL) as the row has it. */
bool ear_leases_held(const struct ear_leases *leases, const char *name, int64_t *epoch);
size_t ear_leases_count(const struct ear_leases *leases); /* held */
/* Asks at once instead of at the next beat. */
void ear_leases_renew(struct ear_leases *leases);
/* Gives all back; nothing is asked for any more. done comes once, also when that failed. */
void ear_leases_end(struct ear_leases *leases, ear_loop_fn *done, void *self);

#endif
