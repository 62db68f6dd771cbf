#include "patterns.h"

#include <hs.h>
#include <stdlib.h>

/* Two automata: a quick one says whether anything matches at all, which is seldom; then a thorough
 * one says where matches begin and end, and we look whether words begin and end there: as classes
 * of the expressions that would cost the compiler seconds. */
#define HOW_QUICK    (HS_FLAG_CASELESS | HS_FLAG_UTF8 | HS_FLAG_SINGLEMATCH)
#define HOW_THOROUGH (HS_FLAG_CASELESS | HS_FLAG_UTF8 | HS_FLAG_SOM_LEFTMOST)
/* Of an expression: the worst character of a pattern becomes seven. */
#define EXPRESSION_BYTES_MAX (EAR_PATTERN_BYTES_MAX * 8 + 64)

struct told {
    size_t id;
    bool open_start, open_end; /* a word need not begin, or end, there */
};

struct ear_patterns {
    hs_database_t *quick, *thorough; /* NULL: no pattern */
    hs_scratch_t *scratch;           /* of both */
    struct told *told;               /* by pattern */
};

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c & 0x80);
}

static ear_err append_words(struct ear_buf *out, struct ear_str words)
{
    ear_err err = EAR_OK;
    for (size_t i = 0; i < words.len && !err; i++) {
        char c = words.ptr[i];
        if (c == ' ' || c == '\t')
            err = i && words.ptr[i - 1] == c ? EAR_OK : ear_buf_append_str(out, EAR_STR("\\s+"));
        else if (c == '\'')
            err = ear_buf_append_str(out, EAR_STR("(?:'|\\x{2019})"));
        else if (is_word_char(c))
            err = ear_buf_append_char(out, c);
        else
            err = ear_buf_printf(out, "\\%c", c);
    }
    return err;
}

/* The first byte of a kana, an ideograph or a hangul: no blanks part their words, or endings
 * follow without one. */
static bool is_unspaced(char lead)
{
    return (unsigned char)lead >= 0xE3 && (unsigned char)lead <= 0xED;
}

static bool starts_word(struct ear_str s)
{
    return is_word_char(s.ptr[0]) && !is_unspaced(s.ptr[0]);
}

static bool ends_word(struct ear_str s)
{
    size_t at = s.len - 1;
    while (at > 0 && (s.ptr[at] & 0xC0) == 0x80) at--;
    return is_word_char(s.ptr[at]) && !is_unspaced(s.ptr[at]);
}

/* The expression of a pattern, and where it is open. */
static ear_err express(struct ear_str pattern, struct ear_buf *out, struct told *told)
{
    if (pattern.len > EAR_PATTERN_BYTES_MAX) return EAR_TOO_LARGE;
    if (pattern.len > 2 && pattern.ptr[0] == '/' && pattern.ptr[pattern.len - 1] == '/')
        return ear_buf_append(out, pattern.ptr + 1, pattern.len - 2);
    bool open = pattern.len > 0 && pattern.ptr[pattern.len - 1] == '*';
    if (open) pattern.len--;
    if (pattern.len == 0) return EAR_INVALID;
    told->open_start = !starts_word(pattern);
    told->open_end = open || !ends_word(pattern);
    return append_words(out, pattern);
}

/* All patterns as Hyperscan wants them. */
struct expressions {
    char **texts; /* owned, as all here */
    unsigned *flags, *ids;
    size_t count;
};

static void expressions_release(struct expressions *e)
{
    for (size_t i = 0; i < e->count; i++) free(e->texts[i]);
    EAR_FREE(e->texts);
    EAR_FREE(e->flags);
    EAR_FREE(e->ids);
}

static ear_err expressions_make(const struct ear_pattern *patterns, size_t count,
                                struct expressions *e, struct told *told, size_t *bad)
{
    e->texts = ear_alloc((count + 1) * sizeof *e->texts);
    e->flags = ear_alloc((count + 1) * sizeof *e->flags);
    e->ids = ear_alloc((count + 1) * sizeof *e->ids);
    for (size_t i = 0; i < count; i++) {
        struct ear_buf text;
        ear_buf_init(&text, EXPRESSION_BYTES_MAX);
        ear_err err = express(patterns[i].text, &text, &told[i]);
        if (err) {
            ear_buf_release(&text);
            *bad = i;
            return err;
        }
        e->texts[i] = text.data; /* takes it */
        e->ids[i] = (unsigned)i;
        e->count++;
    }
    return EAR_OK;
}

static ear_err compile(hs_database_t **out, const struct expressions *e, unsigned how, size_t *bad,
                       struct ear_diag *diag)
{
    hs_compile_error_t *flaw = NULL;
    for (size_t i = 0; i < e->count; i++) e->flags[i] = how;
    hs_error_t rc = hs_compile_multi((const char *const *)e->texts, e->flags, e->ids,
                                     (unsigned)e->count, HS_MODE_BLOCK, NULL, out, &flaw);
    if (rc == HS_SUCCESS) return EAR_OK;
    *bad = flaw && flaw->expression >= 0 ? (size_t)flaw->expression : 0;
    ear_err err = ear_fail(diag, EAR_INVALID, "%s", flaw ? flaw->message : "refused");
    hs_free_compile_error(flaw);
    return err;
}

static ear_err compile_both(struct ear_patterns *p, const struct expressions *e, size_t *bad,
                            struct ear_diag *diag)
{
    ear_err err = compile(&p->quick, e, HOW_QUICK, bad, diag);
    if (!err) err = compile(&p->thorough, e, HOW_THOROUGH, bad, diag);
    if (err) return err;
    bool room = hs_alloc_scratch(p->quick, &p->scratch) == HS_SUCCESS &&
                hs_alloc_scratch(p->thorough, &p->scratch) == HS_SUCCESS;
    return room ? EAR_OK : ear_fail(diag, EAR_NO_MEMORY, "no memory to scan with");
}

ear_err ear_patterns_new(const struct ear_pattern *patterns, size_t count,
                         struct ear_patterns **out, size_t *bad, struct ear_diag *diag)
{
    struct expressions e = {0};
    *bad = 0;
    if (hs_valid_platform() != HS_SUCCESS)
        return ear_fail(diag, EAR_UNSUPPORTED, "patterns need a processor with SSSE3");
    struct ear_patterns *p = ear_alloc(sizeof *p);
    p->told = ear_alloc((count + 1) * sizeof *p->told);
    for (size_t i = 0; i < count; i++) p->told[i].id = patterns[i].id;
    ear_err err = expressions_make(patterns, count, &e, p->told, bad);
    if (err)
        ear_fail(diag, err, "%s",
                 err == EAR_INVALID     ? "it is empty"
                 : err == EAR_NO_MEMORY ? ear_err_text(err)
                                        : "it is too long");
    if (!err && count > 0) err = compile_both(p, &e, bad, diag);
    expressions_release(&e);
    if (err) ear_patterns_free(&p);
    *out = p;
    return err;
}

void ear_patterns_free(struct ear_patterns **patterns)
{
    struct ear_patterns *p = *patterns;
    if (!p) return;
    hs_free_scratch(p->scratch);
    hs_free_database(p->quick);
    hs_free_database(p->thorough);
    EAR_FREE(p->told);
    EAR_FREE(*patterns);
}

struct scan {
    const struct ear_patterns *patterns;
    struct ear_str text;
    ear_pattern_fn *found;
    void *self;
};

/* A letter or digit of any script: what is not ASCII is one, but for punctuation and emoji. */
static bool is_letter_at(struct ear_str text, size_t at)
{
    unsigned char c = (unsigned char)text.ptr[at];
    if (c < 0x80) return is_word_char((char)c);
    while (at > 0 && ((unsigned char)text.ptr[at] & 0xC0) == 0x80) at--;
    c = (unsigned char)text.ptr[at];
    unsigned char next = at + 1 < text.len ? (unsigned char)text.ptr[at + 1] : 0;
    if (c == 0xC2) return next == 0xAA || next == 0xB5 || next == 0xBA; /* U+0080 to U+00BF */
    if (c == 0xE2) return false;                 /* U+2000 to U+2FFF: punctuation and symbols */
    if (c == 0xE3 && next == 0x80) return false; /* U+3000: marks of East Asia */
    return c < 0xF0;
}

static bool word_edges(const struct scan *scan, const struct told *told, size_t from, size_t to)
{
    bool starts = told->open_start || from == 0 || !is_letter_at(scan->text, from - 1);
    bool ends = told->open_end || to >= scan->text.len || !is_letter_at(scan->text, to);
    return starts && ends;
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *context)
{
    const struct scan *scan = context;
    const struct told *told = &scan->patterns->told[id];
    (void)flags;
    if (word_edges(scan, told, (size_t)from, (size_t)to)) scan->found(scan->self, told->id);
    return 0;
}

static int on_any(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                  void *context)
{
    (void)id, (void)from, (void)to, (void)flags, (void)context;
    return 1; /* one is enough */
}

void ear_patterns_scan(struct ear_patterns *p, struct ear_str text, ear_pattern_fn *found,
                       void *self)
{
    struct scan scan = {p, text, found, self};
    if (!p->quick || text.len == 0) return;
    EAR_CHECK(text.len <= UINT32_MAX);
    hs_error_t rc = hs_scan(p->quick, text.ptr, (unsigned)text.len, 0, p->scratch, on_any, NULL);
    if (rc == HS_SUCCESS) return;
    EAR_CHECK(rc == HS_SCAN_TERMINATED);
    rc = hs_scan(p->thorough, text.ptr, (unsigned)text.len, 0, p->scratch, on_match, &scan);
    EAR_CHECK(rc == HS_SUCCESS);
}
