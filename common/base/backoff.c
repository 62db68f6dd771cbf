#include "base/backoff.h"

int64_t ear_backoff_ms(unsigned tries, int64_t floor_ms, int64_t cap_ms, uint64_t random)
{
    if (floor_ms < 0) floor_ms = 0;
    if (cap_ms <= floor_ms) return cap_ms < 0 ? 0 : cap_ms;
    int64_t ceiling_ms = floor_ms;
    for (unsigned i = 0; i < tries && ceiling_ms && ceiling_ms < cap_ms; i++)
        ceiling_ms = ceiling_ms > cap_ms / 2 ? cap_ms : ceiling_ms * 2;
    if (ceiling_ms > cap_ms) ceiling_ms = cap_ms;
    uint64_t span = (uint64_t)(ceiling_ms - floor_ms) + 1;
    return floor_ms + (int64_t)(random % span);
}
