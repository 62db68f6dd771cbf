/* presence: who can take cases now. */
#ifndef EAR_CTL_PRESENCE_H
#define EAR_CTL_PRESENCE_H

#include "ctl.h"

ear_exit ear_agent_present(struct ear_ctl *ctl, int argc, char **argv);
ear_exit ear_agent_away(struct ear_ctl *ctl, int argc, char **argv);
ear_exit ear_agent_list(struct ear_ctl *ctl, int argc, char **argv);

#endif
