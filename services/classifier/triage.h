/* triage: Pure: the seam of the classifier. Text and a language hint in, triage out; no clock, no
 * network, no database, nothing of the author's reach.
 *
 * Behind it stand a trained model (common/model), a firm's own topic table, whose topics replace
 * the model's, and a firm's rules, which raise urgency and never lower it. What the model is not
 * sure of is `unsure`, and a person decides. One ear_triager serves one thread; it owns its
 * workspace and what it decides with, each part of which can be replaced between two posts. */
#ifndef EAR_CLASSIFIER_TRIAGE_H
#define EAR_CLASSIFIER_TRIAGE_H

#include "firm_rules.h"
#include "heads.h"

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

#define EAR_TRIAGE_WHY        8
#define EAR_TRIAGE_WHY_BYTES  120
#define EAR_TRIAGE_MODEL_SIZE 200

/* The probability belongs to the likeliest value, also where it is too low and the value is
 * unsure. For severity and urgency the likeliest value stands even then, beside the flag; but
 * nobody is woken for an unsure 2: that becomes an unsure 1, unless a rule says 2. */
struct ear_triage {
    bool skipped;                        /* own post: nothing below is set */
    char language[EAR_MODEL_LANG_BYTES]; /* ISO 639-1 or "und" */
    float language_p;
    ear_answer answer;
    float answer_p;
    ear_intent intent;
    float intent_p;
    ear_sentiment sentiment;
    float sentiment_p;
    ear_topic topic; /* OTHER for one of the firm's own table; `why` names it */
    float topic_p;
    unsigned urgency; /* 0 routine, 1 soon, 2 immediate */
    float urgency_p;  /* 1 where a rule raised it */
    bool urgency_unsure;
    unsigned severity; /* 0 none, 1 mild, 2 strong, 3 extreme */
    float severity_p;
    bool severity_unsure;
    /* Rules ("rule safety"), own topics ("topic seat heating"), then what spoke loudest for the
     * urgency or the intent. Only of posts that somebody is to look at. Borrowed from the triager
     * until the next post, each with a NUL behind it. */
    struct ear_str why[EAR_TRIAGE_WHY];
    size_t why_count;
    uint16_t labels[EAR_QUESTIONS]; /* the likeliest label of each head, sure or not */
    bool unsure[EAR_QUESTIONS];
    bool stood_in[EAR_QUESTIONS]; /* what the model has for the post's language spoke instead */
    float p[EAR_QUESTIONS];
};

struct ear_triager;

/* Takes the model, which must satisfy ear_heads_bind (EAR_INVALID otherwise: it stays with the
 * caller). Each set_ replaces one part: takes it and frees the old one; NULL where it may: none. */
ear_err ear_triager_new(struct ear_model **model, struct ear_triager **out,
                        struct ear_diag *diag) EAR_MUST_CHECK;
void ear_triager_free(struct ear_triager **triager);
ear_err ear_triager_set_model(struct ear_triager *triager, struct ear_model **model,
                              struct ear_diag *diag) EAR_MUST_CHECK;
ear_err ear_triager_set_topics(struct ear_triager *triager, struct ear_model **topics,
                               struct ear_diag *diag) EAR_MUST_CHECK;
void ear_triager_set_rules(struct ear_triager *triager, struct ear_firm_rules **rules);
/* The share of posts, of (0, 1], whose heads are to be sure; 0: as the model has it. */
void ear_triager_set_coverage(struct ear_triager *triager, float share);

/* Version of the model, and of the topic table behind a '+'; at most EAR_TRIAGE_MODEL_SIZE. */
const char *ear_triager_version(const struct ear_triager *triager);
/* The head that answers a question: its name and labels. */
const struct ear_head *ear_triager_head(const struct ear_triager *triager, ear_question question);

/* Never fails: of text beyond 16 KiB the beginning counts; where there is nothing to go by, all is
 * unsure. */
void ear_triage(struct ear_triager *triager, const struct ear_triage_post *post,
                struct ear_triage *out);

#endif
