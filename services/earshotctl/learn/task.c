#include "task.h"

#include <stdlib.h>

void ear_task_init(struct ear_task *task, struct ear_str name, ear_head_kind kind)
{
    *task =
        (struct ear_task){.kind = kind, .solver = EAR_SOLVER_DEFAULTS, .outside = -1, .temper = 1};
    task->solver.c = 0;
    EAR_CHECK(ear_str_copy(task->name, sizeof task->name, name));
}

void ear_task_release(struct ear_task *task)
{
    for (size_t i = 0; i < task->label_count; i++) free((char *)task->labels[i].ptr);
    free(task->examples);
    *task = (struct ear_task){0};
}

int ear_task_label(struct ear_task *task, struct ear_str label)
{
    for (size_t i = 0; i < task->label_count; i++)
        if (ear_str_eq(task->labels[i], label)) return (int)i;
    size_t max = task->kind == EAR_HEAD_FLAGS ? 64 : EAR_MODEL_LABELS_MAX;
    if (task->fixed || task->label_count == max) return -1;
    char *copy = ear_alloc(label.len + 1);
    memcpy(copy, label.ptr, label.len);
    task->labels[task->label_count] = (struct ear_str){copy, label.len};
    return (int)task->label_count++;
}

void ear_task_add(struct ear_task *task, const struct ear_example *example)
{
    if (task->count == task->room) {
        task->room = task->room ? task->room * 2 : 256;
        task->examples = realloc(task->examples, task->room * sizeof *task->examples);
        EAR_CHECK(task->examples != NULL);
    }
    task->examples[task->count++] = *example;
}

size_t ear_task_columns(const struct ear_task *task)
{
    return ear_head_columns(task->kind, task->label_count);
}

bool ear_task_has(const struct ear_task *task, const struct ear_example *example, size_t column)
{
    switch (task->kind) {
    case EAR_HEAD_FLAGS:
        return example->labels >> column & 1;
    case EAR_HEAD_ORDINAL:
        return example->labels > column;
    case EAR_HEAD_BINARY:
        return example->labels == 1;
    case EAR_HEAD_SOFTMAX:
    case EAR_HEAD_EACH:
    case EAR_HEAD_KINDS:
        break;
    }
    return example->labels == column;
}

static int by_bytes(const void *a, const void *b)
{
    const struct ear_str *x = a, *y = b;
    int order = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static void sort_labels(struct ear_task *task)
{
    struct ear_str sorted[EAR_MODEL_LABELS_MAX];
    uint64_t places[EAR_MODEL_LABELS_MAX];
    memcpy(sorted, task->labels, sizeof sorted);
    qsort(sorted, task->label_count, sizeof *sorted, by_bytes);
    for (size_t i = 0; i < task->label_count; i++)
        for (size_t k = 0; k < task->label_count; k++)
            if (sorted[k].ptr == task->labels[i].ptr) places[i] = k;
    for (size_t e = 0; e < task->count; e++) {
        uint64_t *labels = &task->examples[e].labels, moved = 0;
        for (size_t i = 0; task->kind == EAR_HEAD_FLAGS && i < task->label_count; i++)
            moved |= (*labels >> i & 1) << places[i];
        *labels = task->kind == EAR_HEAD_FLAGS ? moved : places[*labels];
    }
    memcpy(task->labels, sorted, sizeof sorted);
}

void ear_task_settle(struct ear_task *task)
{
    if (!task->fixed) sort_labels(task);
    task->fixed = true;
    if (task->kind == EAR_HEAD_SOFTMAX && task->label_count == 2) task->kind = EAR_HEAD_BINARY;
}
