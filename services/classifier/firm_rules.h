/* firm_rules: Pure: what a firm itself wants raised, whatever the model says: words of danger,
 * fraud or law, its handles and products. One file that a firm edits, a line a rule:
 *
 *     LEVEL TAG: pattern | pattern | …        # to the end of the line
 *     2 safety: on fire | gas leak | injur*
 *     0 router: router x200 | /x-?200( pro)?/
 *
 * LEVEL is the least urgency of a post with such a pattern: 2 immediate, 1 soon, 0 as it was. TAG
 * says why, with the post. Patterns are those of patterns.h. Rules raise urgency, never lower it.
 * Scanned by one thread; owns all it holds. */
#ifndef EAR_CLASSIFIER_FIRM_RULES_H
#define EAR_CLASSIFIER_FIRM_RULES_H

#include "base/base.h"

#define EAR_FIRM_RULES_BYTES_MAX    ((size_t)1024 * 1024)
#define EAR_FIRM_RULES_MAX          1024 /* lines */
#define EAR_FIRM_RULES_PATTERNS_MAX 16384
#define EAR_RULE_LEVEL_MAX          2

struct ear_firm_rules;

/* EAR_INVALID and the like with "NAME:LINE: …" in diag; then there are no rules at all. */
ear_err ear_firm_rules_parse(const char *name, struct ear_str text, struct ear_firm_rules **out,
                             struct ear_diag *diag) EAR_MUST_CHECK;
void ear_firm_rules_free(struct ear_firm_rules **rules);
size_t ear_firm_rules_count(const struct ear_firm_rules *rules);

#define EAR_RULE_HITS 4

struct ear_rule_hits {
    unsigned level;                     /* the highest */
    struct ear_str tags[EAR_RULE_HITS]; /* highest level first; borrowed from the rules */
    size_t count;
};
/* text is what the customer wrote, any bytes. */
void ear_firm_rules_apply(struct ear_firm_rules *rules, struct ear_str text,
                          struct ear_rule_hits *out);

#endif
