#include "goals.h"

#include <math.h>
#include <stdlib.h>

static bool at_home(const struct ear_example *example)
{
    return example->home || example->part != EAR_PART_EXTRA;
}

static bool is_used(bool *const *use, size_t task, size_t example)
{
    return !use || !use[task] || use[task][example];
}

static void add_heads(struct ear_goals *goals)
{
    for (size_t t = 0; t < goals->lessons->task_count; t++) {
        const struct ear_task *task = &goals->lessons->tasks[t];
        if (!task->network) continue;
        struct ear_goal_head *head = &goals->heads[goals->head_count++];
        *head = (struct ear_goal_head){task, t, goals->column_count, ear_task_columns(task)};
        goals->column_count += head->columns;
    }
}

/* Examples at home weigh more only where there are others. */
static void add_examples(struct ear_goals *goals, size_t number, bool *const *use, size_t *ends)
{
    const struct ear_goal_head *head = &goals->heads[number];
    const struct ear_task *task = head->task;
    bool mixed = false, validated = false;
    for (size_t i = 0; i < task->count; i++) mixed = mixed || !at_home(&task->examples[i]);
    for (size_t i = 0; i < task->count; i++) {
        const struct ear_example *e = &task->examples[i];
        if (!is_used(use, head->at, i)) continue;
        bool home = mixed && at_home(e);
        goals->all[ends[e->row]++] =
            (struct ear_goal){.head = (uint32_t)number,
                              .home = home,
                              .weight = e->weight * (home ? goals->lessons->network.home : 1),
                              .labels = e->labels};
        if (e->part != EAR_PART_EXTRA) goals->judged[e->row] = true;
        if (e->part == EAR_PART_VALIDATION) goals->validation[e->row] = validated = true;
    }
    goals->is_validated = goals->is_validated && validated;
}

void ear_goals_init(struct ear_goals *goals, const struct ear_lessons *lessons, bool *const *use)
{
    size_t rows = lessons->corpus.x.row_count;
    *goals = (struct ear_goals){.lessons = lessons, .row_count = rows};
    add_heads(goals);
    goals->is_validated = goals->head_count > 0;
    goals->validation = ear_alloc(rows + 1);
    goals->judged = ear_alloc(rows + 1);
    goals->starts = ear_alloc((rows + 2) * sizeof *goals->starts);
    for (size_t h = 0; h < goals->head_count; h++) {
        const struct ear_goal_head *head = &goals->heads[h];
        for (size_t i = 0; i < head->task->count; i++)
            if (is_used(use, head->at, i)) goals->starts[head->task->examples[i].row + 2]++;
    }
    for (size_t i = 2; i < rows + 2; i++) goals->starts[i] += goals->starts[i - 1];
    goals->all = ear_alloc((goals->starts[rows + 1] + 1) * sizeof *goals->all);
    /* One further on: each is the start of a row, and its end when the row is filled. */
    for (size_t h = 0; h < goals->head_count; h++) add_examples(goals, h, use, goals->starts + 1);
}

void ear_goals_release(struct ear_goals *goals)
{
    free(goals->starts);
    free(goals->all);
    free(goals->validation);
    free(goals->judged);
}

/* ---- slopes ---- */

/* How much of what is true is label `k`; a soft task's labels are steps. */
static float truth_of(float soft, size_t count, size_t label, size_t k)
{
    if (k == label) return 1 - soft * (float)((label > 0) + (label + 1 < count));
    return k + 1 == label || k == label + 1 ? soft : 0;
}

/* One of the labels is true. */
static void slopes_of_one(const float *scores, size_t count, size_t label, float soft,
                          float *slopes)
{
    float most = scores[0], sum = 0;
    for (size_t k = 1; k < count; k++) most = fmaxf(most, scores[k]);
    for (size_t k = 0; k < count; k++) sum += slopes[k] = expf(scores[k] - most);
    for (size_t k = 0; k < count; k++)
        slopes[k] = slopes[k] / sum - truth_of(soft, count, label, k);
}

/* Each column by itself is or is not. */
static void slopes_of_each(const struct ear_goal_head *head, const struct ear_goal *goal,
                           const float *scores, float *slopes)
{
    const struct ear_example example = {.labels = goal->labels};
    for (size_t k = 0; k < head->columns; k++)
        slopes[k] = 1 / (1 + expf(-scores[k])) - (float)ear_task_has(head->task, &example, k);
}

void ear_goal_slopes(const struct ear_goal_head *head, const struct ear_goal *goal,
                     const float *scores, float *slopes)
{
    ear_head_kind kind = head->task->kind;
    if (kind == EAR_HEAD_SOFTMAX || kind == EAR_HEAD_EACH)
        slopes_of_one(scores, head->columns, goal->labels, head->task->soft, slopes);
    else
        slopes_of_each(head, goal, scores, slopes);
    for (size_t k = 0; k < head->columns; k++) slopes[k] *= goal->weight;
}
