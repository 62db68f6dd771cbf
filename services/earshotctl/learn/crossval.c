#include "crossval.h"

#include "lessons.h"
#include "split.h"
#include <stdlib.h>

struct crossing {
    const struct ear_lessons *lessons;
    const struct ear_task *task;
    unsigned folds;
    uint64_t seed;
    bool *use;
    uint16_t *gold, *said;
    float *p;
    size_t count;
};

static unsigned fold_of(const struct crossing *c, size_t example)
{
    uint64_t key = c->lessons->corpus.keys[c->task->examples[example].row];
    return ear_split_fold(key, c->seed + 1000, c->folds);
}

static void say(struct crossing *c, const struct ear_fitted *fitted, size_t example)
{
    float p[EAR_MODEL_LABELS_MAX];
    const struct ear_example *e = &c->task->examples[example];
    ear_fitted_read(fitted, &c->lessons->corpus.x, c->task, e->row, p);
    size_t label = ear_calibrated_label(p, c->task->label_count);
    c->gold[c->count] = (uint16_t)e->labels;
    c->said[c->count] = (uint16_t)label;
    c->p[c->count++] = p[label];
}

static void cross_fold(struct crossing *c, unsigned fold)
{
    struct ear_fitted fitted;
    for (size_t i = 0; i < c->task->count; i++) c->use[i] = fold_of(c, i) != fold;
    ear_fit(&c->lessons->corpus.x, c->lessons->corpus.keys, c->task, &c->lessons->fit, c->use,
            &fitted);
    for (size_t i = 0; i < c->task->count; i++)
        if (!c->use[i] && c->task->examples[i].part == EAR_PART_TRAIN) say(c, &fitted, i);
    ear_fitted_release(&fitted);
}

static void cross_head(struct crossing *c, bool detail)
{
    size_t room = c->task->count + 1;
    c->use = ear_alloc(room);
    c->gold = ear_alloc(room * sizeof *c->gold);
    c->said = ear_alloc(room * sizeof *c->said);
    c->p = ear_alloc(room * sizeof *c->p);
    for (unsigned fold = 0; fold < c->folds; fold++) cross_fold(c, fold);
    struct ear_crossed crossed = {.head = c->task->name,
                                  .label_count = c->task->label_count,
                                  .labels = c->task->labels,
                                  .count = c->count,
                                  .gold = c->gold,
                                  .said = c->said,
                                  .p = c->p};
    ear_crossed_print(&crossed, detail);
    free(c->use);
    free(c->gold);
    free(c->said);
    free(c->p);
}

void ear_cross_validate(const struct ear_lessons *lessons, unsigned folds, uint64_t seed,
                        bool detail)
{
    for (size_t t = 0; t < lessons->task_count; t++) {
        struct crossing c = {
            .lessons = lessons, .task = &lessons->tasks[t], .folds = folds, .seed = seed};
        if (c.task->kind != EAR_HEAD_FLAGS) cross_head(&c, detail);
    }
}
