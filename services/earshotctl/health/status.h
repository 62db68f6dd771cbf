/* status: how every replica is, asked directly. */
#ifndef EAR_CTL_STATUS_H
#define EAR_CTL_STATUS_H

#include "ctl.h"

ear_exit ear_status(struct ear_ctl *ctl, int argc, char **argv);

#endif
