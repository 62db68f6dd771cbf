/* heads: Pure: which head of a model answers which question of triage, and what its labels mean
 * there. Owns nothing; borrows the model. */
#ifndef EAR_CLASSIFIER_HEADS_H
#define EAR_CLASSIFIER_HEADS_H

#include "model/model.h"

typedef enum ear_question {
    EAR_ASKS_ANSWER,
    EAR_ASKS_INTENT,
    EAR_ASKS_SENTIMENT,
    EAR_ASKS_TOPIC,
    EAR_ASKS_URGENCY,
    EAR_ASKS_SEVERITY,
    EAR_QUESTIONS
} ear_question;

/* The head's name, which is the question's: "needs_answer". */
const char *ear_question_name(ear_question question);

struct ear_heads {
    size_t at[EAR_QUESTIONS];                           /* index of the model's head */
    uint8_t value[EAR_QUESTIONS][EAR_MODEL_LABELS_MAX]; /* of triage.h, by label */
    bool own_label[EAR_MODEL_LABELS_MAX];               /* a topic of the firm's own table */
};

/* EAR_INVALID where a head is missing or has a label that means nothing here. Topics may be any:
 * unknown ones count as `other` and are own labels. */
ear_err ear_heads_bind(const struct ear_model *model, struct ear_heads *out,
                       struct ear_diag *diag) EAR_MUST_CHECK;
/* The topic head alone, of a firm's topic table. */
ear_err ear_heads_bind_topics(const struct ear_model *model, struct ear_heads *out,
                              struct ear_diag *diag) EAR_MUST_CHECK;

#endif
