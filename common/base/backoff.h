/* backoff: when to try again. Pure: randomness comes in as an argument. */
#ifndef EAR_BASE_BACKOFF_H
#define EAR_BASE_BACKOFF_H

#include <stdint.h>

/* Full jitter: uniform between floor_ms and min(cap_ms, floor_ms * 2^tries); tries from 0. */
int64_t ear_backoff_ms(unsigned tries, int64_t floor_ms, int64_t cap_ms, uint64_t random);

#endif
