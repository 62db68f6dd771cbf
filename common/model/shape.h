/* shape: what folding takes away from a raw text, counted. Private to model. */
#ifndef EAR_MODEL_SHAPE_H
#define EAR_MODEL_SHAPE_H

#include "base/base.h"

struct ear_normal_shape {
    uint16_t capitals;                      /* words of two letters or more, all capitals */
    uint16_t stretched;                     /* letters thrice or more in a row: "sooo" */
    uint16_t exclamations, questions, dots; /* dots: runs of two or more */
    uint16_t lines;                         /* line ends between text */
};

/* Any bytes, in linear time. */
struct ear_normal_shape ear_shape_of(struct ear_str raw);

#endif
