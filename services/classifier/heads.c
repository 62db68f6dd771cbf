#include "heads.h"

#include "triage.h"

struct meaning {
    const char *label;
    uint8_t value;
};

static const struct meaning answers[] = {
    {"y", EAR_ANSWER_NEEDED},
    {"yes", EAR_ANSWER_NEEDED},
    {"1", EAR_ANSWER_NEEDED},
    {"n", EAR_ANSWER_NOT_NEEDED},
    {"no", EAR_ANSWER_NOT_NEEDED},
    {"0", EAR_ANSWER_NOT_NEEDED},
    {0},
};
static const struct meaning intents[] = {
    {"complaint", EAR_INTENT_COMPLAINT},
    {"question", EAR_INTENT_QUESTION},
    {"request", EAR_INTENT_REQUEST},
    {"praise", EAR_INTENT_PRAISE},
    {"suggestion", EAR_INTENT_SUGGESTION},
    {"vent", EAR_INTENT_VENT},
    {"spam", EAR_INTENT_SPAM},
    {"other", EAR_INTENT_OTHER},
    {0},
};
static const struct meaning sentiments[] = {
    {"neg", EAR_SENTIMENT_NEGATIVE},
    {"negative", EAR_SENTIMENT_NEGATIVE},
    {"neu", EAR_SENTIMENT_NEUTRAL},
    {"neutral", EAR_SENTIMENT_NEUTRAL},
    {"pos", EAR_SENTIMENT_POSITIVE},
    {"positive", EAR_SENTIMENT_POSITIVE},
    {0},
};
static const struct meaning topics[] = {
    {"delivery", EAR_TOPIC_DELIVERY}, {"billing", EAR_TOPIC_BILLING},
    {"account", EAR_TOPIC_ACCOUNT},   {"fault", EAR_TOPIC_FAULT},
    {"outage", EAR_TOPIC_OUTAGE},     {"booking", EAR_TOPIC_BOOKING},
    {"refund", EAR_TOPIC_REFUND},     {"staff", EAR_TOPIC_STAFF},
    {"howto", EAR_TOPIC_HOWTO},       {"feature", EAR_TOPIC_FEATURE},
    {"other", EAR_TOPIC_OTHER},       {0},
};
static const struct meaning urgencies[] = {{"0", 0}, {"1", 1}, {"2", 2}, {0}};
static const struct meaning severities[] = {{"0", 0}, {"1", 1}, {"2", 2}, {"3", 3}, {0}};

static const struct question {
    const char *name;
    const struct meaning *meanings;
} questions[EAR_QUESTIONS] = {
    [EAR_ASKS_ANSWER] = {"needs_answer", answers},
    [EAR_ASKS_INTENT] = {"intent", intents},
    [EAR_ASKS_SENTIMENT] = {"sentiment", sentiments},
    [EAR_ASKS_TOPIC] = {"topic", topics},
    [EAR_ASKS_URGENCY] = {"urgency", urgencies},
    [EAR_ASKS_SEVERITY] = {"severity", severities},
};

const char *ear_question_name(ear_question question)
{
    return questions[question].name;
}

static const struct meaning *meaning_of(const struct meaning *list, struct ear_str label)
{
    while (list->label && !ear_str_eq(label, ear_str_from(list->label))) list++;
    return list->label ? list : NULL;
}

static ear_err bind(const struct ear_model *model, ear_question question, struct ear_heads *out,
                    struct ear_diag *diag)
{
    const char *name = questions[question].name;
    int at = ear_model_head(model, ear_str_from(name));
    if (at < 0) return ear_fail(diag, EAR_INVALID, "the model has no head \"%s\"", name);
    const struct ear_head *head = &ear_model_info(model).heads[at];
    out->at[question] = (size_t)at;
    for (size_t i = 0; i < head->label_count; i++) {
        const struct meaning *m = meaning_of(questions[question].meanings, head->labels[i]);
        bool own = !m && question == EAR_ASKS_TOPIC;
        if (!m && !own)
            return ear_fail(diag, EAR_INVALID, "label \"%.*s\" of head \"%s\" has no meaning here",
                            EAR_STR_ARG(head->labels[i]), name);
        out->value[question][i] = own ? EAR_TOPIC_OTHER : m->value;
        if (question == EAR_ASKS_TOPIC) out->own_label[i] = own;
    }
    return EAR_OK;
}

ear_err ear_heads_bind(const struct ear_model *model, struct ear_heads *out, struct ear_diag *diag)
{
    ear_err err = EAR_OK;
    for (ear_question q = 0; q < EAR_QUESTIONS && !err; q++) err = bind(model, q, out, diag);
    return err;
}

ear_err ear_heads_bind_topics(const struct ear_model *model, struct ear_heads *out,
                              struct ear_diag *diag)
{
    return bind(model, EAR_ASKS_TOPIC, out, diag);
}
