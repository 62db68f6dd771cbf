#include "recipe_head.h"

#include <math.h>
#include <stdlib.h>

static bool kind_of(struct ear_str name, ear_head_kind *kind)
{
    static const char *const names[EAR_HEAD_KINDS] = {"softmax", "each", "flags", "binary",
                                                      "ordinal"};
    for (size_t i = 0; i < EAR_HEAD_KINDS; i++)
        if (ear_str_eq(name, ear_str_from(names[i]))) {
            *kind = (ear_head_kind)i;
            return true;
        }
    return false;
}

static ear_err set_labels(const struct ear_line *line, struct ear_task *task, struct ear_str labels)
{
    struct ear_str label;
    while (labels.len && ear_str_split(&labels, ',', &label))
        if (ear_task_label(task, label) < 0)
            return ear_line_wrong(line, "one label too many:", label);
    task->fixed = task->label_count > 0;
    return EAR_OK;
}

/* "for=NAME": a head that stood there before and speaks for itself. */
static ear_err set_standin(struct ear_lessons *lessons, const struct ear_line *line,
                           struct ear_task *task)
{
    struct ear_str whose = ear_line_value(line, "for");
    if (!whose.len) return EAR_OK;
    for (size_t i = 0; i < lessons->task_count; i++) {
        const struct ear_task *other = &lessons->tasks[i];
        if (other == task || other->stands_in || !ear_str_eq(whose, ear_str_from(other->name)))
            continue;
        task->stands_in = i + 1;
        return EAR_OK;
    }
    return ear_line_wrong(line, "no such head to speak for:", whose);
}

/* "lean=0,-0.5,0.2": a number a label. */
static ear_err read_lean(const struct ear_line *line, struct ear_task *task)
{
    struct ear_str all = ear_line_value(line, "lean"), one;
    ear_err err = EAR_OK;
    for (size_t k = 0; !err && all.len && ear_str_split(&all, ',', &one); k++) {
        char text[32], *end = NULL;
        if (k == task->label_count || task->kind != EAR_HEAD_SOFTMAX)
            return ear_line_wrong(line, "one number a label of a softmax head is wanted:", one);
        if (ear_str_copy(text, sizeof text, one)) task->lean[k] = strtof(text, &end);
        if (!end || end == text || *end || !(fabsf(task->lean[k]) <= 10))
            err = ear_line_wrong(line, "no such number:", one);
    }
    return err;
}

static ear_err read_numbers(const struct ear_line *line, struct ear_task *task)
{
    const struct ear_line_number numbers[] = {
        {"cost", 1e-3, 1e3, &task->solver.c},   {"balance", 0, 2, &task->solver.balance},
        {"ratio", 0, 4, &task->solver.ratio},   {"tune", 0, 4, &task->tune},
        {"dense", 0, 100, &task->solver.dense}, {"home", 0, 10, &task->solver.home},
        {"temper", 0.05, 1, &task->temper},     {"coverage", 0.05, 1, &task->coverage},
        {"soft", 0, 0.3, &task->soft},
    };
    if (ear_line_has(line, "soft") && task->kind != EAR_HEAD_SOFTMAX)
        return ear_line_wrong(line, "soft are softmax heads only:", line->words[0]);
    return ear_line_numbers(line, numbers, EAR_COUNT(numbers));
}

ear_err ear_recipe_head(struct ear_lessons *lessons, const struct ear_line *line)
{
    ear_head_kind kind;
    if (!kind_of(ear_line_value(line, "kind"), &kind))
        return ear_line_wrong(line, "no kind of head:", line->rest);
    if (ear_lessons_task(lessons, line->words[0], kind, false))
        return ear_line_wrong(line, "this head stood there before:", line->words[0]);
    struct ear_task *task = ear_lessons_task(lessons, line->words[0], kind, true);
    if (!task)
        return ear_line_wrong(line, "one head too many, or too long a name:", line->words[0]);
    ear_err err = read_numbers(line, task);
    if (!err) err = set_labels(line, task, ear_line_value(line, "labels"));
    if (!err) err = read_lean(line, task);
    if (!err) err = set_standin(lessons, line, task);
    task->blend = ear_line_has(line, "blend");
    task->stacked = ear_line_has(line, "stacked");
    task->network = ear_line_has(line, "network");
    task->auxiliary = ear_line_has(line, "auxiliary");
    struct ear_str languages = ear_line_value(line, "languages");
    if (!err && !ear_str_copy(task->languages, sizeof task->languages, languages))
        err = ear_line_wrong(line, "too many languages:", languages);
    for (char *p = task->languages; *p; p++) *p = *p == ',' ? ' ' : *p;
    return err;
}
