/* rules: the tables of cues, one file a language in rules/, and the lexicon made of each. */
#ifndef EAR_MODEL_RULES_H
#define EAR_MODEL_RULES_H

#include "model/cues/lexicon.h"

struct ear_rules;

struct ear_rules *ear_rules_new(void);
void ear_rules_free(struct ear_rules **rules);

/* Cues that hold in any language: emoji, masks. */
const struct ear_lexicon *ear_rules_common(const struct ear_rules *rules);
/* NULL where there are no cues for the language. */
const struct ear_lexicon *ear_rules_of(const struct ear_rules *rules, const char *code);

#endif
