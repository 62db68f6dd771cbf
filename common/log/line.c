#include "log/line.h"

#include <stdio.h>

#define TAIL_BYTES 16 /* kept free for " cut=yes\n" */

void ear_line_init(struct ear_line *line)
{
    line->len = 0;
    line->cut = false;
}

static bool put(struct ear_line *line, const char *bytes, size_t len)
{
    if (len > sizeof(line->text) - TAIL_BYTES - line->len) return false;
    memcpy(line->text + line->len, bytes, len);
    line->len += len;
    return true;
}

void ear_line_raw(struct ear_line *line, struct ear_str s)
{
    if (!s.len || !put(line, s.ptr, s.len)) line->cut = line->cut || s.len > 0;
}

/* Bytes of the well-formed UTF-8 sequence at the start of s, 0 when there is none. Controls
 * (C0, DEL, C1) count as malformed: a log line is read on terminals. */
static size_t printable(struct ear_str s)
{
    unsigned char lead = (unsigned char)s.ptr[0];
    if (lead >= 0x20 && lead < 0x7F) return 1;
    size_t len = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || s.len < len) return 0;
    for (size_t i = 1; i < len; i++)
        if (((unsigned char)s.ptr[i] & 0xC0) != 0x80) return 0;
    unsigned char second = (unsigned char)s.ptr[1];
    bool too_long = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    bool surrogate = lead == 0xED && second >= 0xA0;
    bool beyond = lead == 0xF4 && second >= 0x90;
    bool control = lead == 0xC2 && second < 0xA0;
    return too_long || surrogate || beyond || control ? 0 : len;
}

static bool needs_quotes(struct ear_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= ' ' || c >= 0x7F || c == '"' || c == '=' || c == '\\') return true;
    }
    return s.len == 0;
}

/* One character, escaped where it must be; *used is what it took of s. */
static bool put_char(struct ear_line *line, struct ear_str s, size_t *used)
{
    char escape[8];
    char c = s.ptr[0];
    *used = printable(s);
    if (*used && c != '"' && c != '\\') return put(line, s.ptr, *used);
    *used = 1;
    switch (c) {
    case '"':
        return put(line, "\\\"", 2);
    case '\\':
        return put(line, "\\\\", 2);
    case '\n':
        return put(line, "\\n", 2);
    case '\r':
        return put(line, "\\r", 2);
    case '\t':
        return put(line, "\\t", 2);
    default:
        break;
    }
    int len = snprintf(escape, sizeof(escape), "\\x%02x", (unsigned)(unsigned char)c);
    return put(line, escape, (size_t)len);
}

static bool put_quoted(struct ear_line *line, struct ear_str s)
{
    size_t start = line->len;
    bool ok = put(line, "\"", 1);
    while (ok && s.len > 0 && line->len - start < EAR_LINE_VALUE_BYTES) {
        size_t used;
        ok = put_char(line, s, &used);
        s.ptr += used;
        s.len -= used;
    }
    if (ok && s.len > 0) ok = put(line, "…", strlen("…"));
    return ok && put(line, "\"", 1);
}

static bool put_value(struct ear_line *line, struct ear_str value)
{
    if (value.len > EAR_LINE_VALUE_BYTES || needs_quotes(value)) return put_quoted(line, value);
    return put(line, value.ptr, value.len);
}

void ear_line_pair(struct ear_line *line, const char *key, struct ear_str value)
{
    size_t before = line->len;
    if (put(line, " ", 1) && put(line, key, strlen(key)) && put(line, "=", 1) &&
        put_value(line, value))
        return;
    line->len = before;
    line->cut = true;
}

struct ear_str ear_line_end(struct ear_line *line)
{
    static const char cut[] = " cut=yes";
    if (line->cut) {
        memcpy(line->text + line->len, cut, sizeof(cut) - 1);
        line->len += sizeof(cut) - 1;
    }
    line->text[line->len++] = '\n';
    return (struct ear_str){line->text, line->len};
}
