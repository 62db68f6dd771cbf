/* libFuzzer target: any text through the seam of the classifier, as it came, as a direct message
 * and with an account. */
#include "base/base.h"
#include "triage.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct ear_triage *t)
{
    EAR_CHECK(t->why_count <= EAR_TRIAGE_WHY && t->urgency <= 2 && t->severity <= 3);
    EAR_CHECK(t->answer_p >= 0 && t->answer_p <= 1 && t->language_p >= 0 && t->language_p <= 1);
    EAR_CHECK(memchr(t->language, 0, sizeof t->language) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ear_triager *triager; /* kept: making it reads every table */
    if (!triager) triager = ear_triager_new();
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
