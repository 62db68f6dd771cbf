/* utf8: one code point at a time out of any bytes. Private to text. */
#ifndef EAR_TEXT_UTF8_H
#define EAR_TEXT_UTF8_H

#include "base/buf.h"
#include <stdint.h>

#define EAR_UTF8_BAD       0xFFFD
#define EAR_UTF8_MAX_BYTES 4

/* Decodes at s[at] (at < s.len) and returns the bytes it took, at least one; a byte that starts
 * nothing well-formed is one EAR_UTF8_BAD. `ok` may be NULL. */
size_t ear_utf8_next(struct ear_str s, size_t at, int32_t *cp, bool *ok);
ear_err ear_utf8_append(struct ear_buf *out, int32_t cp) EAR_MUST_CHECK;

bool ear_utf8_is_letter(int32_t cp); /* letters and the marks that sit on them */
bool ear_utf8_is_digit(int32_t cp);
bool ear_utf8_is_space(int32_t cp);
bool ear_utf8_is_mark(int32_t cp); /* combining */
bool ear_utf8_is_emoji(int32_t cp);
bool ear_utf8_is_ideograph(int32_t cp); /* scripts that write no blanks between words */

#endif
