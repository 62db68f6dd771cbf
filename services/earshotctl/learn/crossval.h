/* crossval: what a head's figures would be on posts it has not seen. Everything, the choice of the
 * cost, calibration and thresholds included, happens inside each fold. */
#ifndef EAR_LEARN_CROSSVAL_H
#define EAR_LEARN_CROSSVAL_H

#include "base/base.h"

struct ear_lessons;

/* Fits each head `folds` times and prints a line a head; FLAGS heads are passed over. With
 * `detail` a line a label as well. */
void ear_cross_validate(const struct ear_lessons *lessons, unsigned folds, uint64_t seed,
                        bool detail);

/* What was said of the posts, whichever fold they were in. Borrowed. */
struct ear_crossed {
    const char *head;
    size_t label_count;
    const struct ear_str *labels;
    size_t count;
    const uint16_t *gold, *said;
    const float *p;
};
void ear_crossed_print(const struct ear_crossed *crossed, bool detail);

#endif
