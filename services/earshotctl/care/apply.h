/* apply: care.yaml into the database, with a plan before the change. */
#ifndef EAR_CTL_APPLY_H
#define EAR_CTL_APPLY_H

#include "ctl.h"

/* earshotctl apply FILE [--dry-run]: one transaction, then every service is told. */
ear_exit ear_apply(struct ear_ctl *ctl, int argc, char **argv);

#endif
