/* The model file, read: nothing of it is believed before it was checked. */
#include "model/dense.h"
#include "model/private.h"
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

#define FILE_BYTES_MAX ((size_t)1 << 30)
#define HUGE_PAGE      ((size_t)2 << 20)
#define NAME_BYTES     (EAR_MODEL_VERSION_BYTES - 16)

struct loader {
    struct ear_model *m;
    struct ear_diag *diag;
};

static const struct {
    const char *name;
    bool required;
} sections[] = {
#define X(id, name, required) {name, required},
    EAR_MODEL_SECTIONS(X)
#undef X
};

static ear_err bad(struct loader *l, ear_section section, const char *what)
{
    return ear_fail(l->diag, EAR_INVALID, "%s: %s", sections[section].name, what);
}

/* ---- the head and where everything lies ---- */

static ear_err check_frame(struct loader *l, struct ear_file_head *head)
{
    struct ear_str bytes = l->m->bytes;
    if (bytes.len < sizeof *head + EAR_SECTIONS_LEAST * sizeof(struct ear_file_section))
        return ear_fail(l->diag, EAR_INVALID, "too short for a model file");
    memcpy(head, bytes.ptr, sizeof *head);
    if (memcmp(head->magic, EAR_MODEL_MAGIC, sizeof head->magic) != 0)
        return ear_fail(l->diag, EAR_INVALID, "not a model file: wrong magic");
    if (head->format != EAR_MODEL_FORMAT)
        return ear_fail(l->diag, EAR_UNSUPPORTED,
                        "format %u, this program reads %d; train it again", head->format,
                        EAR_MODEL_FORMAT);
    if (head->feature_version != EAR_FEATURE_VERSION)
        return ear_fail(l->diag, EAR_UNSUPPORTED,
                        "made for features of version %u, this program has %d; train it again",
                        head->feature_version, EAR_FEATURE_VERSION);
    if (head->bytes != bytes.len)
        return ear_fail(l->diag, EAR_INVALID, "%zu bytes long, should be %llu: cut or grown",
                        bytes.len, (unsigned long long)head->bytes);
    uint8_t digest[EAR_MODEL_DIGEST];
    ear_model_digest(bytes, digest);
    if (memcmp(digest, head->digest, sizeof digest) != 0)
        return ear_fail(l->diag, EAR_INVALID, "damaged: its digest does not match");
    if (head->section_count < EAR_SECTIONS_LEAST || head->section_count > EAR_SECTION_COUNT ||
        bytes.len < sizeof *head + head->section_count * sizeof(struct ear_file_section))
        return ear_fail(l->diag, EAR_INVALID, "%u sections, should be %d to %d",
                        head->section_count, EAR_SECTIONS_LEAST, EAR_SECTION_COUNT);
    return EAR_OK;
}

static ear_err find_sections(struct loader *l, size_t count)
{
    struct ear_model *m = l->m;
    struct ear_file_section table[EAR_SECTION_COUNT];
    memcpy(table, m->bytes.ptr + sizeof(struct ear_file_head), count * sizeof *table);
    uint64_t before = sizeof(struct ear_file_head) + count * sizeof *table;
    for (size_t i = 0; i < count; i++) {
        struct ear_file_section s = table[i];
        if (s.id != i + 1) return bad(l, (ear_section)i, "not at its place in the table");
        if (!s.bytes && !s.offset && !sections[i].required) continue;
        bool fits = s.offset % EAR_MODEL_ALIGN == 0 && s.offset >= before &&
                    s.offset <= m->bytes.len && s.bytes <= m->bytes.len - s.offset;
        if (!fits) return bad(l, (ear_section)i, "lies outside the file or over another");
        m->section[i] = (struct ear_str){m->bytes.ptr + s.offset, s.bytes};
        before = s.offset + s.bytes;
    }
    return EAR_OK;
}

/* ---- what is in the sections ---- */

static ear_err read_spec(struct loader *l)
{
    struct ear_model *m = l->m;
    struct ear_file_spec spec;
    if (m->section[EAR_SECTION_SPEC].len != sizeof spec) return bad(l, EAR_SECTION_SPEC, "size");
    memcpy(&spec, m->section[EAR_SECTION_SPEC].ptr, sizeof spec);
    m->spec = (struct ear_feature_spec){.seed = spec.seed,
                                        .hash_bits = spec.hash_bits,
                                        .word_max = spec.word_max,
                                        .char_min = spec.char_min,
                                        .char_max = spec.char_max};
    memcpy(m->spec.weight, spec.weight, sizeof spec.weight);
    m->dense_count = spec.dense_count;
    return ear_feature_spec_valid(&m->spec) ? EAR_OK : bad(l, EAR_SECTION_SPEC, "out of range");
}

static bool string_at(const struct ear_model *m, struct ear_file_string at, struct ear_str *out)
{
    struct ear_str all = m->section[EAR_SECTION_STRINGS];
    if (at.offset > all.len || at.bytes > all.len - at.offset) return false;
    *out = (struct ear_str){all.ptr + at.offset, at.bytes};
    return ear_text_is_utf8(*out) && !(at.bytes && memchr(out->ptr, 0, at.bytes));
}

/* Lines and tables are made from names, so they have a bound. */
static bool name_at(const struct ear_model *m, struct ear_file_string at, struct ear_str *out)
{
    return string_at(m, at, out) && out->len <= EAR_MODEL_NAME_BYTES;
}

static ear_err read_labels(struct loader *l)
{
    struct ear_model *m = l->m;
    struct ear_str section = m->section[EAR_SECTION_LABELS];
    const struct ear_file_string *strings = (const void *)section.ptr;
    m->label_count = section.len / sizeof *strings;
    if (section.len % sizeof *strings || m->label_count > EAR_MODEL_COLUMNS * 2)
        return bad(l, EAR_SECTION_LABELS, "size");
    m->labels = ear_alloc((m->label_count + 1) * sizeof *m->labels);
    for (size_t i = 0; i < m->label_count; i++)
        if (!name_at(m, strings[i], &m->labels[i]))
            return bad(l, EAR_SECTION_LABELS, "a label outside the strings, too long, or no UTF-8");
    return EAR_OK;
}

static bool is_share(float p)
{
    return p >= 0 && p <= 1;
}

static bool shares_fit(const struct ear_file_model_head *f)
{
    if (!is_share(f->unsure_below) || f->knot_count > EAR_MODEL_KNOTS) return false;
    for (size_t i = 0; i < f->knot_count; i++)
        if (!is_share(f->knots[i].x) || !is_share(f->knots[i].y) ||
            (i && (f->knots[i].x <= f->knots[i - 1].x || f->knots[i].y < f->knots[i - 1].y)))
            return false;
    for (size_t i = 0; i < EAR_MODEL_COVERAGES; i++)
        if (!is_share(f->coverage[i]) || (i && f->coverage[i] > f->coverage[i - 1])) return false;
    return true;
}

static bool head_fits(const struct ear_model *m, const struct ear_file_model_head *f,
                      unsigned level)
{
    size_t references = f->kind == EAR_HEAD_SOFTMAX ? f->label_count : 1;
    return f->kind < EAR_HEAD_KINDS && f->level >= level && f->level <= 2 && f->label_count >= 2 &&
           f->label_count <= EAR_MODEL_LABELS_MAX && f->first_label <= m->label_count &&
           f->label_count <= m->label_count - f->first_label &&
           (f->kind != EAR_HEAD_BINARY || f->label_count == 2) && f->auxiliary <= 1 &&
           f->reference < references;
}

static ear_err read_head(struct loader *l, const struct ear_file_model_head *f, unsigned level)
{
    struct ear_model *m = l->m;
    struct ear_head *h = &m->heads[m->head_count];
    if (!name_at(m, f->name, &h->name) || !h->name.len ||
        !string_at(m, f->languages, &h->languages))
        return bad(l, EAR_SECTION_HEADS, "a name outside the strings, too long, or no UTF-8");
    if (!head_fits(m, f, level))
        return ear_fail(l->diag, EAR_INVALID, "head %.*s: kind, level or labels out of range",
                        EAR_STR_ARG(h->name));
    if (!shares_fit(f))
        return ear_fail(l->diag, EAR_INVALID, "head %.*s: threshold or calibration out of range",
                        EAR_STR_ARG(h->name));
    h->labels = m->labels + f->first_label;
    h->label_count = f->label_count;
    h->auxiliary = f->auxiliary;
    h->unsure_below = f->unsure_below;
    m->plans[m->head_count++] = (struct ear_plan){
        .kind = (ear_head_kind)f->kind,
        .level = f->level,
        .first_column = m->columns,
        .column_count = ear_head_file_columns((ear_head_kind)f->kind, f->label_count),
        .reference = f->kind == EAR_HEAD_SOFTMAX ? f->reference : SIZE_MAX,
        .first_label = f->first_label,
        .file = f,
    };
    return EAR_OK;
}

static ear_err read_heads(struct loader *l)
{
    struct ear_model *m = l->m;
    struct ear_str section = m->section[EAR_SECTION_HEADS];
    const struct ear_file_model_head *f = (const void *)section.ptr;
    size_t count = section.len / sizeof *f;
    if (section.len % sizeof *f || !count || count > EAR_MODEL_HEADS_MAX)
        return bad(l, EAR_SECTION_HEADS, "size");
    ear_err err = EAR_OK;
    size_t labels = 0;
    m->first_stacked = SIZE_MAX;
    for (size_t i = 0; i < count && !err; i++) {
        err = read_head(l, &f[i], i ? f[i - 1].level : 1);
        if (err) return err;
        if (f[i].first_label != labels) return bad(l, EAR_SECTION_HEADS, "labels out of order");
        labels += f[i].label_count;
        if (f[i].level == 2 && m->first_stacked == SIZE_MAX) m->first_stacked = m->columns;
        m->columns += m->plans[i].column_count;
    }
    if (labels != m->label_count) return bad(l, EAR_SECTION_HEADS, "labels of no head");
    if (m->first_stacked == SIZE_MAX) m->first_stacked = m->columns;
    m->width = ear_model_width(m->columns);
    return m->columns <= EAR_MODEL_COLUMNS ? EAR_OK : bad(l, EAR_SECTION_HEADS, "too many columns");
}

/* Of the twentieths of posts into which coverage cuts them the middles. */
static float sureness_of(const float *coverage)
{
    float sum = 0;
    for (size_t i = 0; i < EAR_MODEL_COVERAGES; i++)
        sum += (coverage[i ? i - 1 : 0] + coverage[i]) / 2;
    return sum / EAR_MODEL_COVERAGES;
}

/* All zeroes: not known. */
static ear_err read_shares(struct loader *l)
{
    struct ear_model *m = l->m;
    struct ear_str section = m->section[EAR_SECTION_SHARES];
    const float *shares = (const void *)section.ptr;
    for (size_t i = 0; i < m->head_count; i++)
        m->heads[i].sureness = sureness_of(m->plans[i].file->coverage);
    if (!section.len) return EAR_OK;
    if (section.len != m->label_count * sizeof *shares) return bad(l, EAR_SECTION_SHARES, "size");
    for (size_t i = 0; i < m->head_count; shares += m->heads[i++].label_count) {
        float sum = 0;
        for (size_t k = 0; k < m->heads[i].label_count; k++) {
            if (!is_share(shares[k])) return bad(l, EAR_SECTION_SHARES, "a number out of range");
            sum += shares[k];
        }
        if (m->plans[i].kind != EAR_HEAD_FLAGS && sum > 0 && fabsf(sum - 1) > 1e-3f)
            return bad(l, EAR_SECTION_SHARES, "they do not sum to 1");
        m->heads[i].shares = sum > 0 ? shares : NULL;
    }
    return EAR_OK;
}

static bool same_labels(const struct ear_head *a, const struct ear_head *b)
{
    bool same = a->label_count == b->label_count;
    for (size_t i = 0; same && i < a->label_count; i++)
        same = ear_str_eq(a->labels[i], b->labels[i]);
    return same;
}

/* Stand-ins name their languages, and nobody stands in for one of them. */
static ear_err read_standins(struct loader *l)
{
    struct ear_model *m = l->m;
    struct ear_str section = m->section[EAR_SECTION_STANDINS];
    for (size_t i = 0; i < m->head_count; i++) m->heads[i].stands_in = -1;
    if (!section.len) return EAR_OK;
    if (section.len != m->head_count) return bad(l, EAR_SECTION_STANDINS, "size");
    for (size_t i = 0; i < m->head_count; i++) {
        size_t whose = (unsigned char)section.ptr[i];
        if (!whose) continue;
        if (whose > m->head_count || whose - 1 == i || section.ptr[whose - 1] ||
            !m->heads[i].languages.len || m->plans[i].kind == EAR_HEAD_FLAGS ||
            m->plans[whose - 1].kind == EAR_HEAD_FLAGS ||
            !same_labels(&m->heads[i], &m->heads[whose - 1]))
            return bad(l, EAR_SECTION_STANDINS, "a head that cannot speak for that one");
        m->heads[i].stands_in = (int)whose - 1;
    }
    return EAR_OK;
}

static bool all_bounded(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(values[i]) <= 1e6f)) return false;
    return true;
}

static size_t stack_inputs(const struct ear_model *m)
{
    struct ear_model_part parts[EAR_MODEL_HEADS_MAX] = {0};
    for (size_t i = 0; i < m->head_count; i++)
        parts[i] = (struct ear_model_part){.kind = m->plans[i].kind,
                                           .level = m->plans[i].level,
                                           .label_count = m->heads[i].label_count};
    return ear_stack_inputs(parts, m->head_count);
}

static ear_err read_weights(struct loader *l)
{
    struct ear_model *m = l->m;
    struct ear_str columns = m->section[EAR_SECTION_COLUMNS], rows = m->section[EAR_SECTION_ROWS];
    struct ear_str dense = m->section[EAR_SECTION_DENSE];
    m->column = (const void *)columns.ptr;
    m->rows = (const void *)rows.ptr;
    if (columns.len != m->width * sizeof *m->column) return bad(l, EAR_SECTION_COLUMNS, "size");
    if (!all_bounded((const void *)m->column, m->width * 4))
        return bad(l, EAR_SECTION_COLUMNS, "a number out of range");
    if (rows.len % m->width) return bad(l, EAR_SECTION_ROWS, "size");
    m->input_count = m->dense_count + stack_inputs(m);
    if (!dense.len) return EAR_OK;
    m->dense = (const void *)dense.ptr;
    if (dense.len != m->input_count * m->width * sizeof *m->dense)
        return bad(l, EAR_SECTION_DENSE, "size");
    return all_bounded(m->dense, m->input_count * m->width)
               ? EAR_OK
               : bad(l, EAR_SECTION_DENSE, "a number out of range");
}

static ear_err read_tables(struct loader *l)
{
    struct ear_model *m = l->m;
    struct ear_str language = m->section[EAR_SECTION_LANGUAGE];
    struct ear_str scores = m->section[EAR_SECTION_SCORES];
    struct ear_str network = m->section[EAR_SECTION_NETWORK];
    size_t rows = m->section[EAR_SECTION_ROWS].len / m->width;
    ear_err err =
        ear_kept_open(m->section[EAR_SECTION_KEPT], m->spec.hash_bits, rows, &m->kept, l->diag);
    m->kept.weights = m->rows;
    m->kept.width = m->width;
    if (!err) err = ear_language_open(language, &m->tables.language, l->diag);
    if (!err && scores.len) err = ear_scores_open(scores, &m->tables.scores, l->diag);
    if (!err && network.len) err = ear_network_open(network, &m->tables.network, l->diag);
    if (!err && m->dense_count != ear_dense_count(&m->tables))
        err = ear_fail(l->diag, EAR_UNSUPPORTED, "made for %zu dense inputs, this program has %zu",
                       m->dense_count, ear_dense_count(&m->tables));
    return err;
}

static ear_err name_it(struct loader *l, const struct ear_file_head *head)
{
    struct ear_model *m = l->m;
    struct ear_str name = m->section[EAR_SECTION_NAME];
    struct ear_str training = m->section[EAR_SECTION_TRAINING];
    if (!name.len || name.len > NAME_BYTES || !ear_text_is_utf8(name) ||
        memchr(name.ptr, 0, name.len))
        return bad(l, EAR_SECTION_NAME, "empty, too long or no UTF-8");
    if (training.len != EAR_MODEL_DIGEST) return bad(l, EAR_SECTION_TRAINING, "size");
    if (!ear_text_is_utf8(m->section[EAR_SECTION_LICENCES]))
        return bad(l, EAR_SECTION_LICENCES, "no UTF-8");
    ear_hex(head->digest, sizeof head->digest, m->digest);
    ear_hex((const uint8_t *)training.ptr, training.len, m->training);
    memcpy(m->version, name.ptr, name.len);
    m->version[name.len] = ' ';
    memcpy(m->version + name.len + 1, m->digest, 8);
    return EAR_OK;
}

static ear_err read_all(struct loader *l)
{
    struct ear_file_head head;
    ear_err err = check_frame(l, &head);
    if (!err) err = find_sections(l, head.section_count);
    if (!err) err = name_it(l, &head);
    if (!err) err = read_spec(l);
    if (!err) err = read_labels(l);
    if (!err) err = read_heads(l);
    if (!err) err = read_shares(l);
    if (!err) err = read_standins(l);
    if (!err) err = read_weights(l);
    if (!err) err = read_tables(l);
    return err;
}

ear_err ear_model_open(struct ear_str bytes, struct ear_model **out, struct ear_diag *diag)
{
    struct ear_model *m = ear_alloc(sizeof *m);
    m->bytes = bytes;
    struct loader l = {m, diag};
    ear_err err = read_all(&l);
    if (err) ear_model_free(&m);
    *out = m;
    return err;
}

/* Rows are read at random: large pages spare look-ups of addresses. */
static void *take_aligned(struct ear_str bytes)
{
    size_t size = (bytes.len + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *memory = ear_fault("alloc") ? NULL : aligned_alloc(HUGE_PAGE, size);
    if (!memory) return NULL;
    madvise(memory, size, MADV_HUGEPAGE);
    memcpy(memory, bytes.ptr, bytes.len);
    return memory;
}

ear_err ear_model_load(const char *path, struct ear_model **out, struct ear_diag *diag)
{
    struct ear_buf file;
    *out = NULL;
    ear_buf_init(&file, FILE_BYTES_MAX);
    ear_err err = ear_file_read(path, &file, diag);
    if (err) goto release;
    void *memory = take_aligned(ear_buf_str(&file));
    if (!memory) {
        err = ear_fail(diag, EAR_NO_MEMORY, "%s: no memory for its %zu bytes", path, file.len);
        goto release;
    }
    err = ear_model_open((struct ear_str){memory, file.len}, out, diag);
    if (!err) (*out)->owned = memory;
    if (err) {
        free(memory);
        err = ear_fail_in(diag, err, path);
    }
release:
    ear_buf_release(&file);
    return err;
}

void ear_model_free(struct ear_model **model)
{
    if (!*model) return;
    free((*model)->owned);
    free((*model)->labels);
    ear_kept_close(&(*model)->kept);
    EAR_FREE(*model);
}

struct ear_model_info ear_model_info(const struct ear_model *m)
{
    return (struct ear_model_info){.version = ear_str_from(m->version),
                                   .licences = m->section[EAR_SECTION_LICENCES],
                                   .training = ear_str_from(m->training),
                                   .digest = ear_str_from(m->digest),
                                   .bytes = m->bytes.len,
                                   .rows = m->kept.count,
                                   .head_count = m->head_count,
                                   .heads = m->heads};
}

int ear_model_head(const struct ear_model *model, struct ear_str name)
{
    for (size_t i = 0; i < model->head_count; i++)
        if (ear_str_eq(model->heads[i].name, name)) return (int)i;
    return -1;
}

float ear_model_threshold(const struct ear_model *model, size_t head, float coverage)
{
    EAR_CHECK(head < model->head_count);
    float at = coverage * EAR_MODEL_COVERAGES - 1;
    const float *p = model->plans[head].file->coverage;
    if (!(at > 0)) return p[0];
    if (at >= EAR_MODEL_COVERAGES - 1) return p[EAR_MODEL_COVERAGES - 1];
    size_t low = (size_t)at;
    float part = at - (float)low;
    return p[low] * (1 - part) + p[low + 1] * part;
}
