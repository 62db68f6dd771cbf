/* classify: posts on standard input, one a line, to what a model says of them on standard output,
 * one a line, in order. */
#ifndef EAR_JUDGE_CLASSIFY_H
#define EAR_JUDGE_CLASSIFY_H

#include "ctl.h"

ear_exit ear_classify(struct ear_ctl *ctl, int argc, char **argv);

#endif
