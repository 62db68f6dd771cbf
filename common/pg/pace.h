/* pace: whether PostgreSQL is slow, told once when it becomes so and once when it is over. Judged
 * by the quickest of some seconds' transactions that wrote something: large ones and those that
 * wait for locks take long on a quick server too, but never all of them. Private to pg. */
#ifndef EAR_PG_PACE_H
#define EAR_PG_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EAR_PG_PACE_WINDOW_MS 5000
#define EAR_PG_PACE_LEAST     3   /* of so many transactions at least */
#define EAR_PG_PACE_SLOW_MS   100 /* a commit to a good disk takes a few */
#define EAR_PG_PACE_BYTES_MS  4096

struct ear_pg_pace {
    int64_t since_ms; /* of the window */
    int64_t quickest_ms;
    unsigned count;
    bool slow;
};

/* A transaction of so many bytes, of which EAR_PG_PACE_BYTES_MS may take a millisecond, was
 * committed. The pace is zeroed at first. */
void ear_pg_pace_note(struct ear_pg_pace *pace, int64_t now_ms, int64_t took_ms, size_t bytes);

#endif
