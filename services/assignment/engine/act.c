#include "engine/act.h"

#include "engine/clock.h"
#include "engine/lifecycle.h"
#include "engine/refusal.h"
#include "engine/routing.h"
#include "engine/threading.h"

enum { REPLY_DUE = 0, REPLY_SENT = 1, REPLY_FAILED = 2, REPLY_UNKNOWN = 3 };

const char *ear_command_name(const Earshot__V1__Command *command)
{
    switch (command->body_case) {
    case EARSHOT__V1__COMMAND__BODY_REPLY:
        return "reply";
    case EARSHOT__V1__COMMAND__BODY_NOTE:
        return "note";
    case EARSHOT__V1__COMMAND__BODY_ASSIGN:
        return "assign";
    case EARSHOT__V1__COMMAND__BODY_RESOLVE:
        return "resolve";
    case EARSHOT__V1__COMMAND__BODY_REOPEN:
        return "reopen";
    case EARSHOT__V1__COMMAND__BODY_PRESENCE:
        return "presence";
    case EARSHOT__V1__COMMAND__BODY_OUTCOME:
        return "outcome";
    default:
        return "";
    }
}

/* As events may hold it: a-z, 0-9 and '_', at most 64 bytes. */
static bool is_code(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len <= 64 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

/* Agents who left stay known, but act no more. */
static const struct ear_agent *active_agent(const struct ear_book *book, const char *id)
{
    const struct ear_agent *agent = ear_care_agent(book->care, id);
    return agent && agent->active ? agent : NULL;
}

static bool is_rule(const struct ear_ask *ask)
{
    return strcmp(ask->command->actor, "rule") == 0;
}

static const char *actor_of(const struct ear_ask *ask)
{
    if (ask->command->body_case == EARSHOT__V1__COMMAND__BODY_OUTCOME) return "responder";
    return ask->command->actor[0] ? ask->command->actor : "operator";
}

static struct ear_entry *enter(struct ear_book *book, const struct ear_ask *ask)
{
    return ear_book_enter(book, ask->of, actor_of(ask));
}

/* Why somebody did it: a code stays in the history, words become a note, which can be erased. */
static void remark(const struct ear_ask *ask, struct ear_entry *e, struct ear_answer *answer)
{
    const char *reason = ask->command->reason;
    if (!reason[0]) return;
    if (is_code(reason)) {
        if (!e->code) e->code = reason;
        return;
    }
    answer->note = reason;
    ear_entry_mark(e, EAR_KIND_NOTED);
}

/* A customer's replies are sent in the order of their ids, whichever case they belong to. */
static int64_t after_all_before(const struct ear_book *book, const struct ear_case *c)
{
    int64_t last_us = c->changed_at_us;
    struct ear_case *other = ear_book_cases_of(book, &c->customer_id);
    for (; other; other = other->next_of_customer)
        if (other->changed_at_us > last_us) last_us = other->changed_at_us;
    return last_us + EAR_US_PER_MS;
}

static void act_reply(struct ear_book *book, const struct ear_ask *ask, struct ear_answer *answer)
{
    const Earshot__V1__ReplyCommand *say = ask->command->reply;
    struct ear_case *c = ask->of;
    const struct ear_agent *agent = active_agent(book, ask->command->actor);
    size_t len = strlen(say->text);
    if (!agent && !is_rule(ask)) {
        ear_refuse(book, answer, "denied",
                   "a reply is written by an agent of care.yaml: say who by --as AGENT");
        return;
    }
    if (len == 0 || len > EAR_REPLY_BYTES_MAX) {
        ear_refuse(book, answer, "invalid",
                   len ? "the text is longer than 16 KiB" : "the text is empty");
        return;
    }
    if (c->state == EAR_CASE_CLOSED) {
        ear_refuse(book, answer, "conflict", "the case is closed: reopen it first");
        return;
    }
    if (!ear_care_account(book->care, c->account)) {
        ear_refuse(book, answer, "conflict",
                   "the case's account '%s' is not in care.yaml: nothing can be sent", c->account);
        return;
    }
    struct ear_entry *e = enter(book, ask);
    ear_entry_mark(e, EAR_KIND_REPLY_WRITTEN);
    c->changed_at_us = after_all_before(book, c);
    e->reply_id = answer->reply_id = book->new_id(c->changed_at_us);
    e->post_id = c->last_post_id;
    if (agent && !c->agent) ear_route_give(book, c, e, agent);
    remark(ask, e, answer);
    answer->add_reply = true;
    answer->by_rule = !agent;
    /* What was said in private is not answered in public, whoever asks for it. */
    answer->direct = say->direct || c->direct;
    answer->sign_off = agent ? agent->sign_off : "";
}

static void act_note(struct ear_book *book, const struct ear_ask *ask, struct ear_answer *answer)
{
    const char *text = ask->command->note->text;
    size_t len = strlen(text);
    if (len == 0 || len > EAR_NOTE_BYTES_MAX) {
        ear_refuse(book, answer, "invalid",
                   len ? "the note is longer than 16 KiB" : "the note is empty");
        return;
    }
    ear_entry_mark(enter(book, ask), EAR_KIND_NOTED);
    answer->note = text;
}

static void assign_agent(struct ear_book *book, const struct ear_ask *ask,
                         struct ear_answer *answer)
{
    const struct ear_agent *agent = active_agent(book, ask->command->assign->agent);
    struct ear_case *c = ask->of;
    if (!agent) {
        ear_refuse_agent(book, answer, "not_found", ask->command->assign->agent);
    } else if (c->agent && strcmp(c->agent, agent->id) == 0) {
        answer->message = "the agent has the case already";
    } else {
        struct ear_entry *e = enter(book, ask);
        ear_route_give(book, c, e, agent);
        remark(ask, e, answer);
    }
}

static void assign_team(struct ear_book *book, const struct ear_ask *ask, struct ear_answer *answer)
{
    const struct ear_team *team = ear_care_team(book->care, ask->command->assign->team);
    struct ear_case *c = ask->of;
    if (!team) {
        ear_refuse_team(book, answer, ask->command->assign->team);
    } else if (!c->agent && strcmp(c->team, team->id) == 0) {
        answer->message = "the case is in the team's queue already";
    } else {
        struct ear_entry *e = enter(book, ask);
        ear_route_queue(book, c, e, team->id);
        remark(ask, e, answer);
    }
}

static void act_assign(struct ear_book *book, const struct ear_ask *ask, struct ear_answer *answer)
{
    const Earshot__V1__AssignCommand *to = ask->command->assign;
    if (!to->agent[0] == !to->team[0])
        ear_refuse(book, answer, "invalid", "name an agent or a team, not both");
    else if (ask->of->state == EAR_CASE_CLOSED)
        ear_refuse(book, answer, "conflict", "the case is closed: reopen it first");
    else if (to->agent[0])
        assign_agent(book, ask, answer);
    else
        assign_team(book, ask, answer);
}

/* The code that a case is closed with; NULL where requirement R5 forbids to close it. */
static const char *close_code(const struct ear_ask *ask)
{
    const char *code = ask->command->resolve->code;
    if (strcmp(code, "answered") == 0 && !ask->has_reply) return NULL;
    if (code[0]) return code;
    if (ask->has_reply) return "answered";
    if (is_code(ask->command->reason)) return ask->command->reason;
    return ask->command->reason[0] ? "other" : NULL;
}

static void act_resolve(struct ear_book *book, const struct ear_ask *ask, struct ear_answer *answer)
{
    const char *code = close_code(ask);
    if (ask->of->state == EAR_CASE_CLOSED) {
        ear_refuse(book, answer, "conflict", "the case is closed already");
    } else if (!code) {
        ear_refuse(book, answer, "conflict",
                   "nobody has answered: reply, or give another code or a reason");
    } else if (!is_code(code)) {
        ear_refuse(book, answer, "invalid", "a code has a-z, 0-9 and '_' only, at most 64");
    } else {
        struct ear_entry *e = enter(book, ask);
        ear_case_close(book, ask->of, e, code);
        remark(ask, e, answer);
    }
}

static void act_reopen(struct ear_book *book, const struct ear_ask *ask, struct ear_answer *answer)
{
    struct ear_case *c = ask->of;
    const struct ear_case *other =
        ear_thread_open_case(book, &c->customer_id, c->account, c->platform);
    if (c->state != EAR_CASE_CLOSED) {
        ear_refuse(book, answer, "conflict", "the case is not closed");
    } else if (other) {
        char id[EAR_ID_TEXT_BYTES];
        ear_id_format(&other->case_id, id);
        ear_refuse(book, answer, "conflict", "the customer has another open case on %s: %s",
                   c->account, id);
    } else {
        struct ear_entry *e = enter(book, ask);
        ear_case_owe(book, c, e, book->now_us);
        remark(ask, e, answer);
    }
}

static void act_presence(struct ear_book *book, const struct ear_ask *ask,
                         struct ear_answer *answer)
{
    const char *agent = ask->command->presence->agent;
    if (!active_agent(book, agent))
        ear_refuse_agent(book, answer, "not_found", agent);
    else
        answer->presence = true;
}

/* A sent mail can bounce later, a lost answer be found later; nothing else turns back. */
static bool reply_may(int from, int to)
{
    static const bool edges[4][4] = {[REPLY_DUE] = {0, 1, 1, 1},
                                     [REPLY_SENT] = {0, 0, 1, 0},
                                     [REPLY_FAILED] = {0, 1, 0, 0},
                                     [REPLY_UNKNOWN] = {0, 1, 1, 0}};
    return from >= 0 && from < 4 && to > 0 && to < 4 && edges[from][to];
}

/* The customer can see an answer of a person: the clock has done its work. */
static void answered(struct ear_book *book, const struct ear_ask *ask, struct ear_entry *e)
{
    struct ear_case *c = ask->of;
    if (c->first_responded_at_us == 0) c->first_responded_at_us = e->visible_at_us;
    if (c->respond_by_us) {
        e->clock_no = c->clock_no;
        ear_clock_stop(book, c);
        ear_entry_mark(e, EAR_KIND_CLOCK_STOPPED);
    }
    if (c->state != EAR_CASE_OPEN) return;
    /* They have written again since the reply was: that is still to be answered. */
    if (ear_id_cmp(&ask->reply->post_id, &c->last_post_id) != 0)
        ear_case_owe(book, c, e,
                     c->last_post_at_us < book->now_us ? c->last_post_at_us : book->now_us);
    else
        ear_case_await(c);
}

static void reply_sent(struct ear_book *book, const struct ear_ask *ask, struct ear_entry *e,
                       struct ear_answer *answer)
{
    int64_t visible_us = ask->command->outcome->visible_at_us;
    ear_entry_mark(e, EAR_KIND_REPLY_SENT);
    e->visible_at_us = visible_us > 0 && visible_us < book->now_us ? visible_us : book->now_us;
    ear_book_point(book, &answer->external_ref, ask->of);
    if (!ask->reply->by_rule) answered(book, ask, e);
}

/* Back in sight of its agent or queue: a case that rested on this reply is owed again. */
static void reply_stuck(struct ear_book *book, const struct ear_ask *ask, struct ear_entry *e)
{
    struct ear_case *c = ask->of;
    const char *reason = ask->command->outcome->reason;
    bool failed = ask->command->outcome->state == EARSHOT__V1__OUTCOME_STATE__OUTCOME_STATE_FAILED;
    ear_entry_mark(e, failed ? EAR_KIND_REPLY_FAILED : EAR_KIND_REPLY_UNKNOWN);
    e->code = is_code(reason) ? reason : "other";
    if (ask->reply->by_rule) return;
    bool free = !ear_thread_open_case(book, &c->customer_id, c->account, c->platform);
    if (c->state == EAR_CASE_WAITING ||
        (c->state == EAR_CASE_CLOSED && !ask->has_later_reply && free))
        ear_case_owe(book, c, e, book->now_us);
}

static void act_outcome(struct ear_book *book, const struct ear_ask *ask, struct ear_answer *answer)
{
    const Earshot__V1__Outcome *outcome = ask->command->outcome;
    if (!ask->reply) {
        ear_refuse(book, answer, "not_found", "no such reply");
        return;
    }
    if (ask->reply->state == (int)outcome->state) return;
    if (!reply_may(ask->reply->state, (int)outcome->state)) {
        ear_refuse(book, answer, "conflict", "the reply has another outcome already");
        return;
    }
    if (outcome->external_ref.len == EAR_ID_BYTES)
        memcpy(answer->external_ref.b, outcome->external_ref.data, EAR_ID_BYTES);
    struct ear_entry *e = enter(book, ask);
    e->reply_id = ask->reply->reply_id;
    answer->outcome = true;
    if (outcome->state == EARSHOT__V1__OUTCOME_STATE__OUTCOME_STATE_SENT)
        reply_sent(book, ask, e, answer);
    else
        reply_stuck(book, ask, e);
}

static bool actor_is_known(const struct ear_book *book, const struct ear_ask *ask)
{
    if (ask->command->body_case == EARSHOT__V1__COMMAND__BODY_OUTCOME) return true;
    const char *actor = actor_of(ask);
    return strcmp(actor, "operator") == 0 || is_rule(ask) || active_agent(book, actor);
}

void ear_act(struct ear_book *book, const struct ear_ask *ask, struct ear_answer *answer)
{
    typedef void act_fn(struct ear_book *, const struct ear_ask *, struct ear_answer *);
    static const struct {
        Earshot__V1__Command__BodyCase body;
        act_fn *act;
    } acts[] = {
        {EARSHOT__V1__COMMAND__BODY_REPLY, act_reply},
        {EARSHOT__V1__COMMAND__BODY_NOTE, act_note},
        {EARSHOT__V1__COMMAND__BODY_ASSIGN, act_assign},
        {EARSHOT__V1__COMMAND__BODY_RESOLVE, act_resolve},
        {EARSHOT__V1__COMMAND__BODY_REOPEN, act_reopen},
        {EARSHOT__V1__COMMAND__BODY_PRESENCE, act_presence},
        {EARSHOT__V1__COMMAND__BODY_OUTCOME, act_outcome},
    };
    *answer = (struct ear_answer){.error = "", .message = ""};
    if (!actor_is_known(book, ask)) {
        ear_refuse_agent(book, answer, "denied", actor_of(ask));
        return;
    }
    if (!ask->of && ask->command->body_case != EARSHOT__V1__COMMAND__BODY_PRESENCE) {
        ear_refuse(book, answer, "not_found",
                   "no such case: earshotctl case list shows those that are open, with --all the "
                   "closed ones too");
        return;
    }
    for (size_t i = 0; i < EAR_COUNT(acts); i++)
        if (acts[i].body == ask->command->body_case) {
            acts[i].act(book, ask, answer);
            return;
        }
    ear_refuse(book, answer, "invalid", "a command that this version does not know");
}
