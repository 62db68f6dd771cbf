/* metrics: Pure. How right the predictions of one head are: the official figures of the benchmarks,
 * per label, calibration, and what is gained where the model may be silent.
 *
 * Macro averages run over the labels that occur, as gold or as said, as scikit-learn's do; a label
 * without a denominator counts 0. ECE: 15 bins of equal width (Guo et al., ICML 2017). No row:
 * all is 0. Nothing is owned but ear_confusion's cells; all of it is linear but the curve, which
 * sorts. */
#ifndef EAR_JUDGE_METRICS_H
#define EAR_JUDGE_METRICS_H

#include "model/model.h"

/* What a head said of one labelled post. Both labels are below the head's label count. */
struct ear_judgement {
    uint16_t gold, said;
    bool unsure;
    float p; /* of `said`, calibrated */
};

struct ear_label_score {
    size_t gold, said, hit; /* rows */
    double precision, recall, f1;
};

#define EAR_RELIABILITY_BINS 15
struct ear_reliability {
    size_t rows;
    double p;        /* mean of what was claimed */
    double accuracy; /* what came true */
};

/* The figures that can stand alone, in the order of ear_figures.of. */
#define EAR_MEASURES(X)             \
    X(ACCURACY, "accuracy")         \
    X(MACRO_F1, "macro_f1")         \
    X(MACRO_RECALL, "macro_recall") \
    X(ECE, "ece")

typedef enum ear_measure {
#define MEASURE(name, text) EAR_MEASURE_##name,
    EAR_MEASURES(MEASURE)
#undef MEASURE
        EAR_MEASURE_COUNT
} ear_measure;

const char *ear_measure_name(ear_measure measure);

struct ear_figures {
    size_t rows, hits, unsure;
    size_t label_count;
    double of[EAR_MEASURE_COUNT];
    double sure_accuracy; /* of the rows that are not unsure */
    struct ear_label_score labels[EAR_MODEL_LABELS_MAX];
    struct ear_reliability bins[EAR_RELIABILITY_BINS];
};

void ear_figures_of(const struct ear_judgement *rows, size_t count, size_t label_count,
                    struct ear_figures *out);

/* For label sets with a label for everything else (clinc150's "oos"): accuracy of the rows whose
 * gold label is another, and the recall of that label. */
struct ear_scoped {
    size_t inside, outside; /* rows */
    double accuracy, recall;
};
struct ear_scoped ear_figures_scoped(const struct ear_judgement *rows, size_t count,
                                     uint16_t outside);

/* Accuracy where only the surest `coverage` of the rows are answered. Rows of equal p count alike:
 * the order of the rows does not matter. */
struct ear_coverage {
    double coverage; /* asked for, 0 … 1 */
    double accuracy;
    float p_from; /* the least probability that is still answered */
};
/* Fills in accuracy and p_from of `points`. */
void ear_coverage_curve(const struct ear_judgement *rows, size_t count, struct ear_coverage *points,
                        size_t point_count);
double ear_accuracy_at(const struct ear_judgement *rows, size_t count, double coverage);

/* cells[gold * label_count + said], rows. */
struct ear_confusion {
    size_t label_count;
    uint32_t *cells; /* owned */
};
void ear_confusion_init(struct ear_confusion *confusion, const struct ear_judgement *rows,
                        size_t count, size_t label_count);
void ear_confusion_release(struct ear_confusion *confusion);

#endif
