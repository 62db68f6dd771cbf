#include "blend.h"

#include "split.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#define THREADS 2
#define GAIN    0.001 /* of likelihood, at least: a network costs its reader time */

/* Networks 0 … folds-1 have not seen the rows of their fold; the last one has seen all. */
struct blending {
    const struct ear_goals *goals;
    struct ear_network_learned *last;
    unsigned folds;
    unsigned *fold_of; /* of each row; those of which none is judged: `folds` */
    float *unseen;     /* [row × columns + column], by the network that had not seen the row */
    float *seen;       /* by the last one */
};

static void assign_folds(struct blending *b)
{
    const struct ear_goals *goals = b->goals;
    const struct ear_lessons *lessons = goals->lessons;
    b->folds = goals->is_validated ? 1 : lessons->fit.folds;
    for (size_t row = 0; row < goals->row_count; row++)
        b->fold_of[row] = goals->is_validated ? !goals->validation[row]
                                              : ear_split_fold(lessons->corpus.keys[row],
                                                               lessons->fit.seed, b->folds);
}

/* ---- networks, two at a time ---- */

static void hear_rows(const struct blending *b, const struct ear_network_learned *network,
                      unsigned fold)
{
    const struct ear_goals *goals = b->goals;
    bool is_last = fold == b->folds;
    struct ear_pass pass;
    ear_pass_init(&pass, &network->layers.shape, EAR_NETWORK_TOKENS);
    for (size_t row = 0; row < goals->row_count; row++)
        if (is_last || b->fold_of[row] == fold)
            ear_network_hear(network, &goals->lessons->corpus, (uint32_t)row, &pass,
                             (is_last ? b->seen : b->unseen) + row * goals->column_count);
    ear_pass_release(&pass);
}

static void learn_fold(const struct blending *b, unsigned fold)
{
    struct ear_network_learned network = {0};
    size_t rows = b->goals->row_count;
    bool *use = ear_alloc(rows + 1);
    for (size_t row = 0; row < rows; row++) use[row] = fold == b->folds || b->fold_of[row] != fold;
    ear_network_learn(b->goals, use, &network);
    hear_rows(b, &network, fold);
    free(use);
    if (fold == b->folds)
        *b->last = network;
    else
        ear_network_learned_release(&network);
}

struct share {
    const struct blending *blending;
    unsigned first;
};

static void *learn_share(void *arg)
{
    const struct share *share = arg;
    for (unsigned fold = share->first; fold <= share->blending->folds; fold += THREADS)
        learn_fold(share->blending, fold);
    return NULL;
}

static void learn_all(const struct blending *b)
{
    pthread_t second;
    struct share shares[THREADS] = {{b, 0}, {b, 1}};
    bool started = pthread_create(&second, NULL, learn_share, &shares[1]) == 0;
    learn_share(&shares[0]);
    if (started)
        pthread_join(second, NULL);
    else
        learn_share(&shares[1]);
}

/* ---- how much of it ---- */

/* One head, and the scores that its examples get. */
struct mixing {
    const struct ear_task *task;
    const struct ear_fitted *fitted;
    const float *network; /* [held-out example × columns] */
    float *scores;
};

static void mix(const struct mixing *m, float blend)
{
    size_t count = m->fitted->heldout_count * m->fitted->columns.count;
    for (size_t i = 0; i < count; i++) m->scores[i] = m->fitted->scores[i] + blend * m->network[i];
}

static struct ear_heldout heldout_of(const struct mixing *m)
{
    return (struct ear_heldout){m->task, m->fitted->heldout, m->fitted->heldout_count, m->scores};
}

static double try_blend(const struct mixing *m, float blend, float *slope)
{
    struct ear_heldout heldout = heldout_of(m);
    struct ear_calibration calibration;
    mix(m, blend);
    ear_calibrate(&heldout, &calibration);
    double likelihood = ear_calibrated_likelihood(&calibration, &heldout);
    *slope = 0;
    for (size_t k = 0; k < calibration.columns; k++)
        *slope += calibration.slope[k] / (float)calibration.columns;
    ear_calibration_release(&calibration);
    return likelihood;
}

/* Steps are in the measure of what the head is sure of by itself. */
static float choose_blend(const struct mixing *m, double *gain)
{
    static const float steps[] = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.65f, 0.8f, 1, 1.3f, 1.7f, 2.5f};
    float slope, other, best = 0;
    double alone = try_blend(m, 0, &slope), most = alone;
    for (size_t i = 0; i < EAR_COUNT(steps); i++) {
        double now = try_blend(m, steps[i] / slope, &other);
        if (now <= most) break;
        most = now;
        best = steps[i] / slope;
    }
    *gain = most - alone;
    return *gain < GAIN ? 0 : best;
}

/* What macro-F1 and doubts of the calibration ask for has no say in the choice. */
static struct ear_task plain(const struct ear_task *task)
{
    struct ear_task plain = *task;
    plain.tune = 0;
    plain.outside = -1;
    plain.temper = 1;
    memset(plain.lean, 0, sizeof plain.lean);
    return plain;
}

static void take_blend(const struct blending *b, const struct ear_goal_head *head,
                       struct ear_fitted *fitted, float *scores)
{
    size_t columns = head->columns;
    free(fitted->scores);
    fitted->scores = scores;
    ear_calibration_release(&fitted->calibration);
    ear_calibrate(&(struct ear_heldout){head->task, fitted->heldout, fitted->heldout_count, scores},
                  &fitted->calibration);
    fitted->network_first = head->first;
    fitted->network = ear_alloc((b->goals->row_count + 1) * columns * sizeof *fitted->network);
    for (size_t row = 0; row < b->goals->row_count; row++)
        for (size_t k = 0; k < columns; k++)
            fitted->network[row * columns + k] =
                fitted->blend * b->seen[row * b->goals->column_count + head->first + k];
}

static void blend_head(const struct blending *b, const struct ear_goal_head *head,
                       struct ear_fitted *fitted)
{
    struct ear_task task = plain(head->task);
    size_t columns = head->columns, count = fitted->heldout_count;
    float *network = ear_alloc((count + 1) * columns * sizeof *network);
    float *scores = ear_alloc((count + 1) * columns * sizeof *scores);
    for (size_t i = 0; i < count; i++)
        memcpy(network + i * columns,
               b->unseen + head->task->examples[fitted->heldout[i]].row * b->goals->column_count +
                   head->first,
               columns * sizeof *network);
    struct mixing m = {&task, fitted, network, scores};
    fitted->blend = count && b->last->layers.shape.words ? choose_blend(&m, &fitted->gain) : 0;
    mix(&m, fitted->blend);
    if (fitted->blend > 0)
        take_blend(b, head, fitted, scores);
    else
        free(scores);
    free(network);
}

/* Where no head gains anything there is no network. */
static void blend_heads(const struct blending *b, struct ear_trained *trained)
{
    bool any = false;
    for (size_t h = 0; h < b->goals->head_count; h++) {
        const struct ear_goal_head *head = &b->goals->heads[h];
        blend_head(b, head, &trained->heads[head->at]);
        any = any || trained->heads[head->at].blend > 0;
    }
    if (!any) ear_network_learned_release(&trained->network);
}

void ear_blend(const struct ear_lessons *lessons, bool *const *use, struct ear_trained *trained)
{
    struct ear_goals goals;
    ear_goals_init(&goals, lessons, use);
    size_t rows = goals.row_count + 1, scores = rows * goals.column_count;
    if (goals.head_count) {
        struct blending b = {.goals = &goals,
                             .last = &trained->network,
                             .fold_of = ear_alloc(rows * sizeof(unsigned)),
                             .unseen = ear_alloc(scores * sizeof(float)),
                             .seen = ear_alloc(scores * sizeof(float))};
        assign_folds(&b);
        learn_all(&b);
        blend_heads(&b, trained);
        free(b.fold_of);
        free(b.unseen);
        free(b.seen);
    }
    ear_goals_release(&goals);
}

void ear_trained_release(struct ear_trained *trained)
{
    for (size_t i = 0; i < trained->head_count; i++) ear_fitted_release(&trained->heads[i]);
    ear_network_learned_release(&trained->network);
    trained->head_count = 0;
}
