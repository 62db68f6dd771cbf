#include "events.h"
#include "private.h"
#include <stdlib.h>
#include <sys/socket.h>

static void count(struct ear_httpd *httpd, bool one_more)
{
    httpd->connection_count = one_more ? httpd->connection_count + 1 : httpd->connection_count - 1;
    ear_metric_set(&M_HTTP_CONNECTIONS, (double)httpd->connection_count);
}

/* MHD finds the socket shut and closes the connection by its usual way. */
static void cut(struct connection *one, const char *why)
{
    struct ear_httpd *httpd = one->httpd;
    uint64_t suppressed;
    one->deadline_ms = INT64_MAX;
    ear_metric_add(&M_HTTP_CUTS, 1, why);
    if (ear_log_budget_spend(&httpd->cut_lines, ear_clock_mono_ms(), &suppressed))
        ear_log(&EV_HTTP_CUT, kv_int("fd", one->fd), kv_text("why", why),
                kv_int("suppressed", suppressed));
    shutdown(one->fd, SHUT_RDWR);
}

/* Who has gone longest without a whole request gives way to who comes now: otherwise a few hundred
 * connections that say nothing would keep everybody out until they are cut. The newest stand first:
 * of those who came in the same millisecond the first to come goes, and not the newcomer himself.
 */
static void make_room(struct ear_httpd *httpd)
{
    struct connection *stalest = NULL;
    if (httpd->connection_count <= httpd->connections_max) return;
    for (struct connection *one = httpd->connections; one; one = one->next)
        if (!one->waiting && one->deadline_ms < INT64_MAX &&
            (!stalest || one->deadline_ms <= stalest->deadline_ms))
            stalest = one;
    if (stalest) cut(stalest, "crowded");
}

static void opened(struct ear_httpd *httpd, struct MHD_Connection *mhd, void **slot)
{
    struct connection *one = ear_alloc(sizeof(*one));
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    one->httpd = httpd;
    one->fd = info ? info->connect_fd : -1;
    one->deadline_ms = ear_clock_mono_ms() + httpd->timeout_ms;
    one->next = httpd->connections;
    one->prev = &httpd->connections;
    if (one->next) one->next->prev = &one->next;
    httpd->connections = one;
    *slot = one;
}

static void closed(void **slot)
{
    struct connection *one = *slot;
    *one->prev = one->next;
    if (one->next) one->next->prev = one->prev;
    EAR_FREE(*slot);
}

void ear_connection_notify(void *cls, struct MHD_Connection *mhd, void **socket_slot,
                           enum MHD_ConnectionNotificationCode code)
{
    struct ear_httpd *httpd = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        opened(httpd, mhd, socket_slot);
        count(httpd, true);
        make_room(httpd);
    } else if (*socket_slot) {
        closed(socket_slot);
        count(httpd, false);
    }
}

void ear_connection_sweep(struct ear_httpd *httpd)
{
    int64_t now = ear_clock_mono_ms();
    for (struct connection *one = httpd->connections; one; one = one->next) {
        if (!one->waiting && one->deadline_ms <= now) cut(one, "slow");
    }
}
