/* The part of commit that sees to partitions: posts of a month go where that month's tables are. */
#include "intake/commit.h"
#include "store_sql.h"

static int64_t month_time(const struct ear_slice *slice, size_t at)
{
    return ear_id_time_us(&slice->delivery->known[at].post_id);
}

struct ear_pg_batch *ear_commit_months(const struct ear_commit *commit,
                                       const struct ear_months *months)
{
    struct ear_months asked = *months;
    struct ear_pg_batch *batch = NULL;
    struct ear_pg_array *times = NULL;
    for (size_t s = 0; s < commit->slice_count; s++) {
        const struct ear_slice *slice = &commit->slices[s];
        for (size_t i = slice->from; i < slice->to; i++) {
            int64_t at_us = month_time(slice, i);
            if (!ear_months_lack(&asked, at_us)) continue;
            ear_months_note(&asked, at_us);
            if (!batch) {
                batch = ear_commit_batch();
                ear_pg_batch_add(batch, STORE_ENSURE_MONTHS);
                times = ear_pg_array(batch, EAR_PG_TIME);
            }
            ear_pg_push_int(times, at_us);
        }
    }
    return batch;
}

void ear_commit_note_months(const struct ear_commit *commit, struct ear_months *months)
{
    for (size_t s = 0; s < commit->slice_count; s++) {
        const struct ear_slice *slice = &commit->slices[s];
        for (size_t i = slice->from; i < slice->to; i++) {
            ear_months_note(months, month_time(slice, i));
        }
    }
}
