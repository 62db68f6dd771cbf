#include "judge/report.h"

#include "json/json.h"

#define LABELS_SHOWN    30 /* of more, the worst */
#define CONFUSION_SHOWN 12 /* labels; a wider table tells nothing */

struct page {
    ear_sheet_style style;
    FILE *out;
};

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const char *word(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static long long count(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static void heading(const struct page *page, int level, const char *text)
{
    if (page->style == EAR_SHEET_MARKDOWN)
        fprintf(page->out, "\n%.*s %s\n\n", level, "####", text);
    else
        fprintf(page->out, "\n%s\n", text);
}

/* Headings, separated by '|'. */
static void begin(struct ear_sheet *sheet, const char *headings)
{
    struct ear_str rest = ear_str_from(headings), name;
    ear_sheet_init(sheet);
    while (ear_str_split(&rest, '|', &name)) ear_sheet_heading(sheet, name);
}

static void cell_interval(struct ear_sheet *sheet, const json_t *head, const char *key)
{
    const json_t *of = json_object_get(head, key);
    ear_sheet_cell(sheet, "%.3f [%.3f, %.3f]", number(of, "value"), number(of, "low"),
                   number(of, "high"));
}

static double accuracy_at(const json_t *head, double coverage)
{
    size_t i;
    const json_t *point;
    json_array_foreach(json_object_get(head, "coverage"), i, point)
    {
        double gap = number(point, "coverage") - coverage;
        if (gap < 0.001 && gap > -0.001) return number(point, "accuracy");
    }
    return 0;
}

static void summary(const struct page *page, const json_t *heads)
{
    struct ear_sheet sheet;
    size_t i;
    const json_t *head;
    heading(page, 2, "Figures (95 % intervals by bootstrap)");
    begin(&sheet, "head|rows|accuracy|macro-F1|macro recall|calibration error|accuracy at 80 %|"
                  "unsure|accuracy when sure");
    json_array_foreach(heads, i, head)
    {
        ear_sheet_cell(&sheet, "%s", word(head, "head"));
        ear_sheet_cell(&sheet, "%lld", count(head, "rows"));
        cell_interval(&sheet, head, "accuracy");
        cell_interval(&sheet, head, "macro_f1");
        cell_interval(&sheet, head, "macro_recall");
        cell_interval(&sheet, head, "ece");
        ear_sheet_cell(&sheet, "%.3f", accuracy_at(head, 0.8));
        ear_sheet_cell(&sheet, "%.3f", number(head, "unsure"));
        ear_sheet_cell(&sheet, "%.3f", number(head, "sure_accuracy"));
    }
    ear_sheet_print(&sheet, page->style, page->out);
    json_array_foreach(heads, i, head) if (json_object_get(head, "in_scope_accuracy")) fprintf(
        page->out, "\n%s: accuracy in scope %.3f, recall out of scope %.3f\n", word(head, "head"),
        number(head, "in_scope_accuracy"), number(head, "out_of_scope_recall"));
    json_array_foreach(heads, i, head) if (count(head, "foreign"))
        fprintf(page->out, "\n%s: %lld rows carry a label that the head does not have\n",
                word(head, "head"), count(head, "foreign"));
}

/* True when fewer than LABELS_SHOWN labels are worse than this one. */
static bool among_worst(const json_t *labels, size_t at)
{
    size_t i, worse = 0;
    const json_t *label, *own = json_array_get(labels, at);
    json_array_foreach(labels, i, label)
    {
        double gap = number(label, "f1") - number(own, "f1");
        worse += count(label, "gold") && (gap < 0 || (!(gap > 0) && i < at));
    }
    return worse < LABELS_SHOWN;
}

static void labels_of(const struct page *page, const json_t *head)
{
    struct ear_sheet sheet;
    size_t i;
    const json_t *label, *labels = json_object_get(head, "labels");
    begin(&sheet, "label|rows|precision|recall|F1");
    json_array_foreach(labels, i, label)
    {
        if (!count(label, "gold") && !count(label, "said")) continue;
        if (json_array_size(labels) > LABELS_SHOWN && !among_worst(labels, i)) continue;
        ear_sheet_cell(&sheet, "%s", word(label, "label"));
        ear_sheet_cell(&sheet, "%lld", count(label, "gold"));
        ear_sheet_cell(&sheet, "%.3f", number(label, "precision"));
        ear_sheet_cell(&sheet, "%.3f", number(label, "recall"));
        ear_sheet_cell(&sheet, "%.3f", number(label, "f1"));
    }
    if (json_array_size(labels) > LABELS_SHOWN) heading(page, 4, "The worst of many labels");
    ear_sheet_print(&sheet, page->style, page->out);
}

static void confusion_of(const struct page *page, const json_t *head)
{
    struct ear_sheet sheet;
    size_t gold, said;
    const json_t *row, *cell, *label, *labels = json_object_get(head, "labels");
    if (json_array_size(labels) > CONFUSION_SHOWN) return;
    heading(page, 4, "Gold (rows) and said (columns)");
    begin(&sheet, "gold");
    json_array_foreach(labels, gold, label)
        ear_sheet_heading(&sheet, ear_str_from(word(label, "label")));
    json_array_foreach(json_object_get(head, "confusion"), gold, row)
    {
        ear_sheet_cell(&sheet, "%s", word(json_array_get(labels, gold), "label"));
        json_array_foreach(row, said, cell)
            ear_sheet_cell(&sheet, "%lld", (long long)json_integer_value(cell));
    }
    ear_sheet_print(&sheet, page->style, page->out);
}

static void slices_of(const struct page *page, const json_t *head)
{
    struct ear_sheet sheet;
    size_t i;
    const json_t *part, *parts = json_object_get(head, "slices");
    if (!json_array_size(parts)) return;
    heading(page, 4, "By slice");
    begin(&sheet, "slice|part|rows|accuracy|macro-F1|calibration error");
    json_array_foreach(parts, i, part)
    {
        ear_sheet_cell(&sheet, "%s", word(part, "slice"));
        ear_sheet_cell(&sheet, "%s", word(part, "value"));
        ear_sheet_cell(&sheet, "%lld", count(part, "rows"));
        ear_sheet_cell(&sheet, "%.3f", number(part, "accuracy"));
        ear_sheet_cell(&sheet, "%.3f", number(part, "macro_f1"));
        ear_sheet_cell(&sheet, "%.3f", number(part, "ece"));
    }
    ear_sheet_print(&sheet, page->style, page->out);
}

static void curves_of(const struct page *page, const json_t *head)
{
    struct ear_sheet sheet;
    size_t i;
    const json_t *point;
    heading(page, 4, "Reliability: what was claimed and what came true");
    begin(&sheet, "p|rows|mean p|accuracy");
    json_array_foreach(json_object_get(head, "reliability"), i, point)
    {
        double from = number(point, "from");
        ear_sheet_cell(&sheet, "%.2f–%.2f", from, from + 1.0 / EAR_RELIABILITY_BINS);
        ear_sheet_cell(&sheet, "%lld", count(point, "rows"));
        ear_sheet_cell(&sheet, "%.3f", number(point, "p"));
        ear_sheet_cell(&sheet, "%.3f", number(point, "accuracy"));
    }
    ear_sheet_print(&sheet, page->style, page->out);
    heading(page, 4, "Coverage: accuracy where only the surest are answered");
    begin(&sheet, "answered|from p|accuracy");
    json_array_foreach(json_object_get(head, "coverage"), i, point)
    {
        ear_sheet_cell(&sheet, "%.0f %%", 100 * number(point, "coverage"));
        ear_sheet_cell(&sheet, "%.3f", number(point, "p_from"));
        ear_sheet_cell(&sheet, "%.3f", number(point, "accuracy"));
    }
    ear_sheet_print(&sheet, page->style, page->out);
}

static void comparison(const struct page *page, const json_t *report)
{
    static const char *const measures[] = {"accuracy", "macro_f1", "macro_recall", "ece"};
    const json_t *against = json_object_get(report, "against"), *head;
    struct ear_sheet sheet;
    size_t i;
    if (!against) return;
    heading(page, 2, "Against the other model, on the same rows");
    fprintf(page->out, "%s\n\n", word(json_object_get(against, "model"), "version"));
    begin(&sheet, "head|rows|measure|before|after|gain|verdict");
    json_array_foreach(json_object_get(against, "heads"), i, head)
    {
        for (size_t m = 0; m < EAR_COUNT(measures); m++) {
            const json_t *gain = json_object_get(head, measures[m]);
            ear_sheet_cell(&sheet, "%s", word(head, "head"));
            ear_sheet_cell(&sheet, "%lld", count(head, "rows"));
            ear_sheet_cell(&sheet, "%s", measures[m]);
            ear_sheet_cell(&sheet, "%.3f", number(gain, "before"));
            ear_sheet_cell(&sheet, "%.3f", number(gain, "after"));
            ear_sheet_cell(&sheet, "%+.3f [%+.3f, %+.3f]", number(gain, "value"),
                           number(gain, "low"), number(gain, "high"));
            bool same = strcmp(word(gain, "verdict"), "same") == 0;
            ear_sheet_cell(&sheet, "%s%s", same ? "may be chance" : word(gain, "verdict"),
                           same ? "" : " beyond chance");
        }
    }
    ear_sheet_print(&sheet, page->style, page->out);
    json_array_foreach(json_object_get(against, "heads"), i, head)
        fprintf(page->out, "\n%s: right only before %lld, only now %lld, McNemar p %.4f\n",
                word(head, "head"), count(head, "only_before"), count(head, "only_after"),
                number(head, "mcnemar_p"));
}

static void model_facts(const struct page *page, const json_t *model, struct ear_str notes)
{
    size_t i;
    const json_t *line;
    bool card = page->style == EAR_SHEET_MARKDOWN;
    const char *dot = card ? "- " : "", *end = "\n";
    fprintf(page->out, "%sModel %s\n%s", card ? "# " : "", word(model, "version"), card ? end : "");
    fprintf(page->out, "%sdigest %s%s", dot, word(model, "digest"), end);
    fprintf(page->out, "%strained on data with digest %s%s", dot, word(model, "training"), end);
    fprintf(page->out, "%s%.1f MB, %lld features with weights%s", dot, number(model, "bytes") / 1e6,
            count(model, "rows"), end);
    if (!card) return;
    if (notes.len) fprintf(page->out, "\n%.*s\n", EAR_STR_ARG(ear_str_trim(notes)));
    heading(page, 2, "Data and licences");
    json_array_foreach(json_object_get(model, "licences"), i, line)
        fprintf(page->out, "- %s\n", json_string_value(line));
}

static void judged_on(const struct page *page, const json_t *report)
{
    struct ear_sheet sheet;
    size_t i;
    const json_t *file;
    heading(page, 2, "Judged on");
    begin(&sheet, "file|rows");
    json_array_foreach(json_object_get(report, "data"), i, file)
    {
        ear_sheet_cell(&sheet, "%s", word(file, "file"));
        ear_sheet_cell(&sheet, "%lld", count(file, "rows"));
    }
    ear_sheet_print(&sheet, page->style, page->out);
    if (page->style == EAR_SHEET_MARKDOWN) return; /* a card is about the model, not a machine */
    const json_t *us = json_object_get(report, "read_us");
    fprintf(page->out, "\nCPU time of a post: half within %.0f us, 99 %% within %.0f us\n",
            number(us, "p50"), number(us, "p99"));
}

void ear_report_print(const json_t *report, ear_sheet_style style, struct ear_str notes, FILE *out)
{
    EAR_CHECK(!ear_json_starved());
    struct page page = {style, out};
    size_t i;
    const json_t *head, *heads = json_object_get(report, "heads");
    model_facts(&page, json_object_get(report, "model"), notes);
    judged_on(&page, report);
    summary(&page, heads);
    comparison(&page, report);
    json_array_foreach(heads, i, head)
    {
        heading(&page, 3, word(head, "head"));
        labels_of(&page, head);
        confusion_of(&page, head);
        slices_of(&page, head);
        curves_of(&page, head);
    }
}
