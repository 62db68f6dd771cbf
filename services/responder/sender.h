/* sender: an account's queue: reads what is due as far as the platform's pace, its limits and
 * what is under way allow, and sets the time of the next look. */
#ifndef EAR_RESPONDER_SENDER_H
#define EAR_RESPONDER_SENDER_H

#include "account.h"

/* There may be something to do. Safe to call at any time. */
void ear_sender_wake(struct ear_account *account);
/* The account's timer; self is the account. */
void ear_sender_on_timer(void *self);

#endif
