#include "metric/metric.h"

#include "metric/series.h"

static struct {
    struct ear_metric *first;
    struct ear_metric *last;
} registered; /* the loop's thread only */

static void enlist(struct ear_metric *metric)
{
    if (metric->next || metric == registered.last) return;
    if (registered.last)
        registered.last->next = metric;
    else
        registered.first = metric;
    registered.last = metric;
}

struct ear_metric *ear_metric_first(void)
{
    return registered.first;
}

size_t ear_label_count(const struct ear_metric *metric)
{
    if (metric->labels[0] == '\0') return 0;
    size_t count = 1;
    for (const char *c = metric->labels; *c; c++) count += *c == ',';
    EAR_CHECK(count <= EAR_LABELS_MAX);
    return count;
}

static struct ear_metric_series *find(struct ear_metric *metric, const char *const *labels,
                                      size_t count)
{
    struct ear_metric_series *series = metric->series;
    for (; series; series = series->next) {
        size_t same = 0;
        while (same < count && strcmp(series->labels[same], labels[same]) == 0) same++;
        if (same == count) return series;
    }
    return NULL;
}

static struct ear_metric_series *add_series(struct ear_metric *metric, const char *const *labels,
                                            size_t count)
{
    struct ear_metric_series **end = &metric->series;
    while (*end) end = &(*end)->next;
    *end = ear_alloc(sizeof(**end));
    for (size_t i = 0; i < count; i++) (*end)->labels[i] = ear_strdup(labels[i]);
    metric->series_count++;
    return *end;
}

struct ear_metric_series *ear_series_of(struct ear_metric *metric, const char *const *labels)
{
    static const char *const other[EAR_LABELS_MAX] = {"other", "other", "other"};
    size_t count = ear_label_count(metric);
    for (size_t i = 0; i < count; i++) EAR_CHECK(labels[i] != NULL);
    EAR_CHECK(labels[count] == NULL);
    struct ear_metric_series *series = find(metric, labels, count);
    if (!series && metric->series_count >= EAR_SERIES_MAX - 1) {
        labels = other; /* the last place is kept for it */
        series = find(metric, labels, count);
    }
    return series ? series : add_series(metric, labels, count);
}

const double *ear_buckets_of(const struct ear_metric *metric, size_t *count)
{
    static const double seconds[] = {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1,
                                     3,     10,    30,   100,  300, 1000};
    static const double bytes[] = {64,    256,    1024,    4096,    16384,
                                   65536, 262144, 1048576, 4194304, 16777216};
    _Static_assert(EAR_COUNT(seconds) <= EAR_BUCKETS_MAX, "room for each bucket");
    static const char suffix[] = "_bytes";
    size_t len = strlen(metric->name);
    size_t tail = sizeof(suffix) - 1;
    bool sized = len > tail && strcmp(metric->name + len - tail, suffix) == 0;
    *count = sized ? EAR_COUNT(bytes) : EAR_COUNT(seconds);
    return sized ? bytes : seconds;
}

void ear_metric_register(struct ear_metric *metric)
{
    static const char *const none[] = {NULL};
    enlist(metric);
    if (ear_label_count(metric) == 0) ear_series_of(metric, none);
}

void ear_metric_add_at(struct ear_metric *metric, double value, const char *const *labels)
{
    EAR_CHECK(metric->type != EAR_METRIC_HISTOGRAM);
    EAR_CHECK(metric->type == EAR_METRIC_GAUGE || value >= 0);
    enlist(metric);
    ear_series_of(metric, labels)->value += value;
}

void ear_metric_set_at(struct ear_metric *metric, double value, const char *const *labels)
{
    EAR_CHECK(metric->type == EAR_METRIC_GAUGE);
    enlist(metric);
    ear_series_of(metric, labels)->value = value;
}

void ear_metric_observe_at(struct ear_metric *metric, double value, const char *const *labels)
{
    EAR_CHECK(metric->type == EAR_METRIC_HISTOGRAM);
    enlist(metric);
    struct ear_metric_series *series = ear_series_of(metric, labels);
    size_t count;
    const double *bounds = ear_buckets_of(metric, &count);
    size_t at = 0;
    while (at < count && value > bounds[at]) at++;
    if (at < count) series->buckets[at]++;
    series->count++;
    series->value += value;
}
