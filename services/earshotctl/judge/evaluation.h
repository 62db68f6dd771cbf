/* evaluation: a model run over labelled posts; what each head said of each post that has a label
 * for it. Language is a head among the others, after them, named "language": its labels are the
 * codes that occur, "und" among them. */
#ifndef EAR_JUDGE_EVALUATION_H
#define EAR_JUDGE_EVALUATION_H

#include "judge/gold.h"
#include "judge/metrics.h"

/* The labels of a head, in its order; further ones may be added. Strings are borrowed. */
struct ear_labels {
    size_t count;
    struct ear_str names[EAR_MODEL_LABELS_MAX];
};
/* Index, or -1. */
int ear_labels_find(const struct ear_labels *labels, struct ear_str name);
/* Index, added when it is new; -1 when there is no room. */
int ear_labels_add(struct ear_labels *labels, struct ear_str name);
/* What a label of a file means among these: the same word; else in another case; else the one that
 * begins it or that it begins, of three letters or more ("negative", "neg"). -1: none. Of several,
 * with commas between, `said` where it is among them, else the first. */
int ear_labels_meant(const struct ear_labels *labels, struct ear_str gold, int said);

struct ear_judged_head {
    struct ear_str name;
    struct ear_labels labels;
    size_t count;
    struct ear_judgement *rows; /* owned */
    uint32_t *row_of;           /* owned; index in gold->rows */
    size_t foreign;             /* rows whose label the head does not have: not judged */
};

struct ear_evaluation {
    const struct ear_gold *gold;
    size_t head_count;
    struct ear_judged_head heads[EAR_MODEL_HEADS_MAX + 1];
    char (*languages)[EAR_MODEL_LANG_BYTES]; /* owned; of every row, as the model says */
    uint32_t *read_ns;                       /* owned; CPU time of reading each row, ascending */
};

/* Labels of the heads that `wider` has too (NULL: no other model) include the other's, so that
 * the same rows are judged by either. Both are borrowed for the call; strings of labels are
 * borrowed from the models for as long as *out lives. */
void ear_evaluate_model(const struct ear_model *model, const struct ear_model *wider,
                        const struct ear_gold *gold, struct ear_evaluation *out);
/* Keeps the rows that both have judged and gives both the same labels in the same order, so that
 * they can be compared. */
void ear_judged_align(struct ear_judged_head *before, struct ear_judged_head *after);
/* CPU time within which this share of the rows was read. */
uint32_t ear_evaluation_read_ns(const struct ear_evaluation *evaluation, double share);
void ear_evaluation_release(struct ear_evaluation *evaluation);

#endif
