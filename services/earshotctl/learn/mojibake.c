#include "mojibake.h"

#include <stdint.h>

/* What Windows-1252 has at 0x80 to 0x9F. 0: nothing. */
static const uint16_t windows[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

/* One code point of up to three bytes; 0 bytes: none such is there. */
static size_t point_at(struct ear_str text, size_t at, uint32_t *cp)
{
    const unsigned char *p = (const unsigned char *)text.ptr + at;
    size_t left = text.len - at;
    if (left >= 2 && p[0] >= 0xC2 && p[0] <= 0xDF && (p[1] & 0xC0) == 0x80) {
        *cp = (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
        return 2;
    }
    if (left >= 3 && (p[0] & 0xF0) == 0xE0 && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80) {
        *cp = (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
        return 3;
    }
    return 0;
}

/* The byte that was read as this, if it is one that continues a UTF-8 sequence; else 0. */
static unsigned char continuation(uint32_t cp)
{
    if (cp >= 0x80 && cp <= 0xBF) return (unsigned char)cp;
    for (size_t i = 0; i < EAR_COUNT(windows); i++)
        if (cp && windows[i] == cp) return (unsigned char)(0x80 + i);
    return 0;
}

#define SEQUENCE_MAX 4

/* "Ã¼", "â‚¬": a letter that was a lead byte and those that were its continuations. Their original
 * goes to `bytes`; what they take of the text is returned, 0 where they are no such thing. */
static size_t mended_at(struct ear_str text, size_t at, char bytes[SEQUENCE_MAX], size_t *len)
{
    uint32_t lead = 0, next = 0;
    size_t taken = point_at(text, at, &lead);
    if (taken != 2 || lead < 0xC2 || lead > 0xF4) return 0;
    *len = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    bytes[0] = (char)lead;
    for (size_t i = 1; i < *len; i++) {
        size_t more = point_at(text, at + taken, &next);
        unsigned char tail = more ? continuation(next) : 0;
        if (!tail) return 0;
        bytes[i] = (char)tail;
        taken += more;
    }
    return taken;
}

ear_err ear_mojibake_mend(struct ear_str text, struct ear_buf *out)
{
    ear_err err = EAR_OK;
    for (size_t at = 0; at < text.len && !err;) {
        char bytes[SEQUENCE_MAX];
        size_t len, taken = mended_at(text, at, bytes, &len);
        err = taken ? ear_buf_append(out, bytes, len) : ear_buf_append_char(out, text.ptr[at]);
        at += taken ? taken : 1;
    }
    return err;
}
