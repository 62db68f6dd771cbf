/* series: the values of one metric under one set of label values. Private to metric. */
#ifndef EAR_METRIC_SERIES_H
#define EAR_METRIC_SERIES_H

#include "metric/metric.h"

#define EAR_LABELS_MAX  3
#define EAR_SERIES_MAX  256
#define EAR_BUCKETS_MAX 14

struct ear_metric_series {
    struct ear_metric_series *next; /* in the order of first use */
    char *labels[EAR_LABELS_MAX];   /* owned copies */
    double value;                   /* counter, gauge; sum of a histogram */
    uint64_t count;                 /* of a histogram's observations */
    uint64_t buckets[EAR_BUCKETS_MAX];
};

size_t ear_label_count(const struct ear_metric *metric);
/* The series of these label values, made where there is none yet; past the ceiling the one whose
 * labels all say "other". */
struct ear_metric_series *ear_series_of(struct ear_metric *metric, const char *const *labels);
/* Upper bounds of a histogram's buckets, ascending, without +Inf. */
const double *ear_buckets_of(const struct ear_metric *metric, size_t *count);

/* All registered metrics, in the order of first use. */
struct ear_metric *ear_metric_first(void);
ear_err ear_metric_render_process(struct ear_buf *out) EAR_MUST_CHECK;

#endif
