#include "engine/lifecycle.h"

#include "engine/clock.h"
#include "engine/routing.h"

bool ear_case_may(ear_case_state from, ear_case_state to)
{
    switch (from) {
    case EAR_CASE_OPEN:
        return to == EAR_CASE_WAITING || to == EAR_CASE_CLOSED;
    case EAR_CASE_WAITING:
        return to == EAR_CASE_OPEN || to == EAR_CASE_CLOSED;
    case EAR_CASE_CLOSED:
        return to == EAR_CASE_OPEN;
    }
    return false;
}

static void set_state(struct ear_case *c, ear_case_state to)
{
    if (c->state == to) return;
    EAR_CHECK(ear_case_may(c->state, to));
    c->state = to;
}

bool ear_post_needs_answer(const struct ear_heard *heard)
{
    return heard->triage.answer != EARSHOT__V1__ANSWER__ANSWER_NOT_NEEDED &&
           heard->triage.intent != EARSHOT__V1__INTENT__INTENT_SPAM;
}

bool ear_post_asks(const struct ear_heard *heard)
{
    return heard->triage.answer == EARSHOT__V1__ANSWER__ANSWER_NEEDED &&
           ear_post_needs_answer(heard);
}

static bool knows_language(const char *language)
{
    return strcmp(language, "und") != 0;
}

/* What a later post tells of the case: more urgency, and what was not known before. */
static bool learn(struct ear_case *c, const struct ear_heard *heard)
{
    const struct ear_triage *t = &heard->triage;
    bool urgent = !t->urgency_unsure && t->urgency > c->urgency;
    bool language = !knows_language(c->language) && knows_language(t->language);
    if (urgent) c->urgency = t->urgency;
    if (language) c->language = t->language;
    if (!t->severity_unsure && t->severity > c->severity) c->severity = t->severity;
    if (c->intent == EARSHOT__V1__INTENT__INTENT_UNSURE) c->intent = (int)t->intent;
    if (c->topic == EARSHOT__V1__TOPIC__TOPIC_UNSURE) c->topic = (int)t->topic;
    return urgent || language;
}

/* Counts the post in, at its place by the platform's time, which is never later than we heard it:
 * a time to come that the author chose would hide all that follows. */
static void count_in(struct ear_case *c, const struct ear_heard *heard)
{
    int64_t at_us =
        heard->created_at_us < heard->received_at_us ? heard->created_at_us : heard->received_at_us;
    bool newest =
        c->posts == 0 || at_us > c->last_post_at_us ||
        (at_us == c->last_post_at_us && ear_id_cmp(&heard->post_id, &c->last_post_id) > 0);
    c->posts++;
    if (!newest) return;
    c->last_post_at_us = at_us;
    c->last_post_id = heard->post_id;
}

static void mention(struct ear_book *book, struct ear_entry *e, const struct ear_heard *heard)
{
    for (size_t i = 0; i < heard->mention_count; i++) {
        if (ear_book_mention(book, heard, heard->mentions[i]))
            ear_entry_mark(e, EAR_KIND_MENTIONED);
    }
}

static struct ear_entry *enter_post(struct ear_book *book, struct ear_case *c,
                                    const struct ear_heard *heard, ear_kind kind)
{
    struct ear_entry *e = ear_book_enter(book, c, "");
    ear_entry_mark(e, EAR_KIND_CLASSIFIED);
    ear_entry_mark(e, kind);
    e->post_id = heard->post_id;
    count_in(c, heard);
    mention(book, e, heard);
    ear_book_point(book, &heard->conversation_ref, c);
    return e;
}

static struct ear_clock clock_for(const struct ear_book *book, const struct ear_case *c,
                                  const struct ear_heard *heard)
{
    return ear_clock_of_post(ear_care_policy(book->care, c->team, c->platform), heard);
}

struct ear_case *ear_case_open(struct ear_book *book, const struct ear_heard *heard,
                               const struct ear_id *follows)
{
    const struct ear_triage *t = &heard->triage;
    struct ear_case fresh = {
        .case_id = book->new_id(book->now_us),
        .customer_id = heard->customer_id,
        .account = heard->account,
        .platform = heard->platform,
        .team = ear_route_team(book->care, heard->account, t->language, (int)t->topic),
        .state = EAR_CASE_OPEN,
        .direct = heard->direct,
        .language = t->language,
        .intent = (int)t->intent,
        .topic = (int)t->topic,
        .urgency = t->urgency_unsure ? 0 : t->urgency,
        .severity = t->severity_unsure ? 0 : t->severity,
        .heard_at_us = heard->received_at_us,
        .is_new = true};
    if (follows) fresh.follows = *follows;
    struct ear_case *c = ear_book_put_case(book, &fresh);
    struct ear_entry *e = enter_post(book, c, heard, EAR_KIND_CASED);
    struct ear_clock clock = clock_for(book, c, heard);
    c->opened_at_us = clock.start_us;
    ear_clock_start(book, c, e, &clock);
    ear_route(book, c, e);
    return c;
}

void ear_case_join(struct ear_book *book, struct ear_case *c, const struct ear_heard *heard)
{
    struct ear_entry *e = enter_post(book, c, heard, EAR_KIND_JOINED);
    if (c->state == EAR_CASE_CLOSED) return;
    if (learn(c, heard)) ear_entry_mark(e, EAR_KIND_RETRIAGED);
    if (!ear_post_needs_answer(heard)) return;
    struct ear_clock clock = clock_for(book, c, heard);
    if (clock.start_us < c->opened_at_us) c->opened_at_us = clock.start_us;
    if (c->state == EAR_CASE_WAITING) {
        set_state(c, EAR_CASE_OPEN);
        ear_clock_start(book, c, e, &clock);
        if (!c->agent) ear_route(book, c, e);
    } else {
        ear_clock_pull(book, c, e, &clock);
    }
}

void ear_case_reopen(struct ear_book *book, struct ear_case *c, const struct ear_heard *heard)
{
    struct ear_entry *e = enter_post(book, c, heard, EAR_KIND_REOPENED);
    if (learn(c, heard)) ear_entry_mark(e, EAR_KIND_RETRIAGED);
    set_state(c, EAR_CASE_OPEN);
    c->closed_at_us = 0;
    struct ear_clock clock = clock_for(book, c, heard);
    ear_clock_start(book, c, e, &clock);
    ear_route(book, c, e);
}

bool ear_case_is_warm(const struct ear_book *book, const struct ear_case *c, int64_t at_us)
{
    const struct ear_policy *policy = ear_care_policy(book->care, c->team, c->platform);
    return at_us - c->closed_at_us <= policy->reopen_within_s * EAR_US_PER_S;
}

void ear_case_await(struct ear_case *c)
{
    set_state(c, EAR_CASE_WAITING);
}

void ear_case_owe(struct ear_book *book, struct ear_case *c, struct ear_entry *e, int64_t since_us)
{
    if (c->state == EAR_CASE_CLOSED) ear_entry_mark(e, EAR_KIND_REOPENED);
    set_state(c, EAR_CASE_OPEN);
    c->closed_at_us = 0;
    if (c->respond_by_us == 0) {
        const struct ear_policy *policy = ear_care_policy(book->care, c->team, c->platform);
        struct ear_clock clock = ear_clock_from(policy, since_us);
        ear_clock_start(book, c, e, &clock);
    }
    if (!c->agent) ear_route(book, c, e);
}

void ear_case_close(struct ear_book *book, struct ear_case *c, struct ear_entry *e,
                    const char *code)
{
    ear_clock_stop(book, c);
    ear_route_release(book, c);
    set_state(c, EAR_CASE_CLOSED);
    c->close_code = code;
    c->closed_at_us = book->now_us;
    ear_entry_mark(e, EAR_KIND_RESOLVED);
    e->code = code;
}
