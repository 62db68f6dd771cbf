#include "judge/slices.h"

#include "text/text.h"

#include <ctype.h>
#include <stdlib.h>

#define SHORT_BELOW 40 /* code points */
#define LONG_FROM   140
#define VALUES_MAX  200

const char *ear_slice_name(ear_slice slice)
{
    static const char *const names[] = {
#define SLICE(name, text) text,
        EAR_SLICES(SLICE)
#undef SLICE
    };
    return names[slice];
}

static bool has_link(struct ear_str text)
{
    return ear_str_find(text, EAR_STR("http")) != SIZE_MAX ||
           ear_str_find(text, EAR_STR("www.")) != SIZE_MAX;
}

static bool has_mention(struct ear_str text)
{
    for (size_t i = 0; i + 1 < text.len; i++)
        if (text.ptr[i] == '@' && isalnum((unsigned char)text.ptr[i + 1])) return true;
    return false;
}

static struct ear_str length_of(struct ear_str text)
{
    size_t length = ear_text_length(text, EAR_TEXT_CODE_POINTS);
    if (length < SHORT_BELOW) return EAR_STR("below 40");
    return length < LONG_FROM ? EAR_STR("40 to 139") : EAR_STR("140 or more");
}

struct ear_str ear_slice_value(const struct ear_evaluation *evaluation, size_t row, ear_slice slice)
{
    const struct ear_gold_row *gold = &evaluation->gold->rows[row];
    switch (slice) {
    case EAR_SLICE_LANGUAGE:
        return ear_str_from(evaluation->languages[row]);
    case EAR_SLICE_LENGTH:
        return length_of(gold->post.text);
    case EAR_SLICE_LINK:
        return has_link(gold->post.text) ? EAR_STR("yes") : EAR_STR("no");
    case EAR_SLICE_MENTION:
        return has_mention(gold->post.text) ? EAR_STR("yes") : EAR_STR("no");
    case EAR_SLICE_FILE:
        return evaluation->gold->files[gold->source].name;
    case EAR_SLICE_DOMAIN:
        return gold->domain;
    default:
        return EAR_STR_NONE;
    }
}

struct part {
    struct ear_str value;
    size_t count;
};

static size_t part_of(struct part *parts, size_t *count, struct ear_str value)
{
    for (size_t i = 0; i < *count; i++)
        if (ear_str_eq(parts[i].value, value)) return i;
    if (*count == VALUES_MAX) return VALUES_MAX;
    parts[*count] = (struct part){.value = value};
    return (*count)++;
}

static int by_size_falling(const void *left, const void *right)
{
    const struct ear_slice_part *a = left, *b = right;
    if (a->rows != b->rows) return a->rows < b->rows ? 1 : -1;
    int order = memcmp(a->value.ptr, b->value.ptr,
                       a->value.len < b->value.len ? a->value.len : b->value.len);
    return order ? order : (a->value.len > b->value.len) - (a->value.len < b->value.len);
}

static void score_part(const struct ear_judged_head *head, const size_t *of, size_t part,
                       struct ear_judgement *work, struct ear_slice_part *out)
{
    struct ear_figures scores;
    size_t count = 0;
    for (size_t i = 0; i < head->count; i++)
        if (of[i] == part) work[count++] = head->rows[i];
    ear_figures_of(work, count, head->labels.count, &scores);
    memcpy(out->of, scores.of, sizeof(out->of));
}

/* The part of each judged row, in `of`. */
static size_t divide(const struct ear_evaluation *evaluation, const struct ear_judged_head *head,
                     ear_slice slice, struct part *parts, size_t *of)
{
    size_t count = 0;
    for (size_t i = 0; i < head->count; i++) {
        struct ear_str value = ear_slice_value(evaluation, head->row_of[i], slice);
        of[i] = value.len ? part_of(parts, &count, value) : VALUES_MAX;
        if (of[i] < VALUES_MAX) parts[of[i]].count++;
    }
    return count;
}

size_t ear_slice_parts(const struct ear_evaluation *evaluation, const struct ear_judged_head *head,
                       ear_slice slice, struct ear_slice_part *parts, size_t max)
{
    struct part found[VALUES_MAX];
    struct ear_slice_part scored[VALUES_MAX];
    size_t *of = ear_alloc((head->count + 1) * sizeof(*of));
    struct ear_judgement *work = ear_alloc((head->count + 1) * sizeof(*work));
    size_t count = divide(evaluation, head, slice, found, of), kept = 0;
    for (size_t i = 0; i < count && count > 1; i++) {
        if (found[i].count < EAR_SLICE_ROWS_MIN) continue;
        scored[kept] = (struct ear_slice_part){.value = found[i].value, .rows = found[i].count};
        score_part(head, of, i, work, &scored[kept++]);
    }
    free(work);
    free(of);
    qsort(scored, kept, sizeof(*scored), by_size_falling);
    if (kept > max) kept = max;
    memcpy(parts, scored, kept * sizeof(*parts));
    return kept;
}
