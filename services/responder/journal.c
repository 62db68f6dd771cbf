#include "journal.h"

#include "store_sql.h"

#define OUTCOME_BYTES_MAX ((size_t)64 << 10)

static void add_row(struct ear_pg_batch *batch, unsigned statement, const struct ear_attempt *a)
{
    ear_pg_batch_add(batch, statement);
    ear_pg_id(batch, &a->reply_id);
    ear_pg_i32(batch, (int32_t)a->number);
    ear_pg_id(batch, &a->customer_id);
}

static void add_lease(struct ear_pg_batch *batch, const struct ear_attempt *a)
{
    ear_pg_text(batch, ear_str_from(a->account->lease_name));
    ear_pg_id(batch, &a->account->core->instance);
}

struct ear_pg_batch *ear_journal_begin(const struct ear_attempt *a)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    add_row(batch, STORE_BEGIN_ATTEMPT, a);
    ear_pg_text(batch, ear_buf_str(&a->key));
    add_lease(batch, a);
    ear_pg_i64(batch, a->epoch);
    return batch;
}

static void add_adopt(struct ear_pg_batch *batch, const struct ear_attempt *a)
{
    add_row(batch, STORE_ADOPT_ATTEMPT, a);
    ear_pg_i64(batch, a->epoch);
    add_lease(batch, a);
}

struct ear_pg_batch *ear_journal_adopt(const struct ear_attempt *a)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    add_adopt(batch, a);
    return batch;
}

static void add_record(struct ear_pg_batch *batch, const struct ear_attempt *a)
{
    add_row(batch, STORE_RECORD_ATTEMPT, a);
    ear_pg_i16(batch, (int16_t)a->verdict.state);
    ear_pg_text(batch, ear_str_from(a->verdict.reason));
    add_lease(batch, a);
    ear_pg_i64(batch, a->epoch);
}

static void add_end(struct ear_pg_batch *batch, const struct ear_attempt *a)
{
    add_row(batch, STORE_END_ATTEMPT, a);
    ear_pg_i64(batch, a->epoch);
    ear_pg_i16(batch, (int16_t)a->verdict.state);
    if (a->status)
        ear_pg_i32(batch, a->status);
    else
        ear_pg_null(batch);
    bool named = a->external_id.len && !a->bare;
    ear_pg_text(batch, named ? ear_buf_str(&a->external_id) : EAR_STR_NONE);
    ear_pg_text(batch, ear_str_from(a->verdict.reason));
    ear_pg_i16(batch, (int16_t)a->verdict.looks);
}

static void add_note(struct ear_pg_batch *batch, const struct ear_attempt *a)
{
    add_row(batch, STORE_NOTE_ATTEMPT, a);
    ear_pg_i64(batch, a->epoch);
    ear_pg_text(batch, ear_str_from(a->verdict.reason));
    ear_pg_i16(batch, (int16_t)a->verdict.looks);
}

static Earshot__V1__OutcomeState outcome_state(ear_attempt_state state)
{
    if (state == EAR_ATTEMPT_SENT) return EARSHOT__V1__OUTCOME_STATE__OUTCOME_STATE_SENT;
    if (state == EAR_ATTEMPT_FAILED) return EARSHOT__V1__OUTCOME_STATE__OUTCOME_STATE_FAILED;
    return EARSHOT__V1__OUTCOME_STATE__OUTCOME_STATE_UNKNOWN;
}

static void fill_outcome(const struct ear_attempt *a, Earshot__V1__Outcome *outcome,
                         struct ear_id *ref)
{
    outcome->reply_id = ear_wire_bytes(&a->reply_id);
    outcome->customer_id = ear_wire_bytes(&a->customer_id);
    outcome->case_id = ear_wire_bytes(&a->case_id);
    outcome->state = outcome_state(a->verdict.state);
    outcome->reason = (char *)(uintptr_t)a->verdict.reason;
    outcome->attempts = (uint32_t)a->number;
    if (a->verdict.state != EAR_ATTEMPT_SENT) return;
    outcome->visible_at_us = a->visible_at_us;
    if (!a->external_id.len || a->bare) return;
    *ref = ear_id_ref(&a->account->core->key, EAR_REF_POST, a->job.platform,
                      ear_buf_str(&a->external_id));
    outcome->external_id = a->external_id.data;
    outcome->external_ref = ear_wire_bytes(ref);
}

static void add_outcome(struct ear_pg_batch *batch, const struct ear_attempt *a)
{
    Earshot__V1__Outcome outcome = EARSHOT__V1__OUTCOME__INIT;
    struct ear_id ref;
    struct ear_buf packed;
    ear_buf_init(&packed, OUTCOME_BYTES_MAX);
    fill_outcome(a, &outcome, &ref);
    ear_err err = ear_wire_pack(&outcome.base, &packed);
    if (err) ear_pg_batch_fail(batch, err); /* for want of memory: it is tried again */
    add_row(batch, STORE_FINISH_SENDING, a);
    ear_pg_i64(batch, a->epoch);
    add_row(batch, STORE_INSERT_OUTCOME, a);
    ear_pg_i64(batch, a->epoch);
    ear_pg_bytes(batch, ear_buf_str(&packed));
    ear_buf_release(&packed);
}

static void add_postpone(struct ear_pg_batch *batch, const struct ear_attempt *a)
{
    add_row(batch, STORE_POSTPONE, a);
    ear_pg_time(batch, a->verdict.next_at_us);
    ear_pg_i32(batch, (int32_t)a->verdict.tries);
    ear_pg_i64(batch, a->epoch);
}

static void add_lessons(struct ear_pg_batch *batch, const struct ear_attempt *a)
{
    if (a->pause_until_us) {
        ear_pg_batch_add(batch, STORE_LIMIT_ACCOUNT);
        ear_pg_text(batch, ear_str_from(a->account->id));
        ear_pg_time(batch, a->pause_until_us);
        ear_pg_text(batch, ear_str_from(a->verdict.reason));
    }
    if (a->session.data && !a->bare) {
        ear_pg_batch_add(batch, STORE_WRITE_SESSION);
        ear_pg_text(batch, ear_str_from(a->account->id));
        ear_pg_text(batch, ear_buf_str(&a->session));
        add_lease(batch, a);
        ear_pg_i64(batch, a->epoch);
    }
}

struct ear_pg_batch *ear_journal_end(const struct ear_attempt *a, size_t *end_at)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    *end_at = a->row == EAR_ROW_ADOPT ? 1 : 0;
    if (a->row == EAR_ROW_ADOPT) add_adopt(batch, a);
    if (a->row == EAR_ROW_NONE)
        add_record(batch, a);
    else if (a->verdict.state == EAR_ATTEMPT_SENDING)
        add_note(batch, a);
    else
        add_end(batch, a);
    if (a->verdict.final)
        add_outcome(batch, a);
    else
        add_postpone(batch, a);
    add_lessons(batch, a);
    return batch;
}

struct ear_pg_batch *ear_journal_forget(const struct ear_attempt *a)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_FORGET_SENDING);
    ear_pg_id(batch, &a->reply_id);
    ear_pg_id(batch, &a->customer_id);
    return batch;
}

struct ear_pg_batch *ear_journal_postpone(const struct ear_attempt *a, int64_t next_at_us)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_PUT_OFF);
    ear_pg_id(batch, &a->reply_id);
    ear_pg_time(batch, next_at_us);
    add_lease(batch, a);
    ear_pg_i64(batch, a->epoch);
    return batch;
}
