#include "letters.h"

#define QUOTE_BYTES_MAX  48
#define QUOTE_BLANKS_MAX 3
#define FEW_LETTERS      3 /* fewer tell nothing: look into hashtags and quotes too */
#define LAUGHTER_MIN     4

/* Scripts that one language writes, or one by far most. A letter of theirs may be a whole word:
 * weight is what it counts for against a Latin one. */
static const struct single {
    int32_t from, to;
    const char *code;
    unsigned weight;
} singles[] = {
    {0x0370, 0x03FF, "el", 1}, {0x0530, 0x058F, "hy", 1}, {0x0590, 0x05FF, "he", 1},
    {0x0900, 0x097F, "hi", 1}, {0x0980, 0x09FF, "bn", 1}, {0x0A00, 0x0A7F, "pa", 1},
    {0x0A80, 0x0AFF, "gu", 1}, {0x0B00, 0x0B7F, "or", 1}, {0x0B80, 0x0BFF, "ta", 1},
    {0x0C00, 0x0C7F, "te", 1}, {0x0C80, 0x0CFF, "kn", 1}, {0x0D00, 0x0D7F, "ml", 1},
    {0x0D80, 0x0DFF, "si", 1}, {0x0E00, 0x0E7F, "th", 1}, {0x0E80, 0x0EFF, "lo", 1},
    {0x0F00, 0x0FFF, "bo", 1}, {0x1000, 0x109F, "my", 1}, {0x10A0, 0x10FF, "ka", 1},
    {0x1100, 0x11FF, "ko", 2}, {0x1200, 0x137F, "am", 1}, {0x1780, 0x17FF, "km", 1},
    {0x1F00, 0x1FFF, "el", 1}, {0x3041, 0x30FF, "ja", 2}, {0x3400, 0x9FFF, "zh", 2},
    {0xAC00, 0xD7A3, "ko", 2},
};

/* What the letters of a text add up to. */
struct census {
    unsigned lettered[EAR_LETTERED];
    unsigned single[EAR_COUNT(singles)];
    unsigned vietnamese;
};

struct cutter {
    struct ear_letters *out;
    struct census census;
    size_t word; /* where the last word began */
};

/* The code point at p and its length; an ill-formed byte is a blank. */
static size_t decode(const unsigned char *p, size_t left, int32_t *cp)
{
    size_t len = *p < 0x80 ? 1 : *p < 0xC0 ? 0 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
    *cp = ' ';
    if (len == 0 || len > left) return 1;
    int32_t value = len == 1 ? *p : *p & (0x7F >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) return 1;
        value = value << 6 | (p[i] & 0x3F);
    }
    *cp = value;
    return len;
}

static bool is_latin(int32_t cp)
{
    return (cp >= 'a' && cp <= 'z') || (cp >= 0xDF && cp <= 0x24F && cp != 0xF7) ||
           (cp >= 0x1E00 && cp <= 0x1EFF);
}

static bool is_arabic(int32_t cp)
{
    return (cp >= 0x620 && cp <= 0x655) || (cp >= 0x66E && cp <= 0x6D5) ||
           (cp >= 0x6EE && cp <= 0x6EF) || (cp >= 0x6FA && cp <= 0x77F);
}

/* Letters that only Vietnamese has, but for a few of Yoruba. */
static bool is_vietnamese(int32_t cp)
{
    return (cp >= 0x1EA0 && cp <= 0x1EF9) || cp == 0x1A1 || cp == 0x1B0;
}

static ear_lettered lettered_of(int32_t cp)
{
    if (is_latin(cp)) return EAR_LATIN;
    if (cp >= 0x400 && cp <= 0x52F) return EAR_CYRILLIC;
    return is_arabic(cp) ? EAR_ARABIC : EAR_LETTERED;
}

static void count_single(struct census *census, int32_t cp)
{
    for (size_t i = 0; i < EAR_COUNT(singles) && singles[i].from <= cp; i++)
        if (cp <= singles[i].to) census->single[i]++;
}

/* "hahaha", "jajaja": people laugh alike everywhere. */
static bool is_laughter(const int32_t *word, size_t len)
{
    if (len < LAUGHTER_MIN || word[0] == word[1]) return false;
    for (size_t i = 2; i < len; i++)
        if (word[i] != word[i - 2]) return false;
    return true;
}

static void end_word(struct cutter *c)
{
    struct ear_letters *out = c->out;
    if (out->count == c->word) return;
    if (is_laughter(out->points + c->word, out->count - c->word))
        out->count = c->word;
    else
        out->points[out->count++] = ' ';
    c->word = out->count;
}

static void add_point(struct cutter *c, int32_t cp)
{
    ear_lettered script = lettered_of(cp);
    bool inner = cp == '\'' && c->out->count > c->word;
    if (script == EAR_LETTERED && !inner) {
        if (cp >= 0x370) count_single(&c->census, cp);
        end_word(c);
        return;
    }
    if (!inner) {
        c->census.lettered[script]++;
        c->census.vietnamese += is_vietnamese(cp);
    }
    c->out->points[c->out->count++] = cp;
}

/* Behind an opening quote: the bytes of a short quotation with its closing quote, or 0. */
static size_t quoted_bytes(struct ear_str text, size_t at)
{
    unsigned blanks = 0;
    for (size_t i = at; i < text.len && i - at < QUOTE_BYTES_MAX; i++) {
        if (text.ptr[i] == '"') return i + 1 - at;
        if (text.ptr[i] == ' ' && ++blanks > QUOTE_BLANKS_MAX) return 0;
    }
    return 0;
}

static size_t bytes_to_blank(struct ear_str text, size_t at)
{
    const char *blank = memchr(text.ptr + at, ' ', text.len - at);
    return blank ? (size_t)(blank - text.ptr) - at : text.len - at;
}

/* Bytes to pass over at a sign that starts what is not talk. */
static size_t passed_over(struct ear_str text, size_t at, bool all)
{
    char c = text.ptr[at];
    if (c == '@' || (c == '#' && !all)) return bytes_to_blank(text, at);
    return c == '"' && !all ? quoted_bytes(text, at + 1) : 0;
}

static void cut(struct ear_str text, bool all, struct cutter *c)
{
    struct ear_letters *out = c->out;
    out->points[0] = ' ';
    out->count = c->word = 1;
    size_t at = 0;
    while (at < text.len && out->count + 2 < EAR_LETTERS_MAX) {
        char plain = text.ptr[at];
        if (plain >= 'a' && plain <= 'z') { /* as add_point() has it; most letters are such */
            c->census.lettered[EAR_LATIN]++;
            out->points[out->count++] = plain;
            at++;
            continue;
        }
        size_t skip = passed_over(text, at, all);
        int32_t cp = ' ';
        at += skip ? skip : decode((const unsigned char *)text.ptr + at, text.len - at, &cp);
        add_point(c, cp);
    }
    end_word(c);
    out->read_bytes = at;
}

static unsigned total_of(const struct census *census)
{
    unsigned total = 0;
    for (size_t i = 0; i < EAR_LETTERED; i++) total += census->lettered[i];
    for (size_t i = 0; i < EAR_COUNT(singles); i++) total += census->single[i] * singles[i].weight;
    return total;
}

/* The script that prevails, if one language writes it. Japanese is written with ideographs too: a
 * few kana decide. */
static void choose_single(struct ear_letters *out, const struct census *census, unsigned total)
{
    unsigned by_code = 0, kana = 0, ideographs = 0;
    for (size_t i = 0; i < EAR_COUNT(singles); i++) {
        unsigned weight = census->single[i] * singles[i].weight;
        if (weight == 0) continue;
        if (strcmp(singles[i].code, "ja") == 0) kana += weight;
        if (strcmp(singles[i].code, "zh") == 0) ideographs += weight;
        if (weight > by_code) {
            by_code = weight;
            out->only = singles[i].code;
        }
    }
    if (kana * 8 > ideographs && kana + ideographs >= by_code && kana) {
        by_code = kana + ideographs;
        out->only = "ja";
    }
    out->share = total ? (float)by_code / (float)total : 0;
    if (by_code * 5 <= total * 2) out->only = NULL;
}

/* Letters of other scripts part words. */
static void keep_script(struct ear_letters *out)
{
    for (size_t i = 0; i < out->count; i++)
        if (out->points[i] != '\'' && lettered_of(out->points[i]) != out->script)
            out->points[i] = ' ';
}

static void choose_lettered(struct ear_letters *out, const struct census *census, unsigned total)
{
    for (ear_lettered s = EAR_LATIN; s < EAR_LETTERED; s++)
        if (census->lettered[s] > census->lettered[out->script]) out->script = s;
    unsigned count = census->lettered[out->script];
    out->share = total ? (float)count / (float)total : 0;
    if (count == 0) out->count = 0;
    if (count < total) keep_script(out);
    if (out->script == EAR_LATIN && census->vietnamese * 12 > count) out->only = "vi";
}

void ear_letters_cut(struct ear_str text, struct ear_letters *out)
{
    unsigned total = 0;
    for (int all = 0; all < 2 && total < FEW_LETTERS; all++) {
        struct cutter c = {.out = out};
        out->script = EAR_LATIN;
        out->only = NULL;
        cut(text, all, &c);
        total = total_of(&c.census);
        choose_single(out, &c.census, total);
        if (!out->only) choose_lettered(out, &c.census, total);
    }
}
