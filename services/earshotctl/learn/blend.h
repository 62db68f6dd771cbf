/* blend: a network beside the linear scores of the heads that ask for one. How much of what it says
 * is added to a head's scores is chosen where neither had seen the posts: by the likelihood of what
 * is true; where it does not rise, the head does without. The head is then calibrated anew. */
#ifndef EAR_LEARN_BLEND_H
#define EAR_LEARN_BLEND_H

#include "network_train.h"

/* All heads of a training, one a task. Owned. */
struct ear_trained {
    size_t head_count;
    struct ear_fitted heads[EAR_MODEL_HEADS_MAX];
    struct ear_network_learned network; /* from all posts; zero: no head wants it */
};
void ear_trained_release(struct ear_trained *trained);

/* The heads were fitted. `use`: see stack.h. */
void ear_blend(const struct ear_lessons *lessons, bool *const *use, struct ear_trained *trained);

#endif
