/* quoted: the text between two quotes of JSON, found and unescaped. Private to json; pure. */
#ifndef EAR_JSON_QUOTED_H
#define EAR_JSON_QUOTED_H

#include "base/str.h"

/* From behind the opening quote to the closing one, which it returns; NULL and *why when there is
 * no such text (RFC 8259, UTF-8, \u0000 refused), *at is then where it stumbled. */
const char *ear_json_quoted_end(const char **at, const char *end, bool *escaped, const char **why);
/* Of a text that was found sound; out has room for raw.len bytes. Returns how many it took. */
size_t ear_json_unescape(struct ear_str raw, char *out);

#endif
