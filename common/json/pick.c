#include "json/json.h"

#include "json/quoted.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define DEPTH_MAX    64
#define NOBODY       SIZE_MAX
#define NUMBER_BYTES 64 /* longer ones are copied into the arena */

struct scan {
    const char *begin, *at, *end;
    const struct ear_json_want *wants;
    size_t count;
    struct ear_json_value *values;
    struct ear_arena *room;
    size_t depth;
    size_t counted;
    /* Names that nobody wants, of the objects that are open; those of the innermost come last. */
    struct ear_str names[EAR_JSON_PICK_VALUES_MAX];
    size_t name_count;
    ear_err err;
    const char *why;
};

static bool fail(struct scan *s, ear_err err, const char *why)
{
    s->err = err;
    s->why = why;
    return false;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool take(struct scan *s, char c)
{
    skip_space(s);
    if (s->at == s->end || *s->at != c) return false;
    s->at++;
    return true;
}

/* A ceiling that counts as it would be counted over the whole text: brackets and commas. */
static bool count_value(struct scan *s)
{
    return ++s->counted <= EAR_JSON_PICK_VALUES_MAX || fail(s, EAR_TOO_LARGE, "too many values");
}

/* --- Texts --- */

static bool unescape(struct scan *s, struct ear_str *text)
{
    char *out = ear_arena_try(s->room, text->len);
    if (!out) return fail(s, EAR_NO_MEMORY, ear_err_text(EAR_NO_MEMORY));
    *text = (struct ear_str){out, ear_json_unescape(*text, out)};
    return true;
}

/* From behind its opening quote. */
static bool take_text(struct scan *s, bool wanted, struct ear_str *text)
{
    bool escaped;
    const char *why, *from = s->at;
    const char *quote = ear_json_quoted_end(&s->at, s->end, &escaped, &why);
    if (!quote) return fail(s, EAR_INVALID, why);
    *text = (struct ear_str){from, (size_t)(quote - from)};
    s->at = quote + 1;
    return !escaped || !wanted || unescape(s, text);
}

/* --- Numbers and words --- */

static bool take_digits(struct scan *s)
{
    const char *from = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') s->at++;
    return s->at > from;
}

/* Whether a double holds it: its value is nobody's. */
static bool real_fits(struct scan *s, struct ear_str digits)
{
    char few[NUMBER_BYTES];
    char *copy = few;
    if (digits.len >= sizeof(few)) copy = ear_arena_try(s->room, digits.len + 1);
    if (!copy) return fail(s, EAR_NO_MEMORY, ear_err_text(EAR_NO_MEMORY));
    memcpy(copy, digits.ptr, digits.len);
    copy[digits.len] = '\0';
    return isfinite(strtod(copy, NULL)) || fail(s, EAR_INVALID, "a number that is too large");
}

/* A dot or an exponent mark 'e' with the digits that must follow, if it comes. */
static bool take_part(struct scan *s, const char *marks, const char *signs, bool *there)
{
    if (s->at == s->end || !*s->at || !strchr(marks, *s->at)) return true;
    *there = true;
    s->at++;
    if (s->at < s->end && *s->at && strchr(signs, *s->at)) s->at++;
    return take_digits(s);
}

static bool take_number(struct scan *s, struct ear_json_value *value)
{
    const char *from = s->at;
    bool real = false;
    if (*s->at == '-') s->at++;
    bool zero = s->at < s->end && *s->at == '0'; /* nothing may follow it */
    if (zero) s->at++;
    if ((!zero && !take_digits(s)) || !take_part(s, ".", "", &real) ||
        !take_part(s, "eE", "+-", &real))
        return fail(s, EAR_INVALID, "this is no number");
    struct ear_str digits = {from, (size_t)(s->at - from)};
    value->type = real ? EAR_JSON_REAL : EAR_JSON_INTEGER;
    if (real) return real_fits(s, digits);
    return ear_num_i64(digits, INT64_MIN, INT64_MAX, &value->number) == EAR_OK ||
           fail(s, EAR_INVALID, "a number that is too large");
}

static bool take_word(struct scan *s, struct ear_json_value *value)
{
    static const struct {
        struct ear_str word;
        struct ear_json_value is;
    } words[] = {{{"true", 4}, {.type = EAR_JSON_BOOL, .number = 1}},
                 {{"false", 5}, {.type = EAR_JSON_BOOL}},
                 {{"null", 4}, {.type = EAR_JSON_NULL}}};
    const struct ear_str rest = {s->at, (size_t)(s->end - s->at)};
    for (size_t i = 0; i < EAR_COUNT(words); i++) {
        if (!ear_str_starts(rest, words[i].word)) continue;
        s->at += words[i].word.len;
        *value = words[i].is;
        return true;
    }
    return fail(s, EAR_INVALID, "a value was expected");
}

/* --- Objects and arrays --- */

static bool take_value(struct scan *s, size_t want);

static int compare_names(const void *a, const void *b)
{
    const struct ear_str *one = a, *other = b;
    if (one->len != other->len) return one->len < other->len ? -1 : 1;
    return one->len ? memcmp(one->ptr, other->ptr, one->len) : 0;
}

/* The names of an object that ends here; those that are wanted were looked at as they came. */
static bool forget_names(struct scan *s, size_t from)
{
    struct ear_str *names = s->names + from;
    size_t count = s->name_count - from;
    s->name_count = from;
    if (count > 1) qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 1; i < count; i++)
        if (compare_names(&names[i - 1], &names[i]) == 0)
            return fail(s, EAR_INVALID, "a name that stands there twice");
    return true;
}

static size_t find_want(const struct scan *s, size_t within, struct ear_str name)
{
    for (size_t i = 1; within != NOBODY && i < s->count; i++)
        if (s->wants[i].within == within && ear_str_eq(s->wants[i].name, name)) return i;
    return NOBODY;
}

static bool take_member(struct scan *s, size_t within)
{
    struct ear_str name;
    if (!take(s, '"')) return fail(s, EAR_INVALID, "a name was expected");
    if (!take_text(s, true, &name)) return false;
    size_t want = find_want(s, within, name);
    if (want == NOBODY) {
        s->names[s->name_count++] = name; /* a value each, so there is room */
    } else if (s->values[want].type != EAR_JSON_ABSENT) {
        return fail(s, EAR_INVALID, "a name that stands there twice");
    }
    return take(s, ':') ? take_value(s, want) : fail(s, EAR_INVALID, "':' was expected");
}

static bool take_elements(struct scan *s, char close, size_t within)
{
    size_t names = s->name_count;
    s->at++;
    if (!count_value(s)) return false;
    if (++s->depth > DEPTH_MAX) return fail(s, EAR_INVALID, "nested too deep");
    if (!take(s, close)) {
        do {
            if (!(close == '}' ? take_member(s, within) : take_value(s, NOBODY))) return false;
        } while (take(s, ',') && count_value(s));
        if (s->why) return false;
        if (!take(s, close)) return fail(s, EAR_INVALID, "',' or an end was expected");
    }
    s->depth--;
    return forget_names(s, names);
}

static bool take_value(struct scan *s, size_t want)
{
    struct ear_json_value ignored;
    struct ear_json_value *value = want == NOBODY ? &ignored : &s->values[want];
    skip_space(s);
    char c = s->at < s->end ? *s->at : '\0';
    switch (c) {
    case '"':
        s->at++;
        value->type = EAR_JSON_TEXT;
        return take_text(s, want != NOBODY, &value->text);
    case '{':
        value->type = EAR_JSON_OBJECT;
        return take_elements(s, '}', want);
    case '[':
        value->type = EAR_JSON_ARRAY;
        return take_elements(s, ']', NOBODY);
    default:
        return c == '-' || (c >= '0' && c <= '9') ? take_number(s, value) : take_word(s, value);
    }
}

static bool take_all(struct scan *s)
{
    if (!count_value(s) || !take_value(s, 0)) return false;
    skip_space(s);
    return s->at == s->end || fail(s, EAR_INVALID, "nothing more was expected");
}

static ear_err report(const struct scan *s, struct ear_diag *diag)
{
    size_t line = 1, column = 1;
    for (const char *at = s->begin; at < s->at; at++) {
        line += *at == '\n';
        column = *at == '\n' ? 1 : column + 1;
    }
    if (s->err != EAR_INVALID) return ear_fail(diag, s->err, "%s", s->why);
    return ear_fail(diag, s->err, "line %zu, column %zu: %s", line, column, s->why);
}

ear_err ear_json_pick(struct ear_str text, size_t max_bytes, const struct ear_json_want *wants,
                      size_t count, struct ear_json_value *values, struct ear_arena *room,
                      struct ear_diag *diag)
{
    struct scan s;
    if (text.len > max_bytes)
        return ear_fail(diag, EAR_TOO_LARGE, "%zu bytes of JSON, at most %zu are taken", text.len,
                        max_bytes);
    s.begin = s.at = text.ptr ? text.ptr : "";
    s.end = s.begin + text.len;
    s.wants = wants;
    s.count = count;
    s.values = values;
    s.room = room;
    s.depth = s.counted = s.name_count = 0;
    s.err = EAR_OK;
    s.why = NULL;
    memset(values, 0, count * sizeof(*values));
    return take_all(&s) ? EAR_OK : report(&s, diag);
}

/* --- Values --- */

static ear_err fail_type(struct ear_diag *diag, const char *name, const char *wanted)
{
    return ear_fail(diag, EAR_INVALID, "\"%s\" is not %s", name, wanted);
}

static bool is_there(const struct ear_json_value *value)
{
    return value->type != EAR_JSON_ABSENT && value->type != EAR_JSON_NULL;
}

ear_err ear_json_value_text(const struct ear_json_value *value, const char *name,
                            struct ear_str *out, struct ear_diag *diag)
{
    if (!is_there(value)) return EAR_OK;
    if (value->type != EAR_JSON_TEXT) return fail_type(diag, name, "text");
    *out = value->text;
    return EAR_OK;
}

ear_err ear_json_value_need_text(const struct ear_json_value *value, const char *name,
                                 struct ear_str *out, struct ear_diag *diag)
{
    if (!is_there(value)) return ear_fail(diag, EAR_INVALID, "\"%s\" is missing", name);
    return ear_json_value_text(value, name, out, diag);
}

ear_err ear_json_value_i64(const struct ear_json_value *value, const char *name, int64_t min,
                           int64_t max, int64_t *out, struct ear_diag *diag)
{
    if (!is_there(value)) return EAR_OK;
    if (value->type != EAR_JSON_INTEGER) return fail_type(diag, name, "a whole number");
    if (value->number < min || value->number > max)
        return ear_fail(diag, EAR_INVALID, "\"%s\" is not within %lld to %lld", name,
                        (long long)min, (long long)max);
    *out = value->number;
    return EAR_OK;
}

ear_err ear_json_value_bool(const struct ear_json_value *value, const char *name, bool *out,
                            struct ear_diag *diag)
{
    if (!is_there(value)) return EAR_OK;
    if (value->type != EAR_JSON_BOOL) return fail_type(diag, name, "true or false");
    *out = value->number != 0;
    return EAR_OK;
}
