/* libFuzzer target: any text through the seam of the classifier, as it came, as a direct message
 * and with an account. */
#include "../lib/care_model.h"
#include "triage.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct ear_triage *t)
{
    EAR_CHECK(t->why_count <= EAR_TRIAGE_WHY && t->urgency <= 2 && t->severity <= 3);
    EAR_CHECK(t->answer_p >= 0 && t->answer_p <= 1 && t->language_p >= 0 && t->language_p <= 1);
    EAR_CHECK(memchr(t->language, 0, sizeof t->language) != NULL);
}

static void make(struct ear_triager **triager)
{
    static const char text[] = "2 safety: smoke | injur* | /x-?200( pro)?/\n0 handle: @norrline\n";
    struct ear_model *model = care_model_new("care", care_topics, 0.5F);
    struct ear_firm_rules *rules;
    EAR_CHECK(ear_triager_new(&model, triager, NULL) == EAR_OK);
    EAR_CHECK(ear_firm_rules_parse("rules", ear_str_from(text), &rules, NULL) == EAR_OK);
    ear_triager_set_rules(*triager, &rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ear_triager *triager; /* kept: making it takes long */
    if (!triager) make(&triager);
    struct ear_triage_post post = {.text = {(const char *)data, size}};
    struct ear_triage out;
    ear_triage(triager, &post, &out);
    check(&out);
    post.account = EAR_STR("@norrline");
    post.direct = size % 2;
    post.language_hint = (struct ear_str){(const char *)data, size < 8 ? size : 8};
    ear_triage(triager, &post, &out);
    check(&out);
    return 0;
}
