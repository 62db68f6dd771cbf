/* body: the text of a parsed mail. Private to mime. */
#ifndef EAR_MIME_BODY_H
#define EAR_MIME_BODY_H

#include "private.h"

/* Appends what the author newly wrote, cut at out's ceiling on a character's edge. */
ear_err ear_mime_body(GMimeMessage *message, struct ear_buf *out) EAR_MUST_CHECK;

#endif
