#include "judge/evaluation.h"

#include <stdlib.h>
#include <time.h>

#define PREFIX_MIN 3

int ear_labels_find(const struct ear_labels *labels, struct ear_str name)
{
    for (size_t i = 0; i < labels->count; i++)
        if (ear_str_eq(labels->names[i], name)) return (int)i;
    return -1;
}

int ear_labels_add(struct ear_labels *labels, struct ear_str name)
{
    int at = ear_labels_find(labels, name);
    if (at >= 0 || labels->count == EAR_MODEL_LABELS_MAX) return at;
    labels->names[labels->count] = name;
    return (int)labels->count++;
}

static bool begins(struct ear_str a, struct ear_str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    return len >= PREFIX_MIN &&
           ear_str_eq_nocase((struct ear_str){a.ptr, len}, (struct ear_str){b.ptr, len});
}

static int meant_one(const struct ear_labels *labels, struct ear_str gold)
{
    int at = ear_labels_find(labels, gold);
    for (size_t i = 0; at < 0 && i < labels->count; i++)
        if (ear_str_eq_nocase(labels->names[i], gold)) at = (int)i;
    if (at >= 0) return at;
    for (size_t i = 0; i < labels->count; i++) {
        if (!begins(labels->names[i], gold)) continue;
        if (at >= 0) return -1; /* two would do: neither is meant */
        at = (int)i;
    }
    return at;
}

int ear_labels_meant(const struct ear_labels *labels, struct ear_str gold, int said)
{
    struct ear_str part;
    int whole = ear_labels_find(labels, gold), first = -1;
    if (whole >= 0 || !gold.len) return whole;
    if (!memchr(gold.ptr, ',', gold.len)) return meant_one(labels, gold);
    while (ear_str_split(&gold, ',', &part)) {
        int at = meant_one(labels, ear_str_trim(part));
        if (at >= 0 && at == said) return at;
        if (first < 0) first = at;
    }
    return first;
}

static void take_labels(struct ear_labels *labels, const struct ear_model *model,
                        struct ear_str name)
{
    int head = model ? ear_model_head(model, name) : -1;
    if (head < 0) return;
    const struct ear_head *of = &ear_model_info(model).heads[head];
    for (size_t i = 0; i < of->label_count; i++) (void)ear_labels_add(labels, of->labels[i]);
}

static void head_init(struct ear_judged_head *head, struct ear_str name, size_t rows)
{
    *head = (struct ear_judged_head){.name = name};
    head->rows = ear_alloc((rows + 1) * sizeof(*head->rows));
    head->row_of = ear_alloc((rows + 1) * sizeof(*head->row_of));
}

static void judge(struct ear_judged_head *head, size_t row, int gold, int said, float p,
                  bool unsure)
{
    if (gold < 0 || said < 0) {
        head->foreign++;
        return;
    }
    head->row_of[head->count] = (uint32_t)row;
    head->rows[head->count++] = (struct ear_judgement){(uint16_t)gold, (uint16_t)said, unsure, p};
}

/* A code of two or three small letters: what files write otherwise is no code. */
static bool is_code(struct ear_str s)
{
    if (s.len < 2 || s.len >= EAR_MODEL_LANG_BYTES) return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < 'a' || s.ptr[i] > 'z') return false;
    return true;
}

static void judge_language(struct ear_evaluation *e, size_t row, const struct ear_reading *reading)
{
    struct ear_judged_head *head = &e->heads[e->head_count];
    struct ear_str gold = e->gold->rows[row].language;
    struct ear_str said = ear_str_from(e->languages[row]);
    if (!gold.len) return;
    bool code = is_code(gold);
    judge(head, row, code ? ear_labels_add(&head->labels, gold) : -1,
          code ? ear_labels_add(&head->labels, said) : -1, reading->language_p,
          ear_str_eq(said, EAR_STR("und")));
}

static void judge_row(struct ear_evaluation *e, const struct ear_model *model, size_t row,
                      const struct ear_reading *reading)
{
    const struct ear_head *heads = ear_model_info(model).heads;
    memcpy(e->languages[row], reading->language, sizeof(e->languages[row]));
    for (size_t h = 0; h < e->head_count; h++) {
        struct ear_judged_head *head = &e->heads[h];
        struct ear_str gold = ear_gold_label(e->gold, row, h);
        int at = ear_model_head(model, head->name);
        if (!gold.len || at < 0) continue;
        const struct ear_prediction *p = &reading->heads[at];
        int said = ear_labels_find(&head->labels, heads[at].labels[p->label]);
        judge(head, row, ear_labels_meant(&head->labels, gold, said), said, p->p, p->unsure);
    }
    judge_language(e, row, reading);
}

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static int ascending(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

uint32_t ear_evaluation_read_ns(const struct ear_evaluation *evaluation, double share)
{
    size_t rows = evaluation->gold->row_count;
    return rows ? evaluation->read_ns[(size_t)(share * (double)(rows - 1))] : 0;
}

static void heads_init(struct ear_evaluation *e, const struct ear_model *model,
                       const struct ear_model *wider)
{
    const struct ear_gold *gold = e->gold;
    for (size_t h = 0; h < gold->head_count; h++) {
        head_init(&e->heads[h], gold->heads[h], gold->row_count);
        take_labels(&e->heads[h].labels, model, gold->heads[h]);
        take_labels(&e->heads[h].labels, wider, gold->heads[h]);
    }
    head_init(&e->heads[gold->head_count], EAR_STR("language"), gold->row_count);
}

void ear_evaluate_model(const struct ear_model *model, const struct ear_model *wider,
                        const struct ear_gold *gold, struct ear_evaluation *out)
{
    struct ear_model_reader *reader = ear_model_reader_new(model);
    struct ear_reading reading;
    *out = (struct ear_evaluation){.gold = gold, .head_count = gold->head_count};
    out->languages = ear_alloc((gold->row_count + 1) * sizeof(*out->languages));
    out->read_ns = ear_alloc((gold->row_count + 1) * sizeof(*out->read_ns));
    heads_init(out, model, wider);
    for (size_t row = 0; row < gold->row_count; row++) {
        uint64_t from_ns = cpu_ns();
        ear_model_read(reader, &gold->rows[row].post, &reading);
        out->read_ns[row] = (uint32_t)(cpu_ns() - from_ns);
        judge_row(out, model, row, &reading);
    }
    qsort(out->read_ns, gold->row_count, sizeof(*out->read_ns), ascending);
    if (out->heads[out->head_count].count) out->head_count++;
    ear_model_reader_free(&reader);
}

/* The row as `of` numbers labels, in the numbers of `labels`; false where there is no room. */
static bool renumber(struct ear_labels *labels, const struct ear_labels *of,
                     struct ear_judgement *row)
{
    int gold = ear_labels_add(labels, of->names[row->gold]);
    int said = ear_labels_add(labels, of->names[row->said]);
    if (gold < 0 || said < 0) return false;
    row->gold = (uint16_t)gold;
    row->said = (uint16_t)said;
    return true;
}

void ear_judged_align(struct ear_judged_head *before, struct ear_judged_head *after)
{
    size_t kept = 0, b = 0, a = 0;
    while (b < before->count && a < after->count) {
        uint32_t row_b = before->row_of[b], row_a = after->row_of[a];
        if (row_b == row_a && renumber(&after->labels, &before->labels, &before->rows[b])) {
            after->rows[kept] = after->rows[a];
            before->rows[kept] = before->rows[b];
            before->rows[kept++].gold = after->rows[a].gold;
        }
        b += row_b <= row_a;
        a += row_a <= row_b;
    }
    before->count = after->count = kept;
    before->labels = after->labels;
}

void ear_evaluation_release(struct ear_evaluation *evaluation)
{
    for (size_t i = 0; i < EAR_COUNT(evaluation->heads); i++) {
        free(evaluation->heads[i].rows);
        free(evaluation->heads[i].row_of);
    }
    free(evaluation->languages);
    free(evaluation->read_ns);
    memset(evaluation, 0, sizeof(*evaluation));
}
