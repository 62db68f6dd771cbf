#include "model/dense.h"

#include "model/simd.h"
#include <math.h>

#define HALF_COUNT 4 /* so many of a kind count half of what any number can */
#define AT_ONCE    64

size_t ear_dense_count(const struct ear_feature_tables *tables)
{
    return EAR_DENSE_NETWORK + ear_network_outputs(&tables->network);
}

const char *ear_dense_name(size_t at)
{
    static const char *const names[] = {
#define X(name, text) text,
        EAR_DENSE_TABLE(X)
#undef X
    };
    if (at < EAR_SIGNAL_COUNT) return ear_signal_name((ear_signal)at);
    return at < EAR_DENSE_NETWORK ? names[at - EAR_SIGNAL_COUNT] : "network";
}

/* 0 for none, then rising to 1 ever more slowly. */
static float saturate(float sum)
{
    return sum / (sum + HALF_COUNT);
}

/* What one channel of the lists says of all words so far. */
struct tone {
    float up, down, highest, lowest, last;
};

struct tally {
    struct tone valence, mood;
    float rude, numbers, faces, tags, users, links, negated;
    bool firm;
};

/* A negated word says the opposite, less loudly. */
static void hear(struct tone *tone, int8_t channel, bool negated)
{
    if (!channel) return;
    float v = (float)channel / 127 * (negated ? -0.7f : 1.0f);
    if (v > 0) tone->up += v;
    if (v < 0) tone->down -= v;
    tone->highest = ear_more(tone->highest, v);
    tone->lowest = ear_less(tone->lowest, v);
    tone->last = v;
}

static void look_up(struct tally *t, const struct ear_feature_tables *tables,
                    struct ear_score_key key, bool negated)
{
    struct ear_score_found found;
    if (!ear_scores_look(&tables->scores, key, &found)) return;
    hear(&t->valence, found.channel[EAR_SCORE_VALENCE], negated);
    hear(&t->mood, found.channel[EAR_SCORE_MOOD], negated);
    t->rude += (float)found.channel[EAR_SCORE_RUDE] / 127;
}

static bool has_score(const struct ear_normal_token *token)
{
    return token->kind != EAR_TOKEN_MASK && token->kind != EAR_TOKEN_NUMBER;
}

/* What the lists say of some tokens: all are asked for before the first answer is waited for. */
static void look_up_all(struct tally *t, const struct ear_feature_tables *tables,
                        const struct ear_normal_token *tokens, size_t count, const char *language)
{
    struct ear_score_key key[AT_ONCE];
    for (size_t i = 0; i < count; i++)
        if (has_score(&tokens[i]))
            key[i] = ear_scores_key(&tables->scores, tokens[i].text, language);
    for (size_t i = 0; i < count; i++)
        if (has_score(&tokens[i])) look_up(t, tables, key[i], tokens[i].negated);
}

static void count_token(struct tally *t, const struct ear_normal_token *token)
{
    t->numbers += token->kind == EAR_TOKEN_NUMBER;
    t->faces += token->kind == EAR_TOKEN_FACE;
    t->tags += token->kind == EAR_TOKEN_TAG;
    t->negated += token->negated;
    if (token->kind != EAR_TOKEN_MASK) return;
    t->firm = t->firm || ear_str_eq(token->text, EAR_STR("@firm"));
    t->users += ear_str_eq(token->text, EAR_STR("@user"));
    t->links += ear_str_eq(token->text, EAR_STR("@url"));
}

static void put_tone(const struct tone *tone, float *first)
{
    first[0] = saturate(tone->up);
    first[1] = saturate(tone->down);
    first[2] = tone->highest;
    first[3] = -tone->lowest;
    first[4] = tone->last;
}

static void put_shape(const struct ear_normal *normal, const struct tally *t, float *dense)
{
    const struct ear_normal_shape *shape = &normal->shape;
    dense[EAR_DENSE_RUDE] = saturate(t->rude * 2);
    dense[EAR_DENSE_CAPITALS] = saturate(shape->capitals);
    dense[EAR_DENSE_STRETCHED] = saturate(shape->stretched);
    dense[EAR_DENSE_EXCLAMATIONS] = saturate(shape->exclamations);
    dense[EAR_DENSE_QUESTIONS] = saturate(shape->questions);
    dense[EAR_DENSE_DOTS] = saturate(shape->dots);
    dense[EAR_DENSE_LINES] = saturate(shape->lines);
    dense[EAR_DENSE_LENGTH] = ear_less(log2f(1 + (float)normal->token_count) / 8, 1);
    dense[EAR_DENSE_NUMBERS] = saturate(t->numbers);
    dense[EAR_DENSE_FACES] = saturate(t->faces);
    dense[EAR_DENSE_TAGS] = saturate(t->tags);
    dense[EAR_DENSE_FIRM] = t->firm;
    dense[EAR_DENSE_USERS] = saturate(t->users);
    dense[EAR_DENSE_LINKS] = saturate(t->links);
    dense[EAR_DENSE_NEGATED] = saturate(t->negated);
}

void ear_dense_fill(const struct ear_feature_tables *tables, const struct ear_normal *normal,
                    const struct ear_signals *signals, const struct ear_model_post *post,
                    const char *language, float *dense)
{
    struct tally t = {.rude = 0};
    for (size_t i = 0; i < normal->token_count; i++) count_token(&t, &normal->tokens[i]);
    for (size_t i = 0; i < normal->token_count; i += AT_ONCE) {
        size_t left = normal->token_count - i;
        look_up_all(&t, tables, &normal->tokens[i], left < AT_ONCE ? left : AT_ONCE, language);
    }
    for (size_t i = 0; i < EAR_SIGNAL_COUNT; i++) dense[i] = signals->value[i] / EAR_SIGNAL_MAX;
    put_tone(&t.valence, dense + EAR_DENSE_GLAD);
    put_tone(&t.mood, dense + EAR_DENSE_MOOD_UP);
    put_shape(normal, &t, dense);
    dense[EAR_DENSE_DIRECT] = post->direct;
    dense[EAR_DENSE_REPLY] = post->reply;
    ear_network_read(&tables->network, normal, dense + EAR_DENSE_NETWORK);
}
