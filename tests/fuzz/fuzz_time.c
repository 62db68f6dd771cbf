/* RFC 3339 of any content: what is taken is in range and comes back from its own text. */
#include "base/base.h"

#define FIRST_US (INT64_C(-62135596800) * EAR_US_PER_S)
#define LAST_US  (INT64_C(253402300800) * EAR_US_PER_S - 1)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(int64_t at_us)
{
    char text[EAR_TIME_TEXT_BYTES];
    int64_t back_us;
    ear_time_format(at_us, text);
    EAR_CHECK(memchr(text, '\0', sizeof(text)) != NULL);
    EAR_CHECK(ear_time_parse(ear_str_from(text), &back_us) == EAR_OK);
    EAR_CHECK(back_us == (at_us < FIRST_US ? FIRST_US : at_us > LAST_US ? LAST_US : at_us));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t at_us;
    if (ear_time_parse((struct ear_str){(const char *)data, size}, &at_us) == EAR_OK) {
        EAR_CHECK(at_us >= FIRST_US && at_us <= LAST_US);
        round_trip(at_us);
    }
    if (size >= 8) round_trip((int64_t)ear_get_be(data, 8));
    return 0;
}
