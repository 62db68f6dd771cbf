#include "language.h"

#include "language_layout.h"
#include "simd.h"
#include <math.h>

#define HINT_NATS    14.0f    /* before sharpening: enough between equals only */
#define CERTAIN_NATS 90.0f    /* ahead of the second: more text would not change it */
#define LOOK_EVERY   24       /* letters between two looks at how far the first is ahead */
#define NOTHING_NATS (-40.0f) /* too little to change a sum of 1 */
#define SINGLE_P     0.99f
#define FEW_GRAMS    10

/* Half bytes are added as bytes, as long as they cannot overflow, and then moved to wider numbers.
 */
typedef uint8_t lanes __attribute__((vector_size(EAR_LANGUAGE_ROW_BYTES)));
typedef uint16_t pairs __attribute__((vector_size(EAR_LANGUAGE_ROW_BYTES)));
#define ADDS_MAX (255 / 15)

/* Sums of all columns, of the low halves and of the high ones. */
struct sums {
    pairs wide[2][2]; /* of even bytes, of odd ones */
    unsigned grams;
};
_Static_assert(EAR_LETTERS_MAX *EAR_LANGUAGE_GRAM_MAX * 15 <= UINT16_MAX, "sums fit");

static void widen(pairs wide[2], lanes sum)
{
    wide[0] += (pairs)sum & 0xFF;
    wide[1] += (pairs)sum >> 8;
}

static void add_rows(struct sums *s, const uint8_t *rows, const uint32_t *row, size_t count)
{
    s->grams += (unsigned)count;
    for (size_t done = 0; done < count;) {
        lanes low = {0}, high = {0}, both;
        size_t end = count - done < ADDS_MAX ? count : done + ADDS_MAX;
        for (; done < end; done++) {
            memcpy(&both, rows + (size_t)row[done] * EAR_LANGUAGE_ROW_BYTES, sizeof both);
            low += both & 15;
            high += both >> 4;
        }
        widen(s->wide[0], low);
        widen(s->wide[1], high);
    }
}

static unsigned steps_of(const struct sums *s, size_t column)
{
    return s->wide[column & 1][column >> 1 & 1][column >> 2];
}

struct reading {
    const struct ear_language *language;
    const struct ear_letters *letters;
    struct sums sums;
    size_t columns;                    /* that are languages */
    size_t hinted;                     /* the column of the hint; of none: beyond all */
    float score[EAR_LANGUAGE_COLUMNS]; /* nats */
    size_t best;
    float ahead;
};

/* All grams grow by a letter each. */
EAR_CLONES static void grow(uint32_t *restrict hash, const int32_t *restrict letter, size_t count)
{
    for (size_t i = 0; i < count; i++) hash[i] = ear_gram_grow(hash[i], letter[i]);
}

EAR_CLONES static void find_rows(const uint32_t *restrict hash, size_t count, uint32_t first,
                                 uint32_t rows, uint32_t *restrict row)
{
    for (size_t i = 0; i < count; i++) row[i] = ear_gram_row(hash[i], first, rows);
}

/* A blank alone is no gram. */
static size_t without_blanks(const int32_t *letter, uint32_t *row, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        row[found] = row[i];
        found += letter[i] != ' ';
    }
    return found;
}

/* All grams that begin at some letters. Their rows are all known before the first is looked at,
 * so that memory is asked for many at a time. */
static void add_grams(struct reading *r, size_t at, size_t count)
{
    const struct ear_language_layout *layout = r->language->layout;
    ear_lettered script = r->letters->script;
    uint32_t hash[LOOK_EVERY], row[LOOK_EVERY * EAR_LANGUAGE_GRAM_MAX];
    size_t found = 0;
    for (size_t i = 0; i < count; i++) hash[i] = EAR_GRAM_SEED;
    for (size_t n = 1; n <= EAR_LANGUAGE_GRAM_MAX && at + n <= r->letters->count; n++) {
        const int32_t *letter = r->letters->points + at + n - 1;
        if (at + n - 1 + count > r->letters->count) count = r->letters->count - (at + n - 1);
        grow(hash, letter, count);
        find_rows(hash, count, layout->row_first[script], layout->row_count[script], row + found);
        found += n == 1 ? without_blanks(letter, row, count) : count;
    }
    add_rows(&r->sums, r->language->rows, row, found);
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

static void set_columns(struct reading *r, struct ear_str hint)
{
    size_t count = 0;
    r->hinted = SIZE_MAX;
    for (; count < EAR_LANGUAGE_COLUMNS && code_of(r, count)[0]; count++)
        if (hint.len && ear_str_eq_nocase(hint, ear_str_from(code_of(r, count)))) r->hinted = count;
    r->columns = count;
}

/* Without the hint. Columns of a whole row, which compilers work on many at a time. */
EAR_CLONES static void score_row(const struct sums *s, const float *restrict prior, float step,
                                 float *restrict score)
{
    uint16_t steps[EAR_LANGUAGE_COLUMNS];
    for (size_t i = 0; i < EAR_LANGUAGE_COLUMNS / 4; i++) {
        steps[4 * i] = s->wide[0][0][i];
        steps[4 * i + 1] = s->wide[1][0][i];
        steps[4 * i + 2] = s->wide[0][1][i];
        steps[4 * i + 3] = s->wide[1][1][i];
    }
    for (size_t i = 0; i < EAR_LANGUAGE_COLUMNS; i++) score[i] = (float)steps[i] * step + prior[i];
}

static void score_all(struct reading *r)
{
    const struct ear_language_layout *layout = r->language->layout;
    score_row(&r->sums, layout->prior[r->letters->script], layout->step, r->score);
    if (r->hinted < r->columns) r->score[r->hinted] += HINT_NATS;
    float first = r->score[0], second = -INFINITY;
    r->best = 0;
    for (size_t i = 1; i < r->columns; i++) {
        float score = r->score[i];
        if (score <= second) continue;
        second = score > first ? first : score;
        if (score <= first) continue;
        first = score;
        r->best = i;
    }
    r->ahead = first - second;
}

static void read_letters(struct reading *r)
{
    size_t all = r->letters->count;
    for (size_t at = 0; at < all; at += LOOK_EVERY) {
        add_grams(r, at, all - at < LOOK_EVERY ? all - at : LOOK_EVERY);
        score_all(r);
        if (at + LOOK_EVERY <= all && r->ahead > CERTAIN_NATS) return;
    }
}

static float probability(const struct reading *r)
{
    float sharpness = r->language->layout->sharpness, sum = 0;
    for (size_t i = 0; i < r->columns; i++) {
        float nats = sharpness * (r->score[i] - r->score[r->best]);
        if (nats > NOTHING_NATS) sum += expf(nats);
    }
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
    float steps = (float)steps_of(&r->sums, r->best);
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
        set_columns(&r, primary_of(hint));
        read_letters(&r);
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
