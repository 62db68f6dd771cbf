#include "recipe.h"

#include "material.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_BYTES 4096
#define USES_MAX   EAR_MODEL_HEADS_MAX
#define WORDS_MAX  16

/* A line's first word, and the others: "key=value" or a bare word. */
struct line {
    struct ear_str verb, rest; /* rest: all behind the verb */
    struct ear_str words[WORDS_MAX];
    size_t count;
};

struct recipe {
    const char *path, *dir;
    struct ear_lessons *lessons;
    struct ear_diag *diag;
    size_t line_number;
    bool open; /* posts can be added */
    /* The file that is being described. */
    char file[PATH_BYTES];
    struct ear_dataset posts, labels;
    bool has_file;
    struct ear_map *joined;
    struct ear_use uses[USES_MAX];
    size_t use_count;
};

static ear_err wrong(const struct recipe *r, const char *what, struct ear_str word)
{
    return ear_fail(r->diag, EAR_INVALID, "%s:%zu: %s \"%.*s\"", r->path, r->line_number, what,
                    EAR_STR_ARG(word));
}

static bool cut_line(struct ear_str text, struct line *line)
{
    struct ear_str word;
    *line = (struct line){0};
    text = ear_str_trim(text);
    if (!text.len || *text.ptr == '#') return false;
    (void)ear_str_split(&text, ' ', &line->verb);
    line->rest = ear_str_trim(text);
    while (ear_str_split(&text, ' ', &word))
        if (word.len && line->count < WORDS_MAX) line->words[line->count++] = word;
    return true;
}

/* The value of "key=value", or of the bare word "key" the word itself; none: an empty string. */
static struct ear_str value_of(const struct line *line, const char *key)
{
    for (size_t i = 0; i < line->count; i++) {
        struct ear_str rest = line->words[i], name;
        (void)ear_str_split(&rest, '=', &name);
        if (ear_str_eq(name, ear_str_from(key))) return rest.ptr ? rest : name;
    }
    return EAR_STR_NONE;
}

static ear_err number_of(const struct recipe *r, const struct line *line, const char *key,
                         double min, double max, double *out)
{
    char text[32], *end;
    struct ear_str value = value_of(line, key);
    if (!value.len) return EAR_OK;
    if (!ear_str_copy(text, sizeof text, value)) return wrong(r, "no number:", value);
    *out = strtod(text, &end);
    return *end || !(*out >= min && *out <= max) ? wrong(r, "no such number:", value) : EAR_OK;
}

static ear_err read_bytes(const struct recipe *r, struct ear_str name, bool beside,
                          struct ear_buf *out, char path[PATH_BYTES])
{
    char folder[PATH_BYTES];
    const char *slash = strrchr(r->path, '/');
    struct ear_str own = {r->path, slash ? (size_t)(slash - r->path) : 0};
    if (!ear_str_copy(folder, sizeof folder, beside ? own : ear_str_from(r->dir)))
        return wrong(r, "path too long:", name);
    int length = snprintf(path, PATH_BYTES, "%s/%.*s", *folder ? folder : ".", EAR_STR_ARG(name));
    if (length >= PATH_BYTES) return wrong(r, "path too long:", name);
    ear_buf_init(out, EAR_DATASET_BYTES_MAX);
    ear_err err = ear_file_read(path, out, r->diag);
    if (!err) ear_lessons_digest(r->lessons, name, ear_buf_str(out));
    return err;
}

/* ---- the model as a whole ---- */

static ear_err on_name(struct recipe *r, const struct line *line)
{
    return ear_str_copy(r->lessons->name, sizeof r->lessons->name, line->rest)
               ? EAR_OK
               : wrong(r, "too long a name:", line->rest);
}

static ear_err on_licence(struct recipe *r, const struct line *line)
{
    ear_err err = ear_buf_append_str(&r->lessons->licences, line->rest);
    return err ? err : ear_buf_append_char(&r->lessons->licences, '\n');
}

static ear_err on_features(struct recipe *r, const struct line *line)
{
    struct ear_lessons *l = r->lessons;
    double words = l->spec.word_max, bits = l->spec.hash_bits, posts = l->posts_min;
    double low = l->spec.char_min, high = l->spec.char_max;
    ear_err err = number_of(r, line, "words", 1, 3, &words);
    if (!err) err = number_of(r, line, "bits", 14, 24, &bits);
    if (!err) err = number_of(r, line, "posts", 1, 1000, &posts);
    if (!err) err = number_of(r, line, "char-min", 1, 8, &low);
    if (!err) err = number_of(r, line, "char-max", low, 8, &high);
    l->spec.word_max = (uint8_t)words;
    l->spec.hash_bits = (uint8_t)bits;
    l->spec.char_min = (uint8_t)low;
    l->spec.char_max = (uint8_t)high;
    l->posts_min = (uint32_t)posts;
    for (size_t g = 0; !err && g < EAR_FEATURE_GROUPS; g++) {
        static const char *const keys[EAR_FEATURE_GROUPS] = {"word-weight", "char-weight",
                                                             "cue-weight"};
        double weight = (double)l->spec.weight[g];
        err = number_of(r, line, keys[g], 0, 16, &weight);
        l->spec.weight[g] = (float)weight;
    }
    return err;
}

static ear_err on_rows(struct recipe *r, const struct line *line)
{
    uint64_t rows;
    if (ear_num_u64(line->rest, UINT64_C(1) << 24, &rows) || !rows)
        return wrong(r, "no number of rows:", line->rest);
    r->lessons->rows_max = (size_t)rows;
    return EAR_OK;
}

static ear_err on_folds(struct recipe *r, const struct line *line)
{
    uint64_t folds;
    if (ear_num_u64(line->rest, 50, &folds) || folds < 2)
        return wrong(r, "no number of folds from 2 to 50:", line->rest);
    r->lessons->fit.folds = (unsigned)folds;
    return EAR_OK;
}

static ear_err on_coverage(struct recipe *r, const struct line *line)
{
    uint64_t percent;
    if (ear_num_u64(line->rest, 100, &percent) || percent < 5)
        return wrong(r, "no percentage from 5 to 100:", line->rest);
    r->lessons->coverage = (float)percent / 100;
    return EAR_OK;
}

static bool channel_of(struct ear_str name, ear_score_channel *out)
{
    static const char *const names[] = {"valence", "mood", "rude", "spare", "common"};
    for (size_t i = 0; i < EAR_COUNT(names); i++) {
        *out = (ear_score_channel)i;
        if (ear_str_eq(name, ear_str_from(names[i]))) return true;
    }
    return false;
}

static ear_err read_list(struct recipe *r, const struct line *line, bool beside)
{
    struct ear_str channel = value_of(line, "channel");
    struct ear_list list = {.scale = 1, .languages = value_of(line, "languages")};
    char path[PATH_BYTES];
    struct ear_buf bytes = {0};
    if (r->open) return wrong(r, "lists stand before the first file:", line->rest);
    if (!channel_of(channel, &list.channel)) return wrong(r, "no such channel:", channel);
    ear_err err = number_of(r, line, "scale", -1e6, 1e6, &list.scale);
    if (err) return err;
    err = read_bytes(r, line->words[0], beside, &bytes, path);
    list.path = path;
    list.content = ear_buf_str(&bytes);
    if (!err) err = ear_lists_read(&r->lessons->lists, &list, r->diag);
    ear_buf_release(&bytes);
    return err;
}

static ear_err on_list(struct recipe *r, const struct line *line)
{
    return read_list(r, line, false);
}

static ear_err on_own_list(struct recipe *r, const struct line *line)
{
    return read_list(r, line, true);
}

/* ---- maps ---- */

/* "from:to,from:to"; '_' in from stands for a blank. */
static ear_err read_map(const struct recipe *r, struct ear_str map, struct ear_use *use)
{
    struct ear_str pair, from;
    while (map.len && ear_str_split(&map, ',', &pair)) {
        if (!ear_str_split(&pair, ':', &from) || !pair.ptr || use->map_count == EAR_USE_MAPS)
            return wrong(r, "not from:to, or one too many:", from);
        for (size_t i = 0; i < from.len; i++)
            if (from.ptr[i] == '_') ((char *)from.ptr)[i] = ' ';
        use->map_from[use->map_count] = from;
        use->map_to[use->map_count++] = pair;
    }
    return EAR_OK;
}

static ear_err learn_languages(struct recipe *r, const struct ear_dataset *texts,
                               const struct ear_use *map)
{
    int code_at = ear_dataset_column(texts, EAR_STR("lang"));
    bool one = code_at < 0 && map->map_count == 1 && !map->map_from[0].len;
    int text_at = ear_dataset_column(texts, EAR_STR("text"));
    if (code_at < 0 && !one) return wrong(r, "no column \"lang\" in", ear_str_from(r->file));
    if (!r->lessons->languages) r->lessons->languages = ear_language_trainer_new();
    for (size_t row = 0; row < texts->row_count; row++) {
        struct ear_str code = one ? map->map_to[0] : ear_dataset_cell(texts, row, (size_t)code_at);
        for (size_t i = 0; i < map->map_count; i++)
            if (ear_str_eq(map->map_from[i], code)) code = map->map_to[i];
        ear_err err = ear_language_trainer_add(
            r->lessons->languages, code, ear_dataset_cell(texts, row, (size_t)text_at), r->diag);
        if (err) return err;
    }
    return EAR_OK;
}

static ear_err on_language(struct recipe *r, const struct line *line)
{
    struct ear_use map = {0};
    struct ear_dataset texts;
    struct ear_buf bytes;
    if (r->open) return wrong(r, "languages stand before the first file:", line->rest);
    ear_err err = read_map(r, value_of(line, "map"), &map);
    if (err) return err;
    if (value_of(line, "code").len) map = (struct ear_use){.map_count = 1};
    if (map.map_count == 1 && !map.map_to[0].len) map.map_to[0] = value_of(line, "code");
    err = read_bytes(r, line->words[0], false, &bytes, r->file);
    if (err) {
        ear_buf_release(&bytes);
        return err;
    }
    err = ear_dataset_parse(r->file, &bytes, &texts, r->diag);
    if (err) return err;
    err = learn_languages(r, &texts, &map);
    ear_dataset_release(&texts);
    return err;
}

/* ---- heads ---- */

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

static ear_err set_labels(struct recipe *r, struct ear_task *task, struct ear_str labels)
{
    struct ear_str label;
    while (labels.len && ear_str_split(&labels, ',', &label))
        if (ear_task_label(task, label) < 0) return wrong(r, "one label too many:", label);
    task->fixed = task->label_count > 0;
    return EAR_OK;
}

/* "for=NAME": a head that stood there before and speaks for itself. */
static ear_err set_standin(struct recipe *r, struct ear_task *task, struct ear_str whose)
{
    if (!whose.len) return EAR_OK;
    for (size_t i = 0; i < r->lessons->task_count; i++) {
        const struct ear_task *other = &r->lessons->tasks[i];
        if (other == task || other->stands_in || !ear_str_eq(whose, ear_str_from(other->name)))
            continue;
        task->stands_in = i + 1;
        return EAR_OK;
    }
    return wrong(r, "no such head to speak for:", whose);
}

/* "lean=0,-0.5,0.2": a number a label. */
static ear_err read_lean(const struct recipe *r, const struct line *line, struct ear_task *task)
{
    struct ear_str all = value_of(line, "lean"), one;
    ear_err err = EAR_OK;
    for (size_t k = 0; !err && all.len && ear_str_split(&all, ',', &one); k++) {
        char text[32], *end = NULL;
        if (k == task->label_count || task->kind != EAR_HEAD_SOFTMAX)
            return wrong(r, "one number a label of a softmax head is wanted:", one);
        if (ear_str_copy(text, sizeof text, one)) task->lean[k] = strtof(text, &end);
        if (!end || end == text || *end || !(fabsf(task->lean[k]) <= 10))
            err = wrong(r, "no such number:", one);
    }
    return err;
}

/* What is not given stays as it is. */
static ear_err read_numbers(const struct recipe *r, const struct line *line, struct ear_task *task)
{
    const struct {
        const char *key;
        double min, max;
        float *out;
    } numbers[] = {
        {"cost", 1e-3, 1e3, &task->solver.c},   {"balance", 0, 2, &task->solver.balance},
        {"ratio", 0, 4, &task->solver.ratio},   {"tune", 0, 4, &task->tune},
        {"dense", 0, 100, &task->solver.dense}, {"home", 0, 10, &task->solver.home},
        {"temper", 0.05, 1, &task->temper},     {"coverage", 0.05, 1, &task->coverage},
    };
    ear_err err = EAR_OK;
    for (size_t i = 0; !err && i < EAR_COUNT(numbers); i++) {
        double value = (double)*numbers[i].out;
        err = number_of(r, line, numbers[i].key, numbers[i].min, numbers[i].max, &value);
        *numbers[i].out = (float)value;
    }
    return err;
}

static ear_err on_head(struct recipe *r, const struct line *line)
{
    ear_head_kind kind;
    if (!kind_of(value_of(line, "kind"), &kind)) return wrong(r, "no kind of head:", line->rest);
    if (ear_lessons_task(r->lessons, line->words[0], kind, false))
        return wrong(r, "this head stood there before:", line->words[0]);
    struct ear_task *task = ear_lessons_task(r->lessons, line->words[0], kind, true);
    if (!task) return wrong(r, "one head too many, or too long a name:", line->words[0]);
    ear_err err = read_numbers(r, line, task);
    if (!err) err = set_labels(r, task, value_of(line, "labels"));
    if (!err) err = read_lean(r, line, task);
    if (!err) err = set_standin(r, task, value_of(line, "for"));
    task->blend = value_of(line, "blend").len > 0;
    task->stacked = value_of(line, "stacked").len > 0;
    task->auxiliary = value_of(line, "auxiliary").len > 0;
    struct ear_str languages = value_of(line, "languages");
    if (!err && !ear_str_copy(task->languages, sizeof task->languages, languages))
        err = wrong(r, "too many languages:", languages);
    for (char *p = task->languages; *p; p++) *p = *p == ',' ? ' ' : *p;
    return err;
}

/* ---- files ---- */

static ear_err take_file(struct recipe *r)
{
    ear_err err = EAR_OK;
    if (!r->has_file) return EAR_OK;
    struct ear_material material = {.name = r->file,
                                    .posts = &r->posts,
                                    .uses = r->uses,
                                    .use_count = r->use_count,
                                    .joined = r->joined};
    err = ear_material_take(r->lessons, &material, r->diag);
    ear_map_free(&r->joined, NULL);
    ear_dataset_release(&r->posts);
    ear_dataset_release(&r->labels);
    r->has_file = false;
    r->use_count = 0;
    return err;
}

static ear_err open_file(struct recipe *r, struct ear_str name, bool beside)
{
    struct ear_buf bytes;
    ear_err err = take_file(r);
    if (!err && !r->open) err = ear_lessons_open(r->lessons, r->diag);
    r->open = true;
    if (err) return err;
    err = read_bytes(r, name, beside, &bytes, r->file);
    if (err) {
        ear_buf_release(&bytes);
        return err;
    }
    err = ear_dataset_parse(r->file, &bytes, &r->posts, r->diag);
    r->has_file = !err;
    return err;
}

static ear_err on_file(struct recipe *r, const struct line *line)
{
    return open_file(r, line->rest, false);
}

static ear_err on_own_file(struct recipe *r, const struct line *line)
{
    return open_file(r, line->rest, true);
}

static ear_err on_labels(struct recipe *r, const struct line *line)
{
    struct ear_buf bytes;
    char path[PATH_BYTES];
    if (!r->has_file || r->joined) return wrong(r, "no file before, or labels twice:", line->rest);
    ear_err err = read_bytes(r, line->rest, true, &bytes, path);
    if (err) {
        ear_buf_release(&bytes);
        return err;
    }
    err = ear_dataset_parse(path, &bytes, &r->labels, r->diag);
    if (err) return err;
    r->joined = ear_material_join(path, &r->labels, r->diag);
    return r->joined ? EAR_OK : EAR_INVALID;
}

static ear_err on_use(struct recipe *r, const struct line *line)
{
    struct ear_use *use = &r->uses[r->use_count];
    struct ear_str column = value_of(line, "column");
    double weight = 1;
    if (!r->has_file || r->use_count == USES_MAX)
        return wrong(r, "no file before, or one use too many:", line->rest);
    *use = (struct ear_use){
        .task = ear_lessons_task(r->lessons, line->words[0], EAR_HEAD_SOFTMAX, false)};
    if (!use->task) return wrong(r, "no such head:", line->words[0]);
    use->from = value_of(line, "joined").len ? &r->labels : NULL;
    if (use->from && !r->joined) return wrong(r, "no labels were joined:", line->rest);
    int at = ear_dataset_column(use->from ? use->from : &r->posts, column);
    if (at < 0) return wrong(r, "no such column:", column);
    use->column = (size_t)at;
    use->home = value_of(line, "home").len > 0;
    use->part = value_of(line, "extra").len ? EAR_PART_EXTRA : EAR_PART_TRAIN;
    ear_err err = number_of(r, line, "weight", 1e-4, 1e3, &weight);
    use->weight = (float)weight;
    if (!err) err = read_map(r, value_of(line, "map"), use);
    if (!err) r->use_count++;
    return err;
}

/* ---- the whole ---- */

static ear_err on_line(struct recipe *r, const struct line *line)
{
    static const struct {
        const char *verb;
        ear_err (*take)(struct recipe *r, const struct line *line);
    } verbs[] = {{"name", on_name},         {"licence", on_licence},
                 {"features", on_features}, {"rows", on_rows},
                 {"folds", on_folds},       {"coverage", on_coverage},
                 {"list", on_list},         {"own-list", on_own_list},
                 {"language", on_language}, {"head", on_head},
                 {"file", on_file},         {"own-file", on_own_file},
                 {"labels", on_labels},     {"use", on_use}};
    if (!line->rest.len) return wrong(r, "nothing behind", line->verb);
    for (size_t i = 0; i < EAR_COUNT(verbs); i++)
        if (ear_str_eq(line->verb, ear_str_from(verbs[i].verb))) return verbs[i].take(r, line);
    return wrong(r, "no line of a recipe begins with", line->verb);
}

ear_err ear_recipe_read(const char *path, const char *dir, struct ear_lessons *lessons,
                        struct ear_diag *diag)
{
    struct recipe r = {.path = path, .dir = dir, .lessons = lessons, .diag = diag};
    struct ear_buf bytes;
    struct line line;
    ear_buf_init(&bytes, 1024 * 1024);
    ear_err err = ear_file_read(path, &bytes, diag);
    if (!err) ear_lessons_digest(lessons, EAR_STR("recipe"), ear_buf_str(&bytes));
    struct ear_str rest = ear_buf_str(&bytes), text;
    while (!err && ear_str_split(&rest, '\n', &text)) {
        r.line_number++;
        if (cut_line(text, &line)) err = on_line(&r, &line);
    }
    if (!err) err = take_file(&r);
    if (!err && !r.open) err = ear_fail(diag, EAR_INVALID, "%s: no file to learn from", path);
    ear_map_free(&r.joined, NULL);
    ear_dataset_release(&r.posts);
    ear_dataset_release(&r.labels);
    ear_buf_release(&bytes);
    return err;
}
