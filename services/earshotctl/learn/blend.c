#include "blend.h"

#include "split.h"
#include "turns.h"
#include <math.h>
#include <stdlib.h>

#define LEAN 0.5f
#define GAIN 0.001 /* of likelihood, at least: a network costs its reader time */

/* Networks 0 … folds-1 have not seen the rows of their fold; the last one has seen all. */
struct blending {
    const struct ear_goals *goals;
    struct ear_network_learned *last;
    unsigned folds;
    unsigned *fold_of; /* of each row; of none, when there is validation: `folds` */
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

/* ---- networks ---- */

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

static void learn_fold(const void *self, size_t job)
{
    const struct blending *b = self;
    unsigned fold = (unsigned)job;
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

/* ---- how much of it ---- */

/* One head, and the scores that its examples get. */
struct mixing {
    const struct ear_task *task;
    const struct ear_fitted *fitted;
    bool keeps_offsets;
    float lean[EAR_MODEL_LABELS_MAX]; /* is taken from the network's scores */
    float *network;                   /* [held-out example × columns] */
    float *scores;
};

static void mix(const struct mixing *m, float share)
{
    size_t count = m->fitted->heldout_count * m->fitted->columns.count;
    for (size_t i = 0; i < count; i++) m->scores[i] = m->fitted->scores[i] + share * m->network[i];
}

/* A head weighs rare labels more, the network does not: what it says leans to the frequent ones,
 * half of which is taken back, and the head's own offsets stay. Where they were moved for macro-F1
 * they are moved again instead. */
static void set_lean(struct mixing *m, const struct ear_task *task)
{
    size_t count = m->fitted->heldout_count, labels = task->label_count;
    float posts[EAR_MODEL_LABELS_MAX] = {0};
    m->keeps_offsets = task->kind == EAR_HEAD_SOFTMAX && task->tune <= 0 && task->outside < 0;
    if (!m->keeps_offsets) return;
    for (size_t i = 0; i < count; i++) posts[task->examples[m->fitted->heldout[i]].labels] += 1;
    for (size_t k = 0; k < labels; k++)
        m->lean[k] = LEAN * logf((posts[k] + 1) / (float)(count + labels));
}

static void calibrate(const struct mixing *m, const struct ear_task *task,
                      struct ear_calibration *out)
{
    struct ear_heldout heldout = {task, m->fitted->heldout, m->fitted->heldout_count, m->scores};
    if (m->keeps_offsets)
        ear_calibration_rescale(&m->fitted->calibration, &heldout, out);
    else
        ear_calibrate(&heldout, out);
}

static double try_share(const struct mixing *m, float share)
{
    struct ear_heldout heldout = {m->task, m->fitted->heldout, m->fitted->heldout_count, m->scores};
    struct ear_calibration calibration;
    mix(m, share);
    calibrate(m, m->task, &calibration);
    double likelihood = ear_calibrated_likelihood(&calibration, &heldout);
    ear_calibration_release(&calibration);
    return likelihood;
}

/* Steps are in the measure of what the head is sure of by itself. */
static float choose_share(const struct mixing *m, double *gain)
{
    static const float steps[] = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.65f, 0.8f, 1, 1.3f, 1.7f, 2.5f};
    const struct ear_calibration *c = &m->fitted->calibration;
    double alone = try_share(m, 0), most = alone;
    float slope = 0, best = 0;
    for (size_t k = 0; k < c->columns; k++) slope += c->slope[k] / (float)c->columns;
    for (size_t i = 0; i < EAR_COUNT(steps); i++) {
        double now = try_share(m, steps[i] / slope);
        if (now <= most) break;
        most = now;
        best = steps[i] / slope;
    }
    *gain = most - alone;
    return *gain < GAIN ? 0 : best;
}

/* What doubts of the calibration ask for has no say in the choice. */
static struct ear_task plain(const struct ear_task *task)
{
    struct ear_task plain = *task;
    plain.tune = 0;
    plain.outside = -1;
    plain.temper = 1;
    memset(plain.lean, 0, sizeof plain.lean);
    return plain;
}

/* Of the last network the lean is a part of its offsets. */
static void take_network(const struct blending *b, const struct ear_goal_head *head,
                         const struct mixing *m, struct ear_fitted *fitted)
{
    size_t columns = head->columns;
    struct ear_calibration calibration;
    calibrate(m, head->task, &calibration);
    ear_calibration_release(&fitted->calibration);
    fitted->calibration = calibration;
    memcpy(fitted->scores, m->scores, fitted->heldout_count * columns * sizeof *fitted->scores);
    fitted->network_first = head->first;
    fitted->network = ear_alloc((b->goals->row_count + 1) * columns * sizeof *fitted->network);
    for (size_t row = 0; row < b->goals->row_count; row++)
        for (size_t k = 0; k < columns; k++) {
            float seen = b->seen[row * b->goals->column_count + head->first + k];
            fitted->network[row * columns + k] = fitted->network_share * (seen - m->lean[k]);
        }
    for (size_t k = 0; k < columns; k++) b->last->layers.offsets[head->first + k] -= m->lean[k];
}

static void blend_head(const struct blending *b, const struct ear_goal_head *head,
                       struct ear_fitted *fitted)
{
    struct ear_task task = plain(head->task);
    size_t columns = head->columns, count = fitted->heldout_count;
    struct mixing m = {.task = &task, .fitted = fitted};
    m.network = ear_alloc((count + 1) * columns * sizeof *m.network);
    m.scores = ear_alloc((count + 1) * columns * sizeof *m.scores);
    set_lean(&m, head->task);
    for (size_t i = 0; i < count; i++) {
        uint32_t row = head->task->examples[fitted->heldout[i]].row;
        const float *said = b->unseen + row * b->goals->column_count + head->first;
        for (size_t k = 0; k < columns; k++) m.network[i * columns + k] = said[k] - m.lean[k];
    }
    fitted->network_share =
        count && b->last->layers.shape.words ? choose_share(&m, &fitted->gain) : 0;
    mix(&m, fitted->network_share);
    if (fitted->network_share > 0) take_network(b, head, &m, fitted);
    free(m.network);
    free(m.scores);
}

/* Where no head gains anything there is no network. */
static void blend_heads(const struct blending *b, struct ear_trained *trained)
{
    bool any = false;
    for (size_t h = 0; h < b->goals->head_count; h++) {
        const struct ear_goal_head *head = &b->goals->heads[h];
        blend_head(b, head, &trained->heads[head->at]);
        any = any || trained->heads[head->at].network_share > 0;
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
        ear_turns(b.folds + 1, learn_fold, &b);
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
