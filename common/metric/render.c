/* The text exposition format, prometheus.io/docs/instrumenting/exposition_formats. */
#include "metric/series.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

static ear_err put_number(struct ear_buf *out, double value)
{
    if (isnan(value)) return ear_buf_append_str(out, EAR_STR("NaN"));
    if (isinf(value)) return ear_buf_append_str(out, value > 0 ? EAR_STR("+Inf") : EAR_STR("-Inf"));
    return ear_buf_printf(out, "%.*g", DBL_DIG, value);
}

/* Label values escape quotes too, help texts do not. */
static ear_err put_escaped(struct ear_buf *out, const char *text, bool quotes)
{
    ear_err err = EAR_OK;
    for (; *text && !err; text++) {
        if (*text == '\n')
            err = ear_buf_append_str(out, EAR_STR("\\n"));
        else if (*text == '\\')
            err = ear_buf_append_str(out, EAR_STR("\\\\"));
        else if (*text == '"' && quotes)
            err = ear_buf_append_str(out, EAR_STR("\\\""));
        else
            err = ear_buf_append_char(out, *text);
    }
    return err;
}

static ear_err put_label(struct ear_buf *out, const char *before, struct ear_str name,
                         const char *value)
{
    ear_err err = ear_buf_printf(out, "%s%.*s=\"", before, EAR_STR_ARG(name));
    if (!err) err = put_escaped(out, value, true);
    return err ? err : ear_buf_append_char(out, '"');
}

/* {a="x",b="y",le="0.1"}; nothing without labels. le is NULL outside of buckets. */
static ear_err put_labels(struct ear_buf *out, const struct ear_metric *metric,
                          const struct ear_metric_series *series, const char *le)
{
    struct ear_str rest = ear_str_from(metric->labels[0] ? metric->labels : NULL);
    struct ear_str name;
    const char *before = "{";
    ear_err err = EAR_OK;
    for (size_t i = 0; !err && ear_str_split(&rest, ',', &name); i++) {
        err = put_label(out, before, name, series->labels[i]);
        before = ",";
    }
    if (!err && le) {
        err = put_label(out, before, EAR_STR("le"), le);
        before = ",";
    }
    if (!err && *before == ',') err = ear_buf_append_char(out, '}');
    return err;
}

static ear_err put_sample(struct ear_buf *out, const struct ear_metric *metric, const char *suffix,
                          const struct ear_metric_series *series, const char *le, double value)
{
    ear_err err = ear_buf_printf(out, "%s%s", metric->name, suffix);
    if (!err) err = put_labels(out, metric, series, le);
    if (!err) err = ear_buf_append_char(out, ' ');
    if (!err) err = put_number(out, value);
    return err ? err : ear_buf_append_char(out, '\n');
}

static ear_err put_histogram(struct ear_buf *out, const struct ear_metric *metric,
                             const struct ear_metric_series *series)
{
    size_t count;
    const double *bounds = ear_buckets_of(metric, &count);
    uint64_t below = 0;
    ear_err err = EAR_OK;
    for (size_t i = 0; i < count && !err; i++) {
        char le[32];
        snprintf(le, sizeof(le), "%.*g", DBL_DIG, bounds[i]);
        below += series->buckets[i];
        err = put_sample(out, metric, "_bucket", series, le, (double)below);
    }
    if (!err) err = put_sample(out, metric, "_bucket", series, "+Inf", (double)series->count);
    if (!err) err = put_sample(out, metric, "_sum", series, NULL, series->value);
    if (!err) err = put_sample(out, metric, "_count", series, NULL, (double)series->count);
    return err;
}

static ear_err put_metric(struct ear_buf *out, const struct ear_metric *metric)
{
    static const char *const kinds[] = {
        [EAR_METRIC_COUNTER] = "counter",
        [EAR_METRIC_GAUGE] = "gauge",
        [EAR_METRIC_HISTOGRAM] = "histogram",
    };
    ear_err err = ear_buf_printf(out, "# HELP %s ", metric->name);
    if (!err) err = put_escaped(out, metric->help, false);
    if (!err) err = ear_buf_printf(out, "\n# TYPE %s %s\n", metric->name, kinds[metric->type]);
    const struct ear_metric_series *series = metric->series;
    for (; series && !err; series = series->next)
        err = metric->type == EAR_METRIC_HISTOGRAM
                  ? put_histogram(out, metric, series)
                  : put_sample(out, metric, "", series, NULL, series->value);
    return err;
}

ear_err ear_metric_render(struct ear_buf *out)
{
    ear_err err = EAR_OK;
    for (const struct ear_metric *m = ear_metric_first(); m && !err; m = m->next)
        err = put_metric(out, m);
    return err ? err : ear_metric_render_process(out);
}
