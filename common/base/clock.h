/* clock: time as Earshot writes it. Wall time is int64 microseconds since 1970 UTC (`_us`);
 * intervals come from the monotonic clock in milliseconds (`_ms`). */
#ifndef EAR_BASE_CLOCK_H
#define EAR_BASE_CLOCK_H

#include "base/err.h"
#include "base/str.h"
#include <stdint.h>

#define EAR_US_PER_S  INT64_C(1000000)
#define EAR_US_PER_MS INT64_C(1000)

int64_t ear_clock_wall_us(void);
int64_t ear_clock_mono_ms(void);

#define EAR_TIME_TEXT_BYTES 32
/* "2026-11-22T01:52:08.123456Z" (fraction left out when it is zero). Times outside of
 * the years 1 to 9999 are written as the nearest inside. */
void ear_time_format(int64_t at_us, char text[static EAR_TIME_TEXT_BYTES]);
/* RFC 3339 with 'Z' or an offset, fraction of any length (cut to µs), years 1 to 9999. */
ear_err ear_time_parse(struct ear_str text, int64_t *at_us) EAR_MUST_CHECK;

#endif
