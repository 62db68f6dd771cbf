#include "json/quoted.h"

#include <stdint.h>

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Eight bytes at a time, as long as there is nothing but plain ASCII in them. Subtracting can
 * borrow from the next byte, so this may stop early, but never too late. */
static const char *skip_plain(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t w;
        memcpy(&w, at, sizeof(w));
        uint64_t controls = w - EACH_BYTE(0x20);
        uint64_t quotes = (w ^ EACH_BYTE('"')) - EACH_BYTE(1);
        uint64_t slashes = (w ^ EACH_BYTE('\\')) - EACH_BYTE(1);
        if ((controls | quotes | slashes | w) & EACH_BYTE(0x80)) break;
    }
    while (at < end && *at >= 0x20 && *at != '"' && *at != '\\') at++;
    return at;
}

static bool is_within(unsigned char c, unsigned char least, unsigned char most)
{
    return c >= least && c <= most;
}

/* Bytes of the well-formed sequence that begins here (Unicode, table 3-7); 0 where none does. */
static size_t sequence(const unsigned char *at, size_t left)
{
    unsigned char lead = at[0], least = 0x80, most = 0xBF;
    size_t len = is_within(lead, 0xC2, 0xDF)   ? 2
                 : is_within(lead, 0xE0, 0xEF) ? 3
                 : is_within(lead, 0xF0, 0xF4) ? 4
                                               : 0;
    if (!len || left < len) return 0;
    if (lead == 0xE0) least = 0xA0;
    if (lead == 0xED) most = 0x9F;
    if (lead == 0xF0) least = 0x90;
    if (lead == 0xF4) most = 0x8F;
    if (!is_within(at[1], least, most)) return 0;
    for (size_t i = 2; i < len; i++)
        if (!is_within(at[i], 0x80, 0xBF)) return 0;
    return len;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four digits; -1 when they are none. */
static int32_t hex4(const char *at, const char *end)
{
    int32_t value = 0;
    if (end - at < 4) return -1;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex(at[i]);
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* The second half of a pair, behind its backslash; -1 when it is none. */
static int32_t low_half(const char *at, const char *end)
{
    int32_t low = end - at >= 2 && at[0] == '\\' && at[1] == 'u' ? hex4(at + 2, end) : -1;
    return low >= 0xDC00 && low < 0xE000 ? low - 0xDC00 : -1;
}

/* The code point of an escape; *at moves from behind its backslash to behind it all. 0 when it is
 * none that text may have. */
static uint32_t escape(const char **at, const char *end)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (*at == end) return 0;
    const char *known = memchr(letters, **at, sizeof(letters) - 1);
    if (known) return (*at)++, (uint32_t)(unsigned char)meant[known - letters];
    int32_t high = **at == 'u' ? hex4(*at + 1, end) : -1;
    if (high < 0xD800 || high >= 0xE000) {
        *at += high > 0 ? 5 : 0;
        return high > 0 ? (uint32_t)high : 0;
    }
    int32_t low = high < 0xDC00 ? low_half(*at + 5, end) : -1;
    if (low < 0) return 0;
    *at += 11;
    return 0x10000 + ((uint32_t)(high - 0xD800) << 10) + (uint32_t)low;
}

const char *ear_json_quoted_end(const char **at, const char *end, bool *escaped, const char **why)
{
    *escaped = false;
    *why = "text without an end";
    while ((*at = skip_plain(*at, end)) < end && **at != '"') {
        unsigned char c = (unsigned char)**at;
        size_t len = c < 0x80 ? 0 : sequence((const unsigned char *)*at, (size_t)(end - *at));
        if (c == '\\') {
            *escaped = true;
            ++*at;
            *why = "an escape that no text may have (\\u0000, half a pair, an unknown letter)";
            if (!escape(at, end)) return NULL;
            *why = "text without an end";
        } else if (len) {
            *at += len;
        } else {
            *why = c < 0x80 ? "a control character in a text" : "not UTF-8";
            return NULL;
        }
    }
    return *at < end ? *at : NULL;
}

static size_t encode(uint32_t c, char *out)
{
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1; c >>= 6) out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(leads[len] | c);
    return len;
}

size_t ear_json_unescape(struct ear_str raw, char *out)
{
    const char *at = raw.ptr, *end = raw.ptr + raw.len;
    char *to = out;
    while (at < end) {
        const char *stop = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((stop ? stop : end) - at);
        memcpy(to, at, plain);
        at += plain;
        to += plain;
        if (at == end) break;
        at++;
        to += encode(escape(&at, end), to);
    }
    return (size_t)(to - out);
}
