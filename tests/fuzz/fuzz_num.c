/* Numbers, durations and sizes of any content: in range or not at all. */
#include "base/base.h"
#include <inttypes.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef ear_err (*number_parser)(struct ear_str s, int64_t min, int64_t max, int64_t *out);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const number_parser parsers[] = {ear_num_i64, ear_num_duration_ms, ear_num_size};
    struct ear_str text = {(const char *)data, size};
    for (size_t i = 0; i < EAR_COUNT(parsers); i++) {
        int64_t value = 0;
        int64_t back = 0;
        char plain[24];
        if (parsers[i](text, INT64_MIN, INT64_MAX, &value) != EAR_OK) continue;
        snprintf(plain, sizeof(plain), "%" PRId64, value);
        EAR_CHECK(parsers[i](ear_str_from(plain), value, value, &back) == EAR_OK);
        EAR_CHECK(back == value);
        if (value < INT64_MAX)
            EAR_CHECK(parsers[i](text, value + 1, INT64_MAX, &back) == EAR_INVALID);
    }
    uint64_t whole;
    if (ear_num_u64(text, 1000, &whole) == EAR_OK) EAR_CHECK(whole <= 1000);
    return 0;
}
