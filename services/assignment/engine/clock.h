/* clock: Pure. When a case must be answered, and what happens when it is not.
 *
 * A clock runs from the moment the customer spoke (the platform's time), so respond_by, which
 * orders queues, is the customer's view. A breach is charged to the firm only from the moment it
 * heard the post, where that was more than EAR_LATE_US later. Neither side can be moved by an
 * author who sets a time of his own: it is held between the time that is part of post_id, where
 * there is one, and receipt. Sources: design.md, mechanic 8; requirement R2. */
#ifndef EAR_ASSIGNMENT_CLOCK_H
#define EAR_ASSIGNMENT_CLOCK_H

#include "engine/book.h"

#define EAR_LATE_US (60 * EAR_US_PER_S)

struct ear_clock {
    int64_t start_us;
    int64_t respond_by_us;
    int64_t warn_at_us; /* 0: the policy warns at no time of its own */
    int64_t breach_at_us;
    int64_t late_by_us; /* 0: heard in time */
};

struct ear_clock ear_clock_of_post(const struct ear_policy *policy, const struct ear_heard *heard);
struct ear_clock ear_clock_from(const struct ear_policy *policy, int64_t start_us);

/* The case's next clock runs. One timer is set at a time: the breach follows the warning. */
void ear_clock_start(struct ear_book *book, struct ear_case *c, struct ear_entry *e,
                     const struct ear_clock *clock);
/* An earlier post came late: the clock that runs began earlier. Never later, and a timer that has
 * fired stays fired. */
void ear_clock_pull(struct ear_book *book, struct ear_case *c, struct ear_entry *e,
                    const struct ear_clock *clock);
/* The clock ends; its timers are cleared. Nothing where none runs. */
void ear_clock_stop(struct ear_book *book, struct ear_case *c);
/* A timer is due: enters the warning or the breach if its clock still runs, and clears it; after a
 * warning the breach is set. */
void ear_clock_fire(struct ear_book *book, struct ear_case *c, const struct ear_due *due);

#endif
