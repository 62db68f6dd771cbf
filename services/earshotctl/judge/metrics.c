#include "judge/metrics.h"

#include <math.h>
#include <stdlib.h>

const char *ear_measure_name(ear_measure measure)
{
    static const char *const names[] = {
#define MEASURE(name, text) text,
        EAR_MEASURES(MEASURE)
#undef MEASURE
    };
    return names[measure];
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static size_t bin_of(float p)
{
    if (!(p > 0)) return 0;
    size_t bin = (size_t)ceilf(p * EAR_RELIABILITY_BINS) - 1; /* (low, high] */
    return bin < EAR_RELIABILITY_BINS ? bin : EAR_RELIABILITY_BINS - 1;
}

static void count_row(const struct ear_judgement *row, struct ear_figures *out)
{
    bool hit = row->gold == row->said;
    out->hits += hit;
    out->unsure += row->unsure;
    out->labels[row->gold].gold++;
    out->labels[row->said].said++;
    out->labels[row->gold].hit += hit;
    struct ear_reliability *bin = &out->bins[bin_of(row->p)];
    bin->rows++;
    bin->p += row->p; /* sums until finish_bins */
    bin->accuracy += hit;
}

static void finish_labels(struct ear_figures *out)
{
    size_t seen = 0;
    double f1 = 0, recall = 0;
    for (size_t i = 0; i < out->label_count; i++) {
        struct ear_label_score *label = &out->labels[i];
        label->precision = share((double)label->hit, (double)label->said);
        label->recall = share((double)label->hit, (double)label->gold);
        label->f1 = share(2.0 * (double)label->hit, (double)(label->said + label->gold));
        if (!label->gold && !label->said) continue;
        seen++;
        f1 += label->f1;
        recall += label->recall;
    }
    out->of[EAR_MEASURE_MACRO_F1] = share(f1, (double)seen);
    out->of[EAR_MEASURE_MACRO_RECALL] = share(recall, (double)seen);
}

static void finish_bins(struct ear_figures *out)
{
    double gap = 0;
    for (size_t i = 0; i < EAR_RELIABILITY_BINS; i++) {
        struct ear_reliability *bin = &out->bins[i];
        gap += fabs(bin->p - bin->accuracy);
        bin->p = share(bin->p, (double)bin->rows);
        bin->accuracy = share(bin->accuracy, (double)bin->rows);
    }
    out->of[EAR_MEASURE_ECE] = share(gap, (double)out->rows);
}

void ear_figures_of(const struct ear_judgement *rows, size_t count, size_t label_count,
                    struct ear_figures *out)
{
    EAR_CHECK(label_count <= EAR_MODEL_LABELS_MAX);
    *out = (struct ear_figures){.rows = count, .label_count = label_count};
    size_t sure_hits = 0;
    for (size_t i = 0; i < count; i++) {
        EAR_CHECK(rows[i].gold < label_count && rows[i].said < label_count);
        count_row(&rows[i], out);
        sure_hits += !rows[i].unsure && rows[i].gold == rows[i].said;
    }
    out->of[EAR_MEASURE_ACCURACY] = share((double)out->hits, (double)count);
    out->sure_accuracy = share((double)sure_hits, (double)(count - out->unsure));
    finish_labels(out);
    finish_bins(out);
}

struct ear_scoped ear_figures_scoped(const struct ear_judgement *rows, size_t count,
                                     uint16_t outside)
{
    struct ear_scoped scoped = {0};
    for (size_t i = 0; i < count; i++) {
        bool hit = rows[i].gold == rows[i].said;
        if (rows[i].gold == outside)
            scoped.outside++, scoped.recall += hit;
        else
            scoped.inside++, scoped.accuracy += hit;
    }
    scoped.accuracy = share(scoped.accuracy, (double)scoped.inside);
    scoped.recall = share(scoped.recall, (double)scoped.outside);
    return scoped;
}

static int by_p_falling(const void *left, const void *right)
{
    const struct ear_judgement *a = left, *b = right;
    return (a->p < b->p) - (a->p > b->p);
}

/* Rows of one p are answered all alike: a point within such a run gets its share of the run. */
static void point_fill(const struct ear_judgement *sorted, size_t count, struct ear_coverage *point)
{
    double wanted = point->coverage * (double)count, hits = 0;
    for (size_t at = 0; at < count;) {
        size_t end = at, run_hits = 0;
        for (; end < count && (end == at || sorted[end].p >= sorted[at].p); end++)
            run_hits += sorted[end].gold == sorted[end].said;
        point->p_from = sorted[at].p;
        if ((double)end >= wanted) {
            hits += (double)run_hits * (wanted - (double)at) / (double)(end - at);
            break;
        }
        hits += (double)run_hits;
        at = end;
    }
    point->accuracy = share(hits, wanted);
}

void ear_coverage_curve(const struct ear_judgement *rows, size_t count, struct ear_coverage *points,
                        size_t point_count)
{
    struct ear_judgement *sorted = ear_alloc((count + 1) * sizeof(*sorted));
    if (count) memcpy(sorted, rows, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), by_p_falling);
    for (size_t i = 0; i < point_count; i++) {
        points[i].accuracy = 0, points[i].p_from = 0;
        point_fill(sorted, count, &points[i]);
    }
    free(sorted);
}

double ear_accuracy_at(const struct ear_judgement *rows, size_t count, double coverage)
{
    struct ear_coverage point = {.coverage = coverage};
    ear_coverage_curve(rows, count, &point, 1);
    return point.accuracy;
}

void ear_confusion_init(struct ear_confusion *confusion, const struct ear_judgement *rows,
                        size_t count, size_t label_count)
{
    confusion->label_count = label_count;
    confusion->cells = ear_alloc((label_count * label_count + 1) * sizeof(*confusion->cells));
    for (size_t i = 0; i < count; i++)
        confusion->cells[rows[i].gold * label_count + rows[i].said]++;
}

void ear_confusion_release(struct ear_confusion *confusion)
{
    EAR_FREE(confusion->cells);
    confusion->label_count = 0;
}
