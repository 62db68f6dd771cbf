#include "model/unique.h"

#include <stdlib.h>

#define FEWEST_BITS 8

static unsigned bits_for(size_t count)
{
    unsigned bits = FEWEST_BITS;
    while ((size_t)1 << bits < count * 2) bits++;
    return bits;
}

void ear_unique_init(struct ear_unique *u, size_t max)
{
    *u = (struct ear_unique){.bits = bits_for(max)};
    u->slots = ear_alloc(((size_t)1 << u->bits) * sizeof *u->slots);
}

void ear_unique_release(struct ear_unique *u)
{
    EAR_FREE(u->slots);
}

static void next_generation(struct ear_unique *u)
{
    if (++u->generation) return;
    memset(u->slots, 0, ((size_t)1 << u->bits) * sizeof *u->slots);
    u->generation = 1;
}

size_t ear_unique_take(struct ear_unique *u, const uint32_t *numbers, size_t count, uint32_t *out)
{
    unsigned bits = bits_for(count);
    EAR_CHECK(bits <= u->bits);
    uint32_t mask = ((uint32_t)1 << bits) - 1;
    size_t found = 0;
    next_generation(u);
    for (size_t i = 0; i < count; i++) {
        uint32_t number = numbers[i];
        uint32_t at = number * UINT32_C(0x9E3779B1) >> (32 - bits);
        while (u->slots[at].generation == u->generation && u->slots[at].number != number)
            at = (at + 1) & mask;
        bool new = u->slots[at].generation != u->generation;
        u->slots[at] = (struct ear_unique_slot){number, u->generation};
        out[found] = number;
        found += new;
    }
    return found;
}
