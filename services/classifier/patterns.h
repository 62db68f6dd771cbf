/* patterns: many patterns looked for in a text at once, whatever their number; letter case is
 * ignored, and a match is of whole words. Made once, then only read; scanned by one thread.
 *
 * The one user of Hyperscan (hs.h): all patterns become one automaton that reads a text once and
 * does not backtrack, so no pattern of a firm's can make the service slow. */
#ifndef EAR_CLASSIFIER_PATTERNS_H
#define EAR_CLASSIFIER_PATTERNS_H

#include "base/base.h"

#define EAR_PATTERN_BYTES_MAX 1000

/* One pattern. Words: "gas leak", any white space between, "injur*" any ending, an apostrophe of
 * either shape. Between slashes: a regular expression, "/x-?200( pro)?/". Borrowed. */
struct ear_pattern {
    struct ear_str text;
    size_t id; /* told at a match; several may share one */
};

struct ear_patterns;

/* EAR_INVALID where a pattern is none: *bad is its index and diag says why; EAR_UNSUPPORTED where
 * the processor cannot. */
ear_err ear_patterns_new(const struct ear_pattern *patterns, size_t count,
                         struct ear_patterns **out, size_t *bad,
                         struct ear_diag *diag) EAR_MUST_CHECK;
void ear_patterns_free(struct ear_patterns **patterns);

typedef void ear_pattern_fn(void *self, size_t id);
/* Tells each id that matches, at least once. text is well-formed UTF-8. */
void ear_patterns_scan(struct ear_patterns *patterns, struct ear_str text, ear_pattern_fn *found,
                       void *self);

#endif
