/* told: commands to cases, for the tests of what they do and of what refuses them. */
#ifndef EAR_TEST_TOLD_H
#define EAR_TEST_TOLD_H

#include "world.h"

#include "engine/act.h"

/* A command to a case and what is known of it. */
struct told {
    Earshot__V1__Command command;
    Earshot__V1__ReplyCommand reply;
    Earshot__V1__NoteCommand note;
    Earshot__V1__AssignCommand assign;
    Earshot__V1__ResolveCommand resolve;
    Earshot__V1__ReopenCommand reopen;
    Earshot__V1__PresenceCommand presence;
    Earshot__V1__Outcome outcome;
    struct ear_reply row;
    struct ear_ask ask;
    char actor[16], reason[32], text[32], agent[16], team[16], code[32];
};

static inline void tell(struct told *t, struct ear_case *c, Earshot__V1__Command__BodyCase body)
{
    *t = (struct told){.command = EARSHOT__V1__COMMAND__INIT,
                       .reply = EARSHOT__V1__REPLY_COMMAND__INIT,
                       .note = EARSHOT__V1__NOTE_COMMAND__INIT,
                       .assign = EARSHOT__V1__ASSIGN_COMMAND__INIT,
                       .resolve = EARSHOT__V1__RESOLVE_COMMAND__INIT,
                       .reopen = EARSHOT__V1__REOPEN_COMMAND__INIT,
                       .presence = EARSHOT__V1__PRESENCE_COMMAND__INIT,
                       .outcome = EARSHOT__V1__OUTCOME__INIT};
    t->command.actor = t->actor;
    t->command.reason = t->reason;
    t->reply.text = t->note.text = t->text;
    t->assign.agent = t->presence.agent = t->agent;
    t->assign.team = t->team;
    t->resolve.code = t->code;
    t->command.body_case = body;
    switch (body) {
    case EARSHOT__V1__COMMAND__BODY_REPLY:
        t->command.reply = &t->reply;
        break;
    case EARSHOT__V1__COMMAND__BODY_NOTE:
        t->command.note = &t->note;
        break;
    case EARSHOT__V1__COMMAND__BODY_ASSIGN:
        t->command.assign = &t->assign;
        break;
    case EARSHOT__V1__COMMAND__BODY_RESOLVE:
        t->command.resolve = &t->resolve;
        break;
    case EARSHOT__V1__COMMAND__BODY_REOPEN:
        t->command.reopen = &t->reopen;
        break;
    case EARSHOT__V1__COMMAND__BODY_PRESENCE:
        t->command.presence = &t->presence;
        break;
    case EARSHOT__V1__COMMAND__BODY_OUTCOME:
        t->command.outcome = &t->outcome;
        break;
    default:
        break;
    }
    t->ask.command = &t->command;
    t->ask.of = c;
}

#define PUT(field, text_) assert_true(ear_str_copy((field), sizeof(field), ear_str_from(text_)))

static inline struct ear_case *a_case(struct ear_book *book, uint8_t customer)
{
    struct ear_heard s;
    say(&s, customer, customer, 0);
    return decide_one(book, &s);
}

#endif
