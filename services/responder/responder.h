/* responder: what the rooms of this service share: settings, connections, limits. Owned by
 * responder.c; everything else borrows it. Loop thread only. */
#ifndef EAR_RESPONDER_H
#define EAR_RESPONDER_H

#include "bus/bus.h"
#include "decide.h"
#include "fetch/fetch.h"
#include "pg/pg.h"
#include "svc/svc.h"

struct ear_accounts;
struct ear_inbox;
struct ear_leases;
struct ear_outcomes;

struct ear_responder_settings {
    const char *pg;
    const char *pg_password;
    const char *bus_key_file;
    const char *bus_peers_file;
    const char *assignments; /* where replies come from */
    const char *commands;    /* where outcomes go to */
    const char *secrets_dir;
    int64_t lease_ms;
    int64_t tries_max;
    int64_t age_max_ms;
    int64_t backoff_floor_ms;
    int64_t backoff_cap_ms;
};

struct ear_responder {
    const struct ear_responder_settings *settings;
    struct ear_svc *svc;
    struct ear_loop *loop;
    struct ear_pg *pg;
    struct ear_bus *bus;
    struct ear_fetch *fetch;
    struct ear_accounts *accounts;
    struct ear_leases *leases;
    struct ear_inbox *inbox;
    struct ear_outcomes *outcomes;
    struct ear_timer *beat; /* figures, and what may have been missed */
    struct {
        double queue, lag_s, outcomes_due;
    } figures; /* by the last beat, of all responders */
    struct ear_reply_limits limits;
    struct ear_id instance;
    struct ear_id_key key; /* what external ids are hashed with */
    bool keyed;
    bool asking_key;
    bool draining;
};

/* For ear_svc_def. */
ear_err ear_responder_start(struct ear_svc *svc, void **self, struct ear_diag *diag);
ear_err ear_responder_reload(void *self, struct ear_diag *diag);
bool ear_responder_ready(void *self, struct ear_diag *why);
void ear_responder_describe(void *self, struct ear_buf *json);
void ear_responder_drain(void *self);
void ear_responder_stop(void *self);
/* Something ended: when draining, the service may be done. */
void ear_responder_check_drained(struct ear_responder *core);

extern struct ear_responder_settings ear_responder_settings;

#endif
