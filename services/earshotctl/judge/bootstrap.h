/* bootstrap: Pure. How far chance alone moves a figure: percentile intervals of rows drawn anew
 * (Efron, 1979), and two models on the same rows, paired, with McNemar's exact test (1947) on
 * those that only one of them got right. The same rows and seed give the same numbers anywhere. */
#ifndef EAR_JUDGE_BOOTSTRAP_H
#define EAR_JUDGE_BOOTSTRAP_H

#include "judge/metrics.h"

#define EAR_BOOTSTRAP_DRAWS 1000
#define EAR_BOOTSTRAP_LEVEL 0.95

struct ear_interval {
    double value; /* of the rows as they are */
    double low, high;
};

/* Of every measure. */
void ear_bootstrap(const struct ear_judgement *rows, size_t count, size_t label_count,
                   uint64_t seed, struct ear_interval out[static EAR_MEASURE_COUNT]);

typedef enum ear_verdict { EAR_VERDICT_SAME, EAR_VERDICT_BETTER, EAR_VERDICT_WORSE } ear_verdict;

struct ear_comparison {
    struct ear_interval gain[EAR_MEASURE_COUNT]; /* of `after` over `before`; ECE: what it rose */
    double p[EAR_MEASURE_COUNT];                 /* two-sided: how easily chance alone does this */
    size_t only_before, only_after;              /* rows that only this one got right */
    double mcnemar_p;                            /* two-sided, exact */
};

/* Both have the same rows: gold is equal, row by row. */
void ear_compare(const struct ear_judgement *before, const struct ear_judgement *after,
                 size_t count, size_t label_count, uint64_t seed, struct ear_comparison *out);
/* Beyond chance: the interval of that measure's gain lies on one side of 0. Accuracy has to pass
 * McNemar's test at 1 - EAR_BOOTSTRAP_LEVEL too. */
ear_verdict ear_compare_verdict(const struct ear_comparison *comparison, ear_measure measure);

#endif
