/* names: of the teams, agents and accounts that a table is filtered by. */
#ifndef EAR_CTL_NAMES_H
#define EAR_CTL_NAMES_H

#include "ctl.h"

/* For a table that came out empty: EAR_EXIT_NOT_FOUND when --team, --agent or --account names what
 * is not in care.yaml; what there is instead is said. Reads no cases. */
ear_exit ear_names_check(struct ear_ctl *ctl);

#endif
