/* endpoint: "host:port" and numeric addresses as ZeroMQ wants them. Pure, private to bus. */
#ifndef EAR_BUS_ENDPOINT_H
#define EAR_BUS_ENDPOINT_H

#include "base/base.h"
#include <stdint.h>

#define EAR_HOST_BYTES 256
#define EAR_URL_BYTES  300

struct ear_endpoint {
    char host[EAR_HOST_BYTES]; /* a name, an address without brackets, or "*" */
    uint16_t port;
};

/* "host:port", "[::1]:port", "*:port"; port 0 only where `any_port`. diag says what is wrong. */
ear_err ear_endpoint_parse(struct ear_str text, bool any_port, struct ear_endpoint *endpoint,
                           struct ear_diag *diag) EAR_MUST_CHECK;
/* True for 127.0.0.0/8, ::1 and "localhost". */
bool ear_endpoint_is_loopback(const char *host);
/* True for "*" and numeric addresses: what can be bound without asking a name server. */
bool ear_endpoint_is_bindable(const char *host);
/* "tcp://127.0.0.1:5701"; port 0 becomes "*". */
void ear_endpoint_url(const char *host, uint16_t port, char url[static EAR_URL_BYTES]);

#endif
