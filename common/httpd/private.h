/* private: what the rooms of httpd share. Only here is microhttpd.h seen. */
#ifndef EAR_HTTPD_PRIVATE_H
#define EAR_HTTPD_PRIVATE_H

#include "httpd/httpd.h"
#include "log/log.h"
#include <microhttpd.h>

#define SEGMENTS_MAX    8
#define BODIES_MAX      (48u << 20) /* bytes of all bodies being collected or handled */
#define CONNECTION_POOL (32u << 10) /* request line and headers of one connection */

/* A route's path cut at its slashes; a segment in braces matches anything. */
struct path {
    struct ear_str parts[SEGMENTS_MAX];
    size_t count;
};

struct route {
    struct route *next;
    struct ear_httpd_route def; /* owns its strings */
    struct path path;           /* borrows from def */
};

/* One client connection: exists from accept to close. MHD's own time-out starts again with each
 * byte, which a slow-loris lives on; this deadline does not. */
struct connection {
    struct connection *next, **prev;
    struct ear_httpd *httpd;
    int fd;
    bool waiting;                     /* for our own answer: no deadline */
    struct MHD_Connection *suspended; /* waits inside MHD for a late answer */
    int64_t deadline_ms;
};

struct ear_httpd_request {
    struct ear_httpd *httpd;
    struct MHD_Connection *mhd;
    struct connection *connection;
    const struct route *route; /* NULL: answered by ourselves */
    struct path path;          /* borrows from url */
    char *url;                 /* owned */
    struct ear_buf body;
    size_t counted_bytes;          /* of body, in httpd->bodies */
    struct MHD_Response *response; /* owned until queued */
    unsigned status;
    bool handled; /* the handler has seen it */

    int64_t began_ms;
};

struct ear_httpd {
    struct ear_loop *loop;
    struct ear_log_budget refused_lines, cut_lines, malformed_lines;
    struct ear_log_gate full_gate;
    struct MHD_Daemon *daemon;
    struct ear_watch *watch;
    struct ear_timer *wake;  /* what MHD asks for */
    struct ear_timer *sweep; /* cuts connections past their deadline */
    struct route *routes;
    struct connection *connections;
    size_t connection_count, connections_max;
    size_t active;
    size_t bodies;
    int64_t timeout_ms;
    uint16_t port;
    bool quiet;
    bool freeing;
};

/* listen: a bound, listening socket. */
ear_err ear_httpd_listen(const char *listen_at, int *fd, uint16_t *port, struct ear_diag *diag);

/* route */
struct route *ear_route_new(const struct ear_httpd_route *def);
void ear_route_free_all(struct route **routes);
/* False when it has more segments than any route could. */
bool ear_path_cut(struct path *path, const char *url);
/* The route for method and path; *allow gets the methods that the path knows (comma-separated). */
const struct route *ear_route_find(const struct route *routes, const char *method,
                                   const struct path *path, struct ear_buf *allow);

/* request: MHD's callbacks. */
enum MHD_Result ear_request_step(void *cls, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_bytes, void **slot);
void ear_request_over(void *cls, struct MHD_Connection *mhd, void **slot,
                      enum MHD_RequestTerminationCode code);
void ear_connection_notify(void *cls, struct MHD_Connection *mhd, void **socket_slot,
                           enum MHD_ConnectionNotificationCode code);

/* Cuts the connections past their deadline. */
void ear_connection_sweep(struct ear_httpd *httpd);

void ear_httpd_turn(struct ear_httpd *httpd);

#endif
