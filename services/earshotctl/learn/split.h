/* split: which posts may not be parted. Posts that differ in handles, links, numbers, signs, case
 * and spacing only are near-copies; they get the same key, so that a fold chosen by the key never
 * has one of them on either side. Layer: above text; pure. */
#ifndef EAR_LEARN_SPLIT_H
#define EAR_LEARN_SPLIT_H

#include "text/text.h"

/* Of the words of the normalised text; of the text itself where it has none. `work` is scratch. */
uint64_t ear_split_key(struct ear_text *work, struct ear_str text);
/* 0 … count-1; `seed` shuffles. */
unsigned ear_split_fold(uint64_t key, uint64_t seed, unsigned count);

#endif
