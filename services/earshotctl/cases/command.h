/* command: one command to assignment, asked again with the same id until a replica answers. */
#ifndef EAR_CTL_COMMAND_H
#define EAR_CTL_COMMAND_H

#include "ctl.h"
#include "wire/wire.h"

/* Fills in id (--id or a new one), actor (--as), reason (--reason) and time, sends, waits, and
 * prints what came of it; `done` is what to say on success ("reply is on its way"). */
ear_exit ear_ctl_command_send(struct ear_ctl *ctl, Earshot__V1__Command *command, const char *done);

#endif
