#include "html.h"

#define ENTITY_MAX 32u

struct reader {
    struct ear_str rest;
    struct ear_buf *out;
    unsigned newlines;    /* that end what was written */
    bool blank;           /* white space is owed */
    unsigned hidden;      /* depth inside an element that is left out */
    struct ear_str hider; /* its name */
};

static ear_err put(struct reader *r, struct ear_str text)
{
    if (r->hidden || !text.len) return EAR_OK;
    ear_err err = EAR_OK;
    if (r->blank && r->out->len && !r->newlines) err = ear_buf_append_char(r->out, ' ');
    r->blank = false;
    r->newlines = 0;
    return err ? err : ear_buf_append_str(r->out, text);
}

static ear_err break_line(struct reader *r, unsigned want)
{
    ear_err err = EAR_OK;
    r->blank = false;
    if (r->hidden || !r->out->len) return EAR_OK;
    for (; r->newlines < want && !err; r->newlines++) err = ear_buf_append_char(r->out, '\n');
    return err;
}

/* ---- entities ---- */

static size_t utf8(uint32_t cp, char out[static 4])
{
    if (cp == 0 || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000) || (cp < 0x20 && cp != '\n'))
        cp = 0xfffd;
    if (cp < 0x80) return out[0] = (char)cp, 1;
    if (cp < 0x800) return out[0] = (char)(0xc0 | cp >> 6), out[1] = (char)(0x80 | (cp & 63)), 2;
    if (cp < 0x10000)
        return out[0] = (char)(0xe0 | cp >> 12), out[1] = (char)(0x80 | (cp >> 6 & 63)),
               out[2] = (char)(0x80 | (cp & 63)), 3;
    return out[0] = (char)(0xf0 | cp >> 18), out[1] = (char)(0x80 | (cp >> 12 & 63)),
           out[2] = (char)(0x80 | (cp >> 6 & 63)), out[3] = (char)(0x80 | (cp & 63)), 4;
}

static const struct {
    const char *name;
    const char *text;
} entities[] = {
    {"amp", "&"},    {"lt", "<"},     {"gt", ">"},     {"quot", "\""},  {"apos", "'"},
    {"nbsp", " "},   {"euro", "€"},   {"pound", "£"},  {"ndash", "–"},  {"mdash", "—"},
    {"hellip", "…"}, {"lsquo", "‘"},  {"rsquo", "’"},  {"ldquo", "“"},  {"rdquo", "”"},
    {"laquo", "«"},  {"raquo", "»"},  {"bdquo", "„"},  {"auml", "ä"},   {"ouml", "ö"},
    {"uuml", "ü"},   {"Auml", "Ä"},   {"Ouml", "Ö"},   {"Uuml", "Ü"},   {"szlig", "ß"},
    {"eacute", "é"}, {"egrave", "è"}, {"agrave", "à"}, {"ecirc", "ê"},  {"ccedil", "ç"},
    {"aacute", "á"}, {"iacute", "í"}, {"oacute", "ó"}, {"uacute", "ú"}, {"ntilde", "ñ"},
    {"ograve", "ò"}, {"ugrave", "ù"}, {"igrave", "ì"}, {"ocirc", "ô"},  {"icirc", "î"},
    {"iexcl", "¡"},  {"iquest", "¿"}, {"zwnj", ""},    {"shy", ""},     {"bull", "•"},
    {"middot", "·"}, {"copy", "©"},   {"reg", "®"},
};

/* 16 or more: no digit. */
static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f') return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return (unsigned)(c - 'A') + 10;
    return 16;
}

static bool number_entity(struct ear_str name, uint32_t *cp)
{
    uint64_t value = 0;
    bool hex = name.len > 2 && (name.ptr[1] == 'x' || name.ptr[1] == 'X');
    unsigned base = hex ? 16 : 10;
    if (name.len < 2 || name.ptr[0] != '#' || name.len > 10) return false;
    for (size_t i = hex ? 2 : 1; i < name.len; i++) {
        unsigned digit = digit_of(name.ptr[i]);
        if (digit >= base) return false;
        value = value * base + digit;
    }
    *cp = value > 0x10ffff ? 0 : (uint32_t)value;
    return true;
}

/* At '&'. What is no entity stands for itself. */
static ear_err take_entity(struct reader *r)
{
    char text[4];
    uint32_t cp = 0;
    size_t end = 1;
    while (end < r->rest.len && end < ENTITY_MAX && r->rest.ptr[end] != ';') end++;
    struct ear_str name = {r->rest.ptr + 1, end - 1};
    struct ear_str found = {NULL, 0};
    bool ended = end < r->rest.len && r->rest.ptr[end] == ';';
    if (ended && number_entity(name, &cp)) found = (struct ear_str){text, utf8(cp, text)};
    for (size_t i = 0; ended && !found.ptr && i < sizeof(entities) / sizeof(*entities); i++)
        if (ear_str_eq(name, ear_str_from(entities[i].name)))
            found = ear_str_from(entities[i].text);
    size_t used = found.ptr ? end + 1 : 1;
    r->rest = (struct ear_str){r->rest.ptr + used, r->rest.len - used};
    if (found.ptr && ear_str_eq(found, EAR_STR(" "))) {
        r->blank = true;
        return EAR_OK;
    }
    return put(r, found.ptr ? found : EAR_STR("&"));
}

/* ---- tags ---- */

static bool one_of(struct ear_str name, const char *const *names)
{
    for (; *names; names++)
        if (ear_str_eq_nocase(name, ear_str_from(*names))) return true;
    return false;
}

static bool hides(struct ear_str name, struct ear_str attributes)
{
    static const char *const elements[] = {"style", "script", "head", "title", "blockquote", NULL};
    static const char *const quotes[] = {"gmail_quote", "yahoo_quoted", "moz-cite-prefix",
                                         "divRplyFwdMsg", NULL};
    if (one_of(name, elements)) return true;
    if (!ear_str_eq_nocase(name, EAR_STR("div"))) return false;
    for (const char *const *mark = quotes; *mark; mark++)
        if (ear_str_find(attributes, ear_str_from(*mark)) != SIZE_MAX) return true;
    return false;
}

/* Depth counts the hider's own kind only; others inside may be left open. */
static void hide_or_show(struct reader *r, struct ear_str name, struct ear_str attributes,
                         bool closing)
{
    if (!r->hidden) {
        if (!closing && hides(name, attributes)) {
            r->hider = name;
            r->hidden = 1;
        }
        return;
    }
    if (!ear_str_eq_nocase(name, r->hider)) return;
    if (closing)
        r->hidden--;
    else
        r->hidden++;
}

static ear_err apply_tag(struct reader *r, struct ear_str name, struct ear_str attributes,
                         bool closing)
{
    static const char *const lines[] = {"br", "div", "tr", "li", "h4", "h5", "h6", "hr", NULL};
    static const char *const paragraphs[] = {"p", "table", "ul", "ol", "h1", "h2", "h3", NULL};
    hide_or_show(r, name, attributes, closing);
    if (one_of(name, paragraphs)) return break_line(r, 2);
    if (ear_str_eq_nocase(name, EAR_STR("br")))
        return break_line(r, r->newlines < 2 ? r->newlines + 1 : 2);
    if (one_of(name, lines)) return break_line(r, 1);
    if (ear_str_eq_nocase(name, EAR_STR("td"))) r->blank = true;
    return EAR_OK;
}

static bool name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static void skip(struct reader *r, size_t len)
{
    if (len > r->rest.len) len = r->rest.len;
    r->rest = (struct ear_str){r->rest.ptr + len, r->rest.len - len};
}

/* At '<'. */
static ear_err take_tag(struct reader *r)
{
    if (ear_str_starts(r->rest, EAR_STR("<!--"))) {
        size_t end = ear_str_find(r->rest, EAR_STR("-->"));
        skip(r, end == SIZE_MAX ? r->rest.len : end + 3);
        return EAR_OK;
    }
    size_t at = 1;
    bool closing = at < r->rest.len && r->rest.ptr[at] == '/';
    at += closing;
    size_t from = at;
    while (at < r->rest.len && name_byte(r->rest.ptr[at])) at++;
    struct ear_str name = {r->rest.ptr + from, at - from};
    if (!name.len && !(at < r->rest.len && strchr("!?/", r->rest.ptr[at]))) {
        skip(r, 1);
        return put(r, EAR_STR("<")); /* "5 < 6" */
    }
    const char *end = memchr(r->rest.ptr + at, '>', r->rest.len - at);
    size_t len = end ? (size_t)(end - r->rest.ptr) : r->rest.len;
    struct ear_str attributes = {r->rest.ptr + at, len - at};
    skip(r, len + 1);
    return apply_tag(r, name, attributes, closing);
}

static ear_err take_words(struct reader *r)
{
    size_t len = 0;
    while (len < r->rest.len && !strchr("<& \t\r\n", r->rest.ptr[len])) len++;
    struct ear_str text = {r->rest.ptr, len};
    skip(r, len);
    return put(r, text);
}

ear_err ear_html_text(struct ear_str html, struct ear_buf *out)
{
    struct reader r = {.rest = html, .out = out, .newlines = 2};
    ear_err err = EAR_OK;
    while (r.rest.len && !err) {
        char c = *r.rest.ptr;
        if (c == '<') {
            err = take_tag(&r);
        } else if (c == '&') {
            err = take_entity(&r);
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || !c) {
            r.blank = true;
            skip(&r, 1);
        } else {
            err = take_words(&r);
        }
    }
    return err;
}
