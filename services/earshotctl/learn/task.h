/* task: what one head is to learn: its labels and which post has which. Owned by its maker. */
#ifndef EAR_LEARN_TASK_H
#define EAR_LEARN_TASK_H

#include "model/file.h"
#include "solver.h"

/* What an example is used for. */
typedef enum ear_part {
    EAR_PART_TRAIN,      /* learned from, and predicted out of fold to calibrate */
    EAR_PART_EXTRA,      /* learned from only: of another kind than what the head will see */
    EAR_PART_VALIDATION, /* chooses and calibrates, then learned from too */
} ear_part;

struct ear_example {
    uint32_t row;
    ear_part part;
    bool home; /* EXTRA, but of the kind that the head will see, too */
    float weight;
    uint64_t labels; /* the label's number; of FLAGS a bit each */
};

#define EAR_TASK_NAME_BYTES 32

struct ear_task {
    char name[EAR_TASK_NAME_BYTES];
    char languages[64]; /* "en de"; empty: all alike */
    ear_head_kind kind;
    bool auxiliary;
    bool fixed; /* the labels are given: another is an error */
    size_t label_count;
    struct ear_str labels[EAR_MODEL_LABELS_MAX]; /* owned copies */
    struct ear_example *examples;
    size_t count, room;
    struct ear_solver_options solver; /* c 0: to be chosen */
    bool blend;                       /* the mean of scores that were learned in several ways */
    bool stacked;                     /* of level 2: hears what heads of level 1 say, see stack.h */
    bool network;                     /* hears a network as well, see blend.h */
    size_t stands_in; /* the number, from 1, of the head for which it speaks in its languages; 0 */
    float coverage;   /* share of posts that is to be answered; 0: as all heads */
    /* The labels are steps of a scale: a network takes so much of an example for each label next to
     * its own. */
    float soft;
    /* Calibrated logits are multiplied by it: below 1 where posts that the head will see are less
     * plain than those that it was calibrated on. */
    float temper;
    float lean[EAR_MODEL_LABELS_MAX]; /* and this is added to them before, a label each */
    /* Of what is said, for what it is judged by: 0: the likeliest label; more: rare labels are
     * favoured where macro-F1 gains more than accuracy loses. */
    float tune;
    int outside; /* a label that stands for everything else, or -1 */
};

/* Of level 1: others may hear it. */
static inline bool ear_task_heard(const struct ear_task *task)
{
    return !task->stacked && !task->stands_in;
}
void ear_task_init(struct ear_task *task, struct ear_str name, ear_head_kind kind);
void ear_task_release(struct ear_task *task);
/* The label's number, new ones at the end; -1 where the labels are fixed and this is none, or
 * there is no room. */
int ear_task_label(struct ear_task *task, struct ear_str label);
void ear_task_add(struct ear_task *task, const struct ear_example *example);
size_t ear_task_columns(const struct ear_task *task);
bool ear_task_has(const struct ear_task *task, const struct ear_example *example, size_t column);

/* Once all examples are there: labels in the order of their bytes unless they were given, and a
 * SOFTMAX head of two labels becomes a BINARY one. */
void ear_task_settle(struct ear_task *task);

#endif
