/* libFuzzer target: any bytes through normaliser and extractor, as the trainer uses them. */
#include "model/features.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct ear_extractor *x, const struct ear_features *f, size_t dense)
{
    struct ear_str text = ear_normal_text(ear_extractor_normal(x));
    EAR_CHECK(ear_text_is_utf8(text));
    EAR_CHECK(f->language.p >= 0 && f->language.p <= 1);
    for (size_t i = 0; i < dense; i++) EAR_CHECK(f->dense[i] >= -1 && f->dense[i] <= 1);
    for (size_t g = 0; g < EAR_FEATURE_GROUPS; g++) {
        EAR_CHECK(f->value[g] >= 0 && f->value[g] <= 1);
        EAR_CHECK(!g || f->end[g] >= f->end[g - 1]);
    }
    struct ear_feature_place *place = ear_alloc((f->end[EAR_FEATURE_CUES] + 1) * sizeof *place);
    for (size_t g = 0, at = 0; g < EAR_FEATURE_GROUPS; at = f->end[g++])
        ear_extract_places(x, (ear_feature_group)g, place + at);
    size_t tokens = ear_extractor_normal(x)->token_count;
    for (size_t i = 0; i < f->end[EAR_FEATURE_CUES]; i++) {
        EAR_CHECK(f->index[i] >> 20 == 0);
        EAR_CHECK(place[i].text.len < text.len + 64);
        EAR_CHECK(place[i].first <= place[i].behind && place[i].behind <= tokens);
        EAR_CHECK(!place[i].text.len ||
                  place[i].text.ptr[place[i].text.len - 1] + 1); /* is there */
    }
    free(place);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ear_extractor *x; /* kept: making it reads every table */
    static struct ear_normal again;
    static struct ear_feature_tables tables;
    if (!x) {
        struct ear_feature_spec spec = ear_feature_spec_default();
        x = ear_extractor_new(&spec, &tables, NULL);
        ear_normal_init(&again);
    }
    struct ear_model_post post = {.text = {(const char *)data, size},
                                  .account = EAR_STR("acme"),
                                  .language_hint = {(const char *)data, size < 8 ? size : 8},
                                  .direct = size % 2};
    check(x, ear_extract(x, &post), ear_dense_count(&tables));
    struct ear_str text = ear_normal_text(ear_extractor_normal(x));
    if (text.len > EAR_MODEL_TEXT_MAX) return 0; /* would be cut */
    ear_normalise(&again, text, post.account);
    EAR_CHECK(ear_str_eq(ear_normal_text(&again), text));
    return 0;
}
