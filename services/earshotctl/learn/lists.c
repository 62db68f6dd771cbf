#include "lists.h"

#include "base/base.h"
#include <math.h>
#include <stdlib.h>

#define WORD_BYTES 64

void ear_lists_init(struct ear_lists *lists)
{
    *lists = (struct ear_lists){.words = ear_map_new()};
    ear_text_init(&lists->work, 4096);
}

void ear_lists_release(struct ear_lists *lists)
{
    ear_map_free(&lists->words, free);
    ear_text_release(&lists->work);
}

/* The one token of the entry as the normaliser leaves it; false where there is another. */
static bool one_token(struct ear_lists *lists, struct ear_str entry, struct ear_str *word)
{
    struct ear_token token, more;
    if (ear_text_normalise(&lists->work, entry, EAR_STR_NONE)) return false;
    struct ear_str rest = ear_buf_str(&lists->work.text);
    if (!ear_text_next(&rest, &token) || ear_text_next(&rest, &more)) return false;
    *word = token.text;
    return word->len && word->len < WORD_BYTES;
}

static struct ear_score *entry_of(struct ear_lists *lists, struct ear_str word)
{
    struct ear_score *score = ear_map_get(lists->words, word);
    if (score) return score;
    score = ear_alloc(sizeof *score + word.len + 1);
    char *copy = (char *)(score + 1);
    memcpy(copy, word.ptr, word.len);
    score->word = (struct ear_str){copy, word.len};
    score->vector = EAR_NO_VECTOR;
    (void)ear_map_put(lists->words, score->word, score);
    lists->count++;
    return score;
}

static bool number_of(struct ear_str cell, double *out)
{
    char text[32], *end;
    if (!ear_str_copy(text, sizeof text, ear_str_trim(cell)) || !*text) return false;
    *out = strtod(text, &end);
    return !*end && isfinite(*out);
}

static int8_t bounded(double value)
{
    return (int8_t)lround(fmax(-127, fmin(127, value)));
}

ear_err ear_lists_read(struct ear_lists *lists, const char *path, struct ear_str content,
                       ear_score_channel channel, double scale, struct ear_diag *diag)
{
    struct ear_str line, entry, number, word;
    size_t at = 0;
    double value;
    while (ear_str_split(&content, '\n', &line)) {
        if (++at == 1 || !line.len) continue;
        if (!ear_str_split(&line, '\t', &entry) || !ear_str_split(&line, '\t', &number) ||
            !number_of(number, &value))
            return ear_fail(diag, EAR_INVALID, "%s:%zu: not a word, a tab and a number", path, at);
        if (!one_token(lists, entry, &word)) continue;
        if (!ear_map_get(lists->words, word) && lists->count == EAR_SCORES_MAX)
            return ear_fail(diag, EAR_TOO_LARGE, "%s:%zu: more than %d words in all lists", path,
                            at, EAR_SCORES_MAX);
        entry_of(lists, word)->channel[channel] = bounded(value * scale);
    }
    return EAR_OK;
}

struct gathering {
    struct ear_score *all;
    size_t count;
};

static bool gather(void *self, struct ear_str key, void *value)
{
    struct gathering *g = self;
    (void)key;
    g->all[g->count++] = *(const struct ear_score *)value;
    return true;
}

static int by_word(const void *a, const void *b)
{
    struct ear_str x = ((const struct ear_score *)a)->word, y = ((const struct ear_score *)b)->word;
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

ear_err ear_lists_write(const struct ear_lists *lists, struct ear_buf *out, struct ear_diag *diag)
{
    struct gathering g = {.all = ear_alloc((lists->count + 1) * sizeof *g.all)};
    ear_map_each(lists->words, gather, &g);
    qsort(g.all, g.count, sizeof *g.all, by_word);
    ear_err err = ear_scores_write(g.all, g.count, out);
    free(g.all);
    return err ? ear_fail(diag, err, "the word lists: %s", ear_err_text(err)) : EAR_OK;
}
