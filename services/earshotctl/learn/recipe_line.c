#include "recipe_line.h"

#include <stdlib.h>

bool ear_line_cut(struct ear_line *line, struct ear_str text)
{
    struct ear_str word;
    line->count = 0;
    text = ear_str_trim(text);
    if (!text.len || *text.ptr == '#') return false;
    (void)ear_str_split(&text, ' ', &line->verb);
    line->rest = ear_str_trim(text);
    while (ear_str_split(&text, ' ', &word))
        if (word.len && line->count < EAR_LINE_WORDS_MAX) line->words[line->count++] = word;
    return true;
}

ear_err ear_line_wrong(const struct ear_line *line, const char *what, struct ear_str word)
{
    return ear_fail(line->diag, EAR_INVALID, "%s:%zu: %s \"%.*s\"", line->path, line->number, what,
                    EAR_STR_ARG(word));
}

struct ear_str ear_line_value(const struct ear_line *line, const char *key)
{
    for (size_t i = 0; i < line->count; i++) {
        struct ear_str rest = line->words[i], name;
        (void)ear_str_split(&rest, '=', &name);
        if (ear_str_eq(name, ear_str_from(key))) return rest.ptr ? rest : name;
    }
    return EAR_STR_NONE;
}

bool ear_line_has(const struct ear_line *line, const char *key)
{
    return ear_line_value(line, key).len > 0;
}

static bool is_known(struct ear_str word, const char *known)
{
    const char *value = memchr(word.ptr, '=', word.len);
    size_t len = value ? (size_t)(value - word.ptr) + 1 : word.len;
    for (const char *end; (end = strchr(known, ' ')); known = end + 1)
        if ((size_t)(end - known) == len && memcmp(known, word.ptr, len) == 0) return true;
    return false;
}

ear_err ear_line_check(const struct ear_line *line, size_t from, const char *known)
{
    for (size_t i = from; i < line->count; i++)
        if (!is_known(line->words[i], known))
            return ear_line_wrong(line, "this line takes no", line->words[i]);
    return EAR_OK;
}

ear_err ear_line_number(const struct ear_line *line, const char *key, double min, double max,
                        double *out)
{
    char text[32], *end;
    struct ear_str value = ear_line_value(line, key);
    if (!value.len) return EAR_OK;
    if (!ear_str_copy(text, sizeof text, value)) return ear_line_wrong(line, "no number:", value);
    *out = strtod(text, &end);
    return *end || !(*out >= min && *out <= max) ? ear_line_wrong(line, "no such number:", value)
                                                 : EAR_OK;
}

ear_err ear_line_numbers(const struct ear_line *line, const struct ear_line_number *numbers,
                         size_t count)
{
    ear_err err = EAR_OK;
    for (size_t i = 0; !err && i < count; i++) {
        double value = (double)*numbers[i].out;
        err = ear_line_number(line, numbers[i].key, numbers[i].min, numbers[i].max, &value);
        *numbers[i].out = (float)value;
    }
    return err;
}
