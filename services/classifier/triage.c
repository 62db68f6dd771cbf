#include "triage.h"

#include "heads.h"
#include "model/cues/cues.h"
#include "text/text.h"
#include <stdlib.h>

#define READ_BYTES ((size_t)16 * 1024) /* nobody's mail needs more to be understood */

struct ear_triager {
    struct ear_lang *lang;
    struct ear_cues cues;
    struct ear_text text;
};

struct ear_triager *ear_triager_new(void)
{
    struct ear_triager *t = ear_alloc(sizeof *t);
    t->lang = ear_lang_new();
    ear_cues_init(&t->cues);
    /* Folding can make text longer; twenty-fold is the worst there is. */
    ear_text_init(&t->text, READ_BYTES * 20);
    return t;
}

void ear_triager_free(struct ear_triager **triager)
{
    struct ear_triager *t = *triager;
    if (!t) return;
    ear_lang_free(&t->lang);
    ear_cues_release(&t->cues);
    ear_text_release(&t->text);
    EAR_FREE(*triager);
}

const struct ear_signals *ear_triager_signals(const struct ear_triager *triager)
{
    return &triager->cues.signals;
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

static void on_cue(void *self, ear_signal signal, float by, struct ear_str phrase)
{
    if (by >= 2 && explains(signal)) note_why(self, phrase);
}

static struct ear_lang_guess guess_language(struct ear_triager *t,
                                            const struct ear_triage_post *post,
                                            struct ear_triage *out)
{
    struct ear_lang_guess guess = ear_lang_guess(t->lang, ear_buf_str(&t->text.text), t->cues.words,
                                                 t->cues.word_count, post->language_hint);
    memcpy(out->language, guess.code, sizeof out->language);
    out->language_p = guess.p;
    return guess;
}

static struct ear_str beginning(struct ear_str text)
{
    return text.len <= READ_BYTES
               ? text
               : ear_text_cut(text, EAR_TEXT_BYTES, READ_BYTES, EAR_TEXT_AT_GRAPHEME);
}

static bool read_text(struct ear_triager *t, const struct ear_triage_post *post,
                      struct ear_triage *out)
{
    struct ear_cue_post cue_post = {.raw = beginning(post->text),
                                    .account = post->account,
                                    .direct = post->direct,
                                    .reply = post->reply};
    t->cues.word_count = 0;
    if (ear_text_normalise(&t->text, cue_post.raw, post->account) == EAR_OK)
        ear_cues_cut(&t->cues, ear_buf_str(&t->text.text));
    cue_post.text = ear_buf_str(&t->text.text);
    struct ear_lang_guess guess = guess_language(t, post, out);
    return ear_cues_raise(&t->cues, &cue_post, guess.best, on_cue, out);
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
        ear_heads_decide(&triager->cues.signals, out);
    else
        leave_to_people(out);
}
