#include "model/cues/lexicon.h"

#include "model/cues/vocab.h"
#include <stdlib.h>

#define PHRASE_WORDS 8
#define PHRASE_BYTES 256
#define WORD_IDS     4 /* vocabulary entries that one word of a text can be: itself, prefixes */
#define NO_WORD      UINT32_MAX
#define PREFIX_MIN   2
#define PREFIX_MAX   24

/* The phrases as a trie over word ids: edges by hash of (node, word id). */
struct edge {
    uint32_t from, word, to; /* to 0: free slot; the root is 0 and nobody's child */
};

/* A cue whose phrase ends at a node; a phrase may stand in several rows. */
struct hit {
    const struct ear_cue *cue;
    struct ear_str phrase;
    uint32_t next; /* 0: the last */
};

/* Says no without a look at the vocabulary to most of what is not in it. */
struct filter {
    uint64_t bits[256];
};

struct ear_lexicon {
    struct ear_vocab words;    /* words of the phrases as they are; the value is id + 1 */
    struct ear_vocab prefixes; /* "word*" */
    struct filter known;       /* the hashes of words */
    struct filter begun;       /* the hashes of prefixes */
    struct filter starts_two;  /* the hashes of the first two bytes of prefixes */
    struct filter opening;     /* the hashes of words that phrases begin with */
    struct filter opening_two; /* of the first two bytes of prefixes that phrases begin with */
    uint32_t id_count;
    uint32_t any; /* id of "_" */
    struct edge *edges;
    size_t edge_slots;
    uint32_t *starts;    /* the child of the root by word id; 0: none */
    uint64_t *leads;     /* of each other node which words lead on, by a bit of their ids */
    uint32_t *node_hits; /* the first hit of each node; 0: no phrase ends there */
    uint32_t node_count;
    struct hit *hits; /* the first is unused */
    uint32_t hit_count;
};

static void filter_add(struct filter *f, uint32_t hash)
{
    uint32_t at = hash * UINT32_C(0x9E3779B1) >> 18;
    f->bits[at >> 6] |= UINT64_C(1) << (at & 63);
}

static bool filter_has(const struct filter *f, uint32_t hash)
{
    uint32_t at = hash * UINT32_C(0x9E3779B1) >> 18;
    return f->bits[at >> 6] >> (at & 63) & 1;
}

uint32_t ear_word_hash(struct ear_str text)
{
    uint32_t hash = EAR_VOCAB_SEED;
    for (size_t i = 0; i < text.len; i++) hash = ear_vocab_hash(hash, text.ptr[i]);
    return hash;
}

static uint32_t hash_of_two(struct ear_str text)
{
    return ear_word_hash((struct ear_str){text.ptr, PREFIX_MIN});
}

static uint32_t word_add(struct ear_lexicon *lex, struct ear_str text, bool prefix)
{
    uint64_t *value = ear_vocab_add(prefix ? &lex->prefixes : &lex->words, text);
    if (!*value) *value = ++lex->id_count;
    filter_add(prefix ? &lex->begun : &lex->known, ear_word_hash(text));
    if (prefix) filter_add(&lex->starts_two, hash_of_two(text));
    return (uint32_t)(*value - 1);
}

static struct edge *edge_slot(const struct ear_lexicon *lex, uint32_t from, uint32_t word)
{
    uint32_t hash = from * UINT32_C(16777619) ^ word * UINT32_C(0x9E3779B9);
    size_t at = (hash ^ hash >> 15) & (lex->edge_slots - 1);
    for (;; at = (at + 1) & (lex->edge_slots - 1)) {
        struct edge *e = &lex->edges[at];
        if (!e->to || (e->from == from && e->word == word)) return e;
    }
}

static uint64_t lead_of(uint32_t word)
{
    return UINT64_C(1) << (word * UINT32_C(0x9E3779B1) >> 26);
}

static uint32_t step_add(struct ear_lexicon *lex, uint32_t from, uint32_t word)
{
    struct edge *e = edge_slot(lex, from, word);
    if (!e->to) *e = (struct edge){from, word, lex->node_count++};
    lex->leads[from] |= lead_of(word);
    if (!from) lex->starts[word] = e->to;
    return e->to;
}

/* The node that a word leads to, 0: nowhere. Most lead nowhere, and that is seen at once. */
static uint32_t step(const struct ear_lexicon *lex, uint32_t from, uint32_t word)
{
    if (!from) return lex->starts[word];
    return lex->leads[from] & lead_of(word) ? edge_slot(lex, from, word)->to : 0;
}

/* "word*" comes from the tokeniser as a word and a sign. */
static bool star_behind(struct ear_str *rest)
{
    if (!rest->len || *rest->ptr != '*') return false;
    *rest = (struct ear_str){rest->ptr + 1, rest->len - 1};
    return true;
}

static void note_opening(struct ear_lexicon *lex, struct ear_str text, bool prefix)
{
    if (prefix) filter_add(&lex->opening_two, hash_of_two(text));
    if (!prefix) filter_add(&lex->opening, ear_word_hash(text));
}

static void phrase_add(struct ear_lexicon *lex, struct ear_text *work, const struct ear_cue *cue,
                       struct ear_str phrase)
{
    EAR_CHECK(ear_text_normalise(work, phrase, EAR_STR_NONE) == EAR_OK);
    struct ear_str rest = ear_buf_str(&work->text);
    struct ear_token token;
    uint32_t node = 0, words = 0;
    while (ear_text_next(&rest, &token)) {
        EAR_CHECK(token.kind != EAR_TOKEN_MARK && ++words <= PHRASE_WORDS);
        bool prefix = star_behind(&rest);
        EAR_CHECK(!prefix || token.text.len >= PREFIX_MIN);
        if (!node) note_opening(lex, token.text, prefix);
        node = step_add(lex, node, word_add(lex, token.text, prefix));
    }
    EAR_CHECK(words > 0);
    lex->hits[lex->hit_count] = (struct hit){cue, phrase, lex->node_hits[node]};
    lex->node_hits[node] = lex->hit_count++;
}

static size_t slots_for(size_t items)
{
    size_t slots = 64;
    while (slots < items * 2) slots *= 2;
    return slots;
}

/* An upper bound of words in all phrases. */
static size_t word_bound(const struct ear_cue *cues, size_t count)
{
    size_t words = 2;
    for (size_t i = 0; i < count; i++)
        for (const char *p = cues[i].phrases; *p; p++)
            words += *p == ' ' || *p == '|' || *p == '\'' || (*p & 0x80) ? 1 : 0;
    return words + count;
}

struct ear_lexicon *ear_lexicon_new(const struct ear_cue *cues, size_t count)
{
    struct ear_lexicon *lex = ear_alloc(sizeof *lex);
    size_t bound = word_bound(cues, count);
    lex->edge_slots = slots_for(bound);
    lex->edges = ear_alloc(lex->edge_slots * sizeof *lex->edges);
    lex->node_hits = ear_alloc(bound * sizeof *lex->node_hits);
    lex->leads = ear_alloc(bound * sizeof *lex->leads);
    lex->starts = ear_alloc(bound * sizeof *lex->starts);
    lex->hits = ear_alloc(bound * sizeof *lex->hits);
    lex->hit_count = 1;
    ear_vocab_init(&lex->words);
    ear_vocab_init(&lex->prefixes);
    lex->node_count = 1;
    lex->any = word_add(lex, EAR_STR("_"), false);
    struct ear_text work;
    ear_text_init(&work, PHRASE_BYTES);
    for (size_t i = 0; i < count; i++) {
        struct ear_str rest = ear_str_from(cues[i].phrases), phrase;
        while (ear_str_split(&rest, '|', &phrase))
            phrase_add(lex, &work, &cues[i], ear_str_trim(phrase));
    }
    ear_text_release(&work);
    return lex;
}

void ear_lexicon_free(struct ear_lexicon **lexicon)
{
    struct ear_lexicon *lex = *lexicon;
    if (!lex) return;
    ear_vocab_release(&lex->words);
    ear_vocab_release(&lex->prefixes);
    free(lex->edges);
    free(lex->starts);
    free(lex->leads);
    free(lex->node_hits);
    free(lex->hits);
    EAR_FREE(*lexicon);
}

static bool ends_clause(struct ear_str sign)
{
    return memchr(".,;:!?", sign.ptr[0], 6) != NULL;
}

size_t ear_words_of(struct ear_str text, struct ear_word *words, size_t max)
{
    struct ear_token token;
    size_t count = 0;
    bool breaks = true;
    while (count < max && ear_text_next(&text, &token)) {
        if (token.kind == EAR_TOKEN_MARK) {
            breaks = breaks || ends_clause(token.text);
            continue;
        }
        words[count++] = (struct ear_word){token.text, ear_word_hash(token.text), breaks};
        breaks = false;
    }
    return count;
}

static bool may_begin(const struct filter *twos, struct ear_str text)
{
    return text.len >= PREFIX_MIN && filter_has(twos, hash_of_two(text));
}

static void prefix_ids(const struct ear_lexicon *lex, struct ear_str text, uint32_t ids[WORD_IDS])
{
    uint32_t hash = EAR_VOCAB_SEED, found = 0;
    for (size_t len = 1; len <= text.len && len <= PREFIX_MAX; len++) {
        hash = ear_vocab_hash(hash, text.ptr[len - 1]);
        if (len < PREFIX_MIN || !filter_has(&lex->begun, hash)) continue;
        const uint64_t *id = ear_vocab_find(&lex->prefixes, hash, (struct ear_str){text.ptr, len});
        if (id) ids[1 + found++ % (WORD_IDS - 1)] = (uint32_t)(*id - 1);
    }
}

/* All vocabulary entries that a word is: its longest prefixes, then itself; NO_WORD fills up. */
static void word_ids(const struct ear_lexicon *lex, const struct ear_word *word,
                     uint32_t ids[WORD_IDS])
{
    for (size_t i = 0; i < WORD_IDS; i++) ids[i] = NO_WORD;
    if (may_begin(&lex->starts_two, word->text)) prefix_ids(lex, word->text, ids);
    const uint64_t *id = NULL;
    if (filter_has(&lex->known, word->hash))
        id = ear_vocab_find(&lex->words, word->hash, word->text);
    if (id) ids[0] = (uint32_t)(*id - 1);
}

/* Says no to most words with which no phrase begins. */
static bool may_open(const struct ear_lexicon *lex, const struct ear_word *word)
{
    return filter_has(&lex->opening, word->hash) || may_begin(&lex->opening_two, word->text);
}

struct scan {
    const struct ear_lexicon *lex;
    const struct ear_word *words;
    size_t count;
    uint32_t ids[PHRASE_WORDS][WORD_IDS]; /* a ring of the words last looked up */
    size_t owner[PHRASE_WORDS];           /* which these are, + 1 */
    size_t best_count;                    /* of the phrases that begin at the present word */
    uint32_t best_hit;
};

static const uint32_t *ids_of(struct scan *s, size_t at)
{
    size_t slot = at % PHRASE_WORDS;
    if (s->owner[slot] != at + 1) word_ids(s->lex, &s->words[at], s->ids[slot]);
    s->owner[slot] = at + 1;
    return s->ids[slot];
}

static void follow(struct scan *s, uint32_t node, size_t first, size_t at);

static void take(struct scan *s, uint32_t node, uint32_t word, size_t first, size_t at)
{
    uint32_t to = step(s->lex, node, word);
    if (!to) return;
    uint32_t hit = s->lex->node_hits[to];
    if (hit && at + 1 - first > s->best_count) {
        s->best_count = at + 1 - first;
        s->best_hit = hit;
    }
    if (s->lex->leads[to]) follow(s, to, first, at + 1);
}

/* As deep as the longest phrase, PHRASE_WORDS, and only along edges that are there. */
static void follow(struct scan *s, uint32_t node, size_t first, size_t at)
{
    if (at >= s->count || at - first >= PHRASE_WORDS || (at > first && s->words[at].breaks)) return;
    const uint32_t *ids = ids_of(s, at);
    for (size_t i = 0; i < WORD_IDS; i++)
        if (ids[i] != NO_WORD) take(s, node, ids[i], first, at);
    if (at > first) take(s, node, s->lex->any, first, at);
}

static void report(const struct scan *s, size_t first, ear_match_fn *found, void *self)
{
    for (uint32_t at = s->best_hit; at; at = s->lex->hits[at].next) {
        const struct hit *h = &s->lex->hits[at];
        found(self, &(struct ear_match){h->cue, h->phrase, first, s->best_count});
    }
}

void ear_lexicon_scan(const struct ear_lexicon *lexicon, const struct ear_word *words, size_t count,
                      ear_match_fn *found, void *self)
{
    struct scan s = {.lex = lexicon, .words = words, .count = count};
    size_t covered = 0;
    for (size_t at = 0; at < count; at++) {
        if (!may_open(lexicon, &words[at])) continue;
        s.best_count = 0;
        follow(&s, 0, at, at);
        if (!s.best_count || at + s.best_count <= covered) continue;
        covered = at + s.best_count;
        report(&s, at, found, self);
    }
}
