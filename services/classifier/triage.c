#include "triage.h"

#include "text/text.h"
#include <stdio.h>
#include <stdlib.h>

#define REASONS       6     /* of the model, at most */
#define REASON_NATS   0.15f /* what says less explains nothing */
#define SURE_NO_REPLY 0.75f /* a wrong "needs no answer" leaves a customer alone */

/* A model, its reader, and what its heads mean. */
struct part {
    struct ear_model *model; /* owned, as all here; NULL: none */
    struct ear_model_reader *reader;
    struct ear_heads heads;
};

struct ear_triager {
    struct part main, topics;
    struct ear_firm_rules *rules;
    float coverage;
    char version[EAR_TRIAGE_MODEL_SIZE];
    struct ear_reading reading, topic_reading;
    char why[EAR_TRIAGE_WHY][EAR_TRIAGE_WHY_BYTES];
};

static void part_release(struct part *part)
{
    ear_model_reader_free(&part->reader);
    ear_model_free(&part->model);
}

static void show_version(struct ear_triager *t)
{
    struct ear_str main = ear_model_info(t->main.model).version;
    struct ear_str topics =
        t->topics.model ? ear_model_info(t->topics.model).version : EAR_STR_NONE;
    (void)snprintf(t->version, sizeof t->version, "%.*s%s%.*s", EAR_STR_ARG(main),
                   topics.len ? " + " : "", EAR_STR_ARG(topics));
}

/* Of the head that answers it, and of those that stand in for that one. */
static void set_thresholds(struct ear_triager *t, ear_question question)
{
    struct part *part = question == EAR_ASKS_TOPIC && t->topics.model ? &t->topics : &t->main;
    struct ear_model_info info = ear_model_info(part->model);
    int head = (int)part->heads.at[question];
    for (int i = 0; i < (int)info.head_count; i++) {
        if (i != head && info.heads[i].stands_in != head) continue;
        float own = info.heads[i].unsure_below;
        float p = t->coverage > 0 ? ear_model_threshold(part->model, (size_t)i, t->coverage) : own;
        ear_model_reader_unsure_below(part->reader, (size_t)i, p);
    }
}

/* Whatever changed: version and thresholds follow. */
static void adjust(struct ear_triager *t)
{
    show_version(t);
    for (ear_question q = 0; q < EAR_QUESTIONS; q++) set_thresholds(t, q);
}

static void replace(struct part *part, struct ear_model **model, const struct ear_heads *heads)
{
    part_release(part);
    part->heads = *heads;
    part->model = *model;
    part->reader = ear_model_reader_new(part->model);
    *model = NULL;
}

ear_err ear_triager_set_model(struct ear_triager *t, struct ear_model **model,
                              struct ear_diag *diag)
{
    struct ear_heads heads = {0};
    ear_err err = ear_heads_bind(*model, &heads, diag);
    if (err) return err;
    replace(&t->main, model, &heads);
    adjust(t);
    return EAR_OK;
}

ear_err ear_triager_set_topics(struct ear_triager *t, struct ear_model **topics,
                               struct ear_diag *diag)
{
    struct ear_heads heads = {0};
    ear_err err = *topics ? ear_heads_bind_topics(*topics, &heads, diag) : EAR_OK;
    if (err) return err;
    if (*topics)
        replace(&t->topics, topics, &heads);
    else
        part_release(&t->topics);
    adjust(t);
    return EAR_OK;
}

void ear_triager_set_rules(struct ear_triager *t, struct ear_firm_rules **rules)
{
    ear_firm_rules_free(&t->rules);
    t->rules = *rules;
    *rules = NULL;
}

void ear_triager_set_coverage(struct ear_triager *t, float share)
{
    t->coverage = share;
    adjust(t);
}

ear_err ear_triager_new(struct ear_model **model, struct ear_triager **out, struct ear_diag *diag)
{
    struct ear_triager *t = ear_alloc(sizeof *t);
    ear_err err = ear_triager_set_model(t, model, diag);
    if (err) ear_triager_free(&t);
    *out = t;
    return err;
}

void ear_triager_free(struct ear_triager **triager)
{
    struct ear_triager *t = *triager;
    if (!t) return;
    part_release(&t->main);
    part_release(&t->topics);
    ear_firm_rules_free(&t->rules);
    EAR_FREE(*triager);
}

const char *ear_triager_version(const struct ear_triager *t)
{
    return t->version;
}

static const struct part *part_of(const struct ear_triager *t, ear_question question)
{
    return question == EAR_ASKS_TOPIC && t->topics.model ? &t->topics : &t->main;
}

const struct ear_head *ear_triager_head(const struct ear_triager *t, ear_question question)
{
    const struct part *part = part_of(t, question);
    return &ear_model_info(part->model).heads[part->heads.at[question]];
}

/* ---- what the model says ---- */

static unsigned value_of(const struct ear_triager *t, ear_question question, struct ear_triage *out)
{
    const struct part *part = part_of(t, question);
    const struct ear_reading *reading = part == &t->main ? &t->reading : &t->topic_reading;
    const struct ear_prediction *p = &reading->heads[part->heads.at[question]];
    out->labels[question] = p->label;
    out->unsure[question] = p->unsure;
    out->stood_in[question] = p->stood_in;
    out->p[question] = p->p;
    return part->heads.value[question][p->label];
}

static void set_answer(const struct ear_triager *t, struct ear_triage *out)
{
    ear_answer value = (ear_answer)value_of(t, EAR_ASKS_ANSWER, out);
    out->answer_p = out->p[EAR_ASKS_ANSWER];
    if (value == EAR_ANSWER_NOT_NEEDED && out->answer_p < SURE_NO_REPLY)
        out->unsure[EAR_ASKS_ANSWER] = true;
    out->answer = out->unsure[EAR_ASKS_ANSWER] ? EAR_ANSWER_UNSURE : value;
}

static void set_kinds(const struct ear_triager *t, struct ear_triage *out)
{
    unsigned intent = value_of(t, EAR_ASKS_INTENT, out);
    unsigned sentiment = value_of(t, EAR_ASKS_SENTIMENT, out);
    unsigned topic = value_of(t, EAR_ASKS_TOPIC, out);
    out->intent = out->unsure[EAR_ASKS_INTENT] ? EAR_INTENT_UNSURE : (ear_intent)intent;
    out->sentiment =
        out->unsure[EAR_ASKS_SENTIMENT] ? EAR_SENTIMENT_UNSURE : (ear_sentiment)sentiment;
    out->topic = out->unsure[EAR_ASKS_TOPIC] ? EAR_TOPIC_UNSURE : (ear_topic)topic;
    out->intent_p = out->p[EAR_ASKS_INTENT];
    out->sentiment_p = out->p[EAR_ASKS_SENTIMENT];
    out->topic_p = out->p[EAR_ASKS_TOPIC];
}

static void set_levels(const struct ear_triager *t, struct ear_triage *out)
{
    out->urgency = value_of(t, EAR_ASKS_URGENCY, out);
    out->urgency_p = out->p[EAR_ASKS_URGENCY];
    out->urgency_unsure = out->unsure[EAR_ASKS_URGENCY];
    if (out->urgency == 2 && out->urgency_unsure) out->urgency = 1;
    out->severity = value_of(t, EAR_ASKS_SEVERITY, out);
    out->severity_p = out->p[EAR_ASKS_SEVERITY];
    out->severity_unsure = out->unsure[EAR_ASKS_SEVERITY];
}

/* ---- why ---- */

static void note(struct ear_triager *t, struct ear_triage *out, struct ear_str kind,
                 struct ear_str what)
{
    if (out->why_count == EAR_TRIAGE_WHY) return;
    char *text = t->why[out->why_count];
    size_t room = EAR_TRIAGE_WHY_BYTES - 1 - kind.len;
    what = ear_text_cut(what, EAR_TEXT_BYTES, room, EAR_TEXT_AT_GRAPHEME);
    if (kind.len) memcpy(text, kind.ptr, kind.len);
    if (what.len) memcpy(text + kind.len, what.ptr, what.len);
    text[kind.len + what.len] = 0;
    out->why[out->why_count++] = (struct ear_str){text, kind.len + what.len};
}

static void note_topic(struct ear_triager *t, struct ear_triage *out)
{
    const struct part *part = part_of(t, EAR_ASKS_TOPIC);
    uint16_t label = out->labels[EAR_ASKS_TOPIC];
    if (out->topic != EAR_TOPIC_OTHER || !part->heads.own_label[label]) return;
    note(t, out, EAR_STR("topic "), ear_triager_head(t, EAR_ASKS_TOPIC)->labels[label]);
}

/* What is urgent is explained by what makes it urgent, all else by what it is. */
static void note_reasons(struct ear_triager *t, struct ear_triage *out)
{
    struct ear_reason reasons[REASONS];
    ear_question question = out->urgency > 0 ? EAR_ASKS_URGENCY : EAR_ASKS_INTENT;
    size_t count = ear_model_why(t->main.reader, t->main.heads.at[question], out->labels[question],
                                 reasons, REASONS);
    for (size_t i = 0; i < count && reasons[i].weight >= REASON_NATS; i++)
        note(t, out, EAR_STR_NONE, reasons[i].text);
}

/* ---- all of it ---- */

static void read_post(struct ear_triager *t, const struct ear_triage_post *post,
                      struct ear_triage *out)
{
    const struct ear_model_post view = {.text = post->text,
                                        .language_hint = post->language_hint,
                                        .account = post->account,
                                        .direct = post->direct,
                                        .reply = post->reply};
    ear_model_read(t->main.reader, &view, &t->reading);
    if (t->topics.model) ear_model_read(t->topics.reader, &view, &t->topic_reading);
    memcpy(out->language, t->reading.language, sizeof out->language);
    out->language_p = t->reading.language_p;
    set_answer(t, out);
    set_kinds(t, out);
    set_levels(t, out);
}

/* What is raised is looked at by somebody, whatever the model thinks of answering it. */
static void apply_rules(struct ear_triager *t, const struct ear_triage_post *post,
                        struct ear_triage *out)
{
    struct ear_rule_hits hits;
    if (!t->rules) return;
    ear_firm_rules_apply(t->rules, post->text, &hits);
    for (size_t i = 0; i < hits.count; i++) note(t, out, EAR_STR("rule "), hits.tags[i]);
    if (hits.level == 0) return;
    if (out->answer == EAR_ANSWER_NOT_NEEDED) out->answer = EAR_ANSWER_UNSURE;
    if (hits.level < out->urgency || (hits.level == out->urgency && !out->urgency_unsure)) return;
    out->urgency = hits.level;
    out->urgency_p = 1;
    out->urgency_unsure = false;
}

void ear_triage(struct ear_triager *t, const struct ear_triage_post *post, struct ear_triage *out)
{
    *out = (struct ear_triage){.language = "und"};
    if (post->own) {
        out->skipped = true;
        return;
    }
    read_post(t, post, out);
    apply_rules(t, post, out);
    if (out->answer == EAR_ANSWER_NOT_NEEDED) return;
    note_topic(t, out);
    note_reasons(t, out);
}
