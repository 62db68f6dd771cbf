/* private: a model as it is in memory. Private to model. */
#ifndef EAR_MODEL_PRIVATE_H
#define EAR_MODEL_PRIVATE_H

#include "model/kept.h"
#include "model/layout.h"

#define EAR_MODEL_VERSION_BYTES 160

/* How a head is computed. */
struct ear_plan {
    ear_head_kind kind;
    unsigned level;
    size_t first_column, column_count;
    size_t reference;                       /* the label without a column; SIZE_MAX: none */
    size_t first_label;                     /* its place among all probabilities */
    const struct ear_file_model_head *file; /* knots, coverage */
};

/* The label that the i-th column of a head is of, where columns are of labels. */
static inline size_t ear_plan_label(const struct ear_plan *plan, size_t i)
{
    return i + (i >= plan->reference);
}

/* Slices and tables borrow the file's bytes. */
struct ear_model {
    void *owned; /* the bytes, when we read them ourselves */
    struct ear_str bytes;
    struct ear_str section[EAR_SECTION_COUNT];
    struct ear_feature_spec spec;
    struct ear_feature_tables tables;
    struct ear_kept kept;
    size_t columns, width;
    size_t first_stacked; /* the first column of level 2; columns when there is none */
    size_t dense_count, input_count;
    size_t label_count; /* of all heads */
    const struct ear_file_column *column;
    const int8_t *rows;
    const float *dense; /* input_count × width; NULL: none */
    struct ear_head heads[EAR_MODEL_HEADS_MAX];
    struct ear_plan plans[EAR_MODEL_HEADS_MAX];
    size_t head_count;
    struct ear_str *labels; /* owned */
    char version[EAR_MODEL_VERSION_BYTES];
    char digest[2 * EAR_MODEL_DIGEST + 1], training[2 * EAR_MODEL_DIGEST + 1];
};

#endif
