/* dead_letter: posts that failed for good, and their second chance. */
#ifndef EAR_CTL_DEAD_LETTER_H
#define EAR_CTL_DEAD_LETTER_H

#include "ctl.h"

ear_exit ear_dead_letter_list(struct ear_ctl *ctl, int argc, char **argv);
ear_exit ear_dead_letter_retry(struct ear_ctl *ctl, int argc, char **argv);

#endif
