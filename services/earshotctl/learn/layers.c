#include "layers.h"

#include "model/simd.h"
#include <stdlib.h>

#define LANE   EAR_LAYERS_LANE
#define BLOCK  32 /* projected sums that are kept in registers */
#define WIDTHS EAR_NETWORK_WIDTHS
#define PLACES EAR_NETWORK_PLACES

/* The first place of a width (0: of one word) among all. */
static size_t first_place(size_t width)
{
    return width * (width + 1) / 2;
}

/* Where the weights of a filter begin. */
static size_t filter_at(const struct ear_layers_shape *s, size_t width, size_t filter)
{
    return (first_place(width) * s->filters + filter * (width + 1)) * s->dims;
}

void ear_layers_init(struct ear_layers *layers, const struct ear_layers_shape *s)
{
    EAR_CHECK(s->dims % LANE == 0 && s->filters % LANE == 0);
    size_t vectors = (s->words + 2) * s->dims, filters = PLACES * s->filters * s->dims;
    size_t bias = ear_layers_responses(s), weights = s->columns * ear_layers_inputs(s);
    size_t count = vectors + filters + bias + weights + s->columns + weights;
    *layers = (struct ear_layers){
        .shape = *s, .count = count, .vectors = ear_alloc(count * sizeof(float))};
    layers->filters = layers->vectors + vectors;
    layers->bias = layers->filters + filters;
    layers->shared = layers->bias + bias;
    layers->offsets = layers->shared + weights;
    layers->own = layers->offsets + s->columns;
}

void ear_layers_release(struct ear_layers *layers)
{
    free(layers->vectors);
    *layers = (struct ear_layers){0};
}

void ear_packed_init(struct ear_packed *packed, const struct ear_layers_shape *s)
{
    packed->filters = ear_alloc(PLACES * s->filters * s->dims * sizeof *packed->filters);
}

void ear_packed_release(struct ear_packed *packed)
{
    free(packed->filters);
}

void ear_pass_init(struct ear_pass *pass, const struct ear_layers_shape *s, size_t words_max)
{
    size_t words = words_max + 1, inputs = ear_layers_inputs(s);
    *pass = (struct ear_pass){.words = ear_alloc(words * sizeof(uint32_t)),
                              .negated = ear_alloc(words),
                              .x = ear_alloc(words * s->dims * sizeof(float)),
                              .x_blame = ear_alloc(words * s->dims * sizeof(float)),
                              .projected = ear_alloc(words * PLACES * s->filters * sizeof(float)),
                              .windows = ear_alloc(ear_layers_responses(s) * sizeof(uint32_t)),
                              .inputs = ear_alloc(inputs * sizeof(float)),
                              .blame = ear_alloc(inputs * sizeof(float))};
}

void ear_pass_release(struct ear_pass *pass)
{
    free(pass->words);
    free(pass->negated);
    free(pass->x);
    free(pass->x_blame);
    free(pass->projected);
    free(pass->windows);
    free(pass->inputs);
    free(pass->blame);
}

/* ---- forward ---- */

/* [block][dim][column of the block], where a column is a filter at a place. */
void ear_packed_fill(struct ear_packed *packed, const struct ear_layers *layers)
{
    const struct ear_layers_shape *s = &layers->shape;
    for (size_t width = 0; width < WIDTHS; width++)
        for (size_t place = 0; place <= width; place++)
            for (size_t filter = 0; filter < s->filters; filter++) {
                size_t column = (first_place(width) + place) * s->filters + filter;
                const float *from = layers->filters + filter_at(s, width, filter) + place * s->dims;
                float *to = packed->filters + column / BLOCK * BLOCK * s->dims + column % BLOCK;
                for (size_t d = 0; d < s->dims; d++) to[d * BLOCK] = from[d];
            }
}

EAR_CLONES void ear_layers_project(const struct ear_layers *layers, const struct ear_packed *packed,
                                   const float *restrict vectors, size_t count, float *restrict out)
{
    const size_t dims = layers->shape.dims, columns = PLACES * layers->shape.filters;
    for (size_t column = 0; column < columns; column += BLOCK)
        for (size_t i = 0; i < count; i++) {
            const float *restrict weight = packed->filters + column * dims;
            float sum[BLOCK] = {0};
            for (size_t d = 0; d < dims; d++, weight += BLOCK) {
                float x = vectors[i * dims + d];
                for (size_t k = 0; k < BLOCK; k++) sum[k] += x * weight[k];
            }
            for (size_t k = 0; k < BLOCK; k++) out[i * columns + column + k] = sum[k];
        }
}

static void gather(const struct ear_layers *layers, struct ear_pass *pass)
{
    const size_t dims = layers->shape.dims;
    const float *negated = layers->vectors + ear_layers_negated(&layers->shape) * dims;
    for (size_t i = 0; i < pass->length; i++) {
        float *x = pass->x + i * dims;
        memcpy(x, layers->vectors + pass->words[i] * dims, dims * sizeof *x);
        for (size_t d = 0; pass->negated[i] && d < dims; d++) x[d] += negated[d];
    }
}

/* A lane of filters of one width over all windows; the first begins `width` words before the post.
 */
EAR_CLONES static void find_strongest(const float *restrict projected, size_t stride, size_t length,
                                      size_t width, size_t filters, float *restrict best,
                                      uint32_t *restrict window)
{
    for (size_t k = 0; k < LANE; k++) best[k] = -1e30f;
    for (uint32_t t = 0; t < length + width; t++) {
        float sum[LANE] = {0};
        for (size_t place = 0; place <= width; place++) {
            size_t word = t + place - width; /* beyond either end: not below length */
            if (word >= length) continue;
            const float *restrict from = projected + word * stride + place * filters;
            for (size_t k = 0; k < LANE; k++) sum[k] += from[k];
        }
        for (size_t k = 0; k < LANE; k++) {
            window[k] = sum[k] > best[k] ? t : window[k];
            best[k] = sum[k] > best[k] ? sum[k] : best[k];
        }
    }
}

void ear_layers_read(const struct ear_layers *layers, const struct ear_packed *packed,
                     struct ear_pass *pass)
{
    const size_t filters = layers->shape.filters, stride = PLACES * filters;
    if (!pass->length) memset(pass->inputs, 0, WIDTHS * filters * sizeof *pass->inputs);
    if (!pass->length) return;
    gather(layers, pass);
    ear_layers_project(layers, packed, pass->x, pass->length, pass->projected);
    for (size_t width = 0; width < WIDTHS; width++)
        for (size_t filter = 0; filter < filters; filter += LANE) {
            size_t at = width * filters + filter;
            find_strongest(pass->projected + first_place(width) * filters + filter, stride,
                           pass->length, width, filters, pass->inputs + at, pass->windows + at);
        }
    for (size_t i = 0; i < ear_layers_responses(&layers->shape); i++)
        pass->inputs[i] = ear_more(pass->inputs[i] + layers->bias[i], 0);
}

EAR_CLONES static float dot(const float *restrict a, const float *restrict b, size_t count)
{
    float part[LANE] = {0}, sum = 0;
    for (size_t i = 0; i < count; i += LANE)
        for (size_t k = 0; k < LANE; k++) part[k] += a[i + k] * b[i + k];
    for (size_t k = 0; k < LANE; k++) sum += part[k];
    return sum;
}

void ear_layers_score(const struct ear_layers *layers, const struct ear_pass *pass, bool home,
                      size_t first, size_t count, float *scores)
{
    const size_t inputs = ear_layers_inputs(&layers->shape);
    for (size_t k = 0; k < count; k++) {
        size_t at = (first + k) * inputs;
        scores[k] = layers->offsets[first + k] + dot(layers->shared + at, pass->inputs, inputs);
        if (home) scores[k] += dot(layers->own + at, pass->inputs, inputs);
    }
}

/* ---- backward ---- */

EAR_CLONES static void add_scaled(float *restrict to, const float *restrict from, float factor,
                                  size_t count)
{
    for (size_t i = 0; i < count; i++) to[i] += factor * from[i];
}

void ear_layers_blame(const struct ear_layers *layers, struct ear_pass *pass, bool home,
                      size_t first, size_t count, const float *slopes, struct ear_layers *gradient)
{
    const size_t inputs = ear_layers_inputs(&layers->shape);
    for (size_t k = 0; k < count; k++) {
        size_t at = (first + k) * inputs;
        gradient->offsets[first + k] += slopes[k];
        add_scaled(gradient->shared + at, pass->inputs, slopes[k], inputs);
        add_scaled(pass->blame, layers->shared + at, slopes[k], inputs);
        if (!home) continue;
        add_scaled(gradient->own + at, pass->inputs, slopes[k], inputs);
        add_scaled(pass->blame, layers->own + at, slopes[k], inputs);
    }
}

/* One filter, at the window where it was strongest. */
EAR_CLONES static void return_filter(const struct ear_pass *pass, size_t dims, size_t width,
                                     size_t window, float slope, const float *restrict weights,
                                     float *restrict gradient)
{
    for (size_t place = 0; place <= width; place++) {
        size_t word = window + place - width;
        if (word >= pass->length) continue;
        const float *restrict x = pass->x + word * dims, *restrict weight = weights + place * dims;
        float *restrict blame = pass->x_blame + word * dims, *restrict to = gradient + place * dims;
        for (size_t d = 0; d < dims; d++) to[d] += slope * x[d];
        for (size_t d = 0; d < dims; d++) blame[d] += slope * weight[d];
    }
}

static void return_words(const struct ear_layers *layers, const struct ear_pass *pass,
                         struct ear_layers *gradient)
{
    const size_t dims = layers->shape.dims;
    float *negated = gradient->vectors + ear_layers_negated(&layers->shape) * dims;
    for (size_t i = 0; i < pass->length; i++) {
        const float *blame = pass->x_blame + i * dims;
        add_scaled(gradient->vectors + pass->words[i] * dims, blame, 1, dims);
        if (pass->negated[i]) add_scaled(negated, blame, 1, dims);
    }
}

void ear_layers_return(const struct ear_layers *layers, struct ear_pass *pass,
                       struct ear_layers *gradient)
{
    const struct ear_layers_shape *s = &layers->shape;
    memset(pass->x_blame, 0, pass->length * s->dims * sizeof *pass->x_blame);
    for (size_t width = 0; width < WIDTHS; width++)
        for (size_t filter = 0; filter < s->filters; filter++) {
            size_t i = width * s->filters + filter, at = filter_at(s, width, filter);
            if (pass->inputs[i] <= 0 || pass->blame[i] == 0) continue;
            gradient->bias[i] += pass->blame[i];
            return_filter(pass, s->dims, width, pass->windows[i], pass->blame[i],
                          layers->filters + at, gradient->filters + at);
        }
    return_words(layers, pass, gradient);
}
