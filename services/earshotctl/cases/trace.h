/* trace: the way of a post or a case through all services. */
#ifndef EAR_CTL_TRACE_H
#define EAR_CTL_TRACE_H

#include "ctl.h"

ear_exit ear_trace(struct ear_ctl *ctl, int argc, char **argv);

#endif
