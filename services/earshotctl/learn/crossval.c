#include "crossval.h"

#include "split.h"
#include "stack.h"
#include <stdlib.h>

/* What one head said, whichever fold a post was in. */
struct crossed {
    uint16_t *gold, *said;
    float *p;
    size_t count;
};

struct crossing {
    const struct ear_lessons *lessons;
    unsigned folds;
    uint64_t seed;
    bool *use[EAR_MODEL_HEADS_MAX];
    struct ear_trained trained;
    struct crossed crossed[EAR_MODEL_HEADS_MAX];
};

static unsigned fold_of(const struct crossing *c, const struct ear_example *example)
{
    return ear_split_fold(c->lessons->corpus.keys[example->row], c->seed + 1000, c->folds);
}

static void say(struct crossing *c, size_t at, const struct ear_example *e)
{
    float p[EAR_MODEL_LABELS_MAX];
    struct crossed *out = &c->crossed[at];
    ear_stack_read(c->lessons, &c->trained, at, e->row, p);
    size_t label = ear_calibrated_label(p, c->lessons->tasks[at].label_count);
    out->gold[out->count] = (uint16_t)e->labels;
    out->said[out->count] = (uint16_t)label;
    out->p[out->count++] = p[label];
}

static void cross_fold(struct crossing *c, unsigned fold)
{
    const struct ear_lessons *lessons = c->lessons;
    for (size_t t = 0; t < lessons->task_count; t++)
        for (size_t i = 0; i < lessons->tasks[t].count; i++)
            c->use[t][i] = fold_of(c, &lessons->tasks[t].examples[i]) != fold;
    ear_stack_fit(lessons, c->use, &c->trained);
    for (size_t t = 0; t < lessons->task_count; t++)
        for (size_t i = 0; i < lessons->tasks[t].count; i++)
            if (!c->use[t][i] && lessons->tasks[t].examples[i].part == EAR_PART_TRAIN)
                say(c, t, &lessons->tasks[t].examples[i]);
    ear_trained_release(&c->trained);
}

static void print(const struct crossing *c, size_t at, bool detail)
{
    const struct ear_task *task = &c->lessons->tasks[at];
    const struct crossed *of = &c->crossed[at];
    struct ear_crossed crossed = {.head = task->name,
                                  .label_count = task->label_count,
                                  .labels = task->labels,
                                  .count = of->count,
                                  .gold = of->gold,
                                  .said = of->said,
                                  .p = of->p};
    if (task->kind != EAR_HEAD_FLAGS) ear_crossed_print(&crossed, detail);
}

void ear_cross_validate(const struct ear_lessons *lessons, unsigned folds, uint64_t seed,
                        bool detail)
{
    struct crossing *c = ear_alloc(sizeof *c);
    c->lessons = lessons;
    c->folds = folds;
    c->seed = seed;
    for (size_t t = 0; t < lessons->task_count; t++) {
        size_t room = lessons->tasks[t].count + 1;
        c->use[t] = ear_alloc(room);
        c->crossed[t] = (struct crossed){.gold = ear_alloc(room * sizeof(uint16_t)),
                                         .said = ear_alloc(room * sizeof(uint16_t)),
                                         .p = ear_alloc(room * sizeof(float))};
    }
    for (unsigned fold = 0; fold < folds; fold++) cross_fold(c, fold);
    for (size_t t = 0; t < lessons->task_count; t++) {
        print(c, t, detail);
        free(c->use[t]);
        free(c->crossed[t].gold);
        free(c->crossed[t].said);
        free(c->crossed[t].p);
    }
    free(c);
}
