/* libFuzzer target: any bytes through every door of common/text. Aborts where a promise of its
 * header is broken. */
#include "base/base.h"
#include "text/text.h"
#include <stdint.h>

#define MAX_BYTES ((size_t)1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tokens(struct ear_str text)
{
    struct ear_token token;
    const char *at = text.ptr, *end = text.len ? text.ptr + text.len : text.ptr;
    while (ear_text_next(&text, &token)) {
        EAR_CHECK(token.text.len > 0 && token.text.ptr >= at);
        at = token.text.ptr + token.text.len;
        EAR_CHECK(at <= end);
    }
}

static void check_cut(struct ear_str s, ear_text_unit unit, size_t limit)
{
    struct ear_str cut = ear_text_cut(s, unit, limit, EAR_TEXT_AT_GRAPHEME);
    EAR_CHECK(cut.len <= s.len);
    if (unit != EAR_TEXT_X_WEIGHT) EAR_CHECK(ear_text_length(cut, unit) <= limit);
    EAR_CHECK(ear_text_cut(s, unit, limit, EAR_TEXT_AT_WORD).len <= cut.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ear_str s = {(const char *)data, size};
    struct ear_text t;
    struct ear_buf out;
    ear_text_init(&t, MAX_BYTES);
    ear_buf_init(&out, MAX_BYTES);
    if (ear_text_repair(s, &out) == EAR_OK) EAR_CHECK(ear_text_is_utf8(ear_buf_str(&out)));
    if (ear_text_normalise(&t, s, EAR_STR("@firm.example")) == EAR_OK) {
        EAR_CHECK(ear_text_is_utf8(ear_buf_str(&t.text)));
        check_tokens(ear_buf_str(&t.text));
    }
    check_tokens(s);
    for (int unit = EAR_TEXT_BYTES; unit <= EAR_TEXT_X_WEIGHT; unit++)
        check_cut(s, (ear_text_unit)unit, size ? data[0] : 0);
    ear_buf_release(&out);
    ear_text_release(&t);
    return 0;
}
