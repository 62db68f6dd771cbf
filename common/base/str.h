/* str: a borrowed run of bytes, not NUL-terminated, of any content. */
#ifndef EAR_BASE_STR_H
#define EAR_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct ear_str {
    const char *ptr; /* borrowed; may be NULL when len is 0 */
    size_t len;
};

#define EAR_STR(literal) ((struct ear_str){(literal), sizeof(literal) - 1})
#define EAR_STR_NONE     ((struct ear_str){NULL, 0})
/* For printf: "%.*s" with EAR_STR_ARG(s). */
#define EAR_STR_ARG(s) (int)(s).len, ((s).ptr ? (s).ptr : "")

static inline struct ear_str ear_str_from(const char *text)
{
    return (struct ear_str){text, text ? strlen(text) : 0};
}

bool ear_str_eq(struct ear_str a, struct ear_str b);
bool ear_str_eq_nocase(struct ear_str a, struct ear_str b); /* ASCII case only */
bool ear_str_starts(struct ear_str s, struct ear_str prefix);
/* Byte position of the first `needle`, or SIZE_MAX. */
size_t ear_str_find(struct ear_str s, struct ear_str needle);
struct ear_str ear_str_trim(struct ear_str s); /* ASCII white space */
/* Cuts off and returns what stands before the next `sep`; all of *rest when there is none.
 * False when *rest is exhausted (ptr NULL). */
bool ear_str_split(struct ear_str *rest, char sep, struct ear_str *part);
/* Copies into dst, NUL-terminated; false (and an empty dst) when it does not fit or holds NUL. */
bool ear_str_copy(char *dst, size_t size_bytes, struct ear_str s);
/* A NUL-terminated copy for the caller to free; aborts without memory, as ear_alloc. */
char *ear_str_dup(struct ear_str s);
/* The same of the fallback where s is empty; NULL where that is NULL. */
char *ear_str_dup_or(struct ear_str s, const char *fallback);

#endif
