/* verdict: what becomes of an intake row once everything offered of it is over. Pure.
 *
 * A row that came back ungracefully (its sink died, or it failed there) is offered again whole,
 * then in halves; a single post that fails three times alone is dead. What was only handed back is
 * offered again uncounted. */
#ifndef EAR_INGEST_VERDICT_H
#define EAR_INGEST_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#define EAR_TRIES_ALONE 3

typedef enum ear_verdict_kind {
    EAR_VERDICT_DELETE, /* nothing is left */
    EAR_VERDICT_NARROW, /* write `tries` and what is left, offer again */
    EAR_VERDICT_SPLIT,  /* two rows: the first `first` posts with first_tries, the rest with
                           second_tries */
    EAR_VERDICT_BURY,   /* a dead letter */
} ear_verdict_kind;

struct ear_verdict {
    ear_verdict_kind kind;
    int tries;
    size_t first;
    int first_tries;
    int second_tries;
};

/* left: posts not settled; counted: at least one of them was lost or failed. */
struct ear_verdict ear_verdict_of(int tries, size_t left, bool counted);

#endif
