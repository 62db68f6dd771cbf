#include "triage.h"

#include "heads.h"
#include "rules.h"
#include "text/text.h"
#include <stdlib.h>

#define READ_BYTES     ((size_t)16 * 1024) /* nobody's mail needs more to be understood */
#define WORDS_MAX      2000
#define NEGATION_WORDS 3
#define SHORT_WORDS    6
#define LONG_WORDS     40

struct ear_triager {
    struct ear_lang *lang;
    struct ear_rules *rules;
    struct ear_text text;
    struct ear_word words[WORDS_MAX];
    size_t word_count;
    struct ear_signals signals;
};

struct ear_triager *ear_triager_new(void)
{
    struct ear_triager *t = ear_alloc(sizeof *t);
    t->lang = ear_lang_new();
    t->rules = ear_rules_new();
    /* Folding can make text longer; twenty-fold is the worst there is. */
    ear_text_init(&t->text, READ_BYTES * 20);
    return t;
}

void ear_triager_free(struct ear_triager **triager)
{
    struct ear_triager *t = *triager;
    if (!t) return;
    ear_lang_free(&t->lang);
    ear_rules_free(&t->rules);
    ear_text_release(&t->text);
    EAR_FREE(*triager);
}

const struct ear_signals *ear_triager_signals(const struct ear_triager *triager)
{
    return &triager->signals;
}

/* What the cues of one lexicon raise. */
struct tally {
    struct ear_triager *t;
    struct ear_triage *out;
    size_t negated_at; /* the last word that negates; SIZE_MAX: none */
};

static bool is_negated(const struct tally *tally, const struct ear_match *m)
{
    if (tally->negated_at == SIZE_MAX || m->first <= tally->negated_at) return false;
    if (m->first - tally->negated_at > NEGATION_WORDS) return false;
    for (size_t i = tally->negated_at + 1; i <= m->first; i++)
        if (tally->t->words[i].breaks) return false;
    return true;
}

static void note_why(struct ear_triage *out, struct ear_str phrase)
{
    if (out->why_count == EAR_TRIAGE_WHY) return;
    for (size_t i = 0; i < out->why_count; i++)
        if (ear_str_eq(out->why[i], phrase)) return;
    out->why[out->why_count++] = phrase;
}

/* Signals that only tell who speaks explain nothing. */
static bool explains(ear_signal signal)
{
    return signal != EAR_SIGNAL_SELF && signal != EAR_SIGNAL_FIRM && signal != EAR_SIGNAL_CHAT &&
           signal != EAR_SIGNAL_NEGATION;
}

static void on_match(void *self, const struct ear_match *m)
{
    struct tally *tally = self;
    struct ear_signals *s = &tally->t->signals;
    bool negated = is_negated(tally, m);
    for (size_t i = 0; i < EAR_CUE_RAISES && m->cue->raises[i].by > 0; i++) {
        struct ear_raise r = m->cue->raises[i];
        if (r.signal == EAR_SIGNAL_NEGATION) tally->negated_at = m->first + m->count - 1;
        if (negated && (r.signal == EAR_SIGNAL_THANK || r.signal == EAR_SIGNAL_JOY))
            r.signal = EAR_SIGNAL_SAD;
        ear_signal_raise(s, r.signal, r.by);
        if (r.by >= 2 && explains(r.signal)) note_why(tally->out, m->phrase);
    }
}

static void scan(struct ear_triager *t, const struct ear_lexicon *lexicon, struct ear_triage *out)
{
    struct tally tally = {t, out, SIZE_MAX};
    ear_lexicon_scan(lexicon, t->words, t->word_count, on_match, &tally);
}

static bool is_word(const struct ear_word *word, struct ear_str text)
{
    return ear_str_eq(word->text, text);
}

/* Who is spoken to: masks in the text, or the way the post came. */
static void raise_address(struct ear_triager *t, const struct ear_triage_post *post)
{
    struct ear_signals *s = &t->signals;
    for (size_t i = 0; i < t->word_count; i++) {
        if (is_word(&t->words[i], EAR_STR("@firm"))) s->value[EAR_SIGNAL_MENTION] = 2;
        if (is_word(&t->words[i], EAR_STR("@url"))) ear_signal_raise(s, EAR_SIGNAL_LINK, 1);
    }
    if (post->direct || post->reply) s->value[EAR_SIGNAL_MENTION] = 2;
    /* Heard by an account, on its own page or forum perhaps, without being named. */
    if (post->account.len && s->value[EAR_SIGNAL_MENTION] == 0) s->value[EAR_SIGNAL_MENTION] = 1;
    bool other_first = t->word_count && is_word(&t->words[0], EAR_STR("@user"));
    if (other_first && s->value[EAR_SIGNAL_MENTION] == 0) ear_signal_raise(s, EAR_SIGNAL_OTHERS, 2);
}

static void raise_signs(struct ear_triager *t, struct ear_str raw)
{
    struct ear_signals *s = &t->signals;
    unsigned upper = 0, lower = 0;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];
        if (c == '!') ear_signal_raise(s, EAR_SIGNAL_SHOUT, 0.5f);
        if (c == '?') ear_signal_raise(s, EAR_SIGNAL_QUESTION, 1);
        if (c == '#') ear_signal_raise(s, EAR_SIGNAL_TAGS, 1);
        upper += c >= 'A' && c <= 'Z';
        lower += c >= 'a' && c <= 'z';
    }
    if (upper > 12 && upper > lower) ear_signal_raise(s, EAR_SIGNAL_SHOUT, 2);
}

static void raise_shape(struct ear_triager *t)
{
    struct ear_signals *s = &t->signals;
    size_t count = 0;
    for (size_t i = 0; i < t->word_count; i++)
        if (t->words[i].text.ptr[0] != '@') count++;
    s->value[EAR_SIGNAL_SHORT] = count <= SHORT_WORDS ? 2 : 0;
    s->value[EAR_SIGNAL_LONG] = count >= LONG_WORDS ? 2 : count >= LONG_WORDS / 2 ? 1 : 0;
    s->value[EAR_SIGNAL_BIAS] = 1;
}

static void set_language(struct ear_triager *t, const struct ear_triage_post *post,
                         struct ear_triage *out, struct ear_lang_guess *guess)
{
    *guess = ear_lang_guess(t->lang, ear_buf_str(&t->text.text), t->words, t->word_count,
                            post->language_hint);
    memcpy(out->language, guess->code, sizeof out->language);
    out->language_p = guess->p;
}

static struct ear_str beginning(struct ear_str text)
{
    return text.len <= READ_BYTES
               ? text
               : ear_text_cut(text, EAR_TEXT_BYTES, READ_BYTES, EAR_TEXT_AT_GRAPHEME);
}

/* The cues to read a text with: those of the likeliest language, also where it is unsure, since a
 * wrong language raises little; English where nothing speaks for any; none (NULL) where the
 * language is known and has no table. */
static const struct ear_lexicon *lexicon_for(const struct ear_triager *t, const char *best)
{
    return ear_rules_of(t->rules, strcmp(best, "und") == 0 ? "en" : best);
}

static bool read_text(struct ear_triager *t, const struct ear_triage_post *post,
                      struct ear_triage *out)
{
    struct ear_str raw = beginning(post->text);
    struct ear_lang_guess guess;
    t->signals = (struct ear_signals){0};
    t->word_count = 0;
    if (ear_text_normalise(&t->text, raw, post->account) == EAR_OK)
        t->word_count = ear_words_of(ear_buf_str(&t->text.text), t->words, WORDS_MAX);
    set_language(t, post, out, &guess);
    raise_address(t, post);
    raise_signs(t, raw);
    raise_shape(t);
    const struct ear_lexicon *lexicon = lexicon_for(t, guess.best);
    if (lexicon) scan(t, lexicon, out);
    scan(t, ear_rules_common(t->rules), out);
    return lexicon && t->word_count > 0;
}

/* Nothing was understood: a person decides all of it. */
static void leave_to_people(struct ear_triage *out)
{
    out->urgency_unsure = out->severity_unsure = true;
    out->why_count = 0;
}

void ear_triage(struct ear_triager *triager, const struct ear_triage_post *post,
                struct ear_triage *out)
{
    *out = (struct ear_triage){.language = "und"};
    if (post->own) {
        out->skipped = true;
        return;
    }
    if (read_text(triager, post, out))
        ear_heads_decide(&triager->signals, out);
    else
        leave_to_people(out);
}
