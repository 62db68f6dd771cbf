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

/* Well-formed UTF-8 by lead byte: how long, and what the second byte may be (The Unicode Standard,
 * table 3-7). C1 controls are left out: a log line is read on terminals. */
static const struct {
    unsigned char first, last;
    unsigned char len;
    unsigned char second_min, second_max;
} forms[] = {
    {0x20, 0x7E, 1, 0, 0},       {0xC2, 0xC2, 2, 0xA0, 0xBF}, {0xC3, 0xDF, 2, 0x80, 0xBF},
    {0xE0, 0xE0, 3, 0xA0, 0xBF}, {0xE1, 0xEC, 3, 0x80, 0xBF}, {0xED, 0xED, 3, 0x80, 0x9F},
    {0xEE, 0xEF, 3, 0x80, 0xBF}, {0xF0, 0xF0, 4, 0x90, 0xBF}, {0xF1, 0xF3, 4, 0x80, 0xBF},
    {0xF4, 0xF4, 4, 0x80, 0x8F},
};

/* Bytes of the printable character at the start of s, 0 when there is none. */
static size_t printable(struct ear_str s)
{
    const unsigned char *bytes = (const unsigned char *)s.ptr;
    size_t at = 0;
    while (at < EAR_COUNT(forms) && (bytes[0] < forms[at].first || bytes[0] > forms[at].last)) at++;
    if (at == EAR_COUNT(forms) || s.len < forms[at].len) return 0;
    if (forms[at].len == 1) return 1;
    if (bytes[1] < forms[at].second_min || bytes[1] > forms[at].second_max) return 0;
    for (size_t i = 2; i < forms[at].len; i++)
        if ((bytes[i] & 0xC0) != 0x80) return 0;
    return forms[at].len;
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

void ear_line_plain_pair(struct ear_line *line, const char *key, struct ear_str value)
{
    size_t before = line->len;
    if (put(line, " ", 1) && put(line, key, strlen(key)) && put(line, "=", 1) &&
        put(line, value.ptr, value.len))
        return;
    line->len = before;
    line->cut = true;
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
