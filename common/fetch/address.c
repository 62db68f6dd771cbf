/* Which addresses belong to nobody outside: they are refused where a URL comes from a stranger. */
#include "engine.h"
#include <arpa/inet.h>
#include <netinet/in.h>

struct range4 {
    uint32_t net;
    unsigned bits;
};

/* IANA IPv4 special-purpose registry: what is not globally reachable. */
static const struct range4 private4[] = {
    {0x00000000, 8},  /* 0.0.0.0/8 this host */
    {0x0a000000, 8},  /* 10.0.0.0/8 */
    {0x64400000, 10}, /* 100.64.0.0/10 shared by carriers */
    {0x7f000000, 8},  /* 127.0.0.0/8 loopback */
    {0xa9fe0000, 16}, /* 169.254.0.0/16 link-local, cloud metadata */
    {0xac100000, 12}, /* 172.16.0.0/12 */
    {0xc0000000, 24}, /* 192.0.0.0/24 protocol assignments */
    {0xc0a80000, 16}, /* 192.168.0.0/16 */
    {0xc6120000, 15}, /* 198.18.0.0/15 benchmarks */
    {0xe0000000, 3},  /* 224.0.0.0/3 multicast and reserved */
};

static bool private_v4(uint32_t address)
{
    for (size_t i = 0; i < EAR_COUNT(private4); i++)
        if ((address ^ private4[i].net) >> (32 - private4[i].bits) == 0) return true;
    return false;
}

static bool private_v6(const uint8_t b[static 16])
{
    static const uint8_t zero[12] = {0};
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (memcmp(b, mapped, 12) == 0 || memcmp(b, nat64, 12) == 0 || memcmp(b, zero, 12) == 0)
        return private_v4((uint32_t)ear_get_be(b + 12, 4));
    if (b[0] == 0x20 && b[1] == 0x02) return private_v4((uint32_t)ear_get_be(b + 2, 4)); /* 6to4 */
    return (b[0] & 0xe0) != 0x20; /* only 2000::/3 is handed out as global unicast */
}

bool ear_address_private(const struct curl_sockaddr *address)
{
    if (address->family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, &address->addr, sizeof(in));
        return private_v4(ntohl(in.sin_addr.s_addr));
    }
    if (address->family == AF_INET6 && address->addrlen >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in6;
        /* libcurl hands over as many bytes as the family has, in a field declared shorter. */
        memcpy(&in6, (const char *)address + offsetof(struct curl_sockaddr, addr), sizeof(in6));
        return private_v6(in6.sin6_addr.s6_addr);
    }
    return true;
}
