/* pace: when the next line of a feed may go. Pure: time comes in as an argument. */
#ifndef EAR_CTL_PACE_H
#define EAR_CTL_PACE_H

#include "base/base.h"

struct ear_pace {
    double rate;  /* lines a second; 0: any */
    double speed; /* times as fast as the feed was written; 0: does not matter */
    int64_t start_ms;
    int64_t first_us; /* created_at of the first line that has one; 0: none yet */
    double next_ms;   /* by rate */
};

void ear_pace_init(struct ear_pace *pace, double rate, double speed, int64_t now_ms);
/* When a line written at created_us (0: it does not say) may go, in monotonic milliseconds; any
 * time up to now means at once. */
int64_t ear_pace_due_ms(const struct ear_pace *pace, int64_t created_us);
/* The line went at now_ms. */
void ear_pace_took(struct ear_pace *pace, int64_t created_us, int64_t now_ms);

#endif
