#include "material.h"

#include "split.h"
#include <inttypes.h>
#include <stdio.h>

struct taking {
    struct ear_lessons *lessons;
    const struct ear_material *material;
    size_t post;         /* row of the file */
    size_t joined;       /* row of the joined labels, or SIZE_MAX */
    uint32_t corpus_row; /* UINT32_MAX before it was added */
};

static bool is_none(struct ear_str label)
{
    return !label.len || ear_str_eq(label, EAR_STR("?")) || ear_str_eq(label, EAR_STR("-"));
}

static struct ear_str mapped(const struct ear_use *use, struct ear_str label)
{
    if (!use->map_count) return label;
    for (size_t i = 0; i < use->map_count; i++)
        if (ear_str_eq(use->map_from[i], label) || ear_str_eq(use->map_from[i], EAR_STR("*")))
            return use->map_to[i];
    return EAR_STR_NONE;
}

static ear_err number_of(const struct taking *t, const struct ear_use *use, struct ear_str label,
                         uint64_t *number, struct ear_diag *diag)
{
    int found = ear_task_label(use->task, label);
    if (found < 0)
        return ear_fail(diag, EAR_INVALID,
                        use->task->fixed ? "%s: \"%.*s\" is no label of head %s"
                                         : "%s: \"%.*s\" is one label too many for head %s",
                        t->material->name, EAR_STR_ARG(label), use->task->name);
    *number = (uint64_t)found;
    return EAR_OK;
}

/* False in *has where the cell says nothing. */
static ear_err labels_of(const struct taking *t, const struct ear_use *use, struct ear_str cell,
                         bool *has, uint64_t *labels, struct ear_diag *diag)
{
    bool flags = use->task->kind == EAR_HEAD_FLAGS;
    struct ear_str label;
    uint64_t number = 0;
    ear_err err = EAR_OK;
    *has = flags && cell.len;
    *labels = 0;
    while (!err && ear_str_split(&cell, flags ? ',' : '\n', &label)) {
        label = mapped(use, ear_str_trim(label));
        if (is_none(label)) continue;
        err = number_of(t, use, label, &number, diag);
        *has = true;
        *labels = flags ? *labels | UINT64_C(1) << number : number;
    }
    return err;
}

static ear_err take_use(struct taking *t, const struct ear_use *use, struct ear_diag *diag)
{
    bool has;
    struct ear_example example = {.part = use->part, .home = use->home, .weight = use->weight};
    if (use->from && t->joined == SIZE_MAX) return EAR_OK;
    struct ear_str cell = use->from ? ear_dataset_cell(use->from, t->joined, use->column)
                                    : ear_dataset_cell(t->material->posts, t->post, use->column);
    ear_err err = labels_of(t, use, cell, &has, &example.labels, diag);
    if (err || !has) return err;
    if (t->corpus_row == UINT32_MAX) {
        int text = ear_dataset_column(t->material->posts, EAR_STR("text"));
        t->corpus_row = ear_corpus_add(&t->lessons->corpus,
                                       ear_dataset_cell(t->material->posts, t->post, (size_t)text));
    }
    example.row = t->corpus_row;
    ear_task_add(use->task, &example);
    return EAR_OK;
}

static size_t joined_row(struct taking *t)
{
    char key[EAR_KEY_DIGITS + 1];
    int text = ear_dataset_column(t->material->posts, EAR_STR("text"));
    struct ear_str post = ear_dataset_cell(t->material->posts, t->post, (size_t)text);
    if (!t->material->joined) return SIZE_MAX;
    (void)snprintf(key, sizeof key, "%016" PRIx64, ear_split_key(&t->lessons->corpus.work, post));
    return (size_t)(uintptr_t)ear_map_get(t->material->joined, ear_str_from(key)) - 1;
}

ear_err ear_material_take(struct ear_lessons *lessons, const struct ear_material *material,
                          struct ear_diag *diag)
{
    ear_err err = EAR_OK;
    for (size_t row = 0; !err && row < material->posts->row_count; row++) {
        struct taking t = {lessons, material, row, SIZE_MAX, UINT32_MAX};
        t.joined = joined_row(&t);
        for (size_t i = 0; !err && i < material->use_count; i++)
            err = take_use(&t, &material->uses[i], diag);
    }
    return err;
}

void ear_material_words(struct ear_lessons *lessons, const struct ear_dataset *posts)
{
    int text = ear_dataset_column(posts, EAR_STR("text"));
    for (size_t row = 0; row < posts->row_count; row++)
        ear_corpus_add_words(&lessons->corpus, ear_dataset_cell(posts, row, (size_t)text));
}

static bool is_key(struct ear_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!memchr("0123456789abcdef", s.ptr[i], 16)) return false;
    return s.len == EAR_KEY_DIGITS;
}

struct ear_map *ear_material_join(const char *name, const struct ear_dataset *labels,
                                  struct ear_diag *diag)
{
    struct ear_map *map = ear_map_new();
    int column = ear_dataset_column(labels, EAR_STR("key"));
    for (size_t row = 0; row < labels->row_count; row++) {
        struct ear_str key = ear_dataset_cell(labels, row, (size_t)column);
        if (is_key(key) && !ear_map_put(map, key, (void *)(uintptr_t)(row + 1))) continue;
        ear_fail(diag, EAR_INVALID, "%s:%zu: %s", name, row + 2,
                 is_key(key) ? "this key stood there before" : "no key of 16 hexadecimal digits");
        ear_map_free(&map, NULL);
        return NULL;
    }
    return map;
}
