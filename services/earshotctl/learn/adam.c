#include "adam.h"

#include "model/simd.h"
#include <math.h>
#include <stdlib.h>

#define KEEP_MEAN   0.9f
#define KEEP_SQUARE 0.99f
#define PULL        1e-4f /* of filters and weights towards 0 */
#define OWN_PULL    1e-3f /* of what examples at home have of their own */
#define WORD_PACE   0.5f

#if defined(__GNUC__) && !defined(__clang__)
#define NO_ERRNO __attribute__((optimize("no-math-errno")))
#else
#define NO_ERRNO
#endif

void ear_adam_init(struct ear_adam *adam, struct ear_layers *layers, struct ear_layers *gradient)
{
    size_t words = layers->shape.words + 2;
    *adam = (struct ear_adam){.layers = layers,
                              .gradient = gradient,
                              .touched = ear_alloc(words * sizeof *adam->touched),
                              .is_touched = ear_alloc(words)};
    ear_layers_init(&adam->mean, &layers->shape);
    ear_layers_init(&adam->square, &layers->shape);
}

void ear_adam_release(struct ear_adam *adam)
{
    ear_layers_release(&adam->mean);
    ear_layers_release(&adam->square);
    free(adam->touched);
    free(adam->is_touched);
}

static void touch(struct ear_adam *adam, uint32_t word)
{
    if (adam->is_touched[word]) return;
    adam->is_touched[word] = true;
    adam->touched[adam->touched_count++] = word;
}

void ear_adam_touch(struct ear_adam *adam, const struct ear_pass *pass)
{
    for (size_t i = 0; i < pass->length; i++) {
        touch(adam, pass->words[i]);
        if (pass->negated[i]) touch(adam, ear_layers_negated(&adam->layers->shape));
    }
}

struct pace {
    float rate, pull;
    float mean_scale, square_scale; /* make up for moments that began at 0 */
};

/* Parameters [first, first + count) of the block. */
EAR_CLONES NO_ERRNO static void move(float *restrict value, float *restrict gradient,
                                     float *restrict mean, float *restrict square, size_t count,
                                     struct pace pace)
{
    for (size_t i = 0; i < count; i++) {
        float g = gradient[i];
        gradient[i] = 0;
        mean[i] = KEEP_MEAN * mean[i] + (1 - KEEP_MEAN) * g;
        square[i] = KEEP_SQUARE * square[i] + (1 - KEEP_SQUARE) * g * g;
        float step = mean[i] * pace.mean_scale / (sqrtf(square[i] * pace.square_scale) + 1e-6f);
        value[i] -= pace.rate * (step + pace.pull * value[i]);
    }
}

static void move_part(struct ear_adam *adam, const float *part, size_t count, struct pace pace)
{
    size_t at = (size_t)(part - adam->layers->vectors);
    move(adam->layers->vectors + at, adam->gradient->vectors + at, adam->mean.vectors + at,
         adam->square.vectors + at, count, pace);
}

void ear_adam_step(struct ear_adam *adam, float rate)
{
    const struct ear_layers *l = adam->layers;
    float steps = (float)++adam->steps;
    struct pace plain = {.rate = rate,
                         .mean_scale = 1 / (1 - powf(KEEP_MEAN, steps)),
                         .square_scale = 1 / (1 - powf(KEEP_SQUARE, steps))};
    struct pace pulled = plain, own = plain, words = plain;
    pulled.pull = PULL;
    own.pull = OWN_PULL;
    words.rate *= WORD_PACE;
    move_part(adam, l->filters, (size_t)(l->bias - l->filters), pulled);
    move_part(adam, l->bias, (size_t)(l->shared - l->bias), plain);
    move_part(adam, l->shared, (size_t)(l->offsets - l->shared), pulled);
    move_part(adam, l->offsets, (size_t)(l->own - l->offsets), plain);
    move_part(adam, l->own, (size_t)(l->vectors + l->count - l->own), own);
    for (size_t i = 0; i < adam->touched_count; i++) {
        uint32_t word = adam->touched[i];
        adam->is_touched[word] = false;
        move_part(adam, l->vectors + word * l->shape.dims, l->shape.dims, words);
    }
    adam->touched_count = 0;
}
