/* html: the words of an HTML mail. Private to mime, pure, linear time. Not a browser: tags go,
 * blocks become lines, quoted history (blockquote, the quote containers of large providers),
 * styles and scripts are left out. */
#ifndef EAR_MIME_HTML_H
#define EAR_MIME_HTML_H

#include "base/base.h"

/* Appends well-formed text when html is well-formed UTF-8; EAR_TOO_LARGE past out's ceiling, with
 * what fitted kept. */
ear_err ear_html_text(struct ear_str html, struct ear_buf *out) EAR_MUST_CHECK;

#endif
