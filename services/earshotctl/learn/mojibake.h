/* mojibake: mends text that was UTF-8, was read as Windows-1252 and written as UTF-8 again
 * ("fÃ¼r"), as much of the text on the web was. What is no such damage stays as it is. */
#ifndef EAR_LEARN_MOJIBAKE_H
#define EAR_LEARN_MOJIBAKE_H

#include "base/base.h"

/* Appends. */
ear_err ear_mojibake_mend(struct ear_str text, struct ear_buf *out) EAR_MUST_CHECK;

#endif
