/* gold: labelled posts to judge a model by, out of tab-separated files with a header line. A column
 * named as a head holds that head's labels; a column "label" those of the head that the file's
 * stem ("emotion.val.tsv"), its folder ("banking77/val.tsv") or --heads names; "lang" the
 * language. "account", "direct", "reply" go with the text to the model; "domain" is a slice. Labels
 * are text here: models differ in their order. */
#ifndef EAR_JUDGE_GOLD_H
#define EAR_JUDGE_GOLD_H

#include "learn/dataset.h"
#include "model/model.h"

#define EAR_GOLD_FILES_MAX 256

struct ear_gold_row {
    struct ear_model_post post; /* without a hint: what is given is not guessed */
    size_t source;              /* index in files */
    struct ear_str domain;      /* empty: none */
    struct ear_str language;    /* gold; empty: none */
};

struct ear_gold_file {
    char *path;          /* owned */
    struct ear_str name; /* its folder and name, as figures are labelled: "gold/val.tsv" */
    struct ear_dataset data;
};

struct ear_gold {
    size_t head_count;
    struct ear_str heads[EAR_MODEL_HEADS_MAX]; /* those of `wanted` that have labels here */
    size_t row_count;
    struct ear_gold_row *rows; /* owned; strings borrow from the files */
    struct ear_str *labels;    /* owned, row × EAR_MODEL_HEADS_MAX + head; empty: none */
    size_t file_count;
    struct ear_gold_file files[EAR_GOLD_FILES_MAX];
};

/* Reads files, and of folders the *.tsv in them: those with val, dev or test in their names where
 * there are any, else all. `wanted` are the heads whose labels count; `named` are those of
 * --heads, or none. Every path has to give labels: EAR_INVALID names the one that does not. */
ear_err ear_gold_read(char *const *paths, size_t path_count, const struct ear_str *wanted,
                      size_t wanted_count, struct ear_str named, struct ear_gold *out,
                      struct ear_diag *diag) EAR_MUST_CHECK;
void ear_gold_release(struct ear_gold *gold);

static inline struct ear_str ear_gold_label(const struct ear_gold *gold, size_t row, size_t head)
{
    return gold->labels[row * EAR_MODEL_HEADS_MAX + head];
}

#endif
