/* trend: tells of drift: shares and sureness of each head as metrics, an event where a head begins
 * or ceases to differ from what its model was trained for. */
#ifndef EAR_CLASSIFIER_TREND_H
#define EAR_CLASSIFIER_TREND_H

#include "drift.h"

struct ear_trend;

struct ear_trend *ear_trend_new(void);
void ear_trend_free(struct ear_trend **trend);
/* Another model, or topic table, is in place, and held against what it was trained for. */
void ear_trend_restart(struct ear_trend *trend);
/* A post that was read, not skipped, by this triager. */
void ear_trend_add(struct ear_trend *trend, const struct ear_triager *triager,
                   const struct ear_triage *triage);

#endif
