#include "bus/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>

static bool split_host(struct ear_str text, struct ear_str *host, struct ear_str *port)
{
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':') colon--;
    if (colon == 0) return false;
    *host = (struct ear_str){text.ptr, colon - 1};
    *port = (struct ear_str){text.ptr + colon, text.len - colon};
    if (host->len > 2 && host->ptr[0] == '[' && host->ptr[host->len - 1] == ']')
        *host = (struct ear_str){host->ptr + 1, host->len - 2};
    return host->len > 0;
}

ear_err ear_endpoint_parse(struct ear_str text, bool any_port, struct ear_endpoint *endpoint,
                           struct ear_diag *diag)
{
    struct ear_str host, digits;
    int64_t port;
    text = ear_str_trim(text);
    if (!split_host(text, &host, &digits) ||
        ear_num_i64(digits, any_port ? 0 : 1, UINT16_MAX, &port) ||
        !ear_str_copy(endpoint->host, sizeof(endpoint->host), host))
        return ear_fail(diag, EAR_INVALID, "\"%.*s\" is not host:port", EAR_STR_ARG(text));
    endpoint->port = (uint16_t)port;
    return EAR_OK;
}

bool ear_endpoint_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (ear_str_eq(ear_str_from(host), EAR_STR("localhost"))) return true;
    if (inet_pton(AF_INET, host, &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &v6) != 1) return false;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

bool ear_endpoint_is_bindable(const char *host)
{
    struct in6_addr any;
    return ear_str_eq(ear_str_from(host), EAR_STR("*")) || inet_pton(AF_INET, host, &any) == 1 ||
           inet_pton(AF_INET6, host, &any) == 1;
}

void ear_endpoint_url(const char *host, uint16_t port, char url[static EAR_URL_BYTES])
{
    bool v6 = ear_str_find(ear_str_from(host), EAR_STR(":")) != SIZE_MAX;
    char digits[8] = "*";
    if (port) snprintf(digits, sizeof(digits), "%u", (unsigned)port);
    int len = snprintf(url, EAR_URL_BYTES, v6 ? "tcp://[%s]:%s" : "tcp://%s:%s", host, digits);
    EAR_CHECK(len > 0 && len < EAR_URL_BYTES);
}
