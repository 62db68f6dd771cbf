/* completion: bash completion out of the table of commands. */
#ifndef EAR_CTL_COMPLETION_H
#define EAR_CTL_COMPLETION_H

#include "ctl.h"

/* earshotctl completion: source <(earshotctl completion) */
ear_exit ear_completion(struct ear_ctl *ctl, int argc, char **argv);

#endif
