#include "bucket.h"

#define COUNT_MAX  1000000
#define PERIOD_MAX (INT64_C(31) * 24 * 3600 * 1000)

void ear_bucket_init(struct ear_bucket *bucket, int64_t count, int64_t period_ms, int64_t now_ms)
{
    int64_t burst = count > 1 ? count / 2 : 1;
    int64_t spread = count > burst ? count - burst : 1;
    int64_t cost_us = period_ms * EAR_US_PER_MS / spread;
    *bucket =
        (struct ear_bucket){.burst = burst, .cost_us = cost_us > 0 ? cost_us : 1, .at_ms = now_ms};
}

static void refill(struct ear_bucket *bucket, int64_t now_ms)
{
    int64_t passed_ms = now_ms - bucket->at_ms;
    if (passed_ms <= 0) return;
    bucket->at_ms = now_ms;
    if (passed_ms >= bucket->spent_us / EAR_US_PER_MS + 1)
        bucket->spent_us = 0;
    else
        bucket->spent_us -= passed_ms * EAR_US_PER_MS;
}

int64_t ear_bucket_room(struct ear_bucket *bucket, int64_t now_ms)
{
    refill(bucket, now_ms);
    return (bucket->cost_us * bucket->burst - bucket->spent_us) / bucket->cost_us;
}

bool ear_bucket_take(struct ear_bucket *bucket, int64_t now_ms)
{
    if (ear_bucket_room(bucket, now_ms) < 1) return false;
    bucket->spent_us += bucket->cost_us;
    return true;
}

int64_t ear_bucket_wait_ms(struct ear_bucket *bucket, int64_t now_ms)
{
    if (ear_bucket_room(bucket, now_ms) >= 1) return 0;
    int64_t over_us = bucket->spent_us + bucket->cost_us - bucket->cost_us * bucket->burst;
    return (over_us + EAR_US_PER_MS - 1) / EAR_US_PER_MS;
}

ear_err ear_bucket_parse(struct ear_str text, int64_t *count, int64_t *period_ms)
{
    struct ear_str rest = text, number;
    if (!ear_str_split(&rest, '/', &number) || !rest.ptr) return EAR_INVALID;
    ear_err err = ear_num_i64(number, 1, COUNT_MAX, count);
    return err ? err : ear_num_duration_ms(rest, 1, PERIOD_MAX, period_ms);
}
