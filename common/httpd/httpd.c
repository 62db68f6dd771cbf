#include "events.h"
#include "private.h"
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define EAR_EVENT EAR_EVENT_DEFINE
#include "events.def"
#undef EAR_EVENT

#define EAR_METRIC EAR_METRIC_DEFINE
#include "metrics.def"
#undef EAR_METRIC

#define CONNECTIONS_DEFAULT 256
#define CONNECTIONS_SPARE   64 /* newcomers, while those who make room for them are being closed */
#define TIMEOUT_DEFAULT_MS  30000
#define SWEEP_MS_MAX        1000
#define CLOSING_TURNS       4
#define FULL_LOG_MS         10000

/* Lets MHD work, then sleeps as long as it allows. */
void ear_httpd_turn(struct ear_httpd *httpd)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    EAR_CHECK(MHD_run(httpd->daemon) == MHD_YES);
    if (MHD_get_timeout(httpd->daemon, &wait_ms) == MHD_YES) {
        ear_timer_start(httpd->wake, (int64_t)wait_ms, 0);
    } else {
        ear_timer_stop(httpd->wake);
    }
}

static void on_epoll(void *self, unsigned events)
{
    (void)events;
    ear_httpd_turn(self);
}

static void on_wake(void *self)
{
    ear_httpd_turn(self);
}

/* MHD that has run out of descriptors takes nobody in until it is called after a connection ended,
 * and nothing of it wakes anybody for that. */
static void on_sweep(void *self)
{
    struct ear_httpd *httpd = self;
    ear_connection_sweep(httpd);
    ear_watch_set(httpd->watch, EAR_READABLE);
    ear_httpd_turn(httpd);
}

/* Without a connection whose end it could wait for, MHD would try again at once and for ever. */
static void on_full(struct ear_httpd *httpd)
{
    uint64_t suppressed;
    if (httpd->connection_count == 0) ear_watch_set(httpd->watch, 0);
    if (ear_log_gate_open(&httpd->full_gate, ear_clock_mono_ms(), FULL_LOG_MS, &suppressed))
        ear_log(&EV_HTTP_FULL, kv_int("suppressed", suppressed));
}

/* What MHD answers by itself (400, 431 …) no callback ever sees; it tells only its log, in
 * "… (HTTP response code is %u ('%s')) …", and there too that it finds no descriptor for who comes.
 * The rest of that log is about clients that left. */
EAR_PRINTF(2, 0) static void on_mhd_says(void *self, const char *format, va_list args)
{
    struct ear_httpd *httpd = self;
    struct ear_str said = ear_str_from(format);
    uint64_t suppressed;
    if (ear_str_starts(said, EAR_STR("Hit process or system resource limit"))) {
        on_full(httpd);
        return;
    }
    if (!ear_str_starts(said, EAR_STR("Error processing request (HTTP response code is %u ")))
        return;
    ear_metric_add(&M_HTTP_REFUSED, 1, "malformed");
    if (ear_log_budget_spend(&httpd->malformed_lines, ear_clock_mono_ms(), &suppressed))
        ear_log(&EV_HTTP_MALFORMED, kv_int("status", va_arg(args, unsigned)),
                kv_int("suppressed", suppressed));
}

static struct MHD_Daemon *start_daemon(struct ear_httpd *httpd, int fd)
{
    const unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, ear_request_step, httpd, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_says,
        httpd, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)httpd->connections_max + CONNECTIONS_SPARE, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_POOL, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED,
        ear_request_over, httpd, MHD_OPTION_NOTIFY_CONNECTION, ear_connection_notify, httpd,
        MHD_OPTION_END);
}

ear_err ear_httpd_new(struct ear_httpd **out, struct ear_loop *loop,
                      const struct ear_httpd_opts *opts, struct ear_diag *diag)
{
    int fd = -1;
    uint16_t port = 0;
    ear_err err = ear_httpd_listen(opts->listen, &fd, &port, diag);
    if (err != EAR_OK) return err;
    struct ear_httpd *httpd = ear_alloc(sizeof(*httpd));
    httpd->loop = loop;
    httpd->port = port;
    httpd->timeout_ms = opts->timeout_ms ? opts->timeout_ms : TIMEOUT_DEFAULT_MS;
    httpd->connections_max = opts->max_connections ? opts->max_connections : CONNECTIONS_DEFAULT;
    httpd->daemon = start_daemon(httpd, fd);
    if (!httpd->daemon) {
        close(fd);
        free(httpd);
        return ear_fail(diag, EAR_IO, "the HTTP server on %s could not start", opts->listen);
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(httpd->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    EAR_CHECK(info && ear_watch_new(&httpd->watch, loop, info->epoll_fd, on_epoll, httpd) == 0);
    ear_watch_set(httpd->watch, EAR_READABLE);
    ear_timer_new(&httpd->wake, loop, on_wake, httpd);
    ear_timer_new(&httpd->sweep, loop, on_sweep, httpd);
    int64_t every_ms = httpd->timeout_ms / 4 < SWEEP_MS_MAX ? httpd->timeout_ms / 4 : SWEEP_MS_MAX;
    ear_timer_start(httpd->sweep, every_ms, every_ms > 0 ? every_ms : 1);
    ear_metric_register(&M_HTTP_CONNECTIONS);
    ear_metric_register(&M_HTTP_GONE);
    *out = httpd;
    return EAR_OK;
}

void ear_httpd_route(struct ear_httpd *httpd, const struct ear_httpd_route *def)
{
    struct route *route = ear_route_new(def);
    route->next = httpd->routes;
    httpd->routes = route;
}

uint16_t ear_httpd_port(const struct ear_httpd *httpd)
{
    return httpd->port;
}

void ear_httpd_quiesce(struct ear_httpd *httpd)
{
    if (httpd->quiet) return;
    httpd->quiet = true;
    int fd = MHD_quiesce_daemon(httpd->daemon);
    if (fd >= 0) close(fd);
}

size_t ear_httpd_active(const struct ear_httpd *httpd)
{
    return httpd->active;
}

/* MHD may not be stopped while requests are suspended: they are shut, woken and left to end. */
static void wake_all(struct ear_httpd *httpd)
{
    httpd->freeing = true;
    for (struct connection *one = httpd->connections; one; one = one->next) {
        shutdown(one->fd, SHUT_RDWR);
        if (one->suspended) MHD_resume_connection(one->suspended);
    }
    for (int i = 0; i < CLOSING_TURNS; i++) EAR_CHECK(MHD_run(httpd->daemon) == MHD_YES);
}

void ear_httpd_free(struct ear_httpd **httpd_ptr)
{
    struct ear_httpd *httpd = *httpd_ptr;
    if (!httpd) return;
    wake_all(httpd);
    ear_watch_free(&httpd->watch);
    ear_timer_free(&httpd->wake);
    ear_timer_free(&httpd->sweep);
    MHD_stop_daemon(httpd->daemon);
    ear_route_free_all(&httpd->routes);
    EAR_FREE(*httpd_ptr);
}
