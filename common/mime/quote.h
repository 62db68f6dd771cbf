/* quote: what of a mail's text its author newly wrote. Private to mime, pure, linear time.
 *
 * Lines that begin with '>' and the line that introduces them go, whatever follows a separator of
 * an earlier mail goes, and so does a signature. Where nothing would be left (a bare forward), the
 * text stays whole. */
#ifndef EAR_MIME_QUOTE_H
#define EAR_MIME_QUOTE_H

#include "base/base.h"

/* Appends; EAR_TOO_LARGE past out's ceiling, with what fitted kept. */
ear_err ear_quote_cut(struct ear_str text, struct ear_buf *out) EAR_MUST_CHECK;

#endif
