#include "language.h"

#include "language_layout.h"
#include <math.h>

#define HINT_NATS    14.0f /* before sharpening: enough between equals only */
#define CERTAIN_NATS 90.0f /* ahead of the second: more text would not change it */
#define LOOK_EVERY   64    /* letters between two looks at how far the first is ahead */
#define SINGLE_P     0.99f
#define FEW_GRAMS    10

typedef uint8_t lanes __attribute__((vector_size(EAR_LANGUAGE_ROW_BYTES)));

/* Sums of all columns. Bytes are added until they could overflow, then moved to the wide ones. */
struct sums {
    uint32_t wide[EAR_LANGUAGE_COLUMNS];
    lanes low, high;
    unsigned added, grams;
};
#define ADDS_MAX (255 / 15)

static void widen(struct sums *s)
{
    for (size_t i = 0; i < EAR_LANGUAGE_ROW_BYTES; i++) {
        s->wide[2 * i] += s->low[i];
        s->wide[2 * i + 1] += s->high[i];
    }
    s->low = s->high = (lanes){0};
    s->grams += s->added;
    s->added = 0;
}

static inline void add_row(struct sums *s, const uint8_t *row)
{
    lanes both;
    memcpy(&both, row, sizeof both);
    if (s->added == ADDS_MAX) widen(s);
    s->low += both & 15;
    s->high += both >> 4;
    s->added++;
}

struct reading {
    const struct ear_language *language;
    const struct ear_letters *letters;
    struct sums sums;
    float score[EAR_LANGUAGE_COLUMNS]; /* nats */
    size_t best;
    float ahead;
};

/* All grams that begin at a letter. */
static void add_grams(struct reading *r, size_t at)
{
    const struct ear_language_layout *layout = r->language->layout;
    const struct ear_letters *letters = r->letters;
    uint32_t first = layout->row_first[letters->script], count = layout->row_count[letters->script];
    uint32_t hash = EAR_GRAM_SEED;
    size_t end =
        at + EAR_LANGUAGE_GRAM_MAX < letters->count ? at + EAR_LANGUAGE_GRAM_MAX : letters->count;
    for (size_t i = at; i < end; i++) {
        hash = ear_gram_grow(hash, letters->points[i]);
        if (i == at && letters->points[i] == ' ') continue;
        uint32_t row = ear_gram_row(hash, first, count);
        add_row(&r->sums, r->language->rows + (size_t)row * EAR_LANGUAGE_ROW_BYTES);
    }
}

static const char *code_of(const struct reading *r, size_t column)
{
    return r->language->layout->codes[r->letters->script][column];
}

/* "pt-BR", "pt_BR": the part before the mark. */
static struct ear_str primary_of(struct ear_str hint)
{
    size_t len = 0;
    while (len < hint.len && hint.ptr[len] != '-' && hint.ptr[len] != '_') len++;
    return (struct ear_str){hint.ptr, len};
}

static void score_all(struct reading *r, struct ear_str hint)
{
    const struct ear_language_layout *layout = r->language->layout;
    float second = -INFINITY;
    r->best = 0;
    widen(&r->sums);
    for (size_t i = 0; i < EAR_LANGUAGE_COLUMNS && code_of(r, i)[0]; i++) {
        bool hinted = ear_str_eq_nocase(hint, ear_str_from(code_of(r, i)));
        r->score[i] = (float)r->sums.wide[i] * layout->step + layout->prior[r->letters->script][i] +
                      (hinted ? HINT_NATS : 0);
        if (i > 0 && r->score[i] > r->score[r->best]) {
            second = r->score[r->best];
            r->best = i;
        } else if (i > 0 && r->score[i] > second) {
            second = r->score[i];
        }
    }
    r->ahead = r->score[r->best] - second;
}

static void read_letters(struct reading *r, struct ear_str hint)
{
    for (size_t at = 0; at < r->letters->count; at++) {
        add_grams(r, at);
        if (at % LOOK_EVERY != LOOK_EVERY - 1) continue;
        score_all(r, hint);
        if (r->ahead > CERTAIN_NATS) return;
    }
    score_all(r, hint);
}

static float probability(const struct reading *r)
{
    float sharpness = r->language->layout->sharpness, sum = 0;
    for (size_t i = 0; i < EAR_LANGUAGE_COLUMNS && code_of(r, i)[0]; i++)
        sum += expf(sharpness * (r->score[i] - r->score[r->best]));
    return 1 / sum;
}

static void set_guess(struct ear_language_guess *out, const char *code, float p, bool sure)
{
    EAR_CHECK(ear_str_copy(out->best, sizeof out->best, ear_str_from(code)));
    EAR_CHECK(ear_str_copy(out->code, sizeof out->code, ear_str_from(sure ? code : "und")));
    out->p = p;
}

/* Letters that make up no word of any language known. */
static bool is_foreign(const struct reading *r)
{
    float steps = (float)r->sums.wide[r->best];
    return r->sums.grams >= FEW_GRAMS &&
           steps < r->language->layout->familiar * (float)r->sums.grams;
}

void ear_language_guess(const struct ear_language *language, struct ear_str text,
                        struct ear_str hint, struct ear_language_guess *out)
{
    struct ear_letters letters;
    ear_letters_cut(text, &letters);
    set_guess(out, "und", 0, false);
    if (letters.only) {
        set_guess(out, letters.only, letters.share * SINGLE_P, true);
    } else if (language->layout && letters.count > 0) {
        struct reading r = {.language = language, .letters = &letters};
        if (!code_of(&r, 0)[0]) return;
        read_letters(&r, primary_of(hint));
        float p = probability(&r);
        if (is_foreign(&r)) p /= 2;
        set_guess(out, code_of(&r, r.best), p, p >= language->layout->unsure_below);
    }
}

size_t ear_language_count(const struct ear_language *language)
{
    size_t count = 0;
    for (size_t s = 0; s < EAR_LETTERED && language->layout; s++)
        for (size_t i = 0; i < EAR_LANGUAGE_COLUMNS && language->layout->codes[s][i][0]; i++)
            count++;
    return count;
}

static bool scales_hold(const struct ear_language_layout *l)
{
    return l->step > 0 && l->step < 100 && l->sharpness > 0 && l->sharpness < 100 &&
           l->unsure_below >= 0 && l->unsure_below <= 1 && l->familiar >= 0 && l->familiar <= 15;
}

/* Codes end within their field, numbers are numbers, and rows lie where they say. */
static const char *flaw_of(const struct ear_language_layout *layout, size_t rows)
{
    if (memcmp(layout->magic, EAR_LANGUAGE_MAGIC, sizeof layout->magic) != 0)
        return "it does not begin as one";
    if (!scales_hold(layout)) return "a scale is out of range";
    for (size_t s = 0; s < EAR_LETTERED; s++) {
        if (layout->row_count[s] == 0 ||
            (uint64_t)layout->row_first[s] + layout->row_count[s] > rows)
            return "rows lie outside";
        for (size_t i = 0; i < EAR_LANGUAGE_COLUMNS; i++)
            if (layout->codes[s][i][3] != '\0' || !isfinite(layout->prior[s][i]))
                return "a language is damaged";
    }
    return NULL;
}

ear_err ear_language_open(struct ear_str section, struct ear_language *out, struct ear_diag *said)
{
    const void *at = section.ptr;
    size_t head = sizeof(struct ear_language_layout);
    if (section.len < head || section.len > EAR_LANGUAGE_BYTES_MAX ||
        (section.len - head) % EAR_LANGUAGE_ROW_BYTES != 0)
        return ear_fail(said, EAR_INVALID, "language table: %zu bytes are no table", section.len);
    if ((uintptr_t)at % EAR_LANGUAGE_ALIGN != 0)
        return ear_fail(said, EAR_INVALID, "language table: not aligned");
    const char *flaw = flaw_of(at, (section.len - head) / EAR_LANGUAGE_ROW_BYTES);
    if (flaw) return ear_fail(said, EAR_INVALID, "language table: %s", flaw);
    out->layout = at;
    out->rows = (const uint8_t *)at + head;
    return EAR_OK;
}
