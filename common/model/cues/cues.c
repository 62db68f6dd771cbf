#include "model/cues/cues.h"

#include "model/cues/rules.h"
#include "model/simd.h"
#include <stdlib.h>

#define NEGATION_WORDS 3
#define SHORT_WORDS    6
#define LONG_WORDS     40

void ear_cues_init(struct ear_cues *cues)
{
    *cues = (struct ear_cues){.rules = ear_rules_new()};
    cues->words = ear_alloc(EAR_CUES_WORDS * sizeof *cues->words);
}

void ear_cues_release(struct ear_cues *cues)
{
    ear_rules_free(&cues->rules);
    EAR_FREE(cues->words);
}

void ear_cues_cut(struct ear_cues *cues, struct ear_str text)
{
    cues->word_count = ear_words_of(text, cues->words, EAR_CUES_WORDS);
}

/* What the cues of one lexicon raise. */
struct tally {
    struct ear_cues *cues;
    ear_cue_fn *found;
    void *self;
    size_t negated_at; /* the last word that negates; SIZE_MAX: none */
};

static bool is_negated(const struct tally *tally, const struct ear_match *m)
{
    if (tally->negated_at == SIZE_MAX || m->first <= tally->negated_at) return false;
    if (m->first - tally->negated_at > NEGATION_WORDS) return false;
    for (size_t i = tally->negated_at + 1; i <= m->first; i++)
        if (tally->cues->words[i].breaks) return false;
    return true;
}

static void on_match(void *self, const struct ear_match *m)
{
    struct tally *tally = self;
    bool negated = is_negated(tally, m);
    for (size_t i = 0; i < EAR_CUE_RAISES && m->cue->raises[i].by > 0; i++) {
        struct ear_raise r = m->cue->raises[i];
        if (r.signal == EAR_SIGNAL_NEGATION) tally->negated_at = m->first + m->count - 1;
        if (negated && (r.signal == EAR_SIGNAL_THANK || r.signal == EAR_SIGNAL_JOY))
            r.signal = EAR_SIGNAL_SAD;
        ear_signal_raise(&tally->cues->signals, r.signal, r.by);
        if (tally->found) tally->found(tally->self, r.signal, r.by, m->phrase);
    }
}

static bool is_mask(const struct ear_word *word, struct ear_str text)
{
    if (*word->text.ptr != '@') return false;
    return ear_str_eq(word->text, text);
}

/* Who is spoken to: masks in the text, or the way the post came. */
static void raise_address(struct ear_cues *cues, const struct ear_cue_post *post)
{
    struct ear_signals *s = &cues->signals;
    for (size_t i = 0; i < cues->word_count; i++) {
        if (is_mask(&cues->words[i], EAR_STR("@firm"))) s->value[EAR_SIGNAL_MENTION] = 2;
        if (is_mask(&cues->words[i], EAR_STR("@url"))) ear_signal_raise(s, EAR_SIGNAL_LINK, 1);
    }
    if (post->direct || post->reply) s->value[EAR_SIGNAL_MENTION] = 2;
    /* Heard by an account, on its own page or forum perhaps, without being named. */
    if (post->account.len && s->value[EAR_SIGNAL_MENTION] == 0) s->value[EAR_SIGNAL_MENTION] = 1;
    bool other_first = cues->word_count && is_mask(&cues->words[0], EAR_STR("@user"));
    if (other_first && s->value[EAR_SIGNAL_MENTION] == 0) ear_signal_raise(s, EAR_SIGNAL_OTHERS, 2);
}

/* What a run of bytes holds; counted by compilers many at a time. */
struct signs {
    unsigned exclamations, questions, tags, upper, lower;
};

EAR_CLONES static struct signs count_signs(struct ear_str raw)
{
    struct signs n = {0};
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.ptr[i];
        n.exclamations += c == '!';
        n.questions += c == '?';
        n.tags += c == '#';
        n.upper += (unsigned char)(c - 'A') < 26;
        n.lower += (unsigned char)(c - 'a') < 26;
    }
    return n;
}

static void raise_signs(struct ear_signals *s, struct ear_str raw)
{
    struct signs n = count_signs(raw);
    ear_signal_raise(s, EAR_SIGNAL_SHOUT, 0.5f * (float)n.exclamations);
    ear_signal_raise(s, EAR_SIGNAL_QUESTION, (float)n.questions);
    ear_signal_raise(s, EAR_SIGNAL_TAGS, (float)n.tags);
    if (n.upper > 12 && n.upper > n.lower) ear_signal_raise(s, EAR_SIGNAL_SHOUT, 2);
}

static void raise_shape(struct ear_cues *cues)
{
    struct ear_signals *s = &cues->signals;
    size_t count = 0;
    for (size_t i = 0; i < cues->word_count; i++)
        if (cues->words[i].text.ptr[0] != '@') count++;
    s->value[EAR_SIGNAL_SHORT] = count <= SHORT_WORDS ? 2 : 0;
    s->value[EAR_SIGNAL_LONG] = count >= LONG_WORDS ? 2 : count >= LONG_WORDS / 2 ? 1 : 0;
    s->value[EAR_SIGNAL_BIAS] = 1;
}

static void scan(const struct ear_lexicon *lexicon, struct tally tally)
{
    ear_lexicon_scan(lexicon, tally.cues->words, tally.cues->word_count, on_match, &tally);
}

bool ear_cues_raise(struct ear_cues *cues, const struct ear_cue_post *post, const char *language,
                    ear_cue_fn *found, void *self)
{
    const char *code = strcmp(language, "und") == 0 ? "en" : language;
    const struct ear_lexicon *lexicon = ear_rules_of(cues->rules, code);
    struct tally tally = {cues, found, self, SIZE_MAX};
    cues->signals = (struct ear_signals){0};
    raise_address(cues, post);
    raise_signs(&cues->signals, post->raw);
    raise_shape(cues);
    if (lexicon) scan(lexicon, tally);
    scan(ear_rules_common(cues->rules), tally);
    return lexicon && cues->word_count > 0;
}
