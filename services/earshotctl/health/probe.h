/* probe: one HTTP GET, for health checks in images that have no curl. */
#ifndef EAR_CTL_PROBE_H
#define EAR_CTL_PROBE_H

#include "ctl.h"

/* earshotctl probe URL: 0 when the answer is 200, EAR_EXIT_REFUSED for another status,
 * EAR_EXIT_UNREACHABLE without an answer. */
ear_exit ear_probe(struct ear_ctl *ctl, int argc, char **argv);

#endif
