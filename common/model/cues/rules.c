#include "model/cues/rules.h"

#include <stdlib.h>

/* How a table is read: CUES("phrase | phrase", what it raises …), where R(BLAME, 2) raises
 * the signal BLAME by 2. */
#define CUES(phrases, ...) {phrases, {__VA_ARGS__}},
#define R(signal, by)           \
    {                           \
        EAR_SIGNAL_##signal, by \
    }

static const struct ear_cue cues_common[] = {
#include "rules/common.def"
};
static const struct ear_cue cues_de[] = {
#include "rules/de.def"
};
static const struct ear_cue cues_en[] = {
#include "rules/en.def"
};
static const struct ear_cue cues_es[] = {
#include "rules/es.def"
};
static const struct ear_cue cues_fr[] = {
#include "rules/fr.def"
};
static const struct ear_cue cues_it[] = {
#include "rules/it.def"
};
static const struct ear_cue cues_nl[] = {
#include "rules/nl.def"
};
static const struct ear_cue cues_pt[] = {
#include "rules/pt.def"
};

#define TABLE(code)                                \
    {                                              \
#code, cues_##code, EAR_COUNT(cues_##code) \
    }
static const struct table {
    const char *code;
    const struct ear_cue *cues;
    size_t count;
} tables[] = {TABLE(common), TABLE(de), TABLE(en), TABLE(es),
              TABLE(fr),     TABLE(it), TABLE(nl), TABLE(pt)};

struct ear_rules {
    struct ear_lexicon *lexicons[EAR_COUNT(tables)];
};

struct ear_rules *ear_rules_new(void)
{
    struct ear_rules *rules = ear_alloc(sizeof *rules);
    for (size_t i = 0; i < EAR_COUNT(tables); i++)
        rules->lexicons[i] = ear_lexicon_new(tables[i].cues, tables[i].count);
    return rules;
}

void ear_rules_free(struct ear_rules **rules)
{
    if (!*rules) return;
    for (size_t i = 0; i < EAR_COUNT(tables); i++) ear_lexicon_free(&(*rules)->lexicons[i]);
    EAR_FREE(*rules);
}

const struct ear_lexicon *ear_rules_common(const struct ear_rules *rules)
{
    return rules->lexicons[0];
}

const struct ear_lexicon *ear_rules_of(const struct ear_rules *rules, const char *code)
{
    for (size_t i = 1; i < EAR_COUNT(tables); i++)
        if (strcmp(tables[i].code, code) == 0) return rules->lexicons[i];
    return NULL;
}
