/* points: the characters of a normalised text and the hashes of their n-grams; hashtags cut into
 * words. Private to model. */
#ifndef EAR_MODEL_POINTS_H
#define EAR_MODEL_POINTS_H

#include "model/scores.h"

#define EAR_POINTS_MAX   ((size_t)16 * 1024) /* of more the first count */
#define EAR_POINTS_ORDER 8                   /* the longest n-gram */

struct ear_points {
    struct ear_str text; /* borrowed */
    uint32_t *point;     /* a blank, the text, a blank; a mask is one point, all digits are '0' */
    uint32_t *at;        /* where in text each begins; of the last blank and behind it: its end */
    uint32_t *hash;      /* of the n-grams that begin at each */
    size_t count;
};

void ear_points_init(struct ear_points *p);
void ear_points_release(struct ear_points *p);
/* `text` is well-formed UTF-8. */
void ear_points_read(struct ear_points *p, struct ear_str text);
/* Indices of all n-grams of orders min to max, order by order; returns how many. There is room
 * for EAR_POINTS_MAX × EAR_POINTS_ORDER. */
size_t ear_points_grams(struct ear_points *p, uint32_t seed, unsigned min, unsigned max,
                        unsigned hash_bits, uint32_t *indices);

/* What the gram of that order spans that begins at point `first`. */
static inline struct ear_str ear_points_text(const struct ear_points *p, size_t first, size_t order)
{
    size_t from = p->at[first], to = p->at[first + order];
    return (struct ear_str){p->text.ptr + from, to - from};
}

/* Cuts a hashtag's letters into its most probable words; 0 where some of it is in no list. */
size_t ear_points_cut_tag(const struct ear_scores *scores, struct ear_str tag,
                          struct ear_str *parts, size_t max);

#endif
