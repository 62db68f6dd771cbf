/* replay: a feed of JSON Lines into ingest. */
#ifndef EAR_CTL_REPLAY_H
#define EAR_CTL_REPLAY_H

#include "ctl.h"

/* earshotctl replay [FILE]: sends lines to ingest's bulk endpoint, at full speed, at --rate posts a
 * second, or at --pace times the speed at which they were written. Malformed lines are counted and
 * named by number on standard error; they stop nothing. What ingest cannot take now is sent again,
 * later; it gives up when nothing has got through for --timeout (a minute if not said). Prints a
 * summary in any case. */
ear_exit ear_replay(struct ear_ctl *ctl, int argc, char **argv);

#endif
