#include "language_train.h"

#include "model/language.h"
#include "model/language_layout.h"
#include "mojibake.h"
#include "text/text.h"
#include <math.h>
#include <stdlib.h>

#define TEXT_MAX      ((size_t)1024 * 1024)
#define LESSONS_MAX   128
#define WRITTEN_SHARE 0.3  /* grams a letter; of its own script a language has near five */
#define TALK_WEIGHT   5.0f /* our phrases are few, and each is common */
/* Chosen on tweets that are not trained on. */
#define STEP_NATS    0.7f
#define SMOOTHING    0.01f
#define GRAMS_SCALED 20000.0f /* each language counts as so many */
#define SHARPNESS    0.08f
#define UNSURE_BELOW 0.3f
#define FAMILIAR     4.4f

/* Rows of each script, as many as their languages need. */
static const uint32_t rows_of[EAR_LETTERED] = {1u << 17, 1u << 15, 1u << 14};

/* What people who write to firms of this continent mostly speak; decides between near equals. */
static const struct prior {
    const char *code;
    float nats;
} priors[] = {
    {"en", 20}, {"de", 15}, {"fr", 15}, {"es", 15}, {"it", 15},
    {"pt", 15}, {"nl", 15}, {"ru", 15}, {"ar", 15},
};

/* How people talk: phrases of the networks, and the cues by which posts to firms are read. */
static const struct talk {
    const char *code, *phrases;
} talks[] = {
#define TALK(code, phrases) {code, phrases},
#include "talk.def"
#undef TALK
#define CUES(phrases, ...) {CODE, phrases},
#define CODE               "en"
#include "model/cues/rules/en.def"
#undef CODE
#define CODE "de"
#include "model/cues/rules/de.def"
#undef CODE
#define CODE "es"
#include "model/cues/rules/es.def"
#undef CODE
#define CODE "fr"
#include "model/cues/rules/fr.def"
#undef CODE
#define CODE "it"
#include "model/cues/rules/it.def"
#undef CODE
#define CODE "nl"
#include "model/cues/rules/nl.def"
#undef CODE
#define CODE "pt"
#include "model/cues/rules/pt.def"
#undef CODE
#undef CUES
};

/* What is known of languages without any text of theirs. */
static const struct talk words[] = {
#define LANG(code, script, words, letters, endings) {code, words},
#include "words.def"
#undef LANG
};

/* What was counted of one language in one script. */
struct tally {
    float *grams; /* owned; one a row of the script; NULL: none yet */
    double total;
};

struct lesson {
    char code[EAR_LANGUAGE_BYTES];
    struct tally tally[EAR_LETTERED];
    double letters; /* of all its texts, in whatever script */
};

struct ear_language_trainer {
    struct lesson lessons[LESSONS_MAX];
    size_t lesson_count;
    struct ear_buf mended;
    struct ear_text text;
    bool talked[EAR_COUNT(talks)];
};

struct ear_language_trainer *ear_language_trainer_new(void)
{
    struct ear_language_trainer *t = ear_alloc(sizeof *t);
    ear_buf_init(&t->mended, TEXT_MAX);
    ear_text_init(&t->text, TEXT_MAX * 4);
    return t;
}

void ear_language_trainer_free(struct ear_language_trainer **trainer)
{
    struct ear_language_trainer *t = *trainer;
    if (!t) return;
    for (size_t i = 0; i < t->lesson_count; i++)
        for (size_t s = 0; s < EAR_LETTERED; s++) EAR_FREE(t->lessons[i].tally[s].grams);
    ear_buf_release(&t->mended);
    ear_text_release(&t->text);
    EAR_FREE(*trainer);
}

static struct lesson *lesson_of(struct ear_language_trainer *t, struct ear_str code)
{
    for (size_t i = 0; i < t->lesson_count; i++)
        if (ear_str_eq(code, ear_str_from(t->lessons[i].code))) return &t->lessons[i];
    if (t->lesson_count == LESSONS_MAX) return NULL;
    struct lesson *lesson = &t->lessons[t->lesson_count++];
    EAR_CHECK(ear_str_copy(lesson->code, sizeof lesson->code, code));
    return lesson;
}

static void count_grams(struct lesson *lesson, const struct ear_letters *letters, float weight)
{
    struct tally *tally = &lesson->tally[letters->script];
    uint32_t rows = rows_of[letters->script];
    if (!tally->grams) tally->grams = ear_alloc(rows * sizeof *tally->grams);
    for (size_t at = 0; at < letters->count; at++) {
        uint32_t hash = EAR_GRAM_SEED;
        size_t end = at + EAR_LANGUAGE_GRAM_MAX;
        for (size_t i = at; i < end && i < letters->count; i++) {
            hash = ear_gram_grow(hash, letters->points[i]);
            if (i == at && letters->points[i] == ' ') continue;
            tally->grams[ear_gram_row(hash, 0, rows)] += weight;
            tally->total += (double)weight;
        }
    }
}

static ear_err count_text(struct ear_language_trainer *t, struct lesson *lesson, struct ear_str raw,
                          float weight, struct ear_diag *diag)
{
    struct ear_letters letters;
    ear_err err = ear_text_normalise(&t->text, raw, EAR_STR_NONE);
    if (err) return ear_fail(diag, err, "a text of %zu bytes: %s", raw.len, ear_err_text(err));
    struct ear_str rest = ear_buf_str(&t->text.text);
    while (rest.len > 0) {
        ear_letters_cut(rest, &letters);
        rest = (struct ear_str){rest.ptr + letters.read_bytes, rest.len - letters.read_bytes};
        lesson->letters += letters.only ? EAR_LETTERS_MAX : (double)letters.count;
        if (!letters.only && letters.count > 0) count_grams(lesson, &letters, weight);
    }
    return EAR_OK;
}

static ear_err count_talk(struct ear_language_trainer *t, struct lesson *lesson,
                          struct ear_diag *diag)
{
    ear_err err = EAR_OK;
    for (size_t i = 0; i < EAR_COUNT(talks) && !err; i++) {
        if (t->talked[i] || strcmp(lesson->code, talks[i].code) != 0) continue;
        t->talked[i] = true;
        struct ear_str rest = ear_str_from(talks[i].phrases), phrase;
        while (!err && ear_str_split(&rest, '|', &phrase))
            err = count_text(t, lesson, ear_str_trim(phrase), TALK_WEIGHT, diag);
    }
    return err;
}

static bool is_code(struct ear_str code)
{
    if (code.len < 2 || code.len >= EAR_LANGUAGE_BYTES) return false;
    for (size_t i = 0; i < code.len; i++)
        if (code.ptr[i] < 'a' || code.ptr[i] > 'z') return false;
    return true;
}

ear_err ear_language_trainer_add(struct ear_language_trainer *t, struct ear_str code,
                                 struct ear_str text, struct ear_diag *diag)
{
    if (!is_code(code))
        return ear_fail(diag, EAR_INVALID, "language \"%.*s\" is not a code of ISO 639",
                        EAR_STR_ARG(code));
    struct lesson *lesson = lesson_of(t, code);
    if (!lesson) return ear_fail(diag, EAR_TOO_LARGE, "more than %d languages", LESSONS_MAX);
    ear_buf_reset(&t->mended);
    ear_err err = ear_mojibake_mend(text, &t->mended);
    if (err) return ear_fail(diag, err, "a text of %zu bytes: %s", text.len, ear_err_text(err));
    err = count_text(t, lesson, ear_buf_str(&t->mended), 1, diag);
    return err ? err : count_talk(t, lesson, diag);
}

ear_err ear_language_trainer_add_own(struct ear_language_trainer *t, struct ear_diag *diag)
{
    ear_err err = EAR_OK;
    for (size_t i = 0; i < EAR_COUNT(words) && !err; i++)
        err = ear_language_trainer_add(t, ear_str_from(words[i].code),
                                       ear_str_from(words[i].phrases), diag);
    return err;
}

static float prior_of(const char *code)
{
    for (size_t i = 0; i < EAR_COUNT(priors); i++)
        if (strcmp(code, priors[i].code) == 0) return priors[i].nats;
    return 0;
}

/* The columns of a script: languages that are written in it, not such as only quote it. */
static ear_err choose_columns(const struct ear_language_trainer *t, ear_lettered script,
                              struct ear_language_layout *layout, const struct tally **columns,
                              struct ear_diag *diag)
{
    size_t count = 0;
    for (size_t i = 0; i < t->lesson_count; i++) {
        const struct lesson *lesson = &t->lessons[i];
        const struct tally *tally = &lesson->tally[script];
        if (tally->total < lesson->letters * WRITTEN_SHARE || !tally->grams) continue;
        if (count == EAR_LANGUAGE_COLUMNS)
            return ear_fail(diag, EAR_TOO_LARGE, "more than %d languages of one script",
                            EAR_LANGUAGE_COLUMNS);
        memcpy(layout->codes[script][count], lesson->code, sizeof lesson->code);
        layout->prior[script][count] = prior_of(lesson->code);
        columns[count++] = tally;
    }
    return EAR_OK;
}

/* A number in [0, 1) that belongs to a cell. A count of 1 is the same number of nats all over a
 * language; rounded alike everywhere it would lean that whole language to one side. */
static float dither(size_t cell)
{
    uint32_t z = (uint32_t)cell * UINT32_C(2654435761);
    z = (z ^ z >> 15) * UINT32_C(0x85EBCA6B);
    return (float)((z ^ z >> 13) >> 8) / 16777216.0f;
}

/* Steps above what a language scores that never has the gram; the least of a row is 0. */
static void row_steps(const struct tally *const *columns, size_t row,
                      uint8_t steps[EAR_LANGUAGE_COLUMNS])
{
    float nats[EAR_LANGUAGE_COLUMNS], least = INFINITY;
    size_t count = 0;
    for (; count < EAR_LANGUAGE_COLUMNS && columns[count]; count++) {
        double share = (double)columns[count]->grams[row] / columns[count]->total;
        nats[count] = logf((float)share * GRAMS_SCALED + SMOOTHING);
        if (nats[count] < least) least = nats[count];
    }
    memset(steps, 0, EAR_LANGUAGE_COLUMNS);
    for (size_t i = 0; i < count; i++) {
        float q = floorf((nats[i] - least) / STEP_NATS + dither(row * EAR_LANGUAGE_COLUMNS + i));
        steps[i] = q > 15 ? 15 : (uint8_t)q;
    }
}

static ear_err write_rows(const struct tally *const *columns, uint32_t rows, struct ear_buf *out)
{
    uint8_t steps[EAR_LANGUAGE_COLUMNS], packed[EAR_LANGUAGE_ROW_BYTES];
    ear_err err = EAR_OK;
    for (size_t row = 0; row < rows && !err; row++) {
        row_steps(columns, row, steps);
        for (size_t k = 0; k < EAR_LANGUAGE_ROW_BYTES; k++)
            packed[k] = (uint8_t)(steps[2 * k] | steps[2 * k + 1] << 4);
        err = ear_buf_append(out, packed, sizeof packed);
    }
    return err;
}

static struct ear_language_layout new_layout(void)
{
    struct ear_language_layout layout = {
        .step = STEP_NATS,
        .sharpness = SHARPNESS,
        .unsure_below = UNSURE_BELOW,
        .familiar = FAMILIAR,
    };
    memcpy(layout.magic, EAR_LANGUAGE_MAGIC, sizeof layout.magic);
    uint32_t first = 0;
    for (size_t s = 0; s < EAR_LETTERED; s++) {
        layout.row_first[s] = first;
        layout.row_count[s] = rows_of[s];
        first += rows_of[s];
    }
    return layout;
}

ear_err ear_language_trainer_write(const struct ear_language_trainer *t, struct ear_buf *out,
                                   struct ear_diag *diag)
{
    const struct tally *columns[EAR_LETTERED][EAR_LANGUAGE_COLUMNS] = {0};
    struct ear_language_layout layout = new_layout();
    bool several = false;
    for (ear_lettered s = EAR_LATIN; s < EAR_LETTERED; s++) {
        ear_err err = choose_columns(t, s, &layout, columns[s], diag);
        if (err) return err;
        several = several || columns[s][1];
    }
    if (!several) return ear_fail(diag, EAR_INVALID, "texts of one language teach nothing");
    ear_err err = ear_buf_append(out, &layout, sizeof layout);
    for (ear_lettered s = EAR_LATIN; s < EAR_LETTERED && !err; s++)
        err = write_rows(columns[s], rows_of[s], out);
    return err ? ear_fail(diag, err, "the language table: %s", ear_err_text(err)) : EAR_OK;
}
