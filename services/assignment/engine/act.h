/* act: Pure. What a command does to a case, or why it may not.
 *
 * The driver has checked the command's form, locked the case's customer, and put into the book the
 * case, the customer's open cases and who is at work. */
#ifndef EAR_ASSIGNMENT_ACT_H
#define EAR_ASSIGNMENT_ACT_H

#include "engine/book.h"

#define EAR_REPLY_BYTES_MAX 16384
#define EAR_NOTE_BYTES_MAX  16384

/* What the command says and what is known besides. */
struct ear_ask {
    const Earshot__V1__Command *command;
    struct ear_case *of;           /* NULL: there is no such case */
    const struct ear_reply *reply; /* of an outcome; NULL: there is no such reply */
    bool has_reply;                /* the case has one that is visible or on its way */
    bool has_later_reply;          /* a person's, later than `reply`, is visible */
};

/* Error codes as CommandResult names them; "" is done. */
struct ear_answer {
    const char *error;
    const char *message; /* in the book's arena or static */
    struct ear_id reply_id;

    /* Rows besides the book's changes. */
    bool add_reply; /* as the command says, with the members below */
    bool by_rule;
    bool direct;
    const char *sign_off;
    const char *note;           /* NULL: no note */
    bool outcome;               /* the reply's row gets the command's outcome */
    struct ear_id external_ref; /* nil: none */
    bool presence;              /* the agent's row of presence changes */
};

void ear_act(struct ear_book *book, const struct ear_ask *ask, struct ear_answer *answer);

/* "reply", "note" …; "" for what this build does not know. */
const char *ear_command_name(const Earshot__V1__Command *command);

#endif
