/* libFuzzer target: a firm's rules file of any content. It is refused with a line, or becomes rules
 * that read any text, itself among them, and say the same when the file is read again. */
#include "firm_rules.h"
#include <stdint.h>

#define BYTES_MAX 2048 /* longer files find nothing more, and take long to compile */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ear_firm_rules *parse(struct ear_str text)
{
    struct ear_firm_rules *rules = NULL;
    struct ear_diag diag = {.err = EAR_OK};
    ear_err err = ear_firm_rules_parse("rules", text, &rules, &diag);
    EAR_CHECK((err == EAR_OK) == (rules != NULL));
    EAR_CHECK(!err || ear_str_starts(ear_str_from(diag.text), EAR_STR("rules")));
    return rules;
}

static void check(struct ear_firm_rules *rules, struct ear_firm_rules *again, struct ear_str text)
{
    struct ear_rule_hits hits, others;
    ear_firm_rules_apply(rules, text, &hits);
    ear_firm_rules_apply(again, text, &others);
    EAR_CHECK(hits.count <= EAR_RULE_HITS && hits.level <= EAR_RULE_LEVEL_MAX);
    EAR_CHECK(hits.count == others.count && hits.level == others.level);
    for (size_t i = 0; i < hits.count; i++) EAR_CHECK(ear_str_eq(hits.tags[i], others.tags[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const texts[] = {"", "There is smoke, it's ON FIRE!", "X-200 pro \xFF",
                                        "\U0001F525 Gasgeruch im Haus"};
    struct ear_str text = {(const char *)data, size};
    if (size > BYTES_MAX) return 0;
    struct ear_firm_rules *rules = parse(text), *again = parse(text);
    EAR_CHECK((rules != NULL) == (again != NULL));
    if (rules) {
        EAR_CHECK(ear_firm_rules_count(rules) <= EAR_FIRM_RULES_MAX);
        EAR_CHECK(ear_firm_rules_count(rules) == ear_firm_rules_count(again));
        for (size_t i = 0; i < EAR_COUNT(texts); i++) check(rules, again, ear_str_from(texts[i]));
        check(rules, again, text);
    }
    ear_firm_rules_free(&rules);
    ear_firm_rules_free(&again);
    return 0;
}
