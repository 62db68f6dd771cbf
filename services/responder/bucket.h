/* bucket: how many sends an account may start now: never more than `count` in any period, half of
 * them at once at most and the others spread evenly. Pure: time comes in. */
#ifndef EAR_RESPONDER_BUCKET_H
#define EAR_RESPONDER_BUCKET_H

#include "base/base.h"

struct ear_bucket {
    int64_t burst;    /* sends at once */
    int64_t cost_us;  /* time that one send takes up */
    int64_t spent_us; /* taken up and not yet passed */
    int64_t at_ms;    /* when spent_us was right */
};

/* count 0 is taken as 1. Starts with all of the burst. */
void ear_bucket_init(struct ear_bucket *bucket, int64_t count, int64_t period_ms, int64_t now_ms);
/* Sends that may start now. */
int64_t ear_bucket_room(struct ear_bucket *bucket, int64_t now_ms);
/* True and one less where there is room. */
bool ear_bucket_take(struct ear_bucket *bucket, int64_t now_ms);
/* Until there is room for one; 0: now. */
int64_t ear_bucket_wait_ms(struct ear_bucket *bucket, int64_t now_ms);
/* "30/5m": at most 30 in five minutes. EAR_INVALID otherwise. */
ear_err ear_bucket_parse(struct ear_str text, int64_t *count, int64_t *period_ms) EAR_MUST_CHECK;

#endif
