/* TIDs and at:// URIs (atproto.com/specs/tid, atproto.com/specs/at-uri-scheme). */
#include "atp/atp.h"

#define TID_LEN    13u
#define CLOCK_BITS 10u

static const char alphabet[] = "234567abcdefghijklmnopqrstuvwxyz";

void ear_tid_format(int64_t at_us, unsigned clock, char text[static EAR_TID_BYTES])
{
    uint64_t value = (uint64_t)at_us << CLOCK_BITS | (clock & ((1u << CLOCK_BITS) - 1));
    value &= INT64_MAX; /* the top bit is always 0 */
    for (size_t i = TID_LEN; i-- > 0; value >>= 5) text[i] = alphabet[value & 31];
    text[TID_LEN] = '\0';
}

ear_err ear_tid_parse(struct ear_str text, int64_t *at_us, unsigned *clock)
{
    uint64_t value = 0;
    if (text.len != TID_LEN) return EAR_INVALID;
    for (size_t i = 0; i < TID_LEN; i++) {
        const char *digit = text.ptr[i] ? strchr(alphabet, text.ptr[i]) : NULL;
        if (!digit || (i == 0 && digit - alphabet > 7)) return EAR_INVALID;
        value = value << 5 | (uint64_t)(digit - alphabet);
    }
    *at_us = (int64_t)(value >> CLOCK_BITS);
    if (clock) *clock = (unsigned)(value & ((1u << CLOCK_BITS) - 1));
    return EAR_OK;
}

ear_err ear_at_uri_parse(struct ear_str text, struct ear_at_uri *uri)
{
    const struct ear_str scheme = EAR_STR("at://");
    struct ear_str extra;
    if (!ear_str_starts(text, scheme)) return EAR_INVALID;
    struct ear_str rest = {text.ptr + scheme.len, text.len - scheme.len};
    *uri = (struct ear_at_uri){0};
    ear_str_split(&rest, '/', &uri->authority);
    ear_str_split(&rest, '/', &uri->collection);
    ear_str_split(&rest, '/', &uri->rkey);
    if (ear_str_split(&rest, '/', &extra)) return EAR_INVALID;
    return uri->authority.len && uri->collection.len && uri->rkey.len ? EAR_OK : EAR_INVALID;
}
