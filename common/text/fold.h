/* fold: the part of normalising that looks at code points: entities, NFKC with case folding,
 * plain quotes, single blanks, squeezed repeats. Private to text. */
#ifndef EAR_TEXT_FOLD_H
#define EAR_TEXT_FOLD_H

#include "base/buf.h"

/* Appends; out's ceiling holds. */
ear_err ear_fold(struct ear_str raw, struct ear_buf *out) EAR_MUST_CHECK;

#endif
