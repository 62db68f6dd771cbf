/* journal: what an attempt writes: the statements of its three transactions. No decisions here. */
#ifndef EAR_RESPONDER_JOURNAL_H
#define EAR_RESPONDER_JOURNAL_H

#include "attempt.h"

/* Each makes the batch; the caller runs it. In the first two the first result says by its affected
 * rows whether the lease still held. */
struct ear_pg_batch *ear_journal_begin(const struct ear_attempt *attempt);
struct ear_pg_batch *ear_journal_adopt(const struct ear_attempt *attempt);
/* The result of statement *end_at says by its affected rows whether the attempt was still ours. */
struct ear_pg_batch *ear_journal_end(const struct ear_attempt *attempt, size_t *end_at);
struct ear_pg_batch *ear_journal_forget(const struct ear_attempt *attempt);
struct ear_pg_batch *ear_journal_postpone(const struct ear_attempt *attempt, int64_t next_at_us);

#endif
