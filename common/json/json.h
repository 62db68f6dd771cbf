/* json: jansson with ceilings, and a reader without a tree, for what outsiders send. Layer 1,
 * stands on base.
 *
 * jansson's json_t is used directly (json_decref frees); this header adds strict parsing and
 * typed, checked member access. Depth and the number of values are bounded here. */
#ifndef EAR_JSON_H
#define EAR_JSON_H

#include "base/base.h"
#include <jansson.h>

/* One JSON value, nothing behind it, no duplicate keys, nesting at most 64, at most 65,536 values
 * (EAR_TOO_LARGE). *out is owned by the caller. diag: line, column and what was wrong. */
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
/* For whoever builds a tree by jansson's own calls: what these had no memory for is left out, and
 * most do not say so. The first is called before, the second tells whether anything was missing
 * since. */
void ear_json_watch(void);
bool ear_json_starved(void);
/* Compact, keys in the order of insertion; appended. */
ear_err ear_json_write(const json_t *value, struct ear_buf *out) EAR_MUST_CHECK;

/* --- The members that somebody wants, without a tree ---
 *
 * For what comes by the thousand a second: posts. Takes what ear_json_parse_few takes and refuses
 * what that refuses; tests/fuzz/fuzz_pick.c holds the two to the same verdict and the same values.
 * Text without escapes is borrowed from the input, text with escapes lies in the caller's arena:
 * both must outlive the values. Members that nobody wants are checked and leave nothing behind. */

#define EAR_JSON_PICK_VALUES_MAX 1024 /* values, what nobody wants included */

typedef enum ear_json_type {
    EAR_JSON_ABSENT,
    EAR_JSON_NULL,
    EAR_JSON_BOOL,
    EAR_JSON_INTEGER,
    EAR_JSON_REAL, /* its value is not kept */
    EAR_JSON_TEXT,
    EAR_JSON_ARRAY, /* its elements are not kept */
    EAR_JSON_OBJECT,
} ear_json_type;

/* wants[0] is the outermost value, whatever it says; the others are members of the wanted object
 * with that number. */
struct ear_json_want {
    struct ear_str name;
    size_t within;
};

struct ear_json_value {
    ear_json_type type;
    struct ear_str text; /* of a text */
    int64_t number;      /* of an integer; of a bool 0 or 1 */
};

/* Fills values, one a want. room must take four times the bytes of text. EAR_INVALID with line,
 * column and reason; EAR_TOO_LARGE past a ceiling; EAR_NO_MEMORY. */
ear_err ear_json_pick(struct ear_str text, size_t max_bytes, const struct ear_json_want *wants,
                      size_t count, struct ear_json_value *values, struct ear_arena *room,
                      struct ear_diag *diag) EAR_MUST_CHECK;

/* As their namesakes above: absent and null leave *out as it was, or fail where it is needed. */
ear_err ear_json_value_text(const struct ear_json_value *value, const char *name,
                            struct ear_str *out, struct ear_diag *diag) EAR_MUST_CHECK;
ear_err ear_json_value_need_text(const struct ear_json_value *value, const char *name,
                                 struct ear_str *out, struct ear_diag *diag) EAR_MUST_CHECK;
ear_err ear_json_value_i64(const struct ear_json_value *value, const char *name, int64_t min,
                           int64_t max, int64_t *out, struct ear_diag *diag) EAR_MUST_CHECK;
ear_err ear_json_value_bool(const struct ear_json_value *value, const char *name, bool *out,
                            struct ear_diag *diag) EAR_MUST_CHECK;

#endif
