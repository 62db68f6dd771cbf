/* evaluate: how right a model is on labelled posts, whether it is better than another, and
 * whether posts to train with are found again among those to judge by. */
#ifndef EAR_JUDGE_EVALUATE_H
#define EAR_JUDGE_EVALUATE_H

#include "ctl.h"

ear_exit ear_evaluate(struct ear_ctl *ctl, int argc, char **argv);

#endif
