#include "network_train.h"

#include "adam.h"
#include "draw.h"
#include <math.h>
#include <stdlib.h>

#define BATCH       32    /* posts a step */
#define POSTS_MIN   3     /* of a word that has a vector */
#define WARM_UP     100   /* steps, or a tenth of all where those are fewer */
#define LAST_RATE   0.05f /* of the rate at the beginning */
#define VECTOR_SIZE 0.1f
#define DENSE_DROP  0.2f /* of dense inputs */

struct training {
    const struct ear_goals *goals;
    const struct ear_network_options *options;
    struct ear_network_learned *network;
    struct ear_layers gradient;
    struct ear_adam adam;
    struct ear_pass pass;
    float *keep; /* of each input: 0, or what makes up for those that are left out */
    uint32_t *rows;
    size_t row_count, steps;
    struct ear_draw draw;
};

static void fill(struct training *t, float *values, size_t count, float deviation)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (ear_draw_share(&t->draw) - 0.5f) * sqrtf(12) * deviation;
}

/* Words that are known from posts without labels begin with what is known of them. */
static void take_words(struct training *t)
{
    const struct ear_word_vectors *known = &t->goals->lessons->words;
    const struct ear_layers *l = &t->network->layers;
    size_t words = known->count ? t->goals->lessons->corpus.vocabulary.word_count : 0;
    for (size_t i = 0; i < words; i++)
        if (known->places[i] < known->count && t->network->places[i] < l->shape.words)
            memcpy(l->vectors + t->network->places[i] * l->shape.dims,
                   known->vectors + known->places[i] * known->dims,
                   known->dims * sizeof *l->vectors);
}

static void start(struct training *t)
{
    struct ear_layers *l = &t->network->layers;
    const struct ear_layers_shape *s = &l->shape;
    float *filters = l->filters;
    fill(t, l->vectors, (s->words + 2) * s->dims, VECTOR_SIZE);
    for (size_t words = 1; words <= EAR_NETWORK_WIDTHS; words++) {
        size_t count = s->filters * words * s->dims;
        fill(t, filters, count, sqrtf(2 / (float)(words * s->dims)));
        filters += count;
    }
    take_words(t);
    ear_packed_fill(&t->network->packed, l);
}

/* ---- one post ---- */

static void set_dense(const struct ear_corpus *corpus, uint32_t row,
                      const struct ear_layers_shape *shape, float *dense)
{
    size_t count;
    const struct ear_cell *cells = ear_matrix_row(&corpus->x, row, &count);
    memset(dense, 0, shape->dense * sizeof *dense);
    for (size_t i = 0; i < count; i++)
        if (cells[i].column >= corpus->x.sparse_columns)
            dense[cells[i].column - corpus->x.sparse_columns] = cells[i].value;
}

/* A word that is left out is gone or unknown. */
static void set_words(struct training *t, uint32_t row)
{
    size_t count;
    const struct ear_heard *heard =
        ear_vocabulary_post(&t->goals->lessons->corpus.vocabulary, row, &count);
    struct ear_pass *pass = &t->pass;
    pass->length = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t place = t->network->places[heard[i].word];
        if (ear_draw_share(&t->draw) < t->options->word_drop) {
            if (ear_draw(&t->draw) & 1) continue;
            place = ear_layers_unknown(&t->network->layers.shape);
        }
        pass->words[pass->length] = place;
        pass->negated[pass->length++] = heard[i].negated;
    }
}

static void drop_inputs(struct training *t)
{
    const struct ear_layers_shape *s = &t->network->layers.shape;
    size_t responses = ear_layers_responses(s);
    for (size_t i = 0; i < responses + s->dense; i++) {
        float drop = i < responses ? t->options->drop : DENSE_DROP;
        t->keep[i] = ear_draw_share(&t->draw) < drop ? 0 : 1 / (1 - drop);
        t->pass.inputs[i] *= t->keep[i];
    }
}

static void learn_goals(struct training *t, uint32_t row)
{
    const struct ear_goals *goals = t->goals;
    float scores[EAR_MODEL_LABELS_MAX], slopes[EAR_MODEL_LABELS_MAX];
    for (size_t i = goals->starts[row]; i < goals->starts[row + 1]; i++) {
        const struct ear_goal *goal = &goals->all[i];
        const struct ear_goal_head *head = &goals->heads[goal->head];
        ear_layers_score(&t->network->layers, &t->pass, goal->home, head->first, head->columns,
                         scores);
        ear_goal_slopes(head, goal, scores, slopes);
        for (size_t k = 0; k < head->columns; k++) slopes[k] /= BATCH;
        ear_layers_blame(&t->network->layers, &t->pass, goal->home, head->first, head->columns,
                         slopes, &t->gradient);
    }
}

static void learn_post(struct training *t, uint32_t row)
{
    const struct ear_layers *layers = &t->network->layers;
    size_t inputs = ear_layers_inputs(&layers->shape);
    set_words(t, row);
    ear_layers_read(layers, &t->network->packed, &t->pass);
    set_dense(&t->goals->lessons->corpus, row, &layers->shape,
              t->pass.inputs + ear_layers_responses(&layers->shape));
    drop_inputs(t);
    memset(t->pass.blame, 0, inputs * sizeof *t->pass.blame);
    learn_goals(t, row);
    for (size_t i = 0; i < inputs; i++) t->pass.blame[i] *= t->keep[i];
    ear_layers_return(layers, &t->pass, &t->gradient);
    ear_adam_touch(&t->adam, &t->pass);
}

/* ---- all posts ---- */

/* Up at the beginning, then down in a straight line. */
static float rate_of(const struct training *t)
{
    size_t step = t->adam.steps, warm = t->steps / 10 < WARM_UP ? t->steps / 10 : WARM_UP;
    float rate = t->options->rate * (1 - (1 - LAST_RATE) * (float)step / (float)t->steps);
    return step < warm ? rate * (float)(step + 1) / (float)warm : rate;
}

static void learn_epoch(struct training *t)
{
    ear_draw_order(&t->draw, t->rows, t->row_count);
    for (size_t i = 0; i < t->row_count; i++) {
        learn_post(t, t->rows[i]);
        if ((i + 1) % BATCH && i + 1 < t->row_count) continue;
        ear_adam_step(&t->adam, rate_of(t));
        ear_packed_fill(&t->network->packed, &t->network->layers);
    }
}

static void choose_rows(struct training *t, const bool *use)
{
    const struct ear_goals *goals = t->goals;
    t->rows = ear_alloc((goals->lessons->corpus.vocabulary.post_count + 1) * sizeof *t->rows);
    for (size_t row = 0; row < goals->row_count; row++)
        if (use[row] && goals->starts[row] < goals->starts[row + 1])
            t->rows[t->row_count++] = (uint32_t)row;
    t->steps = t->options->epochs * ((t->row_count + BATCH - 1) / BATCH);
}

/* Those of its posts and of texts without labels, which lie behind in the vocabulary. */
static size_t rank_words(struct training *t)
{
    const struct ear_vocabulary *vocabulary = &t->goals->lessons->corpus.vocabulary;
    size_t count = t->row_count;
    for (size_t i = t->goals->row_count; i < vocabulary->post_count; i++)
        t->rows[count++] = (uint32_t)i;
    struct ear_vocabulary_choice choice = {t->rows, count, POSTS_MIN, t->options->words};
    t->network->places = ear_alloc((vocabulary->word_count + 1) * sizeof *t->network->places);
    return ear_vocabulary_rank(vocabulary, &choice, t->network->places);
}

static void make_layers(struct training *t)
{
    const struct ear_corpus *corpus = &t->goals->lessons->corpus;
    struct ear_network_learned *network = t->network;
    struct ear_layers_shape shape = {.dims = t->options->dims,
                                     .filters = t->options->filters,
                                     .dense = corpus->dense_count,
                                     .columns = t->goals->column_count};
    shape.words = rank_words(t);
    ear_layers_init(&network->layers, &shape);
    ear_packed_init(&network->packed, &shape);
    ear_layers_init(&t->gradient, &shape);
    ear_adam_init(&t->adam, &network->layers, &t->gradient);
    ear_pass_init(&t->pass, &shape, EAR_NETWORK_TOKENS);
    t->keep = ear_alloc(ear_layers_inputs(&shape) * sizeof *t->keep);
}

void ear_network_learn(const struct ear_goals *goals, const bool *use,
                       struct ear_network_learned *out)
{
    struct training t = {.goals = goals, .options = &goals->lessons->network, .network = out};
    t.draw = ear_draw_from(goals->lessons->fit.seed);
    choose_rows(&t, use);
    make_layers(&t);
    start(&t);
    for (unsigned epoch = 0; epoch < t.options->epochs; epoch++) learn_epoch(&t);
    ear_layers_release(&t.gradient);
    ear_adam_release(&t.adam);
    ear_pass_release(&t.pass);
    free(t.keep);
    free(t.rows);
}

void ear_network_learned_release(struct ear_network_learned *network)
{
    ear_layers_release(&network->layers);
    ear_packed_release(&network->packed);
    free(network->places);
    *network = (struct ear_network_learned){0};
}

void ear_network_hear(const struct ear_network_learned *network, const struct ear_corpus *corpus,
                      uint32_t row, struct ear_pass *pass, float *scores)
{
    const struct ear_layers_shape *shape = &network->layers.shape;
    size_t count;
    const struct ear_heard *heard = ear_vocabulary_post(&corpus->vocabulary, row, &count);
    pass->length = count;
    for (size_t i = 0; i < count; i++) {
        pass->words[i] = network->places[heard[i].word];
        pass->negated[i] = heard[i].negated;
    }
    ear_layers_read(&network->layers, &network->packed, pass);
    set_dense(corpus, row, shape, pass->inputs + ear_layers_responses(shape));
    ear_layers_score(&network->layers, pass, true, 0, shape->columns, scores);
}
