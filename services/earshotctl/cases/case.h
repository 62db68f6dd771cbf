/* case: cases read from the database (case_read.c), and commands about them sent to assignment
 * (case_write.c). A case is named as case_ref says. */
#ifndef EAR_CTL_CASE_H
#define EAR_CTL_CASE_H

#include "ctl.h"

/* In the order of the queue: by deadline, then age. */
ear_exit ear_case_list(struct ear_ctl *ctl, int argc, char **argv);
/* The case, then its whole history: posts, replies, notes and events by their time. */
ear_exit ear_case_show(struct ear_ctl *ctl, int argc, char **argv);

/* TEXT "-" is read from standard input. */
ear_exit ear_case_reply(struct ear_ctl *ctl, int argc, char **argv);
ear_exit ear_case_note(struct ear_ctl *ctl, int argc, char **argv);
ear_exit ear_case_assign(struct ear_ctl *ctl, int argc, char **argv);
ear_exit ear_case_resolve(struct ear_ctl *ctl, int argc, char **argv);
ear_exit ear_case_reopen(struct ear_ctl *ctl, int argc, char **argv);

#endif
