#include "judge/report.h"

#include "judge/slices.h"

#define SLICE_PARTS_MAX 40

static json_t *text(struct ear_str s)
{
    json_t *value = json_stringn(s.ptr ? s.ptr : "", s.len);
    return value ? value : json_string("\xEF\xBF\xBD");
}

static void set(json_t *object, const char *key, json_t *value)
{
    EAR_CHECK(json_object_set_new(object, key, value) == 0);
}

static void add(json_t *array, json_t *value)
{
    EAR_CHECK(json_array_append_new(array, value) == 0);
}

static json_t *count_of(size_t count)
{
    return json_integer((json_int_t)count);
}

json_t *ear_report_model(const struct ear_model *model)
{
    struct ear_model_info info = ear_model_info(model);
    json_t *object = json_object(), *licences = json_array(), *heads = json_array();
    struct ear_str rest = info.licences, line;
    while (ear_str_split(&rest, '\n', &line))
        if (line.len) add(licences, text(line));
    for (size_t i = 0; i < info.head_count; i++) {
        json_t *head = json_object();
        set(head, "head", text(info.heads[i].name));
        set(head, "labels", count_of(info.heads[i].label_count));
        set(head, "languages", text(info.heads[i].languages));
        set(head, "auxiliary", json_boolean(info.heads[i].auxiliary));
        set(head, "unsure_below", json_real((double)info.heads[i].unsure_below));
        add(heads, head);
    }
    set(object, "version", text(info.version));
    set(object, "digest", text(info.digest));
    set(object, "training", text(info.training));
    set(object, "bytes", count_of(info.bytes));
    set(object, "rows", count_of(info.rows));
    set(object, "heads", heads);
    set(object, "licences", licences);
    return object;
}

json_t *ear_report_data(const struct ear_gold *gold)
{
    json_t *array = json_array();
    for (size_t i = 0; i < gold->file_count; i++) {
        json_t *file = json_object();
        set(file, "file", text(gold->files[i].name));
        set(file, "rows", count_of(gold->files[i].data.row_count));
        add(array, file);
    }
    return array;
}

json_t *ear_report_read_us(const struct ear_evaluation *evaluation)
{
    static const struct {
        const char *name;
        double share;
    } shares[] = {{"p50", .5}, {"p99", .99}, {"max", 1}};
    json_t *object = json_object();
    for (size_t i = 0; i < EAR_COUNT(shares); i++) {
        double us = (double)ear_evaluation_read_ns(evaluation, shares[i].share) / 1000;
        set(object, shares[i].name, json_real(us));
    }
    return object;
}

static json_t *interval(const struct ear_interval *of)
{
    json_t *object = json_object();
    set(object, "value", json_real(of->value));
    set(object, "low", json_real(of->low));
    set(object, "high", json_real(of->high));
    return object;
}

static json_t *labels_of(const struct ear_judged_head *head, const struct ear_figures *scores)
{
    json_t *array = json_array();
    for (size_t i = 0; i < head->labels.count; i++) {
        const struct ear_label_score *score = &scores->labels[i];
        json_t *label = json_object();
        set(label, "label", text(head->labels.names[i]));
        set(label, "gold", count_of(score->gold));
        set(label, "said", count_of(score->said));
        set(label, "precision", json_real(score->precision));
        set(label, "recall", json_real(score->recall));
        set(label, "f1", json_real(score->f1));
        add(array, label);
    }
    return array;
}

static json_t *reliability_of(const struct ear_figures *scores)
{
    json_t *array = json_array();
    for (size_t i = 0; i < EAR_RELIABILITY_BINS; i++) {
        if (!scores->bins[i].rows) continue;
        json_t *bin = json_object();
        set(bin, "from", json_real((double)i / EAR_RELIABILITY_BINS));
        set(bin, "rows", count_of(scores->bins[i].rows));
        set(bin, "p", json_real(scores->bins[i].p));
        set(bin, "accuracy", json_real(scores->bins[i].accuracy));
        add(array, bin);
    }
    return array;
}

static json_t *coverage_of(const struct ear_judged_head *head)
{
    struct ear_coverage points[10];
    json_t *array = json_array();
    for (size_t i = 0; i < EAR_COUNT(points); i++) points[i].coverage = 1 - (double)i / 10;
    ear_coverage_curve(head->rows, head->count, points, EAR_COUNT(points));
    for (size_t i = 0; i < EAR_COUNT(points); i++) {
        json_t *point = json_object();
        set(point, "coverage", json_real(points[i].coverage));
        set(point, "accuracy", json_real(points[i].accuracy));
        set(point, "p_from", json_real((double)points[i].p_from));
        add(array, point);
    }
    return array;
}

static json_t *confusion_of(const struct ear_judged_head *head)
{
    struct ear_confusion confusion;
    json_t *array = json_array();
    ear_confusion_init(&confusion, head->rows, head->count, head->labels.count);
    for (size_t gold = 0; gold < head->labels.count; gold++) {
        json_t *row = json_array();
        for (size_t said = 0; said < head->labels.count; said++)
            add(row, count_of(confusion.cells[gold * head->labels.count + said]));
        add(array, row);
    }
    ear_confusion_release(&confusion);
    return array;
}

static json_t *slices_of(const struct ear_evaluation *evaluation,
                         const struct ear_judged_head *head)
{
    json_t *array = json_array();
    for (ear_slice slice = 0; slice < EAR_SLICE_COUNT; slice++) {
        struct ear_slice_part parts[SLICE_PARTS_MAX];
        size_t count = ear_slice_parts(evaluation, head, slice, parts, SLICE_PARTS_MAX);
        for (size_t i = 0; i < count; i++) {
            json_t *part = json_object();
            set(part, "slice", json_string(ear_slice_name(slice)));
            set(part, "value", text(parts[i].value));
            set(part, "rows", count_of(parts[i].rows));
            for (ear_measure m = 0; m < EAR_MEASURE_COUNT; m++)
                set(part, ear_measure_name(m), json_real(parts[i].of[m]));
            add(array, part);
        }
    }
    return array;
}

/* Of heads with a label for everything else. */
static void set_scoped(json_t *object, const struct ear_judged_head *head)
{
    int outside = ear_labels_find(&head->labels, EAR_STR("oos"));
    if (outside < 0) return;
    struct ear_scoped scoped = ear_figures_scoped(head->rows, head->count, (uint16_t)outside);
    set(object, "in_scope_accuracy", json_real(scoped.accuracy));
    set(object, "out_of_scope_recall", json_real(scoped.recall));
}

json_t *ear_report_head(const struct ear_evaluation *evaluation, const struct ear_judged_head *head)
{
    struct ear_figures scores;
    struct ear_interval intervals[EAR_MEASURE_COUNT];
    json_t *object = json_object();
    ear_figures_of(head->rows, head->count, head->labels.count, &scores);
    ear_bootstrap(head->rows, head->count, head->labels.count, EAR_REPORT_SEED, intervals);
    set(object, "head", text(head->name));
    set(object, "rows", count_of(head->count));
    set(object, "foreign", count_of(head->foreign));
    for (ear_measure m = 0; m < EAR_MEASURE_COUNT; m++)
        set(object, ear_measure_name(m), interval(&intervals[m]));
    set_scoped(object, head);
    set(object, "unsure", json_real(head->count ? (double)scores.unsure / (double)head->count : 0));
    set(object, "sure_accuracy", json_real(scores.sure_accuracy));
    set(object, "labels", labels_of(head, &scores));
    set(object, "confusion", confusion_of(head));
    set(object, "reliability", reliability_of(&scores));
    set(object, "coverage", coverage_of(head));
    set(object, "slices", slices_of(evaluation, head));
    return object;
}

static const char *verdict_word(ear_verdict verdict)
{
    static const char *const words[] = {[EAR_VERDICT_SAME] = "same",
                                        [EAR_VERDICT_BETTER] = "better",
                                        [EAR_VERDICT_WORSE] = "worse"};
    return words[verdict];
}

json_t *ear_report_comparison(const struct ear_judged_head *before,
                              const struct ear_judged_head *after)
{
    struct ear_figures was, is;
    struct ear_comparison c;
    json_t *object = json_object();
    size_t labels = after->labels.count;
    ear_compare(before->rows, after->rows, after->count, labels, EAR_REPORT_SEED, &c);
    ear_figures_of(before->rows, before->count, labels, &was);
    ear_figures_of(after->rows, after->count, labels, &is);
    set(object, "head", text(after->name));
    set(object, "rows", count_of(after->count));
    for (ear_measure m = 0; m < EAR_MEASURE_COUNT; m++) {
        json_t *gain = interval(&c.gain[m]);
        set(gain, "before", json_real(was.of[m]));
        set(gain, "after", json_real(is.of[m]));
        set(gain, "p", json_real(c.p[m]));
        set(gain, "verdict", json_string(verdict_word(ear_compare_verdict(&c, m))));
        set(object, ear_measure_name(m), gain);
    }
    set(object, "only_before", count_of(c.only_before));
    set(object, "only_after", count_of(c.only_after));
    set(object, "mcnemar_p", json_real(c.mcnemar_p));
    return object;
}
