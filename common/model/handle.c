#include "model/handle.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is_name_char(char c)
{
    char l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static size_t name_length(struct ear_str text, size_t at)
{
    size_t end = at;
    while (end < text.len && is_name_char(text.ptr[end])) end++;
    return end - at;
}

static bool is_mask(struct ear_str name)
{
    return ear_str_eq_nocase(name, EAR_STR("user")) ||
           ear_str_eq_nocase(name, EAR_STR("mention")) ||
           ear_str_eq_nocase(name, EAR_STR("firm")) || ear_str_eq_nocase(name, EAR_STR("url")) ||
           ear_str_eq_nocase(name, EAR_STR("mail"));
}

struct ear_str ear_handle_first(struct ear_str text)
{
    for (size_t at = 0; at < text.len; at++) {
        const char *sign = memchr(text.ptr + at, '@', text.len - at);
        if (!sign) break;
        at = (size_t)(sign - text.ptr);
        if (at && is_name_char(sign[-1])) continue;
        struct ear_str name = {text.ptr + at + 1, name_length(text, at + 1)};
        if (name.len && !is_mask(name)) return name;
    }
    return EAR_STR_NONE;
}

static struct ear_str bare(struct ear_str handle)
{
    bool at = handle.len && *handle.ptr == '@';
    return at ? (struct ear_str){handle.ptr + 1, handle.len - 1} : handle;
}

uint64_t ear_handle_hash(struct ear_str handle, uint64_t seed)
{
    handle = bare(handle);
    if (!handle.len) return 0;
    for (size_t i = 0; i < handle.len; i++)
        seed = (seed ^ (unsigned char)lower(handle.ptr[i])) * UINT64_C(0x100000001B3);
    return seed ? seed : 1;
}

bool ear_handle_is_desk(struct ear_str handle)
{
    static const char *const parts[] = {"support", "care", "help", "ask", "service", "team"};
    handle = bare(handle);
    for (size_t p = 0; p < EAR_COUNT(parts); p++) {
        struct ear_str part = ear_str_from(parts[p]);
        for (size_t i = 0; i + part.len <= handle.len; i++)
            if (lower(handle.ptr[i]) == *part.ptr &&
                ear_str_eq_nocase((struct ear_str){handle.ptr + i, part.len}, part))
                return true;
    }
    return false;
}
