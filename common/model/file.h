/* file: the model file, written. (Reading it is ear_model_load of model.h.)
 *
 * The score of a column for a post is
 *     bias + Σ groups value × Σ features weight[feature] + Σ inputs dense[input] × weight[input]
 * its calibrated logit z = slope × score + offset. Heads make probabilities of their columns' z:
 *     SOFTMAX   a column a label          p = softmax(z), so that only differences of z count: the
 *                                         file has them against one label's, its reference, and
 *                                         no column of that one
 *     EACH      a column a label          p = sigmoid(z), made to sum to 1
 *     FLAGS     a column a label          p = sigmoid(z), any number may be true
 *     BINARY    one column, two labels    p[1] = sigmoid(z)
 *     ORDINAL   a column less than labels P(y > k) = sigmoid(z[k]), made to fall with k
 * A head of level 2 has more inputs: behind the dense inputs of the extractor, for each head of
 * level 1 in their order and each of its probabilities (of BINARY the second only) two numbers,
 * p and the logit of p bounded to ±6, over 6 (ear_stack_inputs). Heads of level 1 come first.
 * At last the probability of the likeliest label may be bent by knots (isotonic regression):
 * p = y between the points, the other labels share what is left. */
#ifndef EAR_MODEL_FILE_H
#define EAR_MODEL_FILE_H

#include "model/features.h"

#define EAR_MODEL_FORMAT    2
#define EAR_MODEL_COLUMNS   1024 /* at most, of all heads */
#define EAR_MODEL_KNOTS     16
#define EAR_MODEL_COVERAGES 20 /* 5 %, 10 % … 100 % */
#define EAR_STACK_PER_P     2

typedef enum ear_head_kind {
    EAR_HEAD_SOFTMAX,
    EAR_HEAD_EACH,
    EAR_HEAD_FLAGS,
    EAR_HEAD_BINARY,
    EAR_HEAD_ORDINAL,
    EAR_HEAD_KINDS
} ear_head_kind;

struct ear_model_knot {
    float x, y; /* ascending, in [0, 1] */
};

/* Borrowed. */
struct ear_model_part {
    struct ear_str name, languages;
    const struct ear_str *labels;
    size_t label_count; /* 2 or more */
    ear_head_kind kind;
    unsigned level; /* 1 or 2 */
    bool auxiliary;
    float unsure_below;
    /* By column, ear_head_columns of them; slope NULL: all 1, offset NULL: all 0. */
    const float *bias, *slope, *offset;
    struct ear_model_knot knots[EAR_MODEL_KNOTS];
    size_t knot_count; /* 0: no bending */
    /* [i]: what p must reach so that (i + 1) × 5 % of posts are answered; falls with i. */
    float coverage[EAR_MODEL_COVERAGES];
    const float *shares; /* of its training posts, by label; NULL: not known */
    /* The number of the head, from 1, for which this one speaks in the languages that it was
     * taught; 0: it speaks for itself. Both have the same labels. */
    uint8_t stands_in;
};

struct ear_model_parts {
    struct ear_str name;     /* "earshot-1" */
    struct ear_str licences; /* one a line */
    uint8_t training[32];    /* digest of what it was trained on */
    struct ear_feature_spec spec;
    const struct ear_model_part *heads;
    size_t head_count;
    /* Features with weights, ascending indices; their number is the number of rows. */
    const uint32_t *kept;
    size_t kept_count;
    /* Fills the weights of feature kept[row], one a column, heads' columns side by side. Called
     * three times a row: to choose references, for the scales, to quantise to int8. */
    void (*row)(void *self, size_t row, float *weights);
    void *self;
    /* [input × columns + column]; inputs: dense, then stack. NULL: none. Weights of stack inputs
     * count for level 2 only. */
    const float *dense;
    /* Sections as their writers left them; of the second and third empty: none. */
    struct ear_str language, scores, network;
};

/* Columns that a head is trained with, and those that a file has of it. */
size_t ear_head_columns(ear_head_kind kind, size_t label_count);
size_t ear_head_file_columns(ear_head_kind kind, size_t label_count);
/* Of how many of its labels a head of level 1 gives the probability to those of level 2. */
size_t ear_stack_labels(ear_head_kind kind, size_t label_count);
/* What heads of level 1 give to those of level 2. */
size_t ear_stack_inputs(const struct ear_model_part *heads, size_t head_count);
/* Fills the stack inputs of one head; returns how many. */
size_t ear_stack_fill(ear_head_kind kind, const float *p, size_t label_count, float *inputs);
/* From calibrated logits to probabilities. */
void ear_head_probabilities(ear_head_kind kind, const float *z, size_t label_count, float *p);

/* Appends the file; the same parts give the same bytes. EAR_INVALID names what does not fit. */
ear_err ear_model_write(const struct ear_model_parts *parts, struct ear_buf *out,
                        struct ear_diag *diag) EAR_MUST_CHECK;

#endif
