/* ship: lessons and what was fitted, written as a model. Of the features those stay that weigh
 * most over all posts, as many as the lessons allow rows. */
#ifndef EAR_LEARN_SHIP_H
#define EAR_LEARN_SHIP_H

#include "blend.h"

/* Appends the file. */
ear_err ear_ship(const struct ear_lessons *lessons, const struct ear_trained *trained,
                 struct ear_buf *out, struct ear_diag *diag) EAR_MUST_CHECK;

#endif
