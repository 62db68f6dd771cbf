#include "heads.h"

#include "base/check.h"
#include <math.h>

#define ROWS_MAX 12

/* S(signal, weight): the score of the row rises by weight × value. */
struct term {
    ear_signal signal;
    float weight;
};
struct row {
    int value;
    struct term terms[EAR_SIGNAL_COUNT + 1]; /* ends where weight is 0 */
};

#define S(name, w)           \
    {                        \
        EAR_SIGNAL_##name, w \
    }
#define ROW(value, ...) {value, {__VA_ARGS__}},

static const struct row rows_answer[] = {
#define HEAD_ANSWER
#include "rules/heads.def"
#undef HEAD_ANSWER
};
static const struct row rows_intent[] = {
#define HEAD_INTENT
#include "rules/heads.def"
#undef HEAD_INTENT
};
static const struct row rows_sentiment[] = {
#define HEAD_SENTIMENT
#include "rules/heads.def"
#undef HEAD_SENTIMENT
};
static const struct row rows_topic[] = {
#define HEAD_TOPIC
#include "rules/heads.def"
#undef HEAD_TOPIC
};
static const struct row rows_urgency[] = {
#define HEAD_URGENCY
#include "rules/heads.def"
#undef HEAD_URGENCY
};
static const struct row rows_severity[] = {
#define HEAD_SEVERITY
#include "rules/heads.def"
#undef HEAD_SEVERITY
};

struct decision {
    int value;
    float p;
};

static float score(const struct row *row, const struct ear_signals *signals)
{
    float sum = 0;
    for (const struct term *t = row->terms; t->weight != 0; t++)
        sum += t->weight * signals->value[t->signal];
    return sum;
}

static struct decision decide(const struct row *rows, size_t count,
                              const struct ear_signals *signals)
{
    float scores[ROWS_MAX], sum = 0;
    size_t best = 0;
    EAR_CHECK(count > 0 && count <= ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        scores[i] = score(&rows[i], signals);
        if (scores[i] > scores[best]) best = i;
    }
    for (size_t i = 0; i < count; i++) sum += expf(scores[i] - scores[best]);
    return (struct decision){rows[best].value, 1 / sum};
}

#define DECIDE(rows) decide(rows, EAR_COUNT(rows), signals)

/* Below these the value is unsure. A wrong "needs no answer" leaves a customer alone, and a wrong
 * "immediate" wears out those who are woken, so both must be surer than the rest. */
#define SURE_ANSWER    0.60f
#define SURE_NO_ANSWER 0.75f
#define SURE_INTENT    0.45f
#define SURE_SENTIMENT 0.50f
#define SURE_TOPIC     0.40f
#define SURE_LEVEL     0.50f

static void set_answer(struct ear_triage *out, struct decision d)
{
    float sure = d.value == EAR_ANSWER_NEEDED ? SURE_ANSWER : SURE_NO_ANSWER;
    out->answer = d.p >= sure ? (ear_answer)d.value : EAR_ANSWER_UNSURE;
    out->answer_p = d.p;
}

static void set_urgency(struct ear_triage *out, struct decision d)
{
    out->urgency_unsure = d.p < SURE_LEVEL;
    out->urgency = d.value == 2 && out->urgency_unsure ? 1 : (unsigned)d.value;
    out->urgency_p = d.p;
}

void ear_heads_decide(const struct ear_signals *signals, struct ear_triage *out)
{
    set_answer(out, DECIDE(rows_answer));
    struct decision d = DECIDE(rows_intent);
    out->intent = d.p >= SURE_INTENT ? (ear_intent)d.value : EAR_INTENT_UNSURE;
    out->intent_p = d.p;
    d = DECIDE(rows_sentiment);
    out->sentiment = d.p >= SURE_SENTIMENT ? (ear_sentiment)d.value : EAR_SENTIMENT_UNSURE;
    out->sentiment_p = d.p;
    d = DECIDE(rows_topic);
    out->topic = d.p >= SURE_TOPIC ? (ear_topic)d.value : EAR_TOPIC_UNSURE;
    out->topic_p = d.p;
    set_urgency(out, DECIDE(rows_urgency));
    d = DECIDE(rows_severity);
    out->severity = (unsigned)d.value;
    out->severity_p = d.p;
    out->severity_unsure = d.p < SURE_LEVEL;
}
