#include "offer/settle.h"
#include "events.h"
#include "offer/verdict.h"
#include "store_sql.h"
#include <stdlib.h>

#define DELETE_AFTER_MS 50 /* for company: it is a transaction more */
#define DELETES_MAX     512
#define RETRY_MS        1000

struct list {
    struct ear_row *first;
    size_t count;
};

struct ear_settler {
    struct ear_loop *loop;
    struct ear_pg *pg;
    struct ear_id owner; /* ours; a row of another is not touched */
    ear_row_over_fn *over;
    void *self;
    struct ear_timer *timer;
    struct list over_rows;  /* to delete */
    struct list deleting;   /* in the statement under way */
    struct list to_judge;   /* verdicts that could not be written yet */
    struct ear_row *judged; /* whose verdict is being written; one at a time */
    struct ear_verdict verdict;
    struct ear_id buried; /* the post, where the verdict is that */
};

static void push(struct list *list, struct ear_row *row)
{
    row->next = list->first;
    list->first = row;
    list->count++;
}

static struct ear_row *pop(struct list *list)
{
    struct ear_row *row = list->first;
    list->first = row->next;
    list->count--;
    row->next = NULL;
    return row;
}

static void free_list(struct list *list)
{
    while (list->first) {
        struct ear_row *row = pop(list);
        ear_row_free(&row);
    }
}

static void finish(struct ear_settler *settler, struct ear_row *row, bool again)
{
    settler->over(settler->self, row, again);
    ear_row_free(&row);
}

static void work(struct ear_settler *settler);

static void on_deleted(void *self, ear_err err, const struct ear_pg_result *const *results,
                       size_t count, const struct ear_diag *diag)
{
    (void)results;
    (void)count;
    struct ear_settler *settler = self;
    if (err == EAR_CLOSED) return;
    if (err != EAR_OK && err != EAR_UNKNOWN_FATE) {
        ear_log(&EV_INGEST_STORE_FAILED, kv_text("statement", "delete_intake"), kv_diag(diag));
        while (settler->deleting.first) push(&settler->over_rows, pop(&settler->deleting));
        ear_timer_start(settler->timer, RETRY_MS, 0);
        return;
    }
    /* Unknown fate: where the rows still exist they are read and offered again. */
    while (settler->deleting.first) {
        finish(settler, pop(&settler->deleting), err == EAR_UNKNOWN_FATE);
    }
    work(settler);
}

static void delete_some(struct ear_settler *settler)
{
    if (settler->deleting.first || !settler->over_rows.first) return;
    (void)ear_fault("ingest.before_delete");
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_DELETE_INTAKE);
    struct ear_pg_array *ids = ear_pg_array(batch, EAR_PG_ID);
    while (settler->over_rows.first && settler->deleting.count < DELETES_MAX) {
        struct ear_row *row = pop(&settler->over_rows);
        ear_pg_push_id(ids, &row->id);
        push(&settler->deleting, row);
    }
    ear_pg_id(batch, &settler->owner);
    ear_pg_run(settler->pg, &batch, on_deleted, settler);
}

static void tell_burial(const struct ear_settler *settler)
{
    ear_log(&EV_INGEST_DEAD_LETTER, kv_id("post", &settler->buried),
            kv_int("tries", settler->verdict.tries));
    ear_metric_add(&M_DEAD_LETTERS, 1);
}

static void on_judged(void *self, ear_err err, const struct ear_pg_result *const *results,
                      size_t count, const struct ear_diag *diag)
{
    (void)results;
    (void)count;
    struct ear_settler *settler = self;
    struct ear_row *row = settler->judged;
    if (err == EAR_CLOSED) return;
    settler->judged = NULL;
    if (err != EAR_OK) {
        ear_log(&EV_INGEST_STORE_FAILED, kv_text("statement", "verdict"), kv_diag(diag));
        push(&settler->to_judge, row);
        ear_timer_start(settler->timer, RETRY_MS, 0);
        return;
    }
    if (settler->verdict.kind == EAR_VERDICT_BURY) tell_burial(settler);
    finish(settler, row, true);
    work(settler);
}

static void add_ids(struct ear_pg_batch *batch, const struct ear_id *ids, size_t count)
{
    struct ear_pg_array *array = ear_pg_array(batch, EAR_PG_ID);
    for (size_t i = 0; i < count; i++) ear_pg_push_id(array, &ids[i]);
}

static void add_delete(struct ear_pg_batch *batch, const struct ear_row *row,
                       const struct ear_id *owner)
{
    ear_pg_batch_add(batch, STORE_DELETE_INTAKE);
    add_ids(batch, &row->id, 1);
    ear_pg_id(batch, owner);
}

static void add_half(struct ear_pg_batch *batch, const struct ear_row *row, int tries,
                     const struct ear_id *ids, size_t count, const struct ear_id *owner)
{
    struct ear_id id = ear_id_new(ear_clock_wall_us());
    ear_pg_batch_add(batch, STORE_SPLIT_INTAKE);
    ear_pg_id(batch, &id);
    ear_pg_i16(batch, (int16_t)tries);
    add_ids(batch, ids, count);
    ear_pg_id(batch, &row->id);
    ear_pg_id(batch, owner);
}

static void add_burial(struct ear_pg_batch *batch, const struct ear_row *row,
                       const struct ear_id *post_id, int tries, const struct ear_id *owner)
{
    struct ear_id id = ear_id_new(ear_clock_wall_us());
    ear_pg_batch_add(batch, STORE_BURY_POST);
    ear_pg_id(batch, &id);
    ear_pg_id(batch, post_id);
    ear_pg_i16(batch, (int16_t)row->lane);
    ear_pg_text(batch, EAR_STR("downstream"));
    ear_pg_text(batch, EAR_STR("failed, or took its classifier with it, three times alone"));
    ear_pg_i16(batch, (int16_t)tries);
    ear_pg_id(batch, &row->id);
    ear_pg_id(batch, owner);
    add_delete(batch, row, owner);
}

static struct ear_pg_batch *write_verdict(const struct ear_row *row, struct ear_verdict verdict,
                                          const struct ear_id *left, size_t count,
                                          const struct ear_id *owner)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    switch (verdict.kind) {
    case EAR_VERDICT_SPLIT:
        add_half(batch, row, verdict.first_tries, left, verdict.first, owner);
        add_half(batch, row, verdict.second_tries, left + verdict.first, count - verdict.first,
                 owner);
        add_delete(batch, row, owner);
        break;
    case EAR_VERDICT_BURY:
        add_burial(batch, row, &left[0], verdict.tries, owner);
        break;
    case EAR_VERDICT_NARROW:
    case EAR_VERDICT_DELETE:
        ear_pg_batch_add(batch, STORE_NARROW_INTAKE);
        ear_pg_id(batch, &row->id);
        ear_pg_i16(batch, (int16_t)verdict.tries);
        add_ids(batch, left, count);
        ear_pg_id(batch, owner);
        break;
    }
    return batch;
}

/* What came back; those with nothing left never get here. */
static void judge_one(struct ear_settler *settler)
{
    if (settler->judged || !settler->to_judge.first) return;
    struct ear_row *row = pop(&settler->to_judge);
    struct ear_id *left = ear_alloc(row->count * sizeof(*left));
    bool counted = false;
    size_t count = ear_row_left(row, left, &counted);
    settler->judged = row;
    settler->verdict = ear_verdict_of(row->tries, count, counted);
    if (settler->verdict.kind == EAR_VERDICT_BURY) settler->buried = left[0];
    struct ear_pg_batch *batch = write_verdict(row, settler->verdict, left, count, &settler->owner);
    free(left);
    ear_pg_run(settler->pg, &batch, on_judged, settler);
}

static void work(struct ear_settler *settler)
{
    if (!ear_pg_is_up(settler->pg)) {
        if (!ear_settler_idle(settler)) ear_timer_start(settler->timer, RETRY_MS, 0);
        return;
    }
    judge_one(settler);
    if (settler->over_rows.count >= DELETES_MAX) {
        delete_some(settler);
    } else if (settler->over_rows.first && !ear_timer_active(settler->timer)) {
        ear_timer_start(settler->timer, DELETE_AFTER_MS, 0);
    }
}

static void on_timer(void *self)
{
    struct ear_settler *settler = self;
    if (ear_pg_is_up(settler->pg)) delete_some(settler);
    work(settler);
}

void ear_settler_new(struct ear_settler **out, struct ear_loop *loop, struct ear_pg *pg,
                     const struct ear_id *owner, ear_row_over_fn *over, void *self)
{
    struct ear_settler *settler = ear_alloc(sizeof(*settler));
    settler->loop = loop;
    settler->pg = pg;
    settler->owner = *owner;
    settler->over = over;
    settler->self = self;
    ear_timer_new(&settler->timer, loop, on_timer, settler);
    ear_metric_register(&M_DEAD_LETTERS);
    *out = settler;
}

void ear_settler_free(struct ear_settler **settler_ptr)
{
    struct ear_settler *settler = *settler_ptr;
    if (!settler) return;
    free_list(&settler->over_rows);
    free_list(&settler->deleting);
    free_list(&settler->to_judge);
    if (settler->judged) ear_row_free(&settler->judged);
    ear_timer_free(&settler->timer);
    EAR_FREE(*settler_ptr);
}

void ear_settler_judge(struct ear_settler *settler, struct ear_row **row_ptr)
{
    struct ear_row *row = *row_ptr;
    *row_ptr = NULL;
    size_t done = 0, bad = 0;
    for (size_t i = 0; i < row->count; i++) {
        done += row->states[i] == EAR_CELL_DONE;
        bad += row->states[i] == EAR_CELL_BAD;
    }
    if (done == row->count) {
        push(&settler->over_rows, row);
    } else if (done == 0 && bad == 0) {
        finish(settler, row, true); /* handed back whole: the database has it as it is */
        return;
    } else {
        push(&settler->to_judge, row);
    }
    work(settler);
}

bool ear_settler_idle(const struct ear_settler *settler)
{
    return !settler->over_rows.first && !settler->deleting.first && !settler->to_judge.first &&
           !settler->judged;
}
