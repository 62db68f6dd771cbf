#include "recipe.h"

#include "layers.h"
#include "material.h"
#include "recipe_head.h"
#include <stdio.h>
#include <stdlib.h>

#define PATH_BYTES 4096
#define USES_MAX   EAR_MODEL_HEADS_MAX

struct recipe {
    const char *path, *dir;
    struct ear_lessons *lessons;
    struct ear_diag *diag;
    struct ear_line line; /* that is being read */
    bool open;            /* posts can be added */
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
    return ear_line_wrong(&r->line, what, word);
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

static ear_err on_name(struct recipe *r, const struct ear_line *line)
{
    return ear_str_copy(r->lessons->name, sizeof r->lessons->name, line->rest)
               ? EAR_OK
               : wrong(r, "too long a name:", line->rest);
}

static ear_err on_licence(struct recipe *r, const struct ear_line *line)
{
    ear_err err = ear_buf_append_str(&r->lessons->licences, line->rest);
    return err ? err : ear_buf_append_char(&r->lessons->licences, '\n');
}

static ear_err on_features(struct recipe *r, const struct ear_line *line)
{
    struct ear_lessons *l = r->lessons;
    double words = l->spec.word_max, bits = l->spec.hash_bits, posts = l->posts_min;
    double low = l->spec.char_min, high = l->spec.char_max;
    ear_err err = ear_line_number(line, "words", 1, 3, &words);
    if (!err) err = ear_line_number(line, "bits", 14, 24, &bits);
    if (!err) err = ear_line_number(line, "posts", 1, 1000, &posts);
    if (!err) err = ear_line_number(line, "char-min", 1, 8, &low);
    if (!err) err = ear_line_number(line, "char-max", low, 8, &high);
    l->spec.word_max = (uint8_t)words;
    l->spec.hash_bits = (uint8_t)bits;
    l->spec.char_min = (uint8_t)low;
    l->spec.char_max = (uint8_t)high;
    l->posts_min = (uint32_t)posts;
    if (err) return err;
    const struct ear_line_number weights[EAR_FEATURE_GROUPS] = {
        {"word-weight", 0, 16, &l->spec.weight[EAR_FEATURE_WORDS]},
        {"char-weight", 0, 16, &l->spec.weight[EAR_FEATURE_CHARS]},
        {"cue-weight", 0, 16, &l->spec.weight[EAR_FEATURE_CUES]},
    };
    return ear_line_numbers(line, weights, EAR_COUNT(weights));
}

/* Dims and filters in steps in which machines reckon. */
static ear_err on_network(struct recipe *r, const struct ear_line *line)
{
    struct ear_network_options *n = &r->lessons->network;
    double words = (double)n->words, dims = (double)n->dims, filters = (double)n->filters;
    double epochs = n->epochs, text_epochs = n->text_epochs;
    const struct ear_line_number numbers[] = {{"rate", 1e-5, 0.1, &n->rate},
                                              {"text-rate", 1e-4, 0.5, &n->text_rate},
                                              {"drop", 0, 0.9, &n->drop},
                                              {"word-drop", 0, 0.9, &n->word_drop},
                                              {"home", 0.01, 100, &n->home}};
    ear_err err = ear_line_number(line, "words", 1, EAR_NETWORK_WORDS, &words);
    if (!err) err = ear_line_number(line, "dims", EAR_LAYERS_LANE, 256, &dims);
    if (!err)
        err = ear_line_number(line, "filters", EAR_LAYERS_LANE, EAR_NETWORK_FILTERS, &filters);
    if (!err) err = ear_line_number(line, "epochs", 1, 100, &epochs);
    if (!err) err = ear_line_number(line, "text-epochs", 0, 100, &text_epochs);
    if (!err) err = ear_line_numbers(line, numbers, EAR_COUNT(numbers));
    n->words = (size_t)words;
    n->epochs = (unsigned)epochs;
    n->text_epochs = (unsigned)text_epochs;
    n->dims = (size_t)dims;
    n->filters = (size_t)filters;
    if (!err && (n->dims % EAR_LAYERS_LANE || n->filters % EAR_LAYERS_LANE))
        err = wrong(r, "dims and filters are multiples of 16:", line->rest);
    return err;
}

static ear_err on_head(struct recipe *r, const struct ear_line *line)
{
    return ear_recipe_head(r->lessons, line);
}

static ear_err on_rows(struct recipe *r, const struct ear_line *line)
{
    uint64_t rows;
    if (ear_num_u64(line->rest, UINT64_C(1) << 24, &rows) || !rows)
        return wrong(r, "no number of rows:", line->rest);
    r->lessons->rows_max = (size_t)rows;
    return EAR_OK;
}

static ear_err on_folds(struct recipe *r, const struct ear_line *line)
{
    uint64_t folds;
    if (ear_num_u64(line->rest, 50, &folds) || folds < 2)
        return wrong(r, "no number of folds from 2 to 50:", line->rest);
    r->lessons->fit.folds = (unsigned)folds;
    return EAR_OK;
}

static ear_err on_coverage(struct recipe *r, const struct ear_line *line)
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

static ear_err read_list(struct recipe *r, const struct ear_line *line, bool beside)
{
    struct ear_str channel = ear_line_value(line, "channel");
    struct ear_list list = {.scale = 1, .languages = ear_line_value(line, "languages")};
    char path[PATH_BYTES];
    struct ear_buf bytes = {0};
    if (r->open) return wrong(r, "lists stand before the first file:", line->rest);
    if (!channel_of(channel, &list.channel)) return wrong(r, "no such channel:", channel);
    ear_err err = ear_line_number(line, "scale", -1e6, 1e6, &list.scale);
    if (err) return err;
    err = read_bytes(r, line->words[0], beside, &bytes, path);
    list.path = path;
    list.content = ear_buf_str(&bytes);
    if (!err) err = ear_lists_read(&r->lessons->lists, &list, r->diag);
    ear_buf_release(&bytes);
    return err;
}

static ear_err on_list(struct recipe *r, const struct ear_line *line)
{
    return read_list(r, line, false);
}

static ear_err on_own_list(struct recipe *r, const struct ear_line *line)
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

static ear_err on_language(struct recipe *r, const struct ear_line *line)
{
    struct ear_use map = {0};
    struct ear_dataset texts;
    struct ear_buf bytes;
    if (r->open) return wrong(r, "languages stand before the first file:", line->rest);
    ear_err err = read_map(r, ear_line_value(line, "map"), &map);
    if (err) return err;
    if (ear_line_has(line, "code")) map = (struct ear_use){.map_count = 1};
    if (map.map_count == 1 && !map.map_to[0].len) map.map_to[0] = ear_line_value(line, "code");
    err = read_bytes(r, line->words[0], false, &bytes, r->file);
    if (err) {
        ear_buf_release(&bytes);
        return err;
    }
    err = ear_dataset_parse(r->file, &bytes, "text", &texts, r->diag);
    if (err) return err;
    err = learn_languages(r, &texts, &map);
    ear_dataset_release(&texts);
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

/* Into r->posts; the file before is done, and posts can be added. */
static ear_err open_posts(struct recipe *r, struct ear_str name, bool beside)
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
    return ear_dataset_parse(r->file, &bytes, "text", &r->posts, r->diag);
}

static ear_err open_file(struct recipe *r, struct ear_str name, bool beside)
{
    if (r->open && ear_corpus_has_words(&r->lessons->corpus))
        return wrong(r, "files stand before texts:", name);
    ear_err err = open_posts(r, name, beside);
    r->has_file = !err;
    return err;
}

static ear_err on_file(struct recipe *r, const struct ear_line *line)
{
    return open_file(r, line->rest, false);
}

static ear_err on_own_file(struct recipe *r, const struct ear_line *line)
{
    return open_file(r, line->rest, true);
}

/* Of these posts only the words count. */
static ear_err on_texts(struct recipe *r, const struct ear_line *line)
{
    ear_err err = open_posts(r, line->rest, false);
    if (err) return err;
    ear_material_words(r->lessons, &r->posts);
    ear_dataset_release(&r->posts);
    return EAR_OK;
}

static ear_err on_labels(struct recipe *r, const struct ear_line *line)
{
    struct ear_buf bytes;
    char path[PATH_BYTES];
    if (!r->has_file || r->joined) return wrong(r, "no file before, or labels twice:", line->rest);
    ear_err err = read_bytes(r, line->rest, true, &bytes, path);
    if (err) {
        ear_buf_release(&bytes);
        return err;
    }
    err = ear_dataset_parse(path, &bytes, "key", &r->labels, r->diag);
    if (err) return err;
    r->joined = ear_material_join(path, &r->labels, r->diag);
    return r->joined ? EAR_OK : EAR_INVALID;
}

static ear_err on_use(struct recipe *r, const struct ear_line *line)
{
    struct ear_use *use = &r->uses[r->use_count];
    struct ear_str column = ear_line_value(line, "column");
    double weight = 1;
    if (!r->has_file || r->use_count == USES_MAX)
        return wrong(r, "no file before, or one use too many:", line->rest);
    *use = (struct ear_use){
        .task = ear_lessons_task(r->lessons, line->words[0], EAR_HEAD_SOFTMAX, false)};
    if (!use->task) return wrong(r, "no such head:", line->words[0]);
    use->from = ear_line_has(line, "joined") ? &r->labels : NULL;
    if (use->from && !r->joined) return wrong(r, "no labels were joined:", line->rest);
    int at = ear_dataset_column(use->from ? use->from : &r->posts, column);
    if (at < 0) return wrong(r, "no such column:", column);
    use->column = (size_t)at;
    use->home = ear_line_has(line, "home");
    use->part = ear_line_has(line, "extra") ? EAR_PART_EXTRA : EAR_PART_TRAIN;
    ear_err err = ear_line_number(line, "weight", 1e-4, 1e3, &weight);
    use->weight = (float)weight;
    if (!err) err = read_map(r, ear_line_value(line, "map"), use);
    if (!err) r->use_count++;
    return err;
}

/* ---- the whole ---- */

/* `known`: the words that a line takes from the `named`th on; NULL: any. */
static const struct verb {
    const char *verb;
    ear_err (*take)(struct recipe *r, const struct ear_line *line);
    size_t named;
    const char *known;
} verbs[] = {
    {"name", on_name, 0, NULL},
    {"licence", on_licence, 0, NULL},
    {"features", on_features, 0,
     "words= char-min= char-max= bits= posts= word-weight= char-weight= cue-weight= "},
    {"rows", on_rows, 0, NULL},
    {"folds", on_folds, 0, NULL},
    {"coverage", on_coverage, 0, NULL},
    {"network", on_network, 0,
     "words= dims= filters= epochs= rate= drop= word-drop= home= text-epochs= text-rate= "},
    {"list", on_list, 1, "channel= scale= languages= "},
    {"own-list", on_own_list, 1, "channel= scale= languages= "},
    {"language", on_language, 1, "map= code= "},
    {"head", on_head, 1,
     "kind= labels= cost= balance= ratio= dense= home= tune= temper= lean= coverage= soft= "
     "languages= for= blend network stacked auxiliary "},
    {"file", on_file, 0, NULL},
    {"own-file", on_own_file, 0, NULL},
    {"labels", on_labels, 0, NULL},
    {"use", on_use, 1, "column= weight= map= extra home joined "},
    {"texts", on_texts, 0, NULL},
};

static ear_err on_line(struct recipe *r, const struct ear_line *line)
{
    if (!line->rest.len) return wrong(r, "nothing behind", line->verb);
    for (const struct verb *v = verbs; v < verbs + EAR_COUNT(verbs); v++) {
        if (!ear_str_eq(line->verb, ear_str_from(v->verb))) continue;
        ear_err err = v->known ? ear_line_check(line, v->named, v->known) : EAR_OK;
        return err ? err : v->take(r, line);
    }
    return wrong(r, "no line of a recipe begins with", line->verb);
}

ear_err ear_recipe_read(const char *path, const char *dir, struct ear_lessons *lessons,
                        struct ear_diag *diag)
{
    struct recipe r = {.path = path, .dir = dir, .lessons = lessons, .diag = diag};
    struct ear_buf bytes;
    r.line = (struct ear_line){.path = path, .diag = diag};
    ear_buf_init(&bytes, 1024 * 1024);
    ear_err err = ear_file_read(path, &bytes, diag);
    if (!err) ear_lessons_digest(lessons, EAR_STR("recipe"), ear_buf_str(&bytes));
    struct ear_str rest = ear_buf_str(&bytes), text;
    while (!err && ear_str_split(&rest, '\n', &text)) {
        r.line.number++;
        if (ear_line_cut(&r.line, text)) err = on_line(&r, &r.line);
    }
    if (!err) err = take_file(&r);
    if (!err && !r.open) err = ear_fail(diag, EAR_INVALID, "%s: no file to learn from", path);
    ear_map_free(&r.joined, NULL);
    ear_dataset_release(&r.posts);
    ear_dataset_release(&r.labels);
    ear_buf_release(&bytes);
    return err;
}
