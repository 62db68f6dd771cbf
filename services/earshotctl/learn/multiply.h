/* multiply: a learned network as a reader wants it: filters are linear in the vectors of words, so
 * the two are multiplied out, once, when the model is written. Pure. */
#ifndef EAR_LEARN_MULTIPLY_H
#define EAR_LEARN_MULTIPLY_H

#include "network_train.h"

/* Appends the model file's section, see model/network.h. */
ear_err ear_multiply(const struct ear_network_learned *network,
                     const struct ear_vocabulary *vocabulary, struct ear_buf *out) EAR_MUST_CHECK;

#endif
