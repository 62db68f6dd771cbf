/* json: jansson with ceilings, for what outsiders send. Layer 1, stands on base.
 *
 * jansson's json_t is used directly (json_decref frees); this header adds strict parsing and
 * typed, checked member access. Depth and the number of values are bounded here. */
#ifndef EAR_JSON_H
#define EAR_JSON_H

#include "base/base.h"
#include <jansson.h>

/* One JSON value, nothing behind it, no duplicate keys, nesting at most 64, at most 65,536 values
 * (EAR_TOO_LARGE). *out is owned by the
 * caller. diag: line, column and what was wrong. */
ear_err ear_json_parse(struct ear_str text, size_t max_bytes, json_t **out,
                       struct ear_diag *diag) EAR_MUST_CHECK;
/* The same with a ceiling of one's own on values: whoever knows that few are enough says so. */
ear_err ear_json_parse_few(struct ear_str text, size_t max_bytes, size_t max_values, json_t **out,
                           struct ear_diag *diag) EAR_MUST_CHECK;

/* Members of an object. `_need_` fails with EAR_INVALID and names the member when it is absent or
 * of another type; the other form leaves *out as it was when absent or null and fails only on
 * another type. Text is borrowed from the object. NUL inside text is EAR_INVALID. */
ear_err ear_json_need_text(const json_t *object, const char *key, struct ear_str *out,
                           struct ear_diag *diag) EAR_MUST_CHECK;
ear_err ear_json_text(const json_t *object, const char *key, struct ear_str *out,
                      struct ear_diag *diag) EAR_MUST_CHECK;
ear_err ear_json_i64(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out,
                     struct ear_diag *diag) EAR_MUST_CHECK;
ear_err ear_json_bool(const json_t *object, const char *key, bool *out,
                      struct ear_diag *diag) EAR_MUST_CHECK;
ear_err ear_json_object(const json_t *object, const char *key, const json_t **out,
                        struct ear_diag *diag) EAR_MUST_CHECK;
/* By path "a.b.c" (no arrays); EAR_STR_NONE when anything on the way is missing. For answers of
 * platforms, where absence is normal. */
struct ear_str ear_json_at(const json_t *root, const char *path);
/* Compact, keys in the order of insertion; appended. */
ear_err ear_json_write(const json_t *value, struct ear_buf *out) EAR_MUST_CHECK;

#endif
