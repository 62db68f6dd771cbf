/* mask: Pure. A post as it may leave the database for training: one line, without other people's
 * handles, mail addresses, links and long numbers. The words stay: masked text is still personal
 * data. A model makes the same of it as of the post itself, since its normaliser sets the same
 * masks; only digits differ. */
#ifndef EAR_LABELS_MASK_H
#define EAR_LABELS_MASK_H

#include "base/base.h"

#define EAR_MASK_DIGITS 5 /* of a number from which on every digit becomes 0 */

/* Appends: @user for handles but `own` (the firm's, with or without '@'), @mail, @url, zeros for
 * numbers of EAR_MASK_DIGITS digits or more (blanks, dots and dashes may part them), a blank for
 * control characters. Linear. */
ear_err ear_mask_text(struct ear_str text, struct ear_str own, struct ear_buf *out) EAR_MUST_CHECK;

#endif
