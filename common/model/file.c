#include "model/file.h"

#include "model/dense.h"
#include "model/kept.h"
#include "model/layout.h"
#include <math.h>
#include <stdlib.h>

struct writer {
    const struct ear_model_parts *parts;
    size_t columns;      /* as given */
    size_t file_columns; /* as written: of softmax heads one fewer */
    size_t width, inputs;
    size_t reference[EAR_MODEL_HEADS_MAX]; /* of softmax heads the label without a column */
    struct ear_buf *out;
    size_t start; /* of the file in out */
    struct ear_file_section sections[EAR_SECTION_COUNT];
    struct ear_buf strings;
    struct ear_file_column *column;
    ear_err err; /* the first; what comes after it does nothing */
};

void ear_model_digest(struct ear_str bytes, uint8_t digest[static EAR_MODEL_DIGEST])
{
    const size_t before = offsetof(struct ear_file_head, digest);
    const size_t behind = sizeof(struct ear_file_head);
    struct ear_str parts[] = {{bytes.ptr, before}, {bytes.ptr + behind, bytes.len - behind}};
    struct ear_hash_key key;
    ear_crypt_start();
    ear_hash_key_init(&key, EAR_STR("earshot model"), EAR_MODEL_DIGEST);
    ear_hash(&key, parts, EAR_COUNT(parts), digest, EAR_MODEL_DIGEST);
}

/* ---- what does not fit ---- */

static bool rising(const uint32_t *kept, size_t count, unsigned hash_bits)
{
    for (size_t i = 1; i < count; i++)
        if (kept[i] <= kept[i - 1]) return false;
    return !count || kept[count - 1] >> hash_bits == 0;
}

static ear_err check_head(const struct ear_model_part *h, unsigned level, struct ear_diag *diag)
{
    const char *bad = NULL;
    if (!h->name.len) bad = "has no name";
    if (h->label_count < 2 || h->label_count > EAR_MODEL_LABELS_MAX) bad = "number of labels";
    if (h->kind == EAR_HEAD_BINARY && h->label_count != 2) bad = "binary, but not two labels";
    if (h->kind >= EAR_HEAD_KINDS) bad = "kind";
    if (h->level < level || h->level > 2) bad = "level: 1 comes before 2, no others";
    if (h->knot_count > EAR_MODEL_KNOTS) bad = "too many knots";
    if (!h->bias) bad = "has no bias";
    return bad ? ear_fail(diag, EAR_INVALID, "head %.*s: %s", EAR_STR_ARG(h->name), bad) : EAR_OK;
}

static ear_err check_parts(struct writer *w, struct ear_diag *diag)
{
    const struct ear_model_parts *parts = w->parts;
    unsigned level = 1;
    if (!parts->head_count || parts->head_count > EAR_MODEL_HEADS_MAX)
        return ear_fail(diag, EAR_INVALID, "%zu heads, 1 to %d are possible", parts->head_count,
                        EAR_MODEL_HEADS_MAX);
    if (!ear_feature_spec_valid(&parts->spec))
        return ear_fail(diag, EAR_INVALID, "feature spec out of range");
    if (!rising(parts->kept, parts->kept_count, parts->spec.hash_bits))
        return ear_fail(diag, EAR_INVALID, "kept features do not rise or are out of range");
    for (size_t i = 0; i < parts->head_count; i++) {
        const struct ear_model_part *h = &parts->heads[i];
        ear_err err = check_head(h, level, diag);
        if (err) return err;
        level = h->level;
        w->columns += ear_head_columns(h->kind, h->label_count);
        w->file_columns += ear_head_file_columns(h->kind, h->label_count);
    }
    if (!parts->language.len) return ear_fail(diag, EAR_INVALID, "no table of languages");
    if (w->columns > EAR_MODEL_COLUMNS)
        return ear_fail(diag, EAR_INVALID, "%zu columns, %d at most", w->columns,
                        EAR_MODEL_COLUMNS);
    return EAR_OK;
}

/* ---- sections ---- */

static void put(struct writer *w, const void *data, size_t len)
{
    if (!w->err) w->err = ear_buf_append(w->out, data, len);
}

static void pad(struct writer *w)
{
    static const char zeroes[EAR_MODEL_ALIGN] = {0};
    size_t over = (w->out->len - w->start) % EAR_MODEL_ALIGN;
    if (over) put(w, zeroes, EAR_MODEL_ALIGN - over);
}

static void begin(struct writer *w, ear_section id)
{
    pad(w);
    w->sections[id] =
        (struct ear_file_section){.id = (uint32_t)id + 1, .offset = w->out->len - w->start};
}

static void end(struct writer *w, ear_section id)
{
    w->sections[id].bytes = w->out->len - w->start - w->sections[id].offset;
}

static void put_section(struct writer *w, ear_section id, const void *data, size_t len)
{
    begin(w, id);
    put(w, data, len);
    end(w, id);
}

static struct ear_file_string add_string(struct writer *w, struct ear_str s)
{
    struct ear_file_string at = {(uint32_t)w->strings.len, (uint32_t)s.len};
    if (!w->err && s.len) w->err = ear_buf_append_str(&w->strings, s);
    return at;
}

static struct ear_file_model_head file_head(struct writer *w, size_t at, uint32_t first_label)
{
    const struct ear_model_part *h = &w->parts->heads[at];
    struct ear_file_model_head f = {.name = add_string(w, h->name),
                                    .languages = add_string(w, h->languages),
                                    .first_label = first_label,
                                    .label_count = (uint32_t)h->label_count,
                                    .kind = h->kind,
                                    .level = h->level,
                                    .auxiliary = h->auxiliary,
                                    .knot_count = (uint32_t)h->knot_count,
                                    .reference = (uint32_t)w->reference[at],
                                    .unsure_below = h->unsure_below};
    memcpy(f.knots, h->knots, h->knot_count * sizeof *f.knots);
    memcpy(f.coverage, h->coverage, sizeof f.coverage);
    return f;
}

/* Heads, and the strings they name, which lie before them. */
static void put_heads(struct writer *w)
{
    const struct ear_model_parts *parts = w->parts;
    struct ear_file_model_head heads[EAR_MODEL_HEADS_MAX];
    size_t labels = 0, at = 0;
    for (size_t i = 0; i < parts->head_count; i++) labels += parts->heads[i].label_count;
    struct ear_file_string *label = ear_alloc(labels * sizeof *label);
    for (size_t i = 0; i < parts->head_count; i++) {
        heads[i] = file_head(w, i, (uint32_t)at);
        for (size_t k = 0; k < parts->heads[i].label_count; k++)
            label[at++] = add_string(w, parts->heads[i].labels[k]);
    }
    put_section(w, EAR_SECTION_STRINGS, w->strings.data, w->strings.len);
    put_section(w, EAR_SECTION_LABELS, label, labels * sizeof *label);
    put_section(w, EAR_SECTION_HEADS, heads, parts->head_count * sizeof *heads);
    free(label);
}

/* ---- from the columns given to those of the file ---- */

static float slope_of(const struct ear_model_part *h, size_t column)
{
    return h->slope ? h->slope[column] : 1;
}

/* What is calibrated is what is compared: of softmax heads weights are those of z. */
static void fold_row(const struct writer *w, const float *given, float *row)
{
    for (size_t i = 0; i < w->parts->head_count; i++) {
        const struct ear_model_part *h = &w->parts->heads[i];
        size_t count = ear_head_columns(h->kind, h->label_count), reference = w->reference[i];
        bool softmax = h->kind == EAR_HEAD_SOFTMAX;
        for (size_t c = 0; c < count; c++)
            if (!softmax)
                *row++ = given[c];
            else if (c != reference)
                *row++ = slope_of(h, c) * given[c] - slope_of(h, reference) * given[reference];
        given += count;
    }
}

static float intercept_of(const struct ear_model_part *h, size_t column)
{
    return slope_of(h, column) * h->bias[column] + (h->offset ? h->offset[column] : 0);
}

static void set_columns(struct writer *w)
{
    struct ear_file_column *column = w->column;
    for (size_t i = 0; i < w->parts->head_count; i++) {
        const struct ear_model_part *h = &w->parts->heads[i];
        size_t count = ear_head_columns(h->kind, h->label_count);
        for (size_t c = 0; c < count; c++) {
            if (h->kind != EAR_HEAD_SOFTMAX)
                *column++ = (struct ear_file_column){.bias = h->bias[c],
                                                     .slope = slope_of(h, c),
                                                     .offset = h->offset ? h->offset[c] : 0};
            else if (c != w->reference[i])
                *column++ = (struct ear_file_column){
                    .bias = intercept_of(h, c) - intercept_of(h, w->reference[i]), .slope = 1};
        }
    }
}

/* The quietest label of a head: subtracted from the others it widens their range least. */
static void choose_references(struct writer *w, float *given)
{
    const struct ear_model_parts *parts = w->parts;
    float *most = ear_alloc(w->columns * sizeof *most);
    for (size_t i = 0; i < parts->kept_count; i++) {
        parts->row(parts->self, i, given);
        for (size_t c = 0; c < w->columns; c++) most[c] = fmaxf(most[c], fabsf(given[c]));
    }
    for (size_t i = 0, first = 0; i < parts->head_count; i++) {
        const struct ear_model_part *h = &parts->heads[i];
        size_t *reference = &w->reference[i];
        for (size_t c = 1; h->kind == EAR_HEAD_SOFTMAX && c < h->label_count; c++)
            if (fabsf(slope_of(h, c)) * most[first + c] <
                fabsf(slope_of(h, *reference)) * most[first + *reference])
                *reference = c;
        first += ear_head_columns(h->kind, h->label_count);
    }
    free(most);
}

/* Scales that give each column's largest weight 127. */
static void measure_columns(struct writer *w, float *given, float *row)
{
    const struct ear_model_parts *parts = w->parts;
    set_columns(w);
    for (size_t i = 0; i < parts->kept_count; i++) {
        parts->row(parts->self, i, given);
        fold_row(w, given, row);
        for (size_t c = 0; c < w->file_columns; c++)
            w->column[c].scale = fmaxf(w->column[c].scale, fabsf(row[c]));
    }
    for (size_t c = 0; c < w->file_columns; c++) w->column[c].scale /= 127;
}

/* ---- weights ---- */

static void put_rows(struct writer *w, float *given, float *row)
{
    const struct ear_model_parts *parts = w->parts;
    int8_t *bytes = ear_alloc(w->width);
    begin(w, EAR_SECTION_ROWS);
    for (size_t i = 0; i < parts->kept_count && !w->err; i++) {
        parts->row(parts->self, i, given);
        fold_row(w, given, row);
        for (size_t c = 0; c < w->file_columns; c++)
            bytes[c] = w->column[c].scale > 0 ? (int8_t)lrintf(row[c] / w->column[c].scale) : 0;
        put(w, bytes, w->width);
    }
    end(w, EAR_SECTION_ROWS);
    free(bytes);
}

static void put_dense(struct writer *w)
{
    if (!w->parts->dense) return;
    float *padded = ear_alloc(w->width * sizeof *padded);
    begin(w, EAR_SECTION_DENSE);
    for (size_t i = 0; i < w->inputs; i++) {
        fold_row(w, w->parts->dense + i * w->columns, padded);
        put(w, padded, w->width * sizeof *padded);
    }
    end(w, EAR_SECTION_DENSE);
    free(padded);
}

static void put_weights(struct writer *w, float *given, float *row)
{
    measure_columns(w, given, row);
    put_section(w, EAR_SECTION_COLUMNS, w->column, w->width * sizeof *w->column);
    begin(w, EAR_SECTION_KEPT);
    if (!w->err)
        w->err =
            ear_kept_write(w->parts->kept, w->parts->kept_count, w->parts->spec.hash_bits, w->out);
    end(w, EAR_SECTION_KEPT);
    put_rows(w, given, row);
    put_dense(w);
}

static void put_optional(struct writer *w, ear_section id, struct ear_str section)
{
    if (section.len) put_section(w, id, section.ptr, section.len);
}

/* Of heads that know none: zeroes. */
static void put_shares(struct writer *w)
{
    static const float none[EAR_MODEL_LABELS_MAX];
    const struct ear_model_parts *parts = w->parts;
    bool known = false;
    for (size_t i = 0; i < parts->head_count; i++) known = known || parts->heads[i].shares;
    if (!known) return;
    begin(w, EAR_SECTION_SHARES);
    for (size_t i = 0; i < parts->head_count; i++) {
        const struct ear_model_part *h = &parts->heads[i];
        put(w, h->shares ? h->shares : none, h->label_count * sizeof *h->shares);
    }
    end(w, EAR_SECTION_SHARES);
}

/* A byte a head. */
static void put_standins(struct writer *w)
{
    const struct ear_model_parts *parts = w->parts;
    uint8_t all[EAR_MODEL_HEADS_MAX], any = 0;
    for (size_t i = 0; i < parts->head_count; i++) any |= all[i] = parts->heads[i].stands_in;
    if (any) put_section(w, EAR_SECTION_STANDINS, all, parts->head_count);
}

static void put_spec(struct writer *w, size_t dense_count)
{
    const struct ear_feature_spec *s = &w->parts->spec;
    struct ear_file_spec spec = {.seed = s->seed,
                                 .hash_bits = s->hash_bits,
                                 .word_max = s->word_max,
                                 .char_min = s->char_min,
                                 .char_max = s->char_max,
                                 .dense_count = (uint32_t)dense_count};
    memcpy(spec.weight, s->weight, sizeof spec.weight);
    put_section(w, EAR_SECTION_SPEC, &spec, sizeof spec);
}

static void put_all(struct writer *w, size_t dense_count)
{
    const struct ear_model_parts *parts = w->parts;
    static const struct ear_file_head head; /* filled when all is known */
    float *given = ear_alloc(ear_model_width(w->columns) * sizeof *given),
          *row = ear_alloc(w->width * sizeof *row);
    choose_references(w, given);
    put(w, &head, sizeof head);
    put(w, w->sections, sizeof w->sections);
    put_spec(w, dense_count);
    put_section(w, EAR_SECTION_NAME, parts->name.ptr, parts->name.len);
    put_section(w, EAR_SECTION_LICENCES, parts->licences.ptr, parts->licences.len);
    put_section(w, EAR_SECTION_TRAINING, parts->training, sizeof parts->training);
    put_heads(w);
    put_weights(w, given, row);
    put_section(w, EAR_SECTION_LANGUAGE, parts->language.ptr, parts->language.len);
    put_optional(w, EAR_SECTION_SCORES, parts->scores);
    put_optional(w, EAR_SECTION_NETWORK, parts->network);
    put_shares(w);
    put_standins(w);
    pad(w);
    free(given);
    free(row);
}

/* Now that all places are known. */
static void finish(struct writer *w)
{
    struct ear_file_head head = {.magic = EAR_MODEL_MAGIC,
                                 .format = EAR_MODEL_FORMAT,
                                 .feature_version = EAR_FEATURE_VERSION,
                                 .bytes = w->out->len - w->start,
                                 .section_count = EAR_SECTION_COUNT};
    char *file = w->out->data + w->start;
    for (size_t i = 0; i < EAR_SECTION_COUNT; i++) w->sections[i].id = (uint32_t)i + 1;
    memcpy(file, &head, sizeof head);
    memcpy(file + sizeof head, w->sections, sizeof w->sections);
    ear_model_digest((struct ear_str){file, head.bytes}, head.digest);
    memcpy(file, &head, sizeof head);
}

ear_err ear_model_write(const struct ear_model_parts *parts, struct ear_buf *out,
                        struct ear_diag *diag)
{
    struct writer w = {.parts = parts, .out = out, .start = out->len};
    struct ear_feature_tables tables = {0};
    ear_err err = check_parts(&w, diag);
    if (!err && parts->network.len) err = ear_network_open(parts->network, &tables.network, diag);
    if (err) return err;
    size_t dense_count = ear_dense_count(&tables);
    w.width = ear_model_width(w.file_columns);
    w.inputs = dense_count + ear_stack_inputs(parts->heads, parts->head_count);
    w.column = ear_alloc(w.width * sizeof *w.column);
    ear_buf_init(&w.strings, EAR_MODEL_STRINGS);
    put_all(&w, dense_count);
    if (!w.err) finish(&w);
    free(w.column);
    ear_buf_release(&w.strings);
    return w.err ? ear_fail(diag, w.err, "model file: %s", ear_err_text(w.err)) : EAR_OK;
}
