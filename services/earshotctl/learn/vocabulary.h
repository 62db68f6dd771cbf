/* vocabulary: the words of all posts of a corpus, numbered as they come, and of each post the
 * numbers of its first EAR_NETWORK_TOKENS words: what a network reads of it. Words are all
 * tokens of the normaliser, masks, signs and faces among them. Owns copies of the words. */
#ifndef EAR_LEARN_VOCABULARY_H
#define EAR_LEARN_VOCABULARY_H

#include "model/network.h"

struct ear_heard {
    uint32_t word : 31, negated : 1;
};

struct ear_vocabulary {
    struct ear_map *numbers; /* of words, plus one; borrowed values */
    struct ear_str *words;
    size_t word_count, word_room;
    struct ear_heard *heard; /* post behind post */
    size_t heard_room;
    size_t *ends; /* of each post, in heard */
    size_t post_count, post_room;
};

void ear_vocabulary_init(struct ear_vocabulary *v);
void ear_vocabulary_release(struct ear_vocabulary *v);
void ear_vocabulary_add(struct ear_vocabulary *v, const struct ear_normal *post);

static inline const struct ear_heard *ear_vocabulary_post(const struct ear_vocabulary *v,
                                                          size_t post, size_t *count)
{
    size_t start = post ? v->ends[post - 1] : 0;
    *count = v->ends[post] - start;
    return v->heard + start;
}

/* Which words are worth a place of their own, judged by these posts: those that `posts_min` of them
 * have at least, the most frequent first, at most `max`. Fills the place of each word and returns
 * how many have one; that number is the place of all others. */
struct ear_vocabulary_choice {
    const uint32_t *posts;
    size_t post_count;
    uint32_t posts_min;
    size_t max;
};
size_t ear_vocabulary_rank(const struct ear_vocabulary *v,
                           const struct ear_vocabulary_choice *choice, uint32_t *places);

#endif
