/* target: where to connect and as whom: a parsed conninfo. Private to pg.
 *
 * libpq would look host names up itself and block, and would wait for a host that swallows packets
 * as long as the kernel does without asking the next one. So hosts are kept apart from the other
 * options and are given to it one by one, with their address (hostaddr), once dial has resolved
 * them. */
#ifndef EAR_PG_TARGET_H
#define EAR_PG_TARGET_H

#include "base/base.h"
#include <libpq-fe.h>

#define EAR_PG_HOSTS_MAX     16
#define EAR_PG_ADDRESSES_MAX 16 /* of one host */

struct ear_pg_target {
    PQconninfoOption *options;     /* owned */
    char *password;                /* owned; NULL: as in options */
    char *application;             /* owned; NULL: as in options */
    char *hosts[EAR_PG_HOSTS_MAX]; /* owned; host_count 0: libpq's default socket */
    size_t host_count;
    char *ports[EAR_PG_HOSTS_MAX]; /* owned; one for all, or one a host, or none */
    size_t port_count;
};

/* What one host turned out to be: numeric addresses, or one empty text for a socket folder. */
struct ear_pg_host_addresses {
    char *items[EAR_PG_ADDRESSES_MAX]; /* owned */
    size_t count;
};

ear_err ear_pg_target_init(struct ear_pg_target *target, const char *conninfo, const char *password,
                           const char *application, struct ear_diag *diag) EAR_MUST_CHECK;
void ear_pg_target_release(struct ear_pg_target *target);
/* True where libpq needs no look-up: a socket folder, a numeric address, nothing. */
bool ear_pg_target_is_plain(const char *host);
/* Starts connecting to one address of a host (an index; 0 and "" where there are no hosts). NULL
 * without memory. */
PGconn *ear_pg_target_connect(const struct ear_pg_target *target, size_t host, const char *address);
/* How long one address may take, where others are left to be tried: connect_timeout, or 5 s. */
int64_t ear_pg_target_patience_ms(const struct ear_pg_target *target);

#endif
