#include "model/features.h"

#include "model/bytes.h"
#include "model/cues/cues.h"
#include "model/dense.h"
#include "model/handle.h"
#include "model/kept.h"
#include "model/points.h"
#include "model/unique.h"
#include <math.h>
#include <stdlib.h>

#define PARTS_MAX     8 /* of a hashtag */
#define CUE_STEPS     4
#define ACCOUNT_BYTES 128 /* of longer handles the beginning counts */
/* Of a token: n-grams of three lengths, itself under negation, the parts of a tag. */
#define WORD_FEATURES (EAR_NORMAL_TOKENS_MAX * 5 + EAR_NORMAL_TOKENS_MAX * PARTS_MAX + 2)
#define CUE_FEATURES  (EAR_DENSE_NETWORK * CUE_STEPS + 1)
#define CHAR_FEATURES (EAR_POINTS_MAX * EAR_POINTS_ORDER)
#define FEATURES      (WORD_FEATURES + CHAR_FEATURES + CUE_FEATURES)
#define STAGED        (CHAR_FEATURES > WORD_FEATURES ? CHAR_FEATURES : WORD_FEATURES)

/* Tokens that ended before a point of the text or right there, and that began before it. */
struct bounds {
    uint16_t ended, begun;
};
_Static_assert(EAR_NORMAL_TOKENS_MAX < UINT16_MAX, "tokens are counted in 16 bits");

struct ear_extractor {
    struct ear_feature_spec spec;
    struct ear_feature_tables tables;
    const struct ear_kept *kept; /* borrowed, may be NULL */
    struct ear_normal normal;
    struct ear_str account; /* of the last post; in account_text */
    char account_text[ACCOUNT_BYTES];
    uint64_t account_hash;
    bool account_is_desk;
    struct ear_cues cues;
    struct ear_points points;
    struct ear_unique unique;
    uint64_t *hashes; /* of tokens */
    uint32_t *staged; /* features of one group, repeats and all */
    size_t staged_count;
    struct ear_feature_place *words;                     /* of staged words: what they are */
    uint32_t cue_index[EAR_DENSE_NETWORK][2][CUE_STEPS]; /* by input, sign (negative first), step */
    size_t *inputs;        /* of staged cues: what they are steps of, SIZE_MAX: of none */
    struct bounds *bounds; /* by point; filled when places are asked for */
    uint32_t *index;       /* what the result shows */
    uint32_t *at;          /* and where in its group each was staged */
    float dense[EAR_DENSE_MAX];
    struct ear_features out;
};

struct ear_feature_spec ear_feature_spec_default(void)
{
    return (struct ear_feature_spec){.seed = 0xEA25,
                                     .hash_bits = 20,
                                     .word_max = 2,
                                     .char_min = 2,
                                     .char_max = 6,
                                     .weight = {0.5f, 1.0f, 0.5f}};
}

bool ear_feature_spec_valid(const struct ear_feature_spec *spec)
{
    for (size_t i = 0; i < EAR_FEATURE_GROUPS; i++)
        if (!(spec->weight[i] >= 0 && spec->weight[i] <= 16)) return false;
    return spec->hash_bits >= 14 && spec->hash_bits <= 24 && spec->word_max >= 1 &&
           spec->word_max <= 3 && spec->char_min >= 1 && spec->char_max >= spec->char_min &&
           spec->char_max <= EAR_POINTS_ORDER;
}

static uint32_t index_of(const struct ear_extractor *x, uint64_t hash)
{
    hash = (hash ^ hash >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
    hash = (hash ^ hash >> 32) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)(hash >> (64 - x->spec.hash_bits));
}

static uint64_t seed_of(const struct ear_extractor *x, uint64_t kind)
{
    return (x->spec.seed + kind * UINT64_C(0x10001)) * UINT64_C(0x9E3779B97F4A7C15);
}

static uint64_t join(uint64_t a, uint64_t b)
{
    return (a ^ a >> 31) * UINT64_C(0x94D049BB133111EB) + b;
}

static void set_cue_indices(struct ear_extractor *x)
{
    for (size_t input = 0; input < EAR_DENSE_NETWORK; input++)
        for (size_t sign = 0; sign < 2; sign++)
            for (size_t step = 0; step < CUE_STEPS; step++)
                x->cue_index[input][sign][step] =
                    index_of(x, join(join(seed_of(x, 18 + sign), input), step));
}

struct ear_extractor *ear_extractor_new(const struct ear_feature_spec *spec,
                                        const struct ear_feature_tables *tables,
                                        const struct ear_kept *kept)
{
    EAR_CHECK(ear_feature_spec_valid(spec));
    struct ear_extractor *x = ear_alloc(sizeof *x);
    x->spec = *spec;
    x->tables = *tables;
    x->kept = kept;
    ear_normal_init(&x->normal);
    ear_cues_init(&x->cues);
    ear_points_init(&x->points);
    set_cue_indices(x);
    ear_unique_init(&x->unique, kept ? kept->count : (size_t)1 << spec->hash_bits);
    x->hashes = ear_alloc(EAR_NORMAL_TOKENS_MAX * sizeof *x->hashes);
    x->staged = ear_alloc(STAGED * sizeof *x->staged);
    x->words = ear_alloc(WORD_FEATURES * sizeof *x->words);
    x->inputs = ear_alloc(CUE_FEATURES * sizeof *x->inputs);
    x->bounds = ear_alloc((EAR_POINTS_MAX + 1) * sizeof *x->bounds);
    x->index = ear_alloc((FEATURES + EAR_UNIQUE_BEYOND) * sizeof *x->index);
    x->at = ear_alloc((FEATURES + EAR_UNIQUE_BEYOND) * sizeof *x->at);
    return x;
}

void ear_extractor_free(struct ear_extractor **extractor)
{
    struct ear_extractor *x = *extractor;
    if (!x) return;
    ear_normal_release(&x->normal);
    ear_cues_release(&x->cues);
    ear_points_release(&x->points);
    ear_unique_release(&x->unique);
    free(x->hashes);
    free(x->staged);
    free(x->words);
    free(x->inputs);
    free(x->bounds);
    free(x->index);
    free(x->at);
    EAR_FREE(*extractor);
}

const struct ear_normal *ear_extractor_normal(const struct ear_extractor *x)
{
    return &x->normal;
}

/* ---- one group after the other is staged ---- */

/* Touches some tokens from `first` on. */
static void stage(struct ear_extractor *x, uint64_t hash, struct ear_str text, size_t first,
                  size_t tokens)
{
    x->words[x->staged_count] =
        (struct ear_feature_place){text, SIZE_MAX, (uint16_t)first, (uint16_t)(first + tokens)};
    x->staged[x->staged_count++] = index_of(x, hash);
}

/* All numbers of a shape are one. */
static uint64_t number_hash(struct ear_str s)
{
    uint64_t hash = 1;
    for (size_t i = 0; i < s.len; i++) {
        bool digit = s.ptr[i] >= '0' && s.ptr[i] <= '9';
        hash = (hash ^ (unsigned char)(digit ? '0' : s.ptr[i])) * UINT64_C(0x100000001B3);
    }
    return hash;
}

static struct ear_str from_to(struct ear_str first, struct ear_str last)
{
    return (struct ear_str){first.ptr, (size_t)(last.ptr + last.len - first.ptr)};
}

/* The most probable cut of a tag into known words; those of the scores' COMMON channel. */
static void stage_parts(struct ear_extractor *x, struct ear_str tag, size_t at)
{
    struct ear_str parts[PARTS_MAX];
    size_t count = ear_points_cut_tag(&x->tables.scores, tag, parts, PARTS_MAX);
    for (size_t i = 0; i < count; i++)
        stage(x, ear_token_hash(seed_of(x, EAR_TOKEN_WORD), parts[i]), parts[i], at, 1);
}

static void stage_token(struct ear_extractor *x, size_t at)
{
    const struct ear_normal_token *token = &x->normal.tokens[at];
    bool number = token->kind == EAR_TOKEN_NUMBER;
    uint64_t seed = seed_of(x, token->kind);
    x->hashes[at] = number ? number_hash(token->text) ^ seed : ear_token_hash(seed, token->text);
    stage(x, x->hashes[at], token->text, at, 1);
    if (token->negated) stage(x, join(seed_of(x, 16), x->hashes[at]), token->text, at, 1);
    if (token->kind == EAR_TOKEN_TAG) stage_parts(x, token->text, at);
}

/* Which firm it is, and whether that is its desk, tell what is likely asked. */
static void stage_account(struct ear_extractor *x)
{
    if (!x->account.len) return;
    stage(x, x->account_hash, EAR_STR("the firm's handle"), 0, 0);
    if (x->account_is_desk) stage(x, seed_of(x, 22), EAR_STR("a handle of a desk"), 0, 0);
}

static void stage_words(struct ear_extractor *x)
{
    stage_account(x);
    const struct ear_normal_token *tokens = x->normal.tokens;
    for (size_t i = 0; i < x->normal.token_count; i++) {
        stage_token(x, i);
        uint64_t hash = x->hashes[i];
        for (size_t n = 1; n < x->spec.word_max && n <= i; n++) {
            hash = join(hash, x->hashes[i - n]);
            stage(x, hash, from_to(tokens[i - n].text, tokens[i].text), i - n, n + 1);
        }
    }
}

static void stage_chars(struct ear_extractor *x)
{
    ear_points_read(&x->points, ear_normal_text(&x->normal));
    x->staged_count =
        ear_points_grams(&x->points, (uint32_t)(seed_of(x, 17) >> 32), x->spec.char_min,
                         x->spec.char_max, x->spec.hash_bits, x->staged);
}

/* A number as the steps it reaches. */
static void stage_cue(struct ear_extractor *x, size_t input, float value)
{
    if (value == 0) return;
    const uint32_t *index = x->cue_index[input][value > 0];
    float size = fabsf(value);
    for (size_t step = 0; step < CUE_STEPS && size >= (float)step / CUE_STEPS; step++) {
        x->inputs[x->staged_count] = input;
        x->staged[x->staged_count++] = index[step];
    }
}

static void stage_cues(struct ear_extractor *x)
{
    struct ear_str language = ear_str_from(x->out.language.best);
    for (size_t i = 0; i < EAR_DENSE_NETWORK; i++)
        if (i != EAR_SIGNAL_BIAS) stage_cue(x, i, x->dense[i]);
    x->inputs[x->staged_count] = SIZE_MAX;
    x->staged[x->staged_count++] = index_of(x, ear_token_hash(seed_of(x, 20), language));
}

static void stage_group(struct ear_extractor *x, ear_feature_group group)
{
    x->staged_count = 0;
    if (x->spec.weight[group] <= 0) return;
    if (group == EAR_FEATURE_WORDS) stage_words(x);
    if (group == EAR_FEATURE_CHARS) stage_chars(x);
    if (group == EAR_FEATURE_CUES) stage_cues(x);
}

static void take_group(struct ear_extractor *x, ear_feature_group group)
{
    stage_group(x, group);
    size_t start = group ? x->out.end[group - 1] : 0, count = x->staged_count;
    x->out.value[group] = count ? x->spec.weight[group] / sqrtf((float)count) : 0;
    uint32_t *index = x->index + start, *at = x->at + start;
    size_t found = x->kept ? ear_unique_rows(&x->unique, x->kept, x->staged, count, index, at)
                           : ear_unique_take(&x->unique, x->staged, count, index, at);
    x->out.end[group] = start + found;
}

/* ---- a post ---- */

/* The words that ear_cues_cut would find. */
static void give_words(struct ear_extractor *x)
{
    size_t count = 0;
    for (size_t i = 0; i < x->normal.token_count && count < EAR_CUES_WORDS; i++) {
        const struct ear_normal_token *t = &x->normal.tokens[i];
        if (t->kind == EAR_TOKEN_MARK) continue;
        x->cues.words[count++] = (struct ear_word){t->text, ear_word_hash(t->text), t->breaks};
    }
    x->cues.word_count = count;
}

/* A copy, since features are shown again when the post may be gone. */
static void set_account(struct ear_extractor *x, struct ear_str account)
{
    if (account.len > ACCOUNT_BYTES) account.len = ACCOUNT_BYTES;
    if (ear_str_eq(account, x->account)) return; /* most posts are heard by the same */
    if (account.len) memcpy(x->account_text, account.ptr, account.len);
    x->account = (struct ear_str){x->account_text, account.len};
    x->account_hash = ear_handle_hash(x->account, seed_of(x, 21));
    x->account_is_desk = ear_handle_is_desk(x->account);
}

const struct ear_features *ear_extract(struct ear_extractor *x, const struct ear_model_post *post)
{
    set_account(x, post->account.len ? post->account : ear_handle_first(post->text));
    ear_normalise(&x->normal, post->text, x->account);
    struct ear_cue_post cue_post = {.raw = x->normal.raw,
                                    .text = ear_normal_text(&x->normal),
                                    .account = post->account,
                                    .direct = post->direct,
                                    .reply = post->reply};
    give_words(x);
    ear_language_guess(&x->tables.language, ear_normal_text(&x->normal), post->language_hint,
                       &x->out.language);
    ear_cues_raise(&x->cues, &cue_post, x->out.language.best, NULL, NULL);
    ear_dense_fill(&x->tables, &x->normal, &x->cues.signals, post, x->out.language.best, x->dense);
    for (size_t group = 0; group < EAR_FEATURE_GROUPS; group++)
        take_group(x, (ear_feature_group)group);
    x->out.index = x->index;
    x->out.dense = x->dense;
    return &x->out;
}

/* ---- where features stand ---- */

/* Tokens stand one behind the other. */
static void set_bounds(const struct ear_extractor *x)
{
    const char *text = x->points.text.ptr;
    const uint32_t *at = x->points.at;
    uint16_t count = (uint16_t)x->normal.token_count;
    size_t i = 0;
    for (uint16_t t = 0; t < count; t++) {
        struct ear_str token = x->normal.tokens[t].text;
        size_t from = (size_t)(token.ptr - text), to = from + token.len;
        for (; i < x->points.count && at[i] <= from; i++) x->bounds[i] = (struct bounds){t, t};
        for (; i < x->points.count && at[i] < to; i++)
            x->bounds[i] = (struct bounds){.ended = t, .begun = (uint16_t)(t + 1)};
    }
    for (; i < x->points.count; i++) x->bounds[i] = (struct bounds){count, count};
    x->bounds[x->points.count] = x->bounds[x->points.count - 1];
}

/* Grams are numbered order by order: what the i-th feature is, by its order and first point. */
struct gram {
    size_t order, first; /* first: the number of the order's first gram */
};

static size_t point_of(const struct ear_extractor *x, uint32_t at, struct gram *gram)
{
    while (at - gram->first > x->points.count - gram->order)
        gram->first += x->points.count - gram->order++ + 1;
    return at - gram->first;
}

static size_t start_of(const struct ear_extractor *x, ear_feature_group group)
{
    return group ? x->out.end[group - 1] : 0;
}

void ear_extract_share(const struct ear_extractor *x, const float *restrict weight,
                       float (*restrict rise)[EAR_FEATURE_RISES])
{
    static const float share[] = {0,        1,        1.0f / 2, 1.0f / 3, 1.0f / 4,
                                  1.0f / 5, 1.0f / 6, 1.0f / 7, 1.0f / 8};
    size_t start = start_of(x, EAR_FEATURE_CHARS), count = x->out.end[EAR_FEATURE_CHARS] - start;
    const uint32_t *at = x->at + start;
    size_t first = 0, behind, i = 0; /* first: the number of the order's first gram */
    if (count) set_bounds(x);
    for (size_t order = x->spec.char_min; i < count; order++, first = behind) {
        behind = first + x->points.count - order + 1;
        for (; i < count && at[i] < behind; i++) {
            const struct bounds *from = x->bounds + (at[i] - first);
            size_t token = from->ended, end = from[order].begun, tokens = end - token;
            float part = tokens < EAR_COUNT(share) ? share[tokens] : 1 / (float)tokens;
            float each = weight[i] * part;
            rise[token][i % EAR_FEATURE_RISES] += each;
            rise[end][i % EAR_FEATURE_RISES] -= each;
        }
    }
}

static void char_places(const struct ear_extractor *x, const uint32_t *at, size_t count,
                        struct ear_feature_place *out)
{
    struct gram gram = {.order = x->spec.char_min};
    if (count) set_bounds(x);
    for (size_t i = 0; i < count; i++) {
        size_t from = point_of(x, at[i], &gram);
        out[i] =
            (struct ear_feature_place){ear_points_text(&x->points, from, gram.order), SIZE_MAX,
                                       x->bounds[from].ended, x->bounds[from + gram.order].begun};
    }
}

void ear_extract_places(const struct ear_extractor *x, ear_feature_group group,
                        struct ear_feature_place *places)
{
    size_t start = start_of(x, group), count = x->out.end[group] - start;
    const uint32_t *at = x->at + start;
    if (group == EAR_FEATURE_CHARS) char_places(x, at, count, places);
    for (size_t i = 0; i < count && group == EAR_FEATURE_WORDS; i++) places[i] = x->words[at[i]];
    for (size_t i = 0; i < count && group == EAR_FEATURE_CUES; i++)
        places[i] = (struct ear_feature_place){.input = x->inputs[at[i]]};
}
