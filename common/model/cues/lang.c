#include "model/cues/lang.h"

#include "model/cues/vocab.h"
#include <math.h>
#include <stdlib.h>

#define LANGS_MAX    40
#define WORDS_READ   60 /* further ones change nothing */
#define PIECED_BYTES 24
#define BYTES_READ   1024
#define UNPROVEN_P   0.4f
#define SURE_P       0.55f
#define HINT_SCORE   1.2f
#define LETTER_SCORE 0.8f
#define ENDING_SCORE 0.2f
#define PRIOR_SCORE  0.3f
#define SHARPNESS    2.2f

typedef enum script { LATIN, CYRILLIC, ARABIC, SCRIPTS } script;

static const struct lang_row {
    const char *code;
    script script;
    const char *words, *letters, *endings;
} rows[] = {
#define LANG(code, script, words, letters, endings) {code, script, words, letters, endings},
#include "rules/lang.def"
#undef LANG
};

/* Scripts that name the language at once. */
static const struct script_range {
    uint32_t from, to;
    const char *code;
} ranges[] = {
    {0x0370, 0x03FF, "el"}, {0x0530, 0x058F, "hy"}, {0x0590, 0x05FF, "he"}, {0x0900, 0x097F, "hi"},
    {0x0980, 0x09FF, "bn"}, {0x0A00, 0x0A7F, "pa"}, {0x0A80, 0x0AFF, "gu"}, {0x0B00, 0x0B7F, "or"},
    {0x0B80, 0x0BFF, "ta"}, {0x0C00, 0x0C7F, "te"}, {0x0C80, 0x0CFF, "kn"}, {0x0D00, 0x0D7F, "ml"},
    {0x0E00, 0x0E7F, "th"}, {0x10A0, 0x10FF, "ka"}, {0x1F00, 0x1FFF, "el"}, {0x3040, 0x30FF, "ja"},
    {0x3400, 0x9FFF, "zh"}, {0xAC00, 0xD7A3, "ko"}, {0x1100, 0x11FF, "ko"},
};

/* For each known piece, the languages that have it. */
struct ear_lang {
    struct ear_vocab words; /* value: one bit a row */
    struct ear_vocab letters;
    struct ear_vocab endings;
};

static void add_all(struct ear_vocab *vocab, const char *list, size_t lang)
{
    struct ear_str rest = ear_str_from(list), item;
    while (ear_str_split(&rest, ' ', &item))
        if (item.len) *ear_vocab_add(vocab, item) |= UINT64_C(1) << lang;
}

/* Bytes of the UTF-8 sequence that starts with `lead`. */
static size_t point_bytes(char lead)
{
    unsigned char b = (unsigned char)lead;
    return b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
}

static void add_letters(struct ear_vocab *vocab, const char *list, size_t lang)
{
    for (const char *p = list; *p; p += point_bytes(*p))
        *ear_vocab_add(vocab, (struct ear_str){p, point_bytes(*p)}) |= UINT64_C(1) << lang;
}

struct ear_lang *ear_lang_new(void)
{
    EAR_CHECK(EAR_COUNT(rows) <= LANGS_MAX);
    struct ear_lang *lang = ear_alloc(sizeof *lang);
    ear_vocab_init(&lang->words);
    ear_vocab_init(&lang->letters);
    ear_vocab_init(&lang->endings);
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        add_all(&lang->words, rows[i].words, i);
        add_letters(&lang->letters, rows[i].letters, i);
        add_all(&lang->endings, rows[i].endings, i);
    }
    return lang;
}

void ear_lang_free(struct ear_lang **lang)
{
    if (!*lang) return;
    ear_vocab_release(&(*lang)->words);
    ear_vocab_release(&(*lang)->letters);
    ear_vocab_release(&(*lang)->endings);
    EAR_FREE(*lang);
}

struct tally {
    float score[LANGS_MAX];
    float best_script[SCRIPTS];
    unsigned points[SCRIPTS];
    unsigned ranged[EAR_COUNT(ranges)];
    unsigned letters;
};

static uint32_t decode(struct ear_str s, size_t at, size_t len)
{
    uint32_t cp = (unsigned char)s.ptr[at];
    if (len == 1) return cp;
    cp &= len == 2 ? 0x1F : len == 3 ? 0x0F : 0x07;
    for (size_t i = 1; i < len; i++) cp = cp << 6 | ((unsigned char)s.ptr[at + i] & 0x3F);
    return cp;
}

static void count_point(struct tally *t, uint32_t cp)
{
    if ((cp >= 'a' && cp <= 'z') || (cp >= 0xDF && cp <= 0x24F)) {
        t->points[LATIN]++;
    } else if (cp >= 0x400 && cp <= 0x52F) {
        t->points[CYRILLIC]++;
    } else if (cp >= 0x620 && cp <= 0x6FF) {
        t->points[ARABIC]++;
    } else {
        for (size_t i = 0; i < EAR_COUNT(ranges); i++)
            if (cp >= ranges[i].from && cp <= ranges[i].to) t->ranged[i]++;
    }
}

/* What several languages share says less. */
static void add_mask(struct tally *t, const uint64_t *langs, float weight)
{
    if (!langs) return;
    float shared = (float)__builtin_popcountll(*langs);
    float each = weight / (shared > 1 ? 0.35f + 0.65f * shared : 1);
    for (uint64_t left = *langs; left; left &= left - 1) t->score[__builtin_ctzll(left)] += each;
}

static void tally_points(const struct ear_lang *lang, struct ear_str text, struct tally *t)
{
    size_t end = text.len < BYTES_READ ? text.len : BYTES_READ;
    for (size_t at = 0; at < end;) {
        size_t len = point_bytes(text.ptr[at]);
        if (at + len > text.len) return;
        count_point(t, decode(text, at, len));
        if (len > 1) {
            struct ear_str point = {text.ptr + at, len};
            add_mask(t, ear_vocab_get(&lang->letters, point), LETTER_SCORE);
        }
        at += len;
    }
}

/* Pieces of two to five bytes at every place: a bounded number of look-ups a byte. */
static void tally_pieces(const struct ear_lang *lang, struct ear_str word, struct tally *t)
{
    size_t end = word.len < PIECED_BYTES ? word.len : PIECED_BYTES;
    for (size_t at = 0; at + 1 < end; at++) {
        uint32_t hash = ear_vocab_hash(EAR_VOCAB_SEED, word.ptr[at]);
        for (size_t len = 2; len <= 5 && at + len <= end; len++) {
            hash = ear_vocab_hash(hash, word.ptr[at + len - 1]);
            struct ear_str piece = {word.ptr + at, len};
            add_mask(t, ear_vocab_find(&lang->endings, hash, piece), ENDING_SCORE);
        }
    }
}

static void tally_words(const struct ear_lang *lang, const struct ear_word *words, size_t count,
                        struct tally *t)
{
    for (size_t i = 0; i < count && i < WORDS_READ; i++) {
        if (words[i].text.len && words[i].text.ptr[0] == '@') continue;
        const uint64_t *langs = ear_vocab_get(&lang->words, words[i].text);
        add_mask(t, langs, 1.0f + 0.08f * (float)(words[i].text.len < 10 ? words[i].text.len : 10));
        if (!langs) tally_pieces(lang, words[i].text, t);
    }
}

/* What firms of this continent mostly hear; decides only between equals. */
static void tally_prior(struct tally *t)
{
    static const char *const common[] = {"en", "de", "fr", "es", "it", "pt", "nl"};
    for (size_t i = 0; i < EAR_COUNT(rows); i++)
        for (size_t k = 0; k < EAR_COUNT(common); k++)
            if (t->score[i] > 0 && strcmp(rows[i].code, common[k]) == 0)
                t->score[i] += k == 0 ? 2 * PRIOR_SCORE : PRIOR_SCORE;
}

static void tally_hint(struct ear_str hint, struct tally *t)
{
    struct ear_str primary = hint;
    for (size_t i = 0; i < hint.len; i++)
        if (hint.ptr[i] == '-' || hint.ptr[i] == '_') {
            primary.len = i;
            break;
        }
    for (size_t i = 0; i < EAR_COUNT(rows); i++)
        if (ear_str_eq_nocase(primary, ear_str_from(rows[i].code))) t->score[i] += HINT_SCORE;
}

static struct ear_lang_guess guess_of(const char *code, float p)
{
    struct ear_lang_guess g = {.p = p};
    EAR_CHECK(ear_str_copy(g.best, sizeof g.best, ear_str_from(code)));
    EAR_CHECK(ear_str_copy(g.code, sizeof g.code, ear_str_from(p >= SURE_P ? code : "und")));
    return g;
}

/* A script of one language, where it makes up most of the text. */
static const char *ranged_code(const struct tally *t, unsigned known, float *p)
{
    unsigned counts[EAR_COUNT(ranges)], total = known;
    size_t best = 0;
    const char *code = NULL;
    memcpy(counts, t->ranged, sizeof counts);
    for (size_t i = 0; i < EAR_COUNT(ranges); i++) {
        total += counts[i];
        if (counts[i] > counts[best]) best = i;
    }
    /* Japanese is written with ideographs too: a few kana decide. */
    for (size_t i = 0; i < EAR_COUNT(ranges); i++)
        if (counts[i] * 10 > total && strcmp(ranges[i].code, "ja") == 0 && total > known)
            code = "ja";
    if (!code) code = ranges[best].code;
    *p = total ? (float)(total - known) / (float)total : 0;
    return counts[best] * 3 > total ? code : NULL;
}

/* The language that most write in a script. */
static const char *first_of(script s)
{
    size_t i = 0;
    while (rows[i].script != s) i++;
    return rows[i].code;
}

static struct ear_lang_guess best_of(const struct tally *t, script s)
{
    float sum = 0, top = 0;
    size_t best = 0;
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        if (rows[i].script != s || t->score[i] <= top) continue;
        top = t->score[i];
        best = i;
    }
    if (top <= 0) return s == LATIN ? guess_of("und", 0) : guess_of(first_of(s), UNPROVEN_P);
    for (size_t i = 0; i < EAR_COUNT(rows); i++)
        if (rows[i].script == s && t->score[i] > 0) sum += expf(SHARPNESS * (t->score[i] - top));
    /* One weak hint is no proof, even without a rival. */
    return guess_of(rows[best].code, (1 / sum) * (1 - expf(-1.3f * top)));
}

struct ear_lang_guess ear_lang_guess(const struct ear_lang *lang, struct ear_str text,
                                     const struct ear_word *words, size_t count,
                                     struct ear_str hint)
{
    struct tally t = {.letters = 0};
    tally_points(lang, text, &t);
    unsigned known = t.points[LATIN] + t.points[CYRILLIC] + t.points[ARABIC];
    float p;
    const char *code = ranged_code(&t, known, &p);
    if (code) return guess_of(code, p);
    tally_words(lang, words, count, &t);
    tally_prior(&t);
    tally_hint(hint, &t);
    script s = LATIN;
    if (t.points[CYRILLIC] > t.points[LATIN]) s = CYRILLIC;
    if (t.points[ARABIC] > t.points[LATIN]) s = ARABIC;
    return best_of(&t, s);
}
