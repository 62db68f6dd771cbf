#include "utf8.h"

#include "text.h"
#include <utf8proc.h>

size_t ear_utf8_next(struct ear_str s, size_t at, int32_t *cp, bool *ok)
{
    if ((unsigned char)s.ptr[at] < 0x80) {
        if (ok) *ok = true;
        *cp = s.ptr[at];
        return 1;
    }
    utf8proc_int32_t got = 0;
    size_t left = s.len - at;
    utf8proc_ssize_t took = utf8proc_iterate((const utf8proc_uint8_t *)s.ptr + at,
                                             left > 8 ? 8 : (utf8proc_ssize_t)left, &got);
    bool good = took > 0;
    if (ok) *ok = good;
    *cp = good ? got : EAR_UTF8_BAD;
    return good ? (size_t)took : 1;
}

ear_err ear_utf8_append(struct ear_buf *out, int32_t cp)
{
    utf8proc_uint8_t bytes[EAR_UTF8_MAX_BYTES];
    utf8proc_ssize_t len = utf8proc_encode_char(cp, bytes);
    return ear_buf_append(out, bytes, len > 0 ? (size_t)len : 0);
}

bool ear_utf8_is_letter(int32_t cp)
{
    if (cp < 0x80) return (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
    utf8proc_category_t c = utf8proc_category(cp);
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_ME;
}

bool ear_utf8_is_digit(int32_t cp)
{
    if (cp < 0x80) return cp >= '0' && cp <= '9';
    return utf8proc_category(cp) == UTF8PROC_CATEGORY_ND;
}

bool ear_utf8_is_space(int32_t cp)
{
    if (cp < 0x80) return cp <= ' ' || cp == 0x7F;
    utf8proc_category_t c = utf8proc_category(cp);
    return c == UTF8PROC_CATEGORY_ZS || c == UTF8PROC_CATEGORY_ZL || c == UTF8PROC_CATEGORY_ZP ||
           c == UTF8PROC_CATEGORY_CC;
}

bool ear_utf8_is_mark(int32_t cp)
{
    if (cp < 0x300) return false;
    utf8proc_category_t c = utf8proc_category(cp);
    return c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_MC || c == UTF8PROC_CATEGORY_ME;
}

bool ear_utf8_is_emoji(int32_t cp)
{
    if (cp < 0x203C) return false;
    int b = utf8proc_get_property(cp)->boundclass;
    return b == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC ||
           b == UTF8PROC_BOUNDCLASS_REGIONAL_INDICATOR || (cp >= 0x1F3FB && cp <= 0x1F3FF);
}

bool ear_utf8_is_ideograph(int32_t cp)
{
    return (cp >= 0x3040 && cp <= 0x30FF) || (cp >= 0x3400 && cp <= 0x9FFF) ||
           (cp >= 0x0E00 && cp <= 0x0EFF) || (cp >= 0xF900 && cp <= 0xFAFF) ||
           (cp >= 0x20000 && cp <= 0x3FFFF);
}

/* Where the next eight bytes are not all ASCII, or are not eight any more. */
static size_t skip_ascii(struct ear_str s, size_t at)
{
    for (uint64_t eight; s.len - at >= sizeof(eight); at += sizeof(eight)) {
        memcpy(&eight, s.ptr + at, sizeof(eight));
        if (eight & UINT64_C(0x8080808080808080)) break;
    }
    return at;
}

bool ear_text_is_utf8(struct ear_str s)
{
    for (size_t at = skip_ascii(s, 0); at < s.len; at = skip_ascii(s, at)) {
        int32_t cp;
        bool ok;
        at += ear_utf8_next(s, at, &cp, &ok);
        if (!ok) return false;
    }
    return true;
}

static bool is_stray_control(int32_t cp)
{
    return (cp < ' ' && cp != '\n' && cp != '\t') || (cp >= 0x7F && cp < 0xA0);
}

ear_err ear_text_repair(struct ear_str s, struct ear_buf *out)
{
    size_t start = out->len;
    ear_err err = EAR_OK;
    for (size_t at = 0; at < s.len && !err;) {
        int32_t cp;
        at += ear_utf8_next(s, at, &cp, NULL);
        if (cp == '\r' && at < s.len && s.ptr[at] == '\n') continue;
        if (cp == 0) cp = EAR_UTF8_BAD;
        err = ear_utf8_append(out, is_stray_control(cp) ? ' ' : cp);
    }
    if (err && out->data) {
        out->len = start;
        out->data[start] = 0;
    }
    return err;
}
