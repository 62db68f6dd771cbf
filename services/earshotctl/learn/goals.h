/* goals: what a network is to say of each post: the examples of all heads that take part, by row of
 * the corpus. Owned by its maker. */
#ifndef EAR_LEARN_GOALS_H
#define EAR_LEARN_GOALS_H

#include "lessons.h"

struct ear_goal {
    uint32_t head; /* among those that take part */
    bool home;     /* of the kind that the head will see, where it learns from others too */
    float weight;
    uint64_t labels; /* see ear_example */
};

struct ear_goal_head {
    const struct ear_task *task;
    size_t at;             /* the task's number */
    size_t first, columns; /* its columns among all */
};

struct ear_goals {
    const struct ear_lessons *lessons; /* borrowed */
    struct ear_goal_head heads[EAR_MODEL_HEADS_MAX];
    size_t head_count, column_count;
    size_t row_count;
    size_t *starts; /* of each row in all, row_count + 1 */
    struct ear_goal *all;
    bool *judged;      /* rows of which an example is no EXTRA one */
    bool *validation;  /* rows of which an example is to validate */
    bool is_validated; /* all heads have such */
};

/* `use` of a task marks the examples that may be looked at; NULL: all of all. */
void ear_goals_init(struct ear_goals *goals, const struct ear_lessons *lessons, bool *const *use);
void ear_goals_release(struct ear_goals *goals);

/* What the loss, minus the log-likelihood of what is true times its weight, grows with each score
 * of a head: of EACH as of SOFTMAX, since one label is true, or that one and a little of the next
 * ones where the task is soft; of ORDINAL and FLAGS each column's own. */
void ear_goal_slopes(const struct ear_goal_head *head, const struct ear_goal *goal,
                     const float *scores, float *slopes);

#endif
