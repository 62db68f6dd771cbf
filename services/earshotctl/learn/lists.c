#include "lists.h"

#include "model/model.h"
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

/* Words are told apart by "fr mot"; of any language by " mot". */
static struct ear_score *entry_of(struct ear_lists *lists, struct ear_str language,
                                  struct ear_str word)
{
    char bytes[EAR_MODEL_LANG_BYTES + WORD_BYTES];
    memcpy(bytes, language.ptr, language.len);
    bytes[language.len] = ' ';
    memcpy(bytes + language.len + 1, word.ptr, word.len);
    struct ear_str key = {bytes, language.len + 1 + word.len};
    struct ear_score *score = ear_map_get(lists->words, key);
    if (score || lists->count == EAR_SCORES_MAX) return score;
    score = ear_alloc(sizeof *score + word.len + 1);
    char *copy = (char *)(score + 1);
    memcpy(copy, word.ptr, word.len);
    memcpy(score->language, language.ptr, language.len);
    score->word = (struct ear_str){copy, word.len};
    (void)ear_map_put(lists->words, key, score);
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

/* Two or three small letters, as the language of a post is told. */
static bool is_code(struct ear_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < 'a' || s.ptr[i] > 'z') return false;
    return s.len == 2 || s.len == 3;
}

static ear_err check_languages(const struct ear_list *list, struct ear_diag *diag)
{
    struct ear_str rest = list->languages, code;
    while (rest.len && ear_str_split(&rest, ',', &code))
        if (!is_code(code))
            return ear_fail(diag, EAR_INVALID, "%s: no code of a language: \"%.*s\"", list->path,
                            EAR_STR_ARG(code));
    return EAR_OK;
}

/* False where there is no room. */
static bool add_word(struct ear_lists *lists, const struct ear_list *list, struct ear_str word,
                     int8_t value)
{
    struct ear_str rest = list->languages, code = EAR_STR("");
    do {
        if (rest.len) (void)ear_str_split(&rest, ',', &code);
        struct ear_score *entry = entry_of(lists, code, word);
        if (!entry) return false;
        entry->channel[list->channel] = value;
    } while (rest.len);
    return true;
}

ear_err ear_lists_read(struct ear_lists *lists, const struct ear_list *list, struct ear_diag *diag)
{
    struct ear_str rest = list->content, line, entry, number, word;
    size_t at = 0;
    double value;
    ear_err err = check_languages(list, diag);
    while (!err && ear_str_split(&rest, '\n', &line)) {
        if (++at == 1 || !line.len) continue;
        if (!ear_str_split(&line, '\t', &entry) || !ear_str_split(&line, '\t', &number) ||
            !number_of(number, &value))
            return ear_fail(diag, EAR_INVALID, "%s:%zu: not a word, a tab and a number", list->path,
                            at);
        if (one_token(lists, entry, &word) &&
            !add_word(lists, list, word, bounded(value * list->scale)))
            err = ear_fail(diag, EAR_TOO_LARGE, "%s:%zu: more than %d words in all lists",
                           list->path, at, EAR_SCORES_MAX);
    }
    return err;
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

/* Words of any language first, since theirs was the order before there were others. */
static int by_word(const void *a, const void *b)
{
    const struct ear_score *s = a, *t = b;
    struct ear_str x = s->word, y = t->word;
    int order = memcmp(s->language, t->language, sizeof s->language);
    if (!order) order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
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
