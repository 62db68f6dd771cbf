#include "judge/quick_line.h"

#include "text/text.h"

#define DEPTH_MAX  32
#define NUMBER_MAX 15 /* bytes; longer ones may be out of range */

struct scan {
    const char *at, *end;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && is_space(*s->at)) s->at++;
}

static bool take(struct scan *s, char c)
{
    skip_space(s);
    if (s->at >= s->end || *s->at != c) return false;
    s->at++;
    return true;
}

static bool take_word(struct scan *s, struct ear_str word)
{
    if ((size_t)(s->end - s->at) < word.len || memcmp(s->at, word.ptr, word.len) != 0) return false;
    s->at += word.len;
    return true;
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

/* The code point of an escape that begins behind its backslash; 0 when it is none that text may
 * have. *at moves behind it. */
static uint32_t escape(const char **at, const char *end)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *known = *at < end && **at ? strchr(letters, **at) : NULL;
    if (known) return (*at)++, (uint32_t)(unsigned char)meant[known - letters];
    int32_t high = *at < end && **at == 'u' ? hex4(*at + 1, end) : -1;
    if (high < 0) return 0;
    *at += 5;
    if (high < 0xD800 || high >= 0xE000) return (uint32_t)high;
    int32_t low = high < 0xDC00 ? low_half(*at, end) : -1;
    if (low < 0) return 0;
    *at += 6;
    return 0x10000 + ((uint32_t)(high - 0xD800) << 10) + (uint32_t)low;
}

/* What stands between the quotes, as it is written. */
static bool take_text(struct scan *s, struct ear_str *raw, bool *escaped)
{
    *escaped = false;
    if (!take(s, '"')) return false;
    const char *from = s->at;
    while (s->at < s->end && *s->at != '"') {
        if ((unsigned char)*s->at < 0x20) return false;
        if (*s->at++ != '\\') continue;
        *escaped = true;
        if (!escape(&s->at, s->end)) return false;
    }
    if (s->at >= s->end) return false;
    *raw = (struct ear_str){from, (size_t)(s->at++ - from)};
    return true;
}

static bool take_number(struct scan *s)
{
    const char *from = s->at;
    if (s->at < s->end && *s->at == '-') s->at++;
    const char *digits = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') s->at++;
    size_t count = (size_t)(s->at - digits);
    if (!count || (*digits == '0' && count > 1) || s->at - from > NUMBER_MAX) return false;
    return s->at >= s->end || !strchr(".eE", *s->at) || !*s->at; /* whole numbers are usual */
}

static bool skip_value(struct scan *s, unsigned depth);

static bool skip_members(struct scan *s, char close, unsigned depth)
{
    struct ear_str name;
    bool escaped;
    if (depth > DEPTH_MAX) return false;
    if (take(s, close)) return true;
    do {
        if (close == '}' && (!take_text(s, &name, &escaped) || !take(s, ':'))) return false;
        if (!skip_value(s, depth)) return false;
    } while (take(s, ','));
    return take(s, close);
}

static bool skip_value(struct scan *s, unsigned depth)
{
    struct ear_str text;
    bool escaped;
    skip_space(s);
    switch (s->at < s->end ? *s->at : '\0') {
    case '"':
        return take_text(s, &text, &escaped);
    case '{':
        s->at++;
        return skip_members(s, '}', depth + 1);
    case '[':
        s->at++;
        return skip_members(s, ']', depth + 1);
    case 't':
        return take_word(s, EAR_STR("true"));
    case 'f':
        return take_word(s, EAR_STR("false"));
    case 'n':
        return take_word(s, EAR_STR("null"));
    default:
        return take_number(s);
    }
}

static ear_err put_code_point(uint32_t c, struct ear_buf *out)
{
    char bytes[4];
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = len; i-- > 1; c >>= 6) bytes[i] = (char)(0x80 | (c & 0x3F));
    bytes[0] = (char)(leads[len] | c);
    return ear_buf_append(out, bytes, len);
}

/* The escapes are known to be sound. */
static bool unescape(struct ear_str raw, struct ear_buf *out)
{
    const char *at = raw.ptr, *end = raw.ptr + raw.len;
    ear_buf_reset(out);
    while (at < end) {
        const char *stop = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((stop ? stop : end) - at);
        if (ear_buf_append(out, at, plain)) return false;
        at += plain;
        if (at < end && at++ && put_code_point(escape(&at, end), out)) return false;
    }
    return true;
}

typedef enum member {
    TEXT,
    LANGUAGE,
    LANG,
    ACCOUNT,
    VISIBILITY,
    IN_REPLY_TO,
    DIRECT,
    REPLY,
    OTHER
} member;

static member member_of(struct ear_str name)
{
    static const struct ear_str names[] = {[TEXT] = {"text", 4},
                                           [LANGUAGE] = {"language", 8},
                                           [LANG] = {"lang", 4},
                                           [ACCOUNT] = {"account", 7},
                                           [VISIBILITY] = {"visibility", 10},
                                           [IN_REPLY_TO] = {"in_reply_to", 11},
                                           [DIRECT] = {"direct", 6},
                                           [REPLY] = {"reply", 5}};
    for (size_t i = 0; i < EAR_COUNT(names); i++)
        if (ear_str_eq(name, names[i])) return (member)i;
    return OTHER;
}

struct found {
    unsigned seen; /* bit a member */
    struct ear_str text[DIRECT];
    bool flag[2];
};

/* The value of a member that means something; of another type it is the parser's. */
static bool take_known(struct scan *s, member which, struct ear_buf *scratch, struct found *found)
{
    bool escaped;
    if (found->seen & 1U << which) return false;
    found->seen |= 1U << which;
    skip_space(s);
    if (which != TEXT && take_word(s, EAR_STR("null"))) return true;
    if (which >= DIRECT) {
        found->flag[which - DIRECT] = take_word(s, EAR_STR("true"));
        return found->flag[which - DIRECT] || take_word(s, EAR_STR("false"));
    }
    if (!take_text(s, &found->text[which], &escaped)) return false;
    if (!escaped) return true;
    if (which != TEXT || !unescape(found->text[TEXT], scratch)) return false;
    found->text[TEXT] = ear_buf_str(scratch);
    return true;
}

static bool take_object(struct scan *s, struct ear_buf *scratch, struct found *found)
{
    struct ear_str name;
    bool escaped;
    if (!take(s, '{')) return false;
    do {
        if (!take_text(s, &name, &escaped) || escaped || !take(s, ':')) return false;
        member which = member_of(name);
        if (which == OTHER ? !skip_value(s, 0) : !take_known(s, which, scratch, found))
            return false;
    } while (take(s, ','));
    if (!take(s, '}')) return false;
    skip_space(s);
    return s->at == s->end;
}

bool ear_quick_line(struct ear_str line, struct ear_buf *scratch, struct ear_model_post *out)
{
    struct scan s = {line.ptr, line.ptr + line.len};
    struct found f = {0};
    if (!take_object(&s, scratch, &f) || !(f.seen & 1U << TEXT) || !ear_text_is_utf8(line))
        return false;
    *out = (struct ear_model_post){
        .text = f.text[TEXT],
        .language_hint = f.text[LANG].ptr ? f.text[LANG] : f.text[LANGUAGE],
        .account = f.text[ACCOUNT],
        .direct = f.flag[0] || ear_str_eq(f.text[VISIBILITY], EAR_STR("direct")),
        .reply = f.flag[1] || f.text[IN_REPLY_TO].ptr,
    };
    return true;
}
