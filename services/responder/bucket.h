/* bucket: how many sends an account may start now: so many in so long, refilled evenly. Pure: time
 * comes in. */
#ifndef EAR_RESPONDER_BUCKET_H
#define EAR_RESPONDER_BUCKET_H

#include "base/base.h"

struct ear_bucket {
    int64_t count; /* sends in period_ms */
    int64_t period_ms;
    int64_t spent_us; /* of the period, as if each send cost period / count */
    int64_t at_ms;    /* when spent_us was right */
};

/* count 0 is taken as 1. Starts full. */
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
