#include "events.h"
#include "private.h"
#include <stdlib.h>
#include <sys/socket.h>

static void count(struct ear_httpd *httpd)
{
    size_t open = 0;
    for (const struct connection *one = httpd->connections; one; one = one->next) open++;
    ear_metric_set(&M_HTTP_CONNECTIONS, (double)open);
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
    } else if (*socket_slot) {
        closed(socket_slot);
    }
    count(httpd);
}

/* MHD finds the socket shut and closes the connection by its usual way. */
void ear_connection_sweep(struct ear_httpd *httpd)
{
    int64_t now = ear_clock_mono_ms();
    for (struct connection *one = httpd->connections; one; one = one->next) {
        if (one->waiting || one->deadline_ms > now) continue;
        one->deadline_ms = INT64_MAX;
        ear_metric_add(&M_HTTP_CUTS, 1);
        ear_log(&EV_HTTP_CUT, kv_int("fd", one->fd));
        shutdown(one->fd, SHUT_RDWR);
    }
}
