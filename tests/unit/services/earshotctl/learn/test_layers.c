/* The network's sums: what it says a change would do is what a change does, and what a model file
 * keeps of it reads as it did. */
#include "learn/layers.h"
#include "learn/multiply.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define WORDS   5
#define COLUMNS 3

static const struct ear_layers_shape shape = {
    .words = WORDS, .dims = 16, .filters = 32, .dense = 3, .columns = COLUMNS};

static float draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (float)(*state >> 40) / (1 << 24) - 0.5f;
}

struct net {
    struct ear_layers layers, gradient;
    struct ear_packed packed;
    struct ear_pass pass;
};

static void make(struct net *n)
{
    uint64_t state = 7;
    ear_layers_init(&n->layers, &shape);
    ear_layers_init(&n->gradient, &shape);
    ear_packed_init(&n->packed, &shape);
    ear_pass_init(&n->pass, &shape, EAR_NETWORK_TOKENS);
    for (size_t i = 0; i < n->layers.count; i++) n->layers.vectors[i] = draw(&state);
    ear_packed_fill(&n->packed, &n->layers);
}

static void drop(struct net *n)
{
    ear_layers_release(&n->layers);
    ear_layers_release(&n->gradient);
    ear_packed_release(&n->packed);
    ear_pass_release(&n->pass);
}

static void set_post(struct ear_pass *pass, const uint32_t *words, size_t count)
{
    pass->length = count;
    for (size_t i = 0; i < count; i++) {
        pass->words[i] = words[i];
        pass->negated[i] = i % 2;
    }
}

/* A loss that is a sum of the scores, each with its own slope. */
static const float slopes[COLUMNS] = {0.7f, -1.1f, 0.4f};

static double loss_of(struct net *n, bool home)
{
    float scores[COLUMNS];
    double loss = 0;
    ear_packed_fill(&n->packed, &n->layers);
    ear_layers_read(&n->layers, &n->packed, &n->pass);
    for (size_t i = 0; i < shape.dense; i++)
        n->pass.inputs[ear_layers_responses(&shape) + i] = 0.3f * (float)(i + 1);
    ear_layers_score(&n->layers, &n->pass, home, 0, COLUMNS, scores);
    for (size_t k = 0; k < COLUMNS; k++) loss += (double)slopes[k] * (double)scores[k];
    return loss;
}

/* Which windows were strongest, and which responses count: where a step changes that, the loss has
 * a corner. */
struct corner {
    uint32_t windows[EAR_NETWORK_WIDTHS * 32];
    bool counts[EAR_NETWORK_WIDTHS * 32];
};

static struct corner corner_of(const struct net *n)
{
    struct corner c;
    memcpy(c.windows, n->pass.windows, sizeof c.windows);
    for (size_t i = 0; i < ear_layers_responses(&shape); i++) c.counts[i] = n->pass.inputs[i] > 0;
    return c;
}

static void check_slopes(struct net *n, bool home)
{
    size_t moved = 0, corners = 0, checked = 0;
    memset(n->gradient.vectors, 0, n->gradient.count * sizeof(float));
    memset(n->pass.blame, 0, ear_layers_inputs(&shape) * sizeof(float));
    (void)loss_of(n, home);
    ear_layers_blame(&n->layers, &n->pass, home, 0, COLUMNS, slopes, &n->gradient);
    ear_layers_return(&n->layers, &n->pass, &n->gradient);
    for (size_t i = 0; i < n->layers.count; i += 7) {
        float was = n->layers.vectors[i], step = 1e-3f;
        n->layers.vectors[i] = was + step;
        double up = loss_of(n, home);
        struct corner above = corner_of(n);
        n->layers.vectors[i] = was - step;
        double down = loss_of(n, home), slope = (up - down) / (2 * (double)step);
        n->layers.vectors[i] = was;
        double said = (double)n->gradient.vectors[i];
        struct corner below = corner_of(n);
        bool corner = memcmp(&above, &below, sizeof above) != 0;
        checked++;
        corners += corner;
        moved += fabs(slope) > 0.01;
        if (!corner && fabs(slope - said) > 0.02 + 0.02 * fabs(slope))
            fail_msg("parameter %zu: a change does %.4f, not %.4f", i, slope, said);
    }
    assert_true(moved > 100 && corners < checked / 20);
}

static void test_layers__blame_is_what_a_change_does(void **state)
{
    static const uint32_t posts[][4] = {{0, 1, 2, 3}, {4, 4, WORDS, 1}};
    struct net n;
    (void)state;
    make(&n);
    for (size_t i = 0; i < 2; i++)
        for (size_t words = 1; words <= 4; words += 3) {
            set_post(&n.pass, posts[i], words);
            check_slopes(&n, i);
        }
    drop(&n);
}

static void test_layers__no_word_answers_nothing(void **state)
{
    struct net n;
    (void)state;
    make(&n);
    n.pass.length = 0;
    n.pass.inputs[0] = 1;
    ear_layers_read(&n.layers, &n.packed, &n.pass);
    for (size_t i = 0; i < ear_layers_responses(&shape); i++)
        assert_float_equal(n.pass.inputs[i], 0, 0);
    drop(&n);
}

/* ---- as the file has it ---- */

static const char *const texts[] = {
    "late parcel again",
    "late",
    "parcel again and again and nothing at all, not a word, late late late",
    "I do not want a late parcel",
    "nothing known",
    "",
};

static void learn_words(struct ear_vocabulary *v, struct ear_normal *normal)
{
    ear_normalise(normal, EAR_STR("late parcel again want not"), EAR_STR_NONE);
    assert_int_equal(normal->token_count, WORDS);
    ear_vocabulary_init(v);
    ear_vocabulary_add(v, normal);
}

/* The words of a post by what the vocabulary calls them. */
static void hear(struct ear_pass *pass, const struct ear_vocabulary *v,
                 const struct ear_normal *normal)
{
    pass->length = normal->token_count;
    for (size_t i = 0; i < normal->token_count; i++) {
        uintptr_t known = (uintptr_t)ear_map_get(v->numbers, normal->tokens[i].text);
        pass->words[i] = known ? (uint32_t)known - 1 : ear_layers_unknown(&shape);
        pass->negated[i] = normal->tokens[i].negated;
    }
}

static void check_text(struct net *n, const struct ear_network *file,
                       const struct ear_vocabulary *v, const struct ear_normal *normal)
{
    float said[EAR_NETWORK_WIDTHS * EAR_NETWORK_FILTERS];
    size_t heard = 0;
    hear(&n->pass, v, normal);
    ear_layers_read(&n->layers, &n->packed, &n->pass);
    ear_network_read(file, normal, said);
    for (size_t i = 0; i < ear_layers_responses(&shape); i++) {
        /* A window is three words, each rounded by half a step, twice where it is negated. */
        float width = file->scale[i] * 3.5f;
        heard += said[i] > 0;
        if (fabsf(said[i] - n->pass.inputs[i]) > width)
            fail_msg("\"%.*s\" response %zu: %.4f in the file, %.4f before",
                     EAR_STR_ARG(normal->raw), i, (double)said[i], (double)n->pass.inputs[i]);
    }
    assert_true(heard > 0 || !normal->token_count);
}

static void test_layers__file_says_the_same(void **state)
{
    struct net n;
    struct ear_vocabulary v;
    struct ear_normal normal;
    struct ear_buf section;
    struct ear_network file;
    struct ear_diag diag = {.text = ""};
    uint32_t places[WORDS] = {0, 1, 2, 3, 4};
    (void)state;
    make(&n);
    ear_normal_init(&normal);
    learn_words(&v, &normal);
    ear_buf_init(&section, 1 << 20);
    struct ear_network_learned learned = {n.layers, n.packed, places};
    assert_int_equal(ear_multiply(&learned, &v, &section), EAR_OK);
    void *bytes = aligned_alloc(64, (section.len + 63) / 64 * 64);
    memcpy(bytes, section.data, section.len);
    if (ear_network_open((struct ear_str){bytes, section.len}, &file, &diag))
        fail_msg("%s", diag.text);
    assert_int_equal(ear_network_outputs(&file), ear_layers_responses(&shape));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ear_normalise(&normal, ear_str_from(texts[i]), EAR_STR_NONE);
        check_text(&n, &file, &v, &normal);
    }
    free(bytes);
    ear_buf_release(&section);
    ear_vocabulary_release(&v);
    ear_normal_release(&normal);
    drop(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers__blame_is_what_a_change_does),
        cmocka_unit_test(test_layers__no_word_answers_nothing),
        cmocka_unit_test(test_layers__file_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
