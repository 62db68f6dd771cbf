/* corpus: the posts to learn from, as features: what ear_extract makes of them, one row of a matrix
 * a post. Features that fewer than two posts have are left out at the end and the others
 * numbered through, so that what solvers walk over is small. Owns the matrix and all else. */
#ifndef EAR_LEARN_CORPUS_H
#define EAR_LEARN_CORPUS_H

#include "matrix.h"
#include "vocabulary.h"

struct ear_feature_spec;
struct ear_feature_tables;
struct ear_extractor;

struct ear_corpus {
    struct ear_extractor *extractor;
    struct ear_text work;
    struct ear_matrix x;
    struct ear_vocabulary vocabulary; /* a post a row; texts without labels follow */
    uint64_t *keys;                   /* of each row and text: ear_split_key */
    size_t key_room;
    uint32_t dense_count;
    uint32_t *kept; /* hash index of each sparse column, ascending; NULL before the end */
    size_t kept_count;
};

/* The tables are borrowed as long as the corpus grows. */
void ear_corpus_init(struct ear_corpus *corpus, const struct ear_feature_spec *spec,
                     const struct ear_feature_tables *tables);
void ear_corpus_release(struct ear_corpus *corpus);
/* Returns the row. */
uint32_t ear_corpus_add(struct ear_corpus *corpus, struct ear_str text);
/* A text without labels: its words only. No post is added after it. */
void ear_corpus_add_words(struct ear_corpus *corpus, struct ear_str text);
static inline bool ear_corpus_has_words(const struct ear_corpus *corpus)
{
    return corpus->vocabulary.post_count > corpus->x.row_count;
}
/* Keeps the features that at least `posts_min` posts have. Nothing is added after that. */
void ear_corpus_finish(struct ear_corpus *corpus, uint32_t posts_min);

#endif
