/* triage: the seam of the classifier. Text and a language hint in, triage out; pure: no clock, no
 * network, no database, nothing of the author's reach.
 *
 * Behind it stand rules: language, then the cues of that language, then small linear heads over
 * what the cues raised. What they cannot decide is `unsure`, and a person decides. A trained
 * model takes this place later. One ear_triager serves one thread; it owns its workspace. */
#ifndef EAR_CLASSIFIER_TRIAGE_H
#define EAR_CLASSIFIER_TRIAGE_H

#include "base/base.h"
#include "model/cues/lang.h"
#include "model/cues/signals.h"

#define EAR_TRIAGE_MODEL "rules-1"

/* Values are those of proto/triage.proto. */
typedef enum ear_answer { EAR_ANSWER_UNSURE, EAR_ANSWER_NEEDED, EAR_ANSWER_NOT_NEEDED } ear_answer;

typedef enum ear_intent {
    EAR_INTENT_UNSURE,
    EAR_INTENT_COMPLAINT,
    EAR_INTENT_QUESTION,
    EAR_INTENT_REQUEST,
    EAR_INTENT_PRAISE,
    EAR_INTENT_SUGGESTION,
    EAR_INTENT_VENT,
    EAR_INTENT_SPAM,
    EAR_INTENT_OTHER
} ear_intent;

typedef enum ear_sentiment {
    EAR_SENTIMENT_UNSURE,
    EAR_SENTIMENT_NEGATIVE,
    EAR_SENTIMENT_NEUTRAL,
    EAR_SENTIMENT_POSITIVE
} ear_sentiment;

typedef enum ear_topic {
    EAR_TOPIC_UNSURE,
    EAR_TOPIC_DELIVERY,
    EAR_TOPIC_BILLING,
    EAR_TOPIC_ACCOUNT,
    EAR_TOPIC_FAULT,
    EAR_TOPIC_OUTAGE,
    EAR_TOPIC_BOOKING,
    EAR_TOPIC_REFUND,
    EAR_TOPIC_STAFF,
    EAR_TOPIC_HOWTO,
    EAR_TOPIC_FEATURE,
    EAR_TOPIC_OTHER
} ear_topic;

/* Borrowed for the call. Only text is needed. */
struct ear_triage_post {
    struct ear_str text;
    struct ear_str language_hint; /* BCP 47, as the platform gave it */
    struct ear_str account;       /* the firm's account that heard it, with or without '@' */
    bool direct;                  /* written to the firm alone: direct message, mail */
    bool reply;                   /* answers a post of the firm or of a known conversation */
    bool own;                     /* written by the firm itself */
};

#define EAR_TRIAGE_WHY 8

/* The probability belongs to the likeliest value, also where it is too low and the value is
 * unsure. For severity and urgency the likeliest value stands even then, beside the flag; but
 * nobody is woken for an unsure 2: that becomes an unsure 1. */
struct ear_triage {
    bool skipped;                  /* own post: nothing below is set */
    char language[EAR_LANG_BYTES]; /* ISO 639-1 or "und" */
    float language_p;
    ear_answer answer;
    float answer_p;
    ear_intent intent;
    float intent_p;
    ear_sentiment sentiment;
    float sentiment_p;
    ear_topic topic;
    float topic_p;
    unsigned urgency; /* 0 routine, 1 soon, 2 immediate */
    float urgency_p;
    bool urgency_unsure;
    unsigned severity; /* 0 none, 1 mild, 2 strong, 3 extreme */
    float severity_p;
    bool severity_unsure;
    struct ear_str why[EAR_TRIAGE_WHY]; /* the cues that decided; static text */
    size_t why_count;
};

struct ear_triager;

struct ear_triager *ear_triager_new(void);
void ear_triager_free(struct ear_triager **triager);

/* Never fails: of text beyond 16 KiB the beginning counts; where there is nothing to go by,
 * all is unsure. */
void ear_triage(struct ear_triager *triager, const struct ear_triage_post *post,
                struct ear_triage *out);

/* The signals of the last post: for measuring and fitting the heads. */
const struct ear_signals *ear_triager_signals(const struct ear_triager *triager);

#endif
