#include "texts.h"

#include "goals.h"
#include <stdlib.h>

static struct ear_str key_of(const struct ear_corpus *corpus, size_t post)
{
    return (struct ear_str){(const char *)&corpus->keys[post], sizeof *corpus->keys};
}

/* Of the posts by which a head is judged. */
static struct ear_map *judged_keys(const struct ear_goals *goals)
{
    static char judged;
    struct ear_map *keys = ear_map_new();
    for (size_t row = 0; row < goals->row_count; row++)
        if (goals->judged[row])
            (void)ear_map_put(keys, key_of(&goals->lessons->corpus, row), &judged);
    return keys;
}

static size_t choose_posts(const struct ear_goals *goals, uint32_t *posts)
{
    const struct ear_corpus *corpus = &goals->lessons->corpus;
    struct ear_map *judged = judged_keys(goals);
    size_t count = 0;
    for (size_t i = 0; i < corpus->vocabulary.post_count; i++) {
        bool text = i >= goals->row_count;
        if (!text && goals->starts[i] == goals->starts[i + 1]) continue;
        if (!ear_map_get(judged, key_of(corpus, i))) posts[count++] = (uint32_t)i;
    }
    ear_map_free(&judged, NULL);
    return count;
}

void ear_texts_read(struct ear_lessons *lessons)
{
    const struct ear_vocabulary *vocabulary = &lessons->corpus.vocabulary;
    struct ear_skipgram_options options = {.words = lessons->network.words,
                                           .dims = lessons->network.dims,
                                           .epochs = lessons->network.text_epochs,
                                           .rate = lessons->network.text_rate,
                                           .seed = lessons->fit.seed};
    struct ear_goals goals;
    ear_goals_init(&goals, lessons, NULL);
    uint32_t *posts = ear_alloc((vocabulary->post_count + 1) * sizeof *posts);
    size_t count = choose_posts(&goals, posts);
    if (goals.head_count && options.epochs && count)
        ear_skipgram(vocabulary, posts, count, &options, &lessons->words);
    free(posts);
    ear_goals_release(&goals);
}
