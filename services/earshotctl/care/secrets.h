/* secrets: the files of secrets that a care.yaml names, for who has to provide them. */
#ifndef EAR_CTL_SECRETS_H
#define EAR_CTL_SECRETS_H

#include "ctl.h"

/* earshotctl secrets FILE [--dir DIR]: with DIR whether each is there; EAR_EXIT_REFUSED when one is
 * not. Needs neither a database nor a service. */
ear_exit ear_secrets(struct ear_ctl *ctl, int argc, char **argv);

#endif
