/* The part of store that writes verdicts: rows of triage, each with its line of the history. */
#include "columns.h"
#include "engine/history.h"
#include "store.h"
#include "store_sql.h"

/* Of a verdict, as both statements begin. */
#define CALL                                                                                      \
    EAR_PG_ID, EAR_PG_ID, EAR_PG_ID, EAR_PG_I16, EAR_PG_TEXT, EAR_PG_I16, EAR_PG_I16, EAR_PG_I16, \
        EAR_PG_I16, EAR_PG_I16, EAR_PG_I16, EAR_PG_FLOAT, EAR_PG_I16

/* The line of the history that stands with the verdict. */
static ear_err put_line(struct columns *set, const struct ear_verdict *v, struct ear_buf *scratch)
{
    const struct ear_entry *e = v->line;
    ear_err err = EAR_OK;
    ear_buf_reset(scratch);
    if (e) {
        err = ear_entry_detail(e, scratch);
        put_int(set, e->seq);
        put_int(set, e->kinds);
        put_text(set, e->code);
        put_text(set, scratch->len ? scratch->data : NULL);
    } else {
        put_nulls(set, 4);
    }
    put_id(set, &v->before);
    return err;
}

static void put_call(struct columns *set, const struct ear_verdict *v)
{
    const struct ear_triage *t = &v->heard->triage;
    static const struct ear_id nil;
    put_id(set, &v->heard->post_id);
    put_id(set, &v->heard->customer_id);
    put_id(set, v->of ? &v->of->case_id : &nil);
    put_int(set, v->decision);
    put_text(set, t->language);
    put_int(set, (int)t->answer);
    put_int(set, (int)t->intent);
    put_int(set, (int)t->sentiment);
    put_int(set, (int)t->topic);
    put_int(set, t->urgency);
    put_int(set, t->severity);
    ear_pg_push_float(next_of(set), ear_triage_certainty(t));
    put_int(set, ear_triage_doubts(t));
}

/* In the order of verdict_row (migration 0011): times that the post's own row has are left out. */
static ear_err put_verdict(struct columns *set, const struct ear_verdict *v,
                           struct ear_buf *scratch)
{
    const struct ear_triage *t = &v->heard->triage;
    put_call(set, v);
    put_text(set, t->model);
    put_text(set, t->why);
    put_time(set, 0);
    put_time(set, 0);
    ear_pg_push_int(next_of(set), t->triaged_at_us);
    ear_err err = put_line(set, v, scratch);
    end_row(set);
    return err;
}

static ear_err insert_triage(struct ear_pg_batch *batch, const struct ear_book *book,
                             struct ear_buf *scratch)
{
    static const ear_pg_type types[] = {CALL,        EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_TIME,
                                        EAR_PG_TIME, EAR_PG_TIME, EAR_PG_I32,  EAR_PG_I64,
                                        EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_ID};
    struct columns set;
    ear_err err = EAR_OK;
    open_rows(batch, &set, STORE_WRITE_TRIAGE, types, EAR_COUNT(types));
    for (const struct ear_verdict *v = book->verdicts; v && !err; v = v->next)
        err = put_verdict(&set, v, scratch);
    ear_pg_time(batch, book->now_us);
    return err;
}

/* What line_kinds of migration 0012 makes of NULL, and has as numbers. */
enum {
    OPENED_KINDS = 1 << EAR_KIND_CLASSIFIED | 1 << EAR_KIND_CASED | 1 << EAR_KIND_ASSIGNED |
                   1 << EAR_KIND_CLOCK_STARTED,
    JOINED_KINDS = 1 << EAR_KIND_CLASSIFIED | 1 << EAR_KIND_JOINED
};
_Static_assert(OPENED_KINDS == 16395 && JOINED_KINDS == 5 && EAR_DECIDED_OPENED == 1 &&
                   EAR_DECIDED_JOINED == 2,
               "line_kinds says otherwise");

static bool is_usual(const struct ear_verdict *v)
{
    return (v->decision == EAR_DECIDED_OPENED && v->line->kinds == OPENED_KINDS) ||
           (v->decision == EAR_DECIDED_JOINED && v->line->kinds == JOINED_KINDS);
}

/* In columns where they hold all there is, else as JSON. */
static ear_err copy_detail(struct columns *set, const struct ear_entry *e, struct ear_buf *scratch)
{
    if (!ear_entry_is_plain(e)) {
        ear_buf_reset(scratch);
        ear_err err = ear_entry_detail(e, scratch);
        put_text(set, scratch->len ? scratch->data : NULL);
        put_nulls(set, 4);
        return err;
    }
    put_nulls(set, 1);
    put_text(set, e->team && e->team[0] ? e->team : NULL);
    put_text(set, e->agent && e->agent[0] ? e->agent : NULL);
    put_nonzero(set, e->clock_no);
    put_time(set, e->respond_by_us);
    return EAR_OK;
}

static ear_err copy_line(struct columns *set, const struct ear_verdict *v, struct ear_buf *scratch)
{
    const struct ear_entry *e = v->line;
    ear_err err = EAR_OK;
    if (!e) {
        put_nulls(set, 8);
    } else {
        put_int(set, e->seq);
        put_nonzero(set, is_usual(v) ? 0 : e->kinds);
        put_text(set, e->code);
        err = copy_detail(set, e, scratch);
    }
    put_id(set, &v->before);
    return err;
}

static ear_err copy_verdict(struct columns *set, const struct ear_verdict *v,
                            struct ear_models *models, int64_t now_us, struct ear_buf *scratch)
{
    const struct ear_triage *t = &v->heard->triage;
    int model_no = ear_models_number(models, t->model);
    put_call(set, v);
    put_text(set, model_no ? NULL : t->model);
    put_nonzero(set, model_no);
    put_text(set, t->why);
    ear_pg_push_int(next_of(set), t->triaged_at_us);
    ear_pg_push_int(next_of(set), now_us);
    return copy_line(set, v, scratch);
}

static ear_err copy_triage(struct ear_pg_batch *batch, const struct ear_book *book,
                           struct ear_models *models, struct ear_buf *scratch)
{
    static const ear_pg_type types[] = {CALL,        EAR_PG_TEXT,  EAR_PG_I16,  EAR_PG_TEXT,
                                        EAR_PG_TIME, EAR_PG_TIME,  EAR_PG_I32,  EAR_PG_I64,
                                        EAR_PG_TEXT, EAR_PG_JSONB, EAR_PG_TEXT, EAR_PG_TEXT,
                                        EAR_PG_I32,  EAR_PG_TIME,  EAR_PG_ID};
    struct columns set;
    ear_err err = EAR_OK;
    open_copy(batch, &set, STORE_COPY_TRIAGE, types, EAR_COUNT(types));
    for (const struct ear_verdict *v = book->verdicts; v && !err; v = v->next)
        err = copy_verdict(&set, v, models, book->now_us, scratch);
    return err;
}

ear_err ear_store_write_verdicts(struct ear_pg_batch *batch, const struct ear_book *book,
                                 struct ear_models *models)
{
    struct ear_buf scratch;
    size_t count = 0;
    for (const struct ear_verdict *v = book->verdicts; v && count < COPY_ROWS; v = v->next) count++;
    if (!count) return EAR_OK;
    ear_buf_init(&scratch, EAR_STORE_DETAIL_BYTES_MAX);
    ear_err err = count < COPY_ROWS ? insert_triage(batch, book, &scratch)
                                    : copy_triage(batch, book, models, &scratch);
    ear_buf_release(&scratch);
    return err;
}
