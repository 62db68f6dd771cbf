#include "vocabulary.h"

#include <stdlib.h>

void ear_vocabulary_init(struct ear_vocabulary *v)
{
    *v = (struct ear_vocabulary){.numbers = ear_map_new()};
}

void ear_vocabulary_release(struct ear_vocabulary *v)
{
    for (size_t i = 0; i < v->word_count; i++) free((char *)v->words[i].ptr);
    if (v->numbers) ear_map_free(&v->numbers, NULL);
    free(v->words);
    free(v->heard);
    free(v->ends);
    *v = (struct ear_vocabulary){0};
}

/* Room for `more` behind `count`. */
static void *with_room(void *memory, size_t count, size_t more, size_t *room, size_t size)
{
    if (count + more <= *room) return memory;
    while (count + more > *room) *room = *room ? *room * 2 : 1024;
    memory = realloc(memory, *room * size);
    EAR_CHECK(memory != NULL);
    return memory;
}

static uint32_t number_of(struct ear_vocabulary *v, struct ear_str word)
{
    uintptr_t known = (uintptr_t)ear_map_get(v->numbers, word);
    if (known) return (uint32_t)(known - 1);
    v->words = with_room(v->words, v->word_count, 1, &v->word_room, sizeof *v->words);
    char *copy = ear_alloc(word.len + 1);
    memcpy(copy, word.ptr, word.len);
    v->words[v->word_count++] = (struct ear_str){copy, word.len};
    (void)ear_map_put(v->numbers, word, (void *)(uintptr_t)v->word_count);
    return (uint32_t)(v->word_count - 1);
}

void ear_vocabulary_add(struct ear_vocabulary *v, const struct ear_normal *post)
{
    size_t count = post->token_count < EAR_NETWORK_TOKENS ? post->token_count : EAR_NETWORK_TOKENS;
    size_t start = v->post_count ? v->ends[v->post_count - 1] : 0;
    v->heard = with_room(v->heard, start, count, &v->heard_room, sizeof *v->heard);
    v->ends = with_room(v->ends, v->post_count, 1, &v->post_room, sizeof *v->ends);
    for (size_t i = 0; i < count; i++)
        v->heard[start + i] = (struct ear_heard){
            .word = number_of(v, post->tokens[i].text) & INT32_MAX,
            .negated = post->tokens[i].negated,
        };
    v->ends[v->post_count++] = start + count;
}

/* ---- which words count ---- */

struct frequency {
    uint32_t posts, word, last; /* last: the post that was counted last, plus one */
};

static int most_frequent_first(const void *a, const void *b)
{
    const struct frequency *x = a, *y = b;
    if (x->posts != y->posts) return x->posts < y->posts ? 1 : -1;
    return (x->word > y->word) - (x->word < y->word);
}

static void count_post(const struct ear_vocabulary *v, size_t post, struct frequency *words)
{
    size_t count;
    const struct ear_heard *heard = ear_vocabulary_post(v, post, &count);
    for (size_t i = 0; i < count; i++) {
        struct frequency *word = &words[heard[i].word];
        word->posts += word->last != post + 1;
        word->last = (uint32_t)(post + 1);
    }
}

size_t ear_vocabulary_rank(const struct ear_vocabulary *v,
                           const struct ear_vocabulary_choice *choice, uint32_t *places)
{
    struct frequency *words = ear_alloc((v->word_count + 1) * sizeof *words);
    size_t ranked = 0;
    for (size_t i = 0; i < v->word_count; i++) words[i].word = (uint32_t)i;
    for (size_t i = 0; i < choice->post_count; i++) count_post(v, choice->posts[i], words);
    qsort(words, v->word_count, sizeof *words, most_frequent_first);
    while (ranked < v->word_count && ranked < choice->max &&
           words[ranked].posts >= choice->posts_min)
        ranked++;
    for (size_t i = 0; i < v->word_count; i++)
        places[words[i].word] = (uint32_t)(i < ranked ? i : ranked);
    free(words);
    return ranked;
}
