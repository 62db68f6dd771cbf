/* Words, as borrowed slices of normalised text. */
#include "base/check.h"
#include "text.h"
#include "utf8.h"

static const struct ear_str emoticons[] = {
    {":'(", 3}, {":-)", 3}, {":-(", 3}, {":-d", 3}, {":-/", 3}, {";-)", 3}, {":-p", 3},
    {":)", 2},  {":(", 2},  {":d", 2},  {":/", 2},  {";)", 2},  {":p", 2},  {"<3", 2},
    {"=)", 2},  {"=(", 2},  {"xd", 2},  {"d:", 2},  {":o", 2},
};

/* What French, Italian and Catalan elide; the rest of the word stands for itself. */
static const struct ear_str elisions[] = {
    {"l", 1},     {"d", 1},     {"c", 1},    {"j", 1},     {"n", 1},      {"s", 1},
    {"m", 1},     {"t", 1},     {"qu", 2},   {"un", 2},    {"dell", 4},   {"nell", 4},
    {"all", 3},   {"sull", 4},  {"dall", 4}, {"jusqu", 5}, {"lorsqu", 6}, {"puisqu", 6},
    {"quest", 5}, {"quell", 5}, {"dov", 3},  {"com", 3},   {"cos", 3},    {"quand", 5},
};

static bool is_elision(struct ear_str word)
{
    for (size_t i = 0; i < EAR_COUNT(elisions); i++)
        if (word.len == elisions[i].len && ear_str_eq(elisions[i], word)) return true;
    return false;
}

static inline int32_t point_at(struct ear_str s, size_t at, size_t *took)
{
    if (at < s.len && (unsigned char)s.ptr[at] < 0x80) {
        *took = 1;
        return s.ptr[at];
    }
    int32_t cp = 0;
    *took = 0;
    if (at < s.len) *took = ear_utf8_next(s, at, &cp, NULL);
    return cp;
}

static bool is_word_point(int32_t cp)
{
    return ear_utf8_is_letter(cp) || ear_utf8_is_digit(cp) || cp == '_';
}

/* An apostrophe or hyphen stays inside when letters stand on both sides. */
static bool joins(struct ear_str s, size_t at, int32_t cp)
{
    if (cp != '\'' && cp != '-') return false;
    size_t took;
    int32_t next = point_at(s, at + 1, &took);
    return took && ear_utf8_is_letter(next) && !ear_utf8_is_ideograph(next);
}

/* Plain letters, digits and '_' at the start of s: most of most texts. */
static size_t plain_length(struct ear_str s)
{
    size_t at = 0;
    while (at < s.len) {
        char c = s.ptr[at], lower = (char)(c | 0x20);
        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '_') break;
        at++;
    }
    return at;
}

static size_t word_length(struct ear_str s)
{
    size_t at = plain_length(s);
    /* No other ASCII than these two goes on with a word. */
    if (at == s.len || ((unsigned char)s.ptr[at] < 0x80 && s.ptr[at] != '\'' && s.ptr[at] != '-'))
        return at;
    for (;;) {
        size_t took;
        int32_t cp = point_at(s, at, &took);
        if (!took || (!is_word_point(cp) && !joins(s, at, cp)) || (at && ear_utf8_is_ideograph(cp)))
            return at;
        if (cp == '\'' && is_elision((struct ear_str){s.ptr, at})) return at;
        at += took;
        if (ear_utf8_is_ideograph(cp) && !ear_utf8_is_mark(point_at(s, at, &took))) return at;
    }
}

static size_t number_length(struct ear_str s)
{
    size_t at = 0;
    for (;;) {
        size_t took, more;
        int32_t cp = point_at(s, at, &took);
        if (!took) return at;
        bool inner = at && memchr(".,:/-", cp < 0x80 ? (int)cp : 0, 5) &&
                     ear_utf8_is_digit(point_at(s, at + 1, &more));
        if (!inner && !is_word_point(cp)) return at;
        at += took;
    }
}

static size_t mask_length(struct ear_str s)
{
    if (*s.ptr != '@') return 0;
    static const struct ear_str masks[] = {{"@url", 4}, {"@mail", 5}, {"@firm", 5}, {"@user", 5}};
    for (size_t i = 0; i < EAR_COUNT(masks); i++)
        if (ear_str_starts(s, masks[i])) return masks[i].len;
    return 0;
}

static size_t emoticon_length(struct ear_str s)
{
    for (size_t i = 0; i < EAR_COUNT(emoticons); i++) {
        struct ear_str e = emoticons[i];
        if (*e.ptr != *s.ptr || !ear_str_starts(s, e)) continue;
        size_t took;
        int32_t behind = point_at(s, e.len, &took);
        if (!took || (!is_word_point(behind) && behind != '/')) return e.len;
    }
    return 0;
}

static size_t repeat_length(struct ear_str s, int32_t cp, size_t took)
{
    size_t at = took;
    for (size_t next; at < s.len && point_at(s, at, &next) == cp; at += next) continue;
    return at;
}

/* Letters that no emoticon begins with. */
static bool is_plain_letter(char c)
{
    return c >= 'a' && c <= 'z' && c != 'x' && c != 'd';
}

static bool may_be_face(char c)
{
    return c == ':' || c == ';' || c == '=' || c == '<' || c == 'x' || c == 'd';
}

static size_t classify(struct ear_str s, struct ear_token *token, size_t *dropped)
{
    size_t took, len = 0;
    *dropped = 0;
    if (is_plain_letter(*s.ptr)) return token->kind = EAR_TOKEN_WORD, word_length(s);
    int32_t cp = point_at(s, 0, &took);
    if ((len = mask_length(s))) return token->kind = EAR_TOKEN_MASK, len;
    if (may_be_face(*s.ptr) && (len = emoticon_length(s))) return token->kind = EAR_TOKEN_FACE, len;
    if (ear_utf8_is_emoji(cp)) return token->kind = EAR_TOKEN_FACE, took;
    if (ear_utf8_is_digit(cp)) return token->kind = EAR_TOKEN_NUMBER, number_length(s);
    if (cp == '#' && (len = word_length((struct ear_str){s.ptr + 1, s.len - 1}))) {
        *dropped = 1;
        return token->kind = EAR_TOKEN_TAG, len;
    }
    if (is_word_point(cp) && (len = word_length(s))) return token->kind = EAR_TOKEN_WORD, len;
    return token->kind = EAR_TOKEN_MARK, repeat_length(s, cp, took);
}

bool ear_text_next(struct ear_str *rest, struct ear_token *token)
{
    while (rest->len && *rest->ptr == ' ') *rest = (struct ear_str){rest->ptr + 1, rest->len - 1};
    if (!rest->len) return false;
    size_t dropped;
    size_t len = classify(*rest, token, &dropped);
    token->text = (struct ear_str){rest->ptr + dropped, len};
    size_t used = dropped + len;
    if (used < rest->len && rest->ptr[used] == '\'' && is_elision(token->text)) used++;
    *rest = (struct ear_str){rest->ptr + used, rest->len - used};
    return true;
}
