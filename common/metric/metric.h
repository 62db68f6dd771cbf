/* metric: counters, gauges and histograms in Prometheus' text format. Layer 1, stands on base;
 * one thread (the loop's).
 *
 * Each module that measures has a metrics.def whose rows are
 *
 *   EAR_METRIC(POSTS_TOTAL, COUNTER, "earshot_ingest_posts_total", "result", "Posts taken, by …")
 *
 * (type, name, label names separated by commas or "", help); used like events.def of log. Label
 * values must come from small closed sets (accounts, lanes, outcomes): at most 256 series a
 * metric, the rest is counted under "other". docs/metrics.md is made from these files. */
#ifndef EAR_METRIC_H
#define EAR_METRIC_H

#include "base/base.h"
#include <stdint.h>

typedef enum ear_metric_type {
    EAR_METRIC_COUNTER,
    EAR_METRIC_GAUGE,
    EAR_METRIC_HISTOGRAM
} ear_metric_type;

struct ear_metric_series;

struct ear_metric {
    ear_metric_type type;
    const char *name;
    const char *labels; /* names, comma-separated; "" for none; at most 3 */
    const char *help;
    struct ear_metric_series *series; /* owned; made at first use */
    size_t series_count;
    struct ear_metric *next; /* registered metrics */
};

#define EAR_METRIC_DECLARE(id, kind, text, label_names, about) extern struct ear_metric M_##id;
#define EAR_METRIC_DEFINE(id, kind, text, label_names, about) \
    struct ear_metric M_##id = {                              \
        .type = EAR_METRIC_##kind, .name = text, .labels = label_names, .help = about};

/* Makes a metric appear in the output with the value 0 before its first use (label-less only). */
void ear_metric_register(struct ear_metric *metric);
/* The label values in the order of the names; as many as the metric has. */
#define ear_metric_add(metric, value, ...) \
    ear_metric_add_at((metric), (value), (const char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
#define ear_metric_set(metric, value, ...) \
    ear_metric_set_at((metric), (value), (const char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
/* Histograms, in seconds or bytes; buckets 1 ms to 1000 s by a factor of about 3, or, where the
 * name ends in _bytes, 64 bytes to 16 MiB by a factor of 4. */
#define ear_metric_observe(metric, value, ...) \
    ear_metric_observe_at((metric), (value), (const char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

void ear_metric_add_at(struct ear_metric *metric, double value, const char *const *labels);
void ear_metric_set_at(struct ear_metric *metric, double value, const char *const *labels);
void ear_metric_observe_at(struct ear_metric *metric, double value, const char *const *labels);

/* Everything registered, in the order of first use. Also process_* basics (CPU, RSS, fds). */
ear_err ear_metric_render(struct ear_buf *out) EAR_MUST_CHECK;

#endif
