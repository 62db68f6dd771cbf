#include "corpus.h"

#include "model/features.h"
#include "split.h"
#include <stdlib.h>

#define NO_COLUMN UINT32_MAX

void ear_corpus_init(struct ear_corpus *corpus, const struct ear_feature_spec *spec,
                     const struct ear_feature_tables *tables)
{
    *corpus = (struct ear_corpus){.extractor = ear_extractor_new(spec, tables, NULL),
                                  .dense_count = (uint32_t)ear_dense_count(tables)};
    ear_vocabulary_init(&corpus->vocabulary);
    ear_text_init(&corpus->work, EAR_MODEL_TEXT_MAX * 20);
    ear_matrix_init(&corpus->x, UINT32_C(1) << spec->hash_bits, corpus->dense_count);
}

void ear_corpus_release(struct ear_corpus *corpus)
{
    ear_extractor_free(&corpus->extractor);
    ear_text_release(&corpus->work);
    ear_matrix_release(&corpus->x);
    ear_vocabulary_release(&corpus->vocabulary);
    free(corpus->keys);
    free(corpus->kept);
    *corpus = (struct ear_corpus){0};
}

static void add_key(struct ear_corpus *corpus, struct ear_str text)
{
    size_t post = corpus->vocabulary.post_count - 1;
    if (post == corpus->key_room) {
        corpus->key_room = corpus->key_room ? corpus->key_room * 2 : 1024;
        corpus->keys = realloc(corpus->keys, corpus->key_room * sizeof *corpus->keys);
        EAR_CHECK(corpus->keys != NULL);
    }
    corpus->keys[post] = ear_split_key(&corpus->work, text);
}

static int by_column(const void *a, const void *b)
{
    const struct ear_cell *x = a, *y = b;
    return (x->column > y->column) - (x->column < y->column);
}

/* A feature of two groups counts once, with both values. */
static size_t merge(struct ear_cell *cells, size_t count)
{
    size_t kept = 0;
    qsort(cells, count, sizeof *cells, by_column);
    for (size_t i = 0; i < count; i++)
        if (kept && cells[kept - 1].column == cells[i].column)
            cells[kept - 1].value += cells[i].value;
        else
            cells[kept++] = cells[i];
    return kept;
}

uint32_t ear_corpus_add(struct ear_corpus *corpus, struct ear_str text)
{
    struct ear_model_post post = {.text = text};
    EAR_CHECK(!ear_corpus_has_words(corpus));
    const struct ear_features *f = ear_extract(corpus->extractor, &post);
    size_t count = f->end[EAR_FEATURE_GROUPS - 1];
    struct ear_cell *cells = ear_alloc((count + corpus->dense_count + 1) * sizeof *cells);
    for (size_t group = 0, i = 0; group < EAR_FEATURE_GROUPS; group++)
        for (; i < f->end[group]; i++) cells[i] = (struct ear_cell){f->index[i], f->value[group]};
    count = merge(cells, count);
    for (uint32_t i = 0; i < corpus->dense_count; i++)
        if (f->dense[i] != 0)
            cells[count++] = (struct ear_cell){corpus->x.sparse_columns + i, f->dense[i]};
    ear_vocabulary_add(&corpus->vocabulary, ear_extractor_normal(corpus->extractor));
    add_key(corpus, text);
    ear_matrix_add(&corpus->x, cells, count);
    free(cells);
    return (uint32_t)(corpus->x.row_count - 1);
}

void ear_corpus_add_words(struct ear_corpus *corpus, struct ear_str text)
{
    (void)ear_extract(corpus->extractor, &(struct ear_model_post){.text = text});
    ear_vocabulary_add(&corpus->vocabulary, ear_extractor_normal(corpus->extractor));
    add_key(corpus, text);
}

/* The new number of each hash index, or NO_COLUMN. */
static uint32_t *renumber(struct ear_corpus *corpus, uint32_t posts_min)
{
    const struct ear_matrix *x = &corpus->x;
    uint32_t *numbers = ear_alloc((size_t)x->sparse_columns * sizeof *numbers);
    for (size_t i = 0; i < x->starts[x->row_count]; i++)
        if (x->cells[i].column < x->sparse_columns) numbers[x->cells[i].column]++;
    for (uint32_t c = 0; c < x->sparse_columns; c++) corpus->kept_count += numbers[c] >= posts_min;
    corpus->kept = ear_alloc((corpus->kept_count + 1) * sizeof *corpus->kept);
    for (uint32_t c = 0, next = 0; c < x->sparse_columns; c++) {
        bool keep = numbers[c] >= posts_min;
        if (keep) corpus->kept[next] = c;
        numbers[c] = keep ? next++ : NO_COLUMN;
    }
    return numbers;
}

void ear_corpus_finish(struct ear_corpus *corpus, uint32_t posts_min)
{
    struct ear_matrix *x = &corpus->x;
    uint32_t *numbers = renumber(corpus, posts_min);
    size_t to = 0, from = 0;
    for (size_t row = 0; row < x->row_count; row++) {
        for (size_t end = x->starts[row + 1]; from < end; from++) {
            uint32_t column = x->cells[from].column;
            column = column < x->sparse_columns
                         ? numbers[column]
                         : column - x->sparse_columns + (uint32_t)corpus->kept_count;
            if (column != NO_COLUMN)
                x->cells[to++] = (struct ear_cell){column, x->cells[from].value};
        }
        x->starts[row + 1] = to;
    }
    x->sparse_columns = (uint32_t)corpus->kept_count;
    x->column_count = x->sparse_columns + corpus->dense_count;
    free(numbers);
    ear_extractor_free(&corpus->extractor);
}
