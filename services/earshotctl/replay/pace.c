#include "replay/pace.h"

/* A turn that comes late is made up for, a longer pause is not: no burst after a stall. */
#define MADE_UP_MS 100

void ear_pace_init(struct ear_pace *pace, double rate, double speed, int64_t now_ms)
{
    *pace = (struct ear_pace){
        .rate = rate, .speed = speed, .start_ms = now_ms, .next_ms = (double)now_ms};
}

int64_t ear_pace_due_ms(const struct ear_pace *pace, int64_t created_us)
{
    double due_ms = (double)pace->start_ms;
    if (pace->rate > 0) due_ms = pace->next_ms;
    if (pace->speed > 0 && created_us && pace->first_us) {
        double at_ms = (double)pace->start_ms +
                       (double)(created_us - pace->first_us) / EAR_US_PER_MS / pace->speed;
        if (at_ms > due_ms) due_ms = at_ms;
    }
    /* A feed that spans centuries waits for long, not for less than nothing. */
    return due_ms < 9e15 ? (int64_t)due_ms : INT64_C(9000000000000000);
}

void ear_pace_took(struct ear_pace *pace, int64_t created_us, int64_t now_ms)
{
    if (!pace->first_us) pace->first_us = created_us;
    if (pace->rate <= 0) return;
    double least_ms = (double)(now_ms - MADE_UP_MS);
    pace->next_ms = (pace->next_ms > least_ms ? pace->next_ms : least_ms) + 1000.0 / pace->rate;
}
