#include "skipgram.h"

#include "draw.h"
#include "model/simd.h"
#include <math.h>
#include <stdlib.h>

#define LANE      16
#define DIMS_MAX  256
#define POSTS_MIN 3 /* of a word that has a vector */
#define REACH     5 /* words to either side, at most */
#define STRANGERS 5 /* words drawn by lot, a neighbour */
#define TABLE     ((size_t)1 << 20)
#define COMMON    1e-4f /* a share of all words; of few words an even share */
#define SIZE      0.25f /* root mean square of what comes out */

struct reading {
    const struct ear_vocabulary *vocabulary;
    const struct ear_skipgram_options *options;
    struct ear_word_vectors *out;
    float *company; /* of each word a second vector: what it is as a neighbour */
    size_t *counts; /* by place */
    size_t all;     /* their sum */
    uint32_t *lots; /* words, as often as strangers are drawn */
    float common;   /* what more frequent words have too much is passed over now and then */
    struct ear_draw draw;
};

static void count_words(struct reading *r, const uint32_t *posts, size_t post_count)
{
    for (size_t i = 0; i < post_count; i++) {
        size_t count;
        const struct ear_heard *heard = ear_vocabulary_post(r->vocabulary, posts[i], &count);
        for (size_t k = 0; k < count; k++) {
            uint32_t place = r->out->places[heard[k].word];
            if (place == r->out->count) continue;
            r->counts[place]++;
            r->all++;
        }
    }
}

/* Rare words a little more often than they come. */
static void fill_lots(struct reading *r)
{
    double sum = 0, passed = 0;
    size_t at = 0;
    for (size_t i = 0; i < r->out->count; i++) sum += pow((double)r->counts[i], 0.75);
    for (size_t i = 0; i < r->out->count; i++) {
        passed += pow((double)r->counts[i], 0.75) / sum;
        while (at < TABLE && (double)at < passed * (double)TABLE) r->lots[at++] = (uint32_t)i;
    }
    while (at < TABLE) r->lots[at++] = (uint32_t)(r->out->count - 1);
}

/* A word and another, which stood beside it (met 1) or was drawn by lot (0). */
EAR_CLONES static void meet(const float *restrict word, float *restrict other,
                            float *restrict change, size_t dims, float met, float rate)
{
    float part[LANE] = {0}, sum = 0;
    for (size_t d = 0; d < dims; d += LANE)
        for (size_t k = 0; k < LANE; k++) part[k] += word[d + k] * other[d + k];
    for (size_t k = 0; k < LANE; k++) sum += part[k];
    float step = (met - 1 / (1 + expf(-sum))) * rate;
    for (size_t d = 0; d < dims; d++) {
        change[d] += step * other[d];
        other[d] += step * word[d];
    }
}

static void meet_neighbour(struct reading *r, const float *word, uint32_t neighbour, float rate,
                           float *change)
{
    size_t dims = r->out->dims;
    meet(word, r->company + neighbour * dims, change, dims, 1, rate);
    for (int i = 0; i < STRANGERS; i++) {
        uint32_t stranger = r->lots[ear_draw(&r->draw) % TABLE];
        if (stranger == neighbour) continue;
        meet(word, r->company + stranger * dims, change, dims, 0, rate);
    }
}

/* The words of a post that count this time. */
static size_t choose_words(struct reading *r, uint32_t post, uint32_t words[EAR_NETWORK_TOKENS])
{
    size_t count, chosen = 0;
    const struct ear_heard *heard = ear_vocabulary_post(r->vocabulary, post, &count);
    for (size_t i = 0; i < count; i++) {
        uint32_t place = r->out->places[heard[i].word];
        if (place == r->out->count) continue;
        float share = (float)r->counts[place] / (float)r->all, often = r->common / share;
        if (often < 1 && ear_draw_share(&r->draw) > sqrtf(often) + often) continue;
        words[chosen++] = place;
    }
    return chosen;
}

static void read_post(struct reading *r, uint32_t post, float rate)
{
    uint32_t words[EAR_NETWORK_TOKENS];
    size_t count = choose_words(r, post, words), dims = r->out->dims;
    for (size_t i = 0; i < count; i++) {
        float change[DIMS_MAX] = {0}, *word = r->out->vectors + words[i] * dims;
        size_t reach = 1 + ear_draw(&r->draw) % REACH;
        for (size_t k = i > reach ? i - reach : 0; k < count && k <= i + reach; k++)
            if (k != i) meet_neighbour(r, word, words[k], rate, change);
        for (size_t d = 0; d < dims; d++) word[d] += change[d];
    }
}

static void read_all(struct reading *r, const uint32_t *posts, size_t post_count)
{
    uint32_t *order = ear_alloc((post_count + 1) * sizeof *order);
    size_t total = r->options->epochs * post_count, done = 0;
    memcpy(order, posts, post_count * sizeof *order);
    for (unsigned epoch = 0; epoch < r->options->epochs; epoch++) {
        ear_draw_order(&r->draw, order, post_count);
        for (size_t i = 0; i < post_count; i++, done++) {
            float left = 1 - (float)done / (float)total;
            read_post(r, order[i], r->options->rate * left + 1e-4f);
        }
    }
    free(order);
}

static void start(struct reading *r)
{
    size_t count = r->out->count * r->out->dims;
    for (size_t i = 0; i < count; i++)
        r->out->vectors[i] = (ear_draw_share(&r->draw) - 0.5f) / (float)r->out->dims;
}

static void set_size(struct ear_word_vectors *v)
{
    size_t count = v->count * v->dims;
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)v->vectors[i] * (double)v->vectors[i];
    float scale = SIZE / (float)fmax(sqrt(sum / (double)count), 1e-9);
    for (size_t i = 0; i < count; i++) v->vectors[i] *= scale;
}

void ear_skipgram(const struct ear_vocabulary *vocabulary, const uint32_t *posts, size_t post_count,
                  const struct ear_skipgram_options *options, struct ear_word_vectors *out)
{
    struct ear_vocabulary_choice choice = {posts, post_count, POSTS_MIN, options->words};
    EAR_CHECK(options->dims <= DIMS_MAX && options->dims % LANE == 0);
    *out = (struct ear_word_vectors){.dims = options->dims};
    out->places = ear_alloc((vocabulary->word_count + 1) * sizeof *out->places);
    out->count = ear_vocabulary_rank(vocabulary, &choice, out->places);
    if (!out->count) return;
    out->vectors = ear_alloc(out->count * out->dims * sizeof *out->vectors);
    struct reading r = {.vocabulary = vocabulary, .options = options, .out = out};
    r.draw = ear_draw_from(options->seed);
    r.company = ear_alloc(out->count * out->dims * sizeof *r.company);
    r.counts = ear_alloc(out->count * sizeof *r.counts);
    r.lots = ear_alloc(TABLE * sizeof *r.lots);
    r.common = fmaxf(COMMON, 1 / (float)out->count);
    count_words(&r, posts, post_count);
    fill_lots(&r);
    start(&r);
    read_all(&r, posts, post_count);
    set_size(out);
    free(r.company);
    free(r.counts);
    free(r.lots);
}

void ear_word_vectors_release(struct ear_word_vectors *vectors)
{
    free(vectors->places);
    free(vectors->vectors);
    *vectors = (struct ear_word_vectors){0};
}
