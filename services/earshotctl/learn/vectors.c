#include "vectors.h"

#include <math.h>
#include <stdlib.h>

#define WINDOW     5
#define NEGATIVES  5
#define RATE       0.05f
#define TABLE      ((size_t)1 << 20) /* of words to draw as negatives */
#define FREQUENT   1e-3              /* words of a larger share are left out at times */
#define SHORTENING 1e-3              /* words of a larger share get shorter than half */
#define WORDS_MAX  24000
#define END        UINT32_MAX

void ear_vector_texts_init(struct ear_vector_texts *texts)
{
    *texts = (struct ear_vector_texts){.words = ear_map_new()};
    ear_normal_init(&texts->normal);
}

void ear_vector_texts_release(struct ear_vector_texts *texts)
{
    if (!texts->words) return;
    for (size_t i = 0; i < texts->word_count; i++) free((char *)texts->names[i].ptr);
    ear_normal_release(&texts->normal);
    ear_map_free(&texts->words, NULL);
    free(texts->names);
    free(texts->counts);
    free(texts->tokens);
    *texts = (struct ear_vector_texts){0};
}

static void *room_for(void *memory, size_t count, size_t *room, size_t bytes)
{
    if (count < *room) return memory;
    *room = *room ? *room * 2 : 4096;
    memory = realloc(memory, *room * bytes);
    EAR_CHECK(memory != NULL);
    return memory;
}

static uint32_t word_number(struct ear_vector_texts *t, struct ear_str word)
{
    uintptr_t known = (uintptr_t)ear_map_get(t->words, word);
    if (known) return (uint32_t)(known - 1);
    size_t room = t->word_room;
    t->names = room_for(t->names, t->word_count, &room, sizeof *t->names);
    t->counts = room_for(t->counts, t->word_count, &t->word_room, sizeof *t->counts);
    char *copy = ear_alloc(word.len + 1);
    memcpy(copy, word.ptr, word.len);
    t->names[t->word_count] = (struct ear_str){copy, word.len};
    t->counts[t->word_count] = 0;
    (void)ear_map_put(t->words, word, (void *)(uintptr_t)(t->word_count + 1));
    return (uint32_t)t->word_count++;
}

static void add_token(struct ear_vector_texts *t, uint32_t token)
{
    t->tokens = room_for(t->tokens, t->token_count, &t->token_room, sizeof *t->tokens);
    t->tokens[t->token_count++] = token;
}

void ear_vector_texts_add(struct ear_vector_texts *texts, struct ear_str text)
{
    ear_normalise(&texts->normal, text, EAR_STR_NONE);
    for (size_t i = 0; i < texts->normal.token_count; i++) {
        const struct ear_normal_token *token = &texts->normal.tokens[i];
        if (token->kind == EAR_TOKEN_NUMBER || token->kind == EAR_TOKEN_MARK ||
            token->text.len > 40)
            continue;
        uint32_t word = word_number(texts, token->text);
        texts->counts[word]++;
        add_token(texts, word);
    }
    add_token(texts, END);
}

/* ---- learning ---- */

struct skipgram {
    const struct ear_vector_options *options;
    size_t dims, count;
    const struct ear_str *names;
    uint32_t *numbers; /* new number of each word, END: too rare */
    uint32_t *words;   /* and back */
    double *shares;
    uint32_t *tokens;
    size_t token_count;
    uint32_t *table;
    float *in, *out;
    uint64_t state;
};

static uint32_t draw(struct skipgram *s)
{
    s->state ^= s->state << 13;
    s->state ^= s->state >> 7;
    s->state ^= s->state << 17;
    return (uint32_t)(s->state >> 32);
}

struct ranked {
    uint32_t count, word;
};

static int most_first(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return (x->word > y->word) - (x->word < y->word);
}

static void choose_words(struct skipgram *s, const struct ear_vector_texts *texts)
{
    struct ranked *ranked = ear_alloc((texts->word_count + 1) * sizeof *ranked);
    double all = 0;
    for (size_t i = 0; i < texts->word_count; i++) {
        ranked[i] = (struct ranked){texts->counts[i], (uint32_t)i};
        s->numbers[i] = END;
        all += texts->counts[i];
    }
    qsort(ranked, texts->word_count, sizeof *ranked, most_first);
    while (s->count < texts->word_count && s->count < WORDS_MAX &&
           ranked[s->count].count >= s->options->count_min) {
        s->numbers[ranked[s->count].word] = (uint32_t)s->count;
        s->words[s->count] = ranked[s->count].word;
        s->shares[s->count] = ranked[s->count].count / all;
        s->count++;
    }
    free(ranked);
}

static void fill_table(struct skipgram *s)
{
    double sum = 0, reached = 0;
    for (size_t i = 0; i < s->count; i++) sum += pow(s->shares[i], 0.75);
    for (size_t i = 0, at = 0; i < s->count; i++) {
        reached += pow(s->shares[i], 0.75) / sum;
        while (at < TABLE && (double)at < reached * (double)TABLE) s->table[at++] = (uint32_t)i;
    }
}

static void begin(struct skipgram *s, const struct ear_vector_texts *texts)
{
    s->numbers = ear_alloc((texts->word_count + 1) * sizeof *s->numbers);
    s->words = ear_alloc((texts->word_count + 1) * sizeof *s->words);
    s->shares = ear_alloc((texts->word_count + 1) * sizeof *s->shares);
    s->tokens = ear_alloc((texts->token_count + 1) * sizeof *s->tokens);
    s->table = ear_alloc(TABLE * sizeof *s->table);
    choose_words(s, texts);
    fill_table(s);
    s->in = ear_alloc((s->count * s->dims + 1) * sizeof *s->in);
    s->out = ear_alloc((s->count * s->dims + 1) * sizeof *s->out);
    for (size_t i = 0; i < s->count * s->dims; i++)
        s->in[i] = ((float)(draw(s) >> 8) / 16777216.0f - 0.5f) / (float)s->dims;
}

static void end(struct skipgram *s)
{
    free(s->numbers);
    free(s->words);
    free(s->shares);
    free(s->tokens);
    free(s->table);
    free(s->in);
    free(s->out);
}

/* The tokens of one epoch: rare words gone, of frequent ones some. */
static void thin(struct skipgram *s, const struct ear_vector_texts *texts)
{
    s->token_count = 0;
    for (size_t i = 0; i < texts->token_count; i++) {
        uint32_t word = texts->tokens[i] == END ? END : s->numbers[texts->tokens[i]];
        if (texts->tokens[i] != END && word == END) continue;
        if (word != END && s->shares[word] > FREQUENT &&
            sqrt(FREQUENT / s->shares[word]) * 4294967296.0 < (double)draw(s))
            continue;
        s->tokens[s->token_count++] = word;
    }
}

static void push(const struct skipgram *s, const float *centre, float *moved, uint32_t other,
                 float label, float rate)
{
    float *out = s->out + (size_t)other * s->dims, sum = 0;
    for (size_t d = 0; d < s->dims; d++) sum += centre[d] * out[d];
    float step = (label - 1 / (1 + expf(-sum))) * rate;
    for (size_t d = 0; d < s->dims; d++) {
        moved[d] += step * out[d];
        out[d] += step * centre[d];
    }
}

static void learn_pair(struct skipgram *s, uint32_t centre, uint32_t context, float rate)
{
    float moved[EAR_VECTOR_DIMS] = {0}, *in = s->in + (size_t)centre * s->dims;
    push(s, in, moved, context, 1, rate);
    for (int n = 0; n < NEGATIVES; n++) {
        uint32_t other = s->table[draw(s) & (TABLE - 1)];
        if (other != context) push(s, in, moved, other, 0, rate);
    }
    for (size_t d = 0; d < s->dims; d++) in[d] += moved[d];
}

static void learn_at(struct skipgram *s, size_t at, float rate)
{
    size_t reach = 1 + draw(s) % WINDOW;
    for (size_t i = at; i-- > 0 && at - i <= reach && s->tokens[i] != END;)
        learn_pair(s, s->tokens[at], s->tokens[i], rate);
    for (size_t i = at + 1; i < s->token_count && i - at <= reach && s->tokens[i] != END; i++)
        learn_pair(s, s->tokens[at], s->tokens[i], rate);
}

static void learn(struct skipgram *s, const struct ear_vector_texts *texts)
{
    for (unsigned epoch = 0; epoch < s->options->epochs; epoch++) {
        thin(s, texts);
        for (size_t i = 0; i < s->token_count; i++) {
            float done =
                ((float)epoch + (float)i / (float)s->token_count) / (float)s->options->epochs;
            if (s->tokens[i] != END) learn_at(s, i, RATE * fmaxf(1 - done, 1e-3f));
        }
    }
}

/* Common words short; what all have in common taken away. */
static void shape(struct skipgram *s)
{
    double mean[EAR_VECTOR_DIMS] = {0}, sum = 0;
    for (size_t i = 0; i < s->count; i++) {
        sum += s->shares[i];
        for (size_t d = 0; d < s->dims; d++)
            mean[d] += s->shares[i] * (double)s->in[i * s->dims + d];
    }
    for (size_t i = 0; i < s->count; i++)
        for (size_t d = 0; d < s->dims; d++) {
            float *v = &s->in[i * s->dims + d];
            *v = (*v - (float)(mean[d] / sum)) * (float)(SHORTENING / (SHORTENING + s->shares[i]));
        }
}

ear_err ear_vectors_learn(const struct ear_vector_texts *texts,
                          const struct ear_vector_options *options, struct ear_lists *lists,
                          struct ear_buf *section, struct ear_diag *diag)
{
    struct skipgram s = {.options = options,
                         .dims = options->dims,
                         .names = texts->names,
                         .state = options->seed * UINT64_C(0x9E3779B97F4A7C15) + 1};
    begin(&s, texts);
    learn(&s, texts);
    shape(&s);
    ear_err err = ear_vectors_write(s.in, s.count, s.dims, section);
    for (size_t i = 0; !err && i < s.count; i++)
        err = ear_lists_point(lists, texts->names[s.words[i]], (uint16_t)i);
    end(&s);
    return err ? ear_fail(diag, err, "the word vectors: %s", ear_err_text(err)) : EAR_OK;
}
