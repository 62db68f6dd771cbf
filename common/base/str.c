#include "base/str.h"

#include "base/check.h"
#include <stdint.h>

bool ear_str_eq(struct ear_str a, struct ear_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool ear_str_eq_nocase(struct ear_str a, struct ear_str b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i])) return false;
    return true;
}

bool ear_str_starts(struct ear_str s, struct ear_str prefix)
{
    return s.len >= prefix.len && ear_str_eq((struct ear_str){s.ptr, prefix.len}, prefix);
}

size_t ear_str_find(struct ear_str s, struct ear_str needle)
{
    if (needle.len == 0) return 0;
    if (needle.len > s.len) return SIZE_MAX;
    const char *at = memmem(s.ptr, s.len, needle.ptr, needle.len);
    return at ? (size_t)(at - s.ptr) : SIZE_MAX;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct ear_str ear_str_trim(struct ear_str s)
{
    while (s.len > 0 && is_space(s.ptr[s.len - 1])) s.len--;
    while (s.len > 0 && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    return s;
}

bool ear_str_split(struct ear_str *rest, char sep, struct ear_str *part)
{
    if (!rest->ptr) return false;
    const char *at = rest->len ? memchr(rest->ptr, sep, rest->len) : NULL;
    *part = *rest;
    *rest = EAR_STR_NONE;
    if (!at) return true;
    size_t before = (size_t)(at - part->ptr);
    *rest = (struct ear_str){at + 1, part->len - before - 1};
    part->len = before;
    return true;
}

bool ear_str_copy(char *dst, size_t size_bytes, struct ear_str s)
{
    EAR_CHECK(size_bytes > 0);
    dst[0] = '\0';
    if (s.len >= size_bytes || (s.len && memchr(s.ptr, '\0', s.len))) return false;
    if (s.len) memcpy(dst, s.ptr, s.len);
    dst[s.len] = '\0';
    return true;
}

char *ear_str_dup(struct ear_str s)
{
    char *copy = ear_alloc(s.len + 1);
    if (s.len) memcpy(copy, s.ptr, s.len);
    return copy;
}

char *ear_str_dup_or(struct ear_str s, const char *fallback)
{
    if (s.len) return ear_str_dup(s);
    return fallback ? ear_strdup(fallback) : NULL;
}
