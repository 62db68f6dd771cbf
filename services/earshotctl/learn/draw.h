/* draw: numbers that look drawn by lot and are the same each time. Marsaglia: "Xorshift RNGs",
 * 2003. */
#ifndef EAR_LEARN_DRAW_H
#define EAR_LEARN_DRAW_H

#include "base/base.h"

struct ear_draw {
    uint64_t state; /* not 0 */
};

static inline struct ear_draw ear_draw_from(uint64_t seed)
{
    return (struct ear_draw){(seed + 1) * UINT64_C(0x9E3779B97F4A7C15) | 1};
}

static inline uint32_t ear_draw(struct ear_draw *d)
{
    d->state ^= d->state << 13;
    d->state ^= d->state >> 7;
    d->state ^= d->state << 17;
    return (uint32_t)(d->state >> 16);
}

/* In [0, 1). */
static inline float ear_draw_share(struct ear_draw *d)
{
    return (float)(ear_draw(d) >> 8) * (1.0f / 16777216);
}

static inline void ear_draw_order(struct ear_draw *d, uint32_t *items, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = ear_draw(d) % i;
        uint32_t held = items[i - 1];
        items[i - 1] = items[other];
        items[other] = held;
    }
}

#endif
