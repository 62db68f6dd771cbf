/* adam: parameters moved against their gradient, each at a pace that follows from how large its
 * gradient was before (Kingma, Ba: "Adam", 2015; the pull towards 0 apart from it: Loshchilov,
 * Hutter 2019). Vectors of words move when they had a gradient only. Owns the two moments. */
#ifndef EAR_LEARN_ADAM_H
#define EAR_LEARN_ADAM_H

#include "layers.h"

struct ear_adam {
    struct ear_layers *layers, *gradient; /* borrowed; the gradient is 0 after each step */
    struct ear_layers mean, square;
    unsigned steps;
    uint32_t *touched; /* words whose vectors have a gradient */
    size_t touched_count;
    bool *is_touched;
};

void ear_adam_init(struct ear_adam *adam, struct ear_layers *layers, struct ear_layers *gradient);
void ear_adam_release(struct ear_adam *adam);
/* The vectors of the words of a pass are about to get a gradient. */
void ear_adam_touch(struct ear_adam *adam, const struct ear_pass *pass);
void ear_adam_step(struct ear_adam *adam, float rate);

#endif
