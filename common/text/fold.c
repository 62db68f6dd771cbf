#include "fold.h"

#include "base/check.h"
#include "utf8.h"
#include <utf8proc.h>

/* Text is folded in pieces, so that the work of one piece has a fixed size on the stack. */
#define PIECE_POINTS 64
#define PIECE_BYTES  (PIECE_POINTS * EAR_UTF8_MAX_BYTES)
#define EXPANSION    18 /* U+FDFA decomposes to 18 code points, the most there are */
#define MARKS_KEPT   8  /* in a row; stacked beyond that is noise, and slow to put in order */
#define LETTERS_KEPT 2
#define SIGNS_KEPT   3

struct fold {
    struct ear_buf *out;
    int32_t last; /* code point emitted last, for squeezing */
    unsigned run; /* how often it came in a row */
};

struct source {
    struct ear_str raw;
    size_t at;
    unsigned marks;
};

static const struct entity {
    const char *name;
    int32_t cp;
} entities[] = {
    {"lt;", '<'},   {"gt;", '>'},        {"quot;", '"'},  {"apos;", '\''},
    {"nbsp;", ' '}, {"#39;", '\''},      {"#x27;", '\''}, {"#34;", '"'},
    {"#x2f;", '/'}, {"hellip;", 0x2026}, {"ndash;", '-'}, {"mdash;", '-'},
};

static bool starts_nocase(struct ear_str s, const char *word, size_t *len)
{
    *len = strlen(word);
    return s.len >= *len && ear_str_eq_nocase((struct ear_str){s.ptr, *len}, ear_str_from(word));
}

/* Behind an '&': feeds that were escaped several times hold "&amp;amp;lt;". */
static int32_t entity_at(struct ear_str raw, size_t *at)
{
    size_t len;
    while (starts_nocase((struct ear_str){raw.ptr + *at, raw.len - *at}, "amp;", &len)) *at += len;
    struct ear_str rest = {raw.ptr + *at, raw.len - *at};
    for (size_t i = 0; i < EAR_COUNT(entities); i++) {
        if (!starts_nocase(rest, entities[i].name, &len)) continue;
        *at += len;
        return entities[i].cp;
    }
    return '&';
}

static bool source_next(struct source *src, int32_t *cp)
{
    while (src->at < src->raw.len) {
        src->at += ear_utf8_next(src->raw, src->at, cp, NULL);
        if (*cp == '&') *cp = entity_at(src->raw, &src->at);
        src->marks = ear_utf8_is_mark(*cp) ? src->marks + 1 : 0;
        if (src->marks <= MARKS_KEPT) return true;
    }
    return false;
}

static int32_t plain(int32_t cp)
{
    switch (cp) {
    case 0x2018:
    case 0x2019:
    case 0x201B:
    case 0x02BC:
    case 0x02B9:
    case '`':
    case 0x2032:
        return '\'';
    case 0x201C:
    case 0x201D:
    case 0x201E:
    case 0x201F:
    case 0x00AB:
    case 0x00BB:
    case 0x2033:
        return '"';
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2015:
    case 0x2212:
        return '-';
    default:
        return ear_utf8_is_space(cp) ? ' ' : cp;
    }
}

/* 'w' may come three times: "www." */
static unsigned repeats_kept(int32_t cp)
{
    if (cp >= 'a' && cp <= 'v') return LETTERS_KEPT;
    if (cp == ' ') return 1;
    if (ear_utf8_is_digit(cp)) return UINT32_MAX;
    return ear_utf8_is_letter(cp) && cp != 'w' ? LETTERS_KEPT : SIGNS_KEPT;
}

static ear_err emit(struct fold *f, int32_t cp)
{
    if (cp >= 0x80 || cp == '`' || cp < ' ' || cp == 0x7F) cp = plain(cp);
    f->run = cp == f->last ? f->run + 1 : 1;
    f->last = cp;
    if (f->run > repeats_kept(cp)) return EAR_OK;
    if (cp >= 0x80) return ear_utf8_append(f->out, cp);
    struct ear_buf *out = f->out;
    if (out->len + 1 >= out->cap) return ear_buf_append_char(out, (char)cp);
    out->data[out->len++] = (char)cp;
    out->data[out->len] = 0;
    return EAR_OK;
}

static ear_err emit_piece(struct fold *f, const uint8_t *bytes, size_t len)
{
    utf8proc_int32_t points[PIECE_POINTS * EXPANSION];
    const utf8proc_option_t how =
        UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
    utf8proc_ssize_t room = (utf8proc_ssize_t)EAR_COUNT(points);
    utf8proc_ssize_t count = utf8proc_decompose(bytes, (utf8proc_ssize_t)len, points, room, how);
    EAR_CHECK(count >= 0 && count <= room);
    count = utf8proc_normalize_utf32(points, count, how);
    EAR_CHECK(count >= 0);
    ear_err err = EAR_OK;
    for (utf8proc_ssize_t i = 0; i < count && !err; i++) err = emit(f, points[i]);
    return err;
}

struct piece {
    uint8_t bytes[PIECE_BYTES];
    size_t len;
    unsigned points;
};

static ear_err piece_flush(struct fold *f, struct piece *p)
{
    ear_err err = p->len ? emit_piece(f, p->bytes, p->len) : EAR_OK;
    p->len = p->points = 0;
    return err;
}

/* What comes next may combine with the end of the piece unless it is ASCII or full. */
static ear_err piece_add(struct fold *f, struct piece *p, int32_t cp)
{
    ear_err err = EAR_OK;
    if (p->points == PIECE_POINTS || (p->points > PIECE_POINTS / 2 && !ear_utf8_is_mark(cp)))
        err = piece_flush(f, p);
    p->len += (size_t)utf8proc_encode_char(cp, p->bytes + p->len);
    p->points++;
    return err;
}

/* Printable signs of ASCII but '&' and '`', sixteen at a time: most of most texts takes no other
 * way. */
#define BLOCK 16
typedef uint8_t block __attribute__((vector_size(BLOCK)));
typedef uint64_t halves __attribute__((vector_size(BLOCK)));

static bool any_in(block flags)
{
    halves h = (halves)flags;
    return (h[0] | h[1]) != 0;
}

static block load(const char *at)
{
    block b;
    memcpy(&b, at, sizeof b);
    return b;
}

/* A block of such signs, none thrice in a row, no two blanks: what emit() and source_next() make
 * of it is the same in lower case. `lower` has the two signs before it in front. */
static bool fold_block(const struct fold *f, const char *raw, char *lower)
{
    block c = load(raw);
    block odd = (block)(c - ' ' > '~' - ' ') | (block)(c == '&') | (block)(c == '`');
    c |= (block)(c - 'A' < 26) & 0x20;
    memcpy(lower + 2, &c, sizeof c);
    lower[1] = f->last < 0x80 ? (char)f->last : 0;
    lower[0] = f->run > 1 ? lower[1] : 0;
    block once = (block)(c == load(lower + 1)), twice = once & (block)(c == load(lower));
    return !any_in(odd | twice | (once & (block)(c == ' ')));
}

/* As far as there are such blocks with ASCII behind them, and memory. */
static void fold_blocks(struct fold *f, struct source *src)
{
    struct ear_buf *out = f->out;
    char lower[BLOCK + 2];
    while (src->raw.len - src->at > BLOCK && out->cap > out->len + BLOCK &&
           (unsigned char)src->raw.ptr[src->at + BLOCK] < 0x80 &&
           fold_block(f, src->raw.ptr + src->at, lower)) {
        memcpy(out->data + out->len, lower + 2, BLOCK);
        out->len += BLOCK;
        out->data[out->len] = 0;
        f->last = lower[BLOCK + 1];
        f->run = lower[BLOCK] == lower[BLOCK + 1] ? 2 : 1;
        src->at += BLOCK;
        src->marks = 0;
    }
}

/* Letters, digits and blanks with the like behind them. */
static bool is_simple(char c)
{
    char lower = (char)(c | 0x20);
    return (lower >= 'a' && lower <= 'v') || (c >= '0' && c <= '9') || c == ' ';
}

/* As emit() and source_next() do it, character by character, for a run of simple ones and as far
 * as there is memory. */
static void fold_simple(struct fold *f, struct source *src)
{
    struct ear_buf *out = f->out;
    if (out->cap < 2) return;
    size_t end = src->raw.len, room = out->cap - 1 - out->len;
    if (end - src->at > room) end = src->at + room;
    for (; src->at + 1 < end; src->at++) {
        char c = src->raw.ptr[src->at];
        if (!is_simple(c) || (unsigned char)src->raw.ptr[src->at + 1] >= 0x80) break;
        int32_t cp = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
        f->run = cp == f->last ? f->run + 1 : 1;
        f->last = cp;
        out->data[out->len] = (char)cp;
        out->len += f->run <= (cp >= 'a' ? LETTERS_KEPT : cp == ' ' ? 1 : UINT32_MAX);
        src->marks = 0;
    }
    out->data[out->len] = 0;
}

/* ASCII combines with nothing before it; only a mark behind it can change it. */
static ear_err fold_ascii(struct fold *f, struct piece *piece, const struct source *src, int32_t cp)
{
    ear_err err = piece->len ? piece_flush(f, piece) : EAR_OK;
    if (err) return err;
    bool alone = src->at >= src->raw.len || (uint8_t)src->raw.ptr[src->at] < 0x80;
    if (!alone) return piece_add(f, piece, cp);
    return emit(f, cp >= 'A' && cp <= 'Z' ? cp | 0x20 : cp);
}

ear_err ear_fold(struct ear_str raw, struct ear_buf *out)
{
    struct source src = {.raw = raw};
    struct fold f = {.out = out, .last = ' ', .run = 1};
    struct piece piece = {.len = 0};
    ear_err err = EAR_OK;
    int32_t cp;
    while (!err) {
        if (!piece.len) fold_blocks(&f, &src);
        if (!piece.len) fold_simple(&f, &src);
        if (!source_next(&src, &cp)) break;
        err = cp >= 0x80 ? piece_add(&f, &piece, plain(cp)) : fold_ascii(&f, &piece, &src, cp);
    }
    return err ? err : piece_flush(&f, &piece);
}
