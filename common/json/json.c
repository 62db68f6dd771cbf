#include "json/json.h"

#include "base/fault.h"
#include <stdint.h>
#include <stdlib.h>

#define DEPTH_MAX  64
#define VALUES_MAX 65536

static size_t depth_after(size_t depth, char c)
{
    if (c == '[' || c == '{') return depth + 1;
    return (c == ']' || c == '}') && depth > 0 ? depth - 1 : depth;
}

/* jansson recurses to a depth of 2048 and takes a hundred times as much memory for "{}," as that is
 * long; what outsiders send is refused far earlier. A look at brackets and commas outside of
 * strings is enough: whether they are in place is the parser's matter. */
static ear_err check_shape(struct ear_str text, size_t max_values, struct ear_diag *diag)
{
    size_t depth = 0, deepest = 0;
    size_t values = 1;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (quoted && c == '\\') i++;
        if (c == '"') quoted = !quoted;
        if (quoted) continue;
        depth = depth_after(depth, c);
        if (depth > deepest) deepest = depth;
        if (c == '[' || c == '{' || c == ',') values++;
    }
    if (deepest > DEPTH_MAX)
        return ear_fail(diag, EAR_INVALID, "nested deeper than %d levels", DEPTH_MAX);
    if (values > max_values)
        return ear_fail(diag, EAR_TOO_LARGE, "more than %zu values", max_values);
    return EAR_OK;
}

/* jansson calls a text invalid when it had no memory for it; whether it had, we see here. */
static bool starved;

static void *take_memory(size_t bytes)
{
    void *memory = ear_fault("alloc") ? NULL : malloc(bytes);
    if (!memory) starved = true;
    return memory;
}

void ear_json_watch(void)
{
    static bool watching;
    if (!watching) json_set_alloc_funcs(take_memory, free);
    watching = true;
    starved = false;
}

bool ear_json_starved(void)
{
    return starved;
}

/* jansson ends its message with the token it stumbled over: a customer's words, not for logs. */
static ear_err fail_parse(const json_error_t *error, struct ear_diag *diag)
{
    struct ear_str what = ear_str_from(error->text);
    size_t near = ear_str_find(what, EAR_STR(" near "));
    if (near < what.len) what.len = near;
    if (starved) return ear_fail(diag, EAR_NO_MEMORY, "%s", ear_err_text(EAR_NO_MEMORY));
    return ear_fail(diag, EAR_INVALID, "line %d, column %d: %.*s", error->line, error->column,
                    EAR_STR_ARG(what));
}

static ear_err load(struct ear_str text, json_t **out, struct ear_diag *diag)
{
    json_error_t error;
    ear_json_watch();
    *out = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
                      &error);
    if (starved) { /* what it left out it does not always say */
        json_decref(*out);
        *out = NULL;
    }
    if (*out && memchr(text.ptr, '\0', text.len)) { /* it passes over one behind a number */
        json_decref(*out);
        *out = NULL;
        return ear_fail(diag, EAR_INVALID, "a NUL byte is no JSON");
    }
    return *out ? EAR_OK : fail_parse(&error, diag);
}

ear_err ear_json_parse(struct ear_str text, size_t max_bytes, json_t **out, struct ear_diag *diag)
{
    return ear_json_parse_few(text, max_bytes, VALUES_MAX, out, diag);
}

ear_err ear_json_parse_few(struct ear_str text, size_t max_bytes, size_t max_values, json_t **out,
                           struct ear_diag *diag)
{
    *out = NULL;
    if (text.len > max_bytes)
        return ear_fail(diag, EAR_TOO_LARGE, "%zu bytes of JSON, at most %zu are taken", text.len,
                        max_bytes);
    ear_err err = check_shape(text, max_values, diag);
    bool before = starved; /* whoever builds something meanwhile still hears of it */
    if (!err) err = load(text, out, diag);
    starved = starved || before;
    return err;
}

static const json_t *member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

static ear_err fail_type(struct ear_diag *diag, const char *key, const char *wanted)
{
    return ear_fail(diag, EAR_INVALID, "\"%s\" is not %s", key, wanted);
}

ear_err ear_json_text(const json_t *object, const char *key, struct ear_str *out,
                      struct ear_diag *diag)
{
    const json_t *value = member(object, key);
    if (!value) return EAR_OK;
    if (!json_is_string(value)) return fail_type(diag, key, "text");
    struct ear_str text = {json_string_value(value), json_string_length(value)};
    if (text.len && memchr(text.ptr, '\0', text.len))
        return ear_fail(diag, EAR_INVALID, "\"%s\" holds a NUL character", key);
    *out = text;
    return EAR_OK;
}

ear_err ear_json_need_text(const json_t *object, const char *key, struct ear_str *out,
                           struct ear_diag *diag)
{
    if (!member(object, key)) return ear_fail(diag, EAR_INVALID, "\"%s\" is missing", key);
    return ear_json_text(object, key, out, diag);
}

ear_err ear_json_i64(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out,
                     struct ear_diag *diag)
{
    const json_t *value = member(object, key);
    if (!value) return EAR_OK;
    if (!json_is_integer(value)) return fail_type(diag, key, "a whole number");
    int64_t number = json_integer_value(value);
    if (number < min || number > max)
        return ear_fail(diag, EAR_INVALID, "\"%s\" is not within %lld to %lld", key, (long long)min,
                        (long long)max);
    *out = number;
    return EAR_OK;
}

ear_err ear_json_bool(const json_t *object, const char *key, bool *out, struct ear_diag *diag)
{
    const json_t *value = member(object, key);
    if (!value) return EAR_OK;
    if (!json_is_boolean(value)) return fail_type(diag, key, "true or false");
    *out = json_is_true(value);
    return EAR_OK;
}

ear_err ear_json_object(const json_t *object, const char *key, const json_t **out,
                        struct ear_diag *diag)
{
    const json_t *value = member(object, key);
    if (!value) return EAR_OK;
    if (!json_is_object(value)) return fail_type(diag, key, "an object");
    *out = value;
    return EAR_OK;
}

struct ear_str ear_json_at(const json_t *root, const char *path)
{
    struct ear_str rest = ear_str_from(path);
    struct ear_str key;
    while (ear_str_split(&rest, '.', &key)) root = json_object_getn(root, key.ptr, key.len);
    if (!json_is_string(root)) return EAR_STR_NONE;
    return (struct ear_str){json_string_value(root), json_string_length(root)};
}

struct sink {
    struct ear_buf *out; /* borrowed */
    ear_err err;
};

static int take_chunk(const char *bytes, size_t len, void *self)
{
    struct sink *sink = self;
    if (!sink->err) sink->err = ear_buf_append(sink->out, bytes, len);
    return sink->err ? -1 : 0;
}

ear_err ear_json_write(const json_t *value, struct ear_buf *out)
{
    struct sink sink = {.out = out};
    size_t before = out->len;
    int failed = json_dump_callback(value, take_chunk, &sink, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!failed && !sink.err) return EAR_OK; /* it does not ask what became of a name */
    out->len = before;
    if (out->data) out->data[before] = '\0';
    if (sink.err) return sink.err;
    return value ? EAR_NO_MEMORY : EAR_INVALID; /* it notes where it is, against loops */
}
