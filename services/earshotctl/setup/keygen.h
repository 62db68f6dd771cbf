/* keygen: CURVE keys of the bus, one pair a service. */
#ifndef EAR_CTL_KEYGEN_H
#define EAR_CTL_KEYGEN_H

#include "ctl.h"

/* earshotctl keygen DIR: DIR/SERVICE.key (mode 0600) and DIR/peers. Keys that are there are kept,
 * so that a new service can be given one without the others changing. */
ear_exit ear_keygen(struct ear_ctl *ctl, int argc, char **argv);

#endif
