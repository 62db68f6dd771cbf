/* train: labelled posts in, a model file out. */
#ifndef EAR_LEARN_TRAIN_H
#define EAR_LEARN_TRAIN_H

#include "ctl.h"

ear_exit ear_train(struct ear_ctl *ctl, int argc, char **argv);

#endif
