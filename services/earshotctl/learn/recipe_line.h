/* recipe_line: one line of a recipe, in words: the verb, then "key=value" or bare words. Borrows
 * from the text; errors name the line. */
#ifndef EAR_LEARN_RECIPE_LINE_H
#define EAR_LEARN_RECIPE_LINE_H

#include "base/base.h"

#define EAR_LINE_WORDS_MAX 16

struct ear_line {
    const char *path; /* of the recipe */
    size_t number;
    struct ear_diag *diag;
    struct ear_str verb, rest; /* rest: all behind the verb */
    struct ear_str words[EAR_LINE_WORDS_MAX];
    size_t count;
};

/* Where the line stands is set before. False: empty, or a comment. */
bool ear_line_cut(struct ear_line *line, struct ear_str text);
ear_err ear_line_wrong(const struct ear_line *line, const char *what, struct ear_str word);
/* The value of "key=value", or of the bare word "key" the word itself; none: an empty string. */
struct ear_str ear_line_value(const struct ear_line *line, const char *key);
bool ear_line_has(const struct ear_line *line, const char *key);

/* Every word from the `from`th on stands in `known`, a blank behind each: "cost= blend ", those
 * with a value as "key=". */
ear_err ear_line_check(const struct ear_line *line, size_t from, const char *known) EAR_MUST_CHECK;

struct ear_line_number {
    const char *key;
    double min, max;
    float *out; /* stays as it is where the key is not given */
};
ear_err ear_line_number(const struct ear_line *line, const char *key, double min, double max,
                        double *out) EAR_MUST_CHECK;
ear_err ear_line_numbers(const struct ear_line *line, const struct ear_line_number *numbers,
                         size_t count) EAR_MUST_CHECK;

#endif
