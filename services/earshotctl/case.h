/* case: cases read from the database, and commands about them sent to assignment. */
#ifndef EAR_CTL_CASE_H
#define EAR_CTL_CASE_H

#include "ctl.h"

ear_exit ear_case_list(struct ear_ctl *ctl, int argc, char **argv);
ear_exit ear_case_show(struct ear_ctl *ctl, int argc, char **argv);
ear_exit ear_case_reply(struct ear_ctl *ctl, int argc, char **argv);
ear_exit ear_case_note(struct ear_ctl *ctl, int argc, char **argv);
ear_exit ear_case_assign(struct ear_ctl *ctl, int argc, char **argv);
ear_exit ear_case_resolve(struct ear_ctl *ctl, int argc, char **argv);
ear_exit ear_case_reopen(struct ear_ctl *ctl, int argc, char **argv);

#endif
