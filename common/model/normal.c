#include "model/normal.h"

#include "model/model.h"
#include <stdlib.h>

/* Folding can make text longer; twenty-fold is the worst there is, and blanks around masks add
 * less than double. */
#define NORMAL_BYTES   (EAR_MODEL_TEXT_MAX * 40)
#define POINT_BYTES    4
#define NEGATION_BYTES 8 /* the longest */

static void note_negations(struct ear_normal *n);

void ear_normal_init(struct ear_normal *n)
{
    *n = (struct ear_normal){.token_count = 0};
    ear_text_init(&n->work, NORMAL_BYTES);
    ear_buf_init(&n->decoded, NORMAL_BYTES);
    ear_buf_init(&n->spaced, NORMAL_BYTES);
    n->tokens = ear_alloc(EAR_NORMAL_TOKENS_MAX * sizeof *n->tokens);
    note_negations(n);
}

void ear_normal_release(struct ear_normal *n)
{
    ear_text_release(&n->work);
    ear_buf_release(&n->decoded);
    ear_buf_release(&n->spaced);
    EAR_FREE(n->tokens);
}

/* The ceilings are out of reach of what we put in, so that only memory can fail. */
static void put(struct ear_buf *out, const char *data, size_t len)
{
    EAR_CHECK(ear_buf_append(out, data, len) == EAR_OK);
}

/* ---- literal escapes ---- */

static int digit_of(char c, int base)
{
    int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (c >= 'A' && c <= 'F') value = c - 'A' + 10;
    return value < base ? value : -1;
}

/* Digits at s, at most `max`; returns how many. */
static size_t read_number(struct ear_str s, int base, size_t max, uint32_t *value)
{
    size_t len = 0;
    *value = 0;
    for (; len < s.len && len < max && digit_of(s.ptr[len], base) >= 0; len++)
        *value = *value * (uint32_t)base + (uint32_t)digit_of(s.ptr[len], base);
    return len;
}

static struct ear_str behind(struct ear_str s, size_t len)
{
    return (struct ear_str){s.ptr + len, s.len - len};
}

/* Scalars as UTF-8; what is none, and control characters, as a blank. */
static void put_point(struct ear_buf *out, uint32_t cp)
{
    bool scalar = cp >= ' ' && cp <= 0x10FFFF && (cp < 0xD800 || cp > 0xDFFF);
    if (!scalar) cp = ' ';
    char bytes[POINT_BYTES];
    size_t len = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const uint32_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = len; i-- > 1; cp >>= 6) bytes[i] = (char)(0x80 | (cp & 0x3F));
    bytes[0] = (char)(lead[len] | cp);
    put(out, bytes, len);
}

static size_t unit_at(struct ear_str s, uint32_t *unit)
{
    if (!ear_str_starts(s, EAR_STR("\\u"))) return 0;
    return read_number(behind(s, 2), 16, 4, unit) == 4 ? 6 : 0;
}

/* "\u2019", a pair of surrogates, "\n" and the like, as files of posts have them. */
static size_t decode_escape(struct ear_str s, struct ear_buf *out)
{
    uint32_t high, low;
    size_t len = unit_at(s, &high);
    if (!len) {
        bool known = s.len > 1 && memchr("nrt\"'/", s.ptr[1], 6);
        if (known) put_point(out, memchr("nrt", s.ptr[1], 3) ? ' ' : (uint32_t)s.ptr[1]);
        return known ? 2 : 0;
    }
    bool pair = high >= 0xD800 && high < 0xDC00 && unit_at(behind(s, len), &low) && low >= 0xDC00 &&
                low < 0xE000;
    put_point(out, pair ? 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00) : high);
    return pair ? 2 * len : len;
}

/* "&#8217;", "&#x2019;", escaped once or more often; named ones are folded later. */
static size_t decode_entity(struct ear_str s, struct ear_buf *out)
{
    size_t at = 1;
    while (ear_str_starts(behind(s, at), EAR_STR("amp;"))) at += 4;
    if (at >= s.len || s.ptr[at] != '#') return 0;
    bool hex = ++at < s.len && (s.ptr[at] | 0x20) == 'x';
    at += hex;
    uint32_t cp;
    size_t len = read_number(behind(s, at), hex ? 16 : 10, 7, &cp);
    if (!len || at + len >= s.len || s.ptr[at + len] != ';') return 0;
    put_point(out, cp);
    return at + len + 1;
}

static struct ear_str decode(struct ear_normal *n, struct ear_str raw)
{
    if (!raw.len || (!memchr(raw.ptr, '\\', raw.len) && !memchr(raw.ptr, '&', raw.len))) return raw;
    ear_buf_reset(&n->decoded);
    for (size_t at = 0; at < raw.len;) {
        struct ear_str rest = behind(raw, at);
        size_t len = 0;
        if (*rest.ptr == '\\') len = decode_escape(rest, &n->decoded);
        if (*rest.ptr == '&') len = decode_entity(rest, &n->decoded);
        if (!len) put(&n->decoded, rest.ptr, len = 1);
        at += len;
    }
    return ear_buf_str(&n->decoded);
}

/* ---- masks set off ---- */

static size_t mask_at(struct ear_str s)
{
    static const struct ear_str masks[] = {{"@user", 5}, {"@firm", 5}, {"@url", 4}, {"@mail", 5}};
    for (size_t i = 0; i < EAR_COUNT(masks) && *s.ptr == '@'; i++)
        if (ear_str_starts(s, masks[i])) return masks[i].len;
    return 0;
}

static void put_blank(struct ear_buf *out)
{
    if (out->len && out->data[out->len - 1] != ' ') put(out, " ", 1);
}

static size_t plain_at(struct ear_str s)
{
    size_t len = 0;
    while (len < s.len && s.ptr[len] != '@' && s.ptr[len] != '&' && s.ptr[len] != '\\') len++;
    return len;
}

/* What could be read as an escape, an entity or another mask next time stands between blanks; a
 * backslash goes. Returns what it took of s. */
static size_t set_off_one(struct ear_buf *out, struct ear_str s)
{
    size_t mask = mask_at(s), len = mask ? mask : 1;
    put_blank(out);
    if (*s.ptr != '\\') {
        put(out, s.ptr, len);
        put_blank(out);
    }
    return len;
}

static void set_off(struct ear_normal *n)
{
    struct ear_str rest = ear_buf_str(&n->work.text);
    if (!rest.len || plain_at(rest) == rest.len) return;
    ear_buf_reset(&n->spaced);
    while (rest.len) {
        bool blank = n->spaced.len && n->spaced.data[n->spaced.len - 1] == ' ';
        if (*rest.ptr == ' ' && (blank || !n->spaced.len)) rest = behind(rest, 1);
        size_t plain = plain_at(rest);
        put(&n->spaced, rest.ptr, plain);
        rest = behind(rest, plain);
        if (rest.len) rest = behind(rest, set_off_one(&n->spaced, rest));
    }
    if (n->spaced.len && n->spaced.data[n->spaced.len - 1] == ' ')
        n->spaced.data[--n->spaced.len] = 0;
    struct ear_buf swap = n->work.text;
    n->work.text = n->spaced;
    n->spaced = swap;
}

/* ---- tokens ---- */

static const struct ear_str negations[] = {
#define X(text) {text, sizeof text - 1},
    X("not") X("no") X("never") X("none") X("nothing") X("nobody") X("neither") X("nor") X("cannot")
        X("cant") X("dont") X("wont") X("didnt") X("doesnt") X("isnt") X("wasnt") X("aint")
            X("without") X("nicht") X("kein") X("keine") X("keinen") X("keiner") X("nie")
                X("niemals") X("pas") X("jamais") X("rien") X("aucun") X("aucune") X("nunca")
                    X("non") X("mai") X("nao") X("n\u00E3o") X("niet") X("geen") X("nooit")
#undef X
};

/* By first letter the lengths that negations have, a bit each: few words share both with one. */
static void note_negations(struct ear_normal *n)
{
    for (size_t i = 0; i < EAR_COUNT(negations); i++)
        n->negations[*negations[i].ptr - 'a'] |= (uint16_t)(1U << negations[i].len);
}

static bool is_negation(const struct ear_normal *n, struct ear_str word)
{
    const char *end = word.ptr + word.len;
    if (word.len < 2 || word.len > NEGATION_BYTES) return false;
    if (end[-1] == 't' && end[-2] == '\'') return true;
    if (*word.ptr < 'a' || *word.ptr > 'z') return false;
    if (!(n->negations[*word.ptr - 'a'] >> word.len & 1)) return false;
    for (size_t i = 0; i < EAR_COUNT(negations); i++)
        if (negations[i].len == word.len && *negations[i].ptr == *word.ptr &&
            ear_str_eq(word, negations[i]))
            return true;
    return false;
}

static bool ends_clause(const struct ear_token *token)
{
    char c = *token->text.ptr;
    return token->kind == EAR_TOKEN_MARK &&
           (c == '.' || c == ',' || c == ';' || c == ':' || c == '!' || c == '?');
}

static void cut_tokens(struct ear_normal *n)
{
    struct ear_str rest = ear_normal_text(n);
    struct ear_token token;
    unsigned reach = 0;
    bool breaks = true;
    n->token_count = 0;
    while (n->token_count < EAR_NORMAL_TOKENS_MAX && ear_text_next(&rest, &token)) {
        bool word = token.kind == EAR_TOKEN_WORD;
        if (breaks || (word && ear_str_eq(token.text, EAR_STR("but")))) reach = 0;
        n->tokens[n->token_count++] =
            (struct ear_normal_token){token.text, token.kind, reach > 0, breaks};
        if (reach) reach--;
        if (word && is_negation(n, token.text)) reach = EAR_NORMAL_NEGATION;
        breaks = ends_clause(&token) || (breaks && token.kind == EAR_TOKEN_MARK);
    }
}

static struct ear_str beginning(struct ear_str raw)
{
    if (raw.len <= EAR_MODEL_TEXT_MAX) return raw;
    size_t len = EAR_MODEL_TEXT_MAX;
    while (len > EAR_MODEL_TEXT_MAX - POINT_BYTES && ((unsigned char)raw.ptr[len] & 0xC0) == 0x80)
        len--;
    return (struct ear_str){raw.ptr, len};
}

void ear_normalise(struct ear_normal *n, struct ear_str raw, struct ear_str account)
{
    raw = n->raw = beginning(raw);
    n->shape = ear_shape_of(raw);
    EAR_CHECK(ear_text_normalise(&n->work, decode(n, raw), account) == EAR_OK);
    set_off(n);
    cut_tokens(n);
}
