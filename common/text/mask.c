/* The part of normalising that looks at words: what identifies somebody or leads somewhere
 * becomes a mask. Works on folded text. */
#include "fold.h"
#include "text.h"

struct scan {
    struct ear_str in;
    size_t at;
    struct ear_str own;
    struct ear_buf *out;
};

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}

static bool is_mail_char(char c)
{
    /* Bits of the ASCII characters; all others count. */
    static const uint64_t mail[2] = {UINT64_C(0x03FF682000000000), UINT64_C(0x07FFFFFE80000000)};
    return (c & 0x80) || mail[c >> 6] >> (c & 63) & 1;
}

static bool is_url_char(char c)
{
    return c != ' ' && c != '<' && c != '>' && c != '"';
}

static struct ear_str ahead(const struct scan *s)
{
    return (struct ear_str){s->in.ptr + s->at, s->in.len - s->at};
}

static bool ends_sentence(char c)
{
    switch (c) {
    case '.':
    case ',':
    case ';':
    case ':':
    case '!':
    case '?':
    case ')':
    case '\'':
    case '-':
        return true;
    default:
        return false;
    }
}

/* Without signs that end a sentence. */
static size_t trimmed(struct ear_str s, size_t len)
{
    while (len > 0 && ends_sentence(s.ptr[len - 1])) len--;
    return len;
}

static size_t mail_chars(struct ear_str s)
{
    size_t len = 0;
    while (len < s.len && is_mail_char(s.ptr[len])) len++;
    return len;
}

static size_t url_length(struct ear_str s)
{
    size_t len = 0;
    while (len < s.len && is_url_char(s.ptr[len])) len++;
    return trimmed(s, len);
}

static size_t name_length(struct ear_str s)
{
    return trimmed(s, mail_chars(s));
}

static bool starts_url(struct ear_str s)
{
    if (s.len < 2 || s.ptr[0] != 'h' || s.ptr[1] != 't') return false;
    return ear_str_starts(s, EAR_STR("http://")) || ear_str_starts(s, EAR_STR("https://"));
}

static size_t url_at(struct ear_str s)
{
    bool url = *s.ptr == 'w' ? ear_str_starts(s, EAR_STR("www.")) : starts_url(s);
    return url ? url_length(s) : 0;
}

/* "bit.ly/x": a host with a dot and a path. `run` is the run of mail characters at s. */
static size_t bare_url_at(struct ear_str s, size_t run)
{
    if (run + 1 >= s.len || s.ptr[run] != '/' || !is_name_char(s.ptr[run + 1])) return 0;
    const char *dot = memchr(s.ptr, '.', run);
    size_t tail = dot ? (size_t)(s.ptr + run - dot) : 0;
    if (tail < 3 || (dot[1] >= '0' && dot[1] <= '9')) return 0;
    return url_length(s);
}

static size_t mail_at(struct ear_str s, size_t run)
{
    if (run == 0 || run + 1 >= s.len || s.ptr[run] != '@') return 0;
    struct ear_str host = {s.ptr + run + 1, s.len - run - 1};
    size_t len = name_length(host);
    return len > 2 && memchr(host.ptr, '.', len) ? run + 1 + len : 0;
}

static bool is_own(struct ear_str own, struct ear_str name)
{
    if (own.len && own.ptr[0] == '@') own = (struct ear_str){own.ptr + 1, own.len - 1};
    return own.len && ear_str_eq_nocase(own, name);
}

static struct ear_str handle_mask(const struct scan *s, struct ear_str name)
{
    static const struct ear_str kept[] = {{"@url", 4}, {"@mail", 5}, {"@firm", 5}};
    for (size_t i = 0; i < 3; i++)
        if (ear_str_eq((struct ear_str){kept[i].ptr + 1, kept[i].len - 1}, name)) return kept[i];
    return is_own(s->own, name) ? EAR_STR("@firm") : EAR_STR("@user");
}

/* "@name", also "@name@host" and "@name.host". */
static size_t handle_at(const struct scan *s, struct ear_str here, struct ear_str *mask)
{
    if (here.len < 2 || here.ptr[0] != '@' || !is_name_char(here.ptr[1])) return 0;
    struct ear_str name = {here.ptr + 1, 0};
    name.len = name_length((struct ear_str){name.ptr, here.len - 1});
    if (name.len == 0) return 0;
    size_t len = 1 + name.len;
    struct ear_str behind = {here.ptr + len, here.len - len};
    if (behind.len > 1 && behind.ptr[0] == '@' && is_name_char(behind.ptr[1])) {
        size_t host = name_length((struct ear_str){behind.ptr + 1, behind.len - 1});
        name.len += 1 + host;
        len += 1 + host;
    }
    *mask = handle_mask(s, name);
    return len;
}

/* Where a URL begins within a run of mail characters that ends at `end`: its colon stands there. */
static size_t url_within(struct ear_str s, size_t end)
{
    if (end >= s.len || s.ptr[end] != ':') return end;
    for (size_t scheme = 5; scheme >= 4; scheme--)
        if (end > scheme &&
            starts_url((struct ear_str){s.ptr + end - scheme, s.len - end + scheme}))
            return end - scheme;
    return end;
}

/* The length of what to mask at the start of a word; 0 for an ordinary word, of which *plain gets
 * how far it goes: to where the next word can start, or a URL that nothing divides from it. */
static size_t maskable(const struct scan *s, struct ear_str *mask, size_t *plain)
{
    struct ear_str here = ahead(s);
    size_t len = 0;
    *plain = 1;
    if (*here.ptr == '@') return handle_at(s, here, mask);
    *mask = EAR_STR("@url");
    if (!is_mail_char(*here.ptr)) return 0;
    if ((len = url_at(here))) return len;
    size_t end = mail_chars(here), run = trimmed(here, end);
    if ((len = bare_url_at(here, run))) return len;
    *mask = EAR_STR("@mail");
    if ((len = mail_at(here, run))) return len;
    *plain = url_within(here, end);
    return 0;
}

/* Signs without which nothing is masked, sixteen at a time: '@', '/', ':' and the "ww" of "www.".
 */
#define BLOCK 16
typedef uint8_t block __attribute__((vector_size(BLOCK)));
typedef uint64_t halves __attribute__((vector_size(BLOCK)));

static bool has_sign(const char *at)
{
    block c, next;
    memcpy(&c, at, sizeof c);
    memcpy(&next, at + 1, sizeof next);
    block www = (block)(c == 'w') & (block)(next == 'w');
    halves any = (halves)((block)(c == '@') | (block)(c == '/') | (block)(c == ':') | www);
    return (any[0] | any[1]) != 0;
}

static bool is_sign(struct ear_str in, size_t at)
{
    char c = in.ptr[at];
    return c == '@' || c == '/' || c == ':' ||
           (c == 'w' && at + 1 < in.len && in.ptr[at + 1] == 'w');
}

/* Goes to the word, at or behind the present one, that the next sign stands in or ends. */
static void pass_plain(struct scan *s)
{
    size_t sign = s->at;
    while (s->in.len - sign > BLOCK && !has_sign(s->in.ptr + sign)) sign += BLOCK;
    while (sign < s->in.len && !is_sign(s->in, sign)) sign++;
    if (sign < s->in.len)
        while (sign > s->at && is_mail_char(s->in.ptr[sign - 1])) sign--;
    s->at = sign;
}

static ear_err mask_all(struct scan *s)
{
    ear_err err = EAR_OK;
    size_t from = 0; /* of what is plain and not yet appended */
    if (!s->in.len) return EAR_OK;
    while (pass_plain(s), s->at < s->in.len && !err) {
        struct ear_str mask;
        size_t plain, len = maskable(s, &mask, &plain);
        if (!len) {
            s->at += plain;
            continue;
        }
        err = ear_buf_append(s->out, s->in.ptr + from, s->at - from);
        if (!err) err = ear_buf_append_str(s->out, mask);
        from = s->at += len;
    }
    return err ? err : ear_buf_append(s->out, s->in.ptr + from, s->in.len - from);
}

void ear_text_init(struct ear_text *t, size_t max_bytes)
{
    ear_buf_init(&t->folded, max_bytes);
    ear_buf_init(&t->text, max_bytes);
}

void ear_text_release(struct ear_text *t)
{
    ear_buf_release(&t->folded);
    ear_buf_release(&t->text);
}

ear_err ear_text_normalise(struct ear_text *t, struct ear_str raw, struct ear_str own_handle)
{
    ear_buf_reset(&t->folded);
    ear_buf_reset(&t->text);
    ear_err err = ear_fold(raw, &t->folded);
    if (err) return err;
    struct scan s = {
        .in = ear_str_trim(ear_buf_str(&t->folded)), .own = own_handle, .out = &t->text};
    return mask_all(&s);
}
