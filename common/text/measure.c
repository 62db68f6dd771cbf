/* How long a text is for a platform, and where it may be cut. */
#include "text.h"
#include "utf8.h"
#include <utf8proc.h>

#define X_URL_WEIGHT 23
#define X_WIDE       2

/* The piece of text that a cut never divides, and what each unit charges for it. */
struct piece {
    size_t bytes;
    size_t weight;
};

/* Source: twitter-text config v3, ranges of weight 100. */
static size_t x_point_weight(int32_t cp)
{
    bool narrow = cp <= 4351 || (cp >= 8192 && cp <= 8205) || (cp >= 8208 && cp <= 8223) ||
                  (cp >= 8242 && cp <= 8247);
    return narrow ? 1 : X_WIDE;
}

static size_t point_weight(ear_text_unit unit, int32_t cp, size_t bytes)
{
    switch (unit) {
    case EAR_TEXT_BYTES:
        return bytes;
    case EAR_TEXT_UTF16:
        return cp > 0xFFFF ? 2 : 1;
    case EAR_TEXT_X_WEIGHT:
        return x_point_weight(cp);
    case EAR_TEXT_COLUMNS:
        return (size_t)utf8proc_charwidth(cp);
    case EAR_TEXT_CODE_POINTS:
    case EAR_TEXT_GRAPHEMES:
        break;
    }
    return 1;
}

static struct piece url_piece(struct ear_str s, size_t at)
{
    struct ear_str here = {s.ptr + at, s.len - at};
    struct piece p = {0, X_URL_WEIGHT};
    if (!ear_str_starts(here, EAR_STR("https://")) && !ear_str_starts(here, EAR_STR("http://")))
        return p;
    while (p.bytes < here.len && (unsigned char)here.ptr[p.bytes] > ' ') p.bytes++;
    while (memchr(".,;:!?)'\"", here.ptr[p.bytes - 1], 9)) p.bytes--;
    return p;
}

/* One grapheme; emoji sequences weigh X_WIDE as a whole on X, one everywhere people count. */
static struct piece grapheme_piece(struct ear_str s, size_t at, ear_text_unit unit)
{
    struct piece p = {0, 0};
    int32_t cp, next;
    utf8proc_int32_t state = 0;
    p.bytes = ear_utf8_next(s, at, &cp, NULL);
    p.weight = point_weight(unit, cp, p.bytes);
    bool emoji = ear_utf8_is_emoji(cp);
    while (at + p.bytes < s.len) {
        size_t took = ear_utf8_next(s, at + p.bytes, &next, NULL);
        if (utf8proc_grapheme_break_stateful(cp, next, &state)) break;
        p.bytes += took;
        p.weight += point_weight(unit, next, took);
        cp = next;
    }
    if (unit == EAR_TEXT_GRAPHEMES) p.weight = 1;
    if (unit == EAR_TEXT_X_WEIGHT && emoji) p.weight = X_WIDE;
    return p;
}

static struct piece next_piece(struct ear_str s, size_t at, ear_text_unit unit)
{
    if (unit == EAR_TEXT_X_WEIGHT && s.ptr[at] == 'h') {
        struct piece url = url_piece(s, at);
        if (url.bytes) return url;
    }
    return grapheme_piece(s, at, unit);
}

size_t ear_text_length(struct ear_str s, ear_text_unit unit)
{
    if (unit == EAR_TEXT_BYTES) return s.len;
    size_t length = 0;
    for (size_t at = 0; at < s.len;) {
        struct piece p = next_piece(s, at, unit);
        length += p.weight;
        at += p.bytes;
    }
    return length;
}

size_t ear_text_graphemes(struct ear_str s)
{
    return ear_text_length(s, EAR_TEXT_GRAPHEMES);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Back to the last white space, unless that would give up more than a third. */
static size_t word_edge(struct ear_str s, size_t cut)
{
    if (cut == s.len || is_blank(s.ptr[cut])) return cut;
    for (size_t at = cut; at > cut - cut / 3; at--)
        if (is_blank(s.ptr[at - 1])) return at - 1;
    return cut;
}

struct ear_str ear_text_cut(struct ear_str s, ear_text_unit unit, size_t limit, ear_text_edge edge)
{
    size_t at = 0, used = 0;
    if (unit == EAR_TEXT_BYTES && s.len <= limit) return s;
    while (at < s.len) {
        struct piece p = next_piece(s, at, unit);
        if (p.weight > limit - used) break;
        used += p.weight;
        at += p.bytes;
    }
    if (edge == EAR_TEXT_AT_WORD) {
        at = word_edge(s, at);
        while (at > 0 && at < s.len && is_blank(s.ptr[at - 1])) at--;
    }
    return (struct ear_str){s.ptr, at};
}
