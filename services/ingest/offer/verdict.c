#include "offer/verdict.h"

/* A half has failed already; a post that comes out alone starts to count anew. */
static int tries_of_half(size_t posts)
{
    return posts == 1 ? 0 : 1;
}

struct ear_verdict ear_verdict_of(int tries, size_t left, bool counted)
{
    if (left == 0) return (struct ear_verdict){.kind = EAR_VERDICT_DELETE};
    if (!counted) return (struct ear_verdict){.kind = EAR_VERDICT_NARROW, .tries = tries};
    tries++;
    if (left == 1 && tries >= EAR_TRIES_ALONE) {
        return (struct ear_verdict){.kind = EAR_VERDICT_BURY, .tries = tries};
    }
    if (left == 1 || tries < 2) {
        return (struct ear_verdict){.kind = EAR_VERDICT_NARROW, .tries = tries};
    }
    size_t first = left / 2;
    return (struct ear_verdict){
        .kind = EAR_VERDICT_SPLIT,
        .tries = tries,
        .first = first,
        .first_tries = tries_of_half(first),
        .second_tries = tries_of_half(left - first),
    };
}
