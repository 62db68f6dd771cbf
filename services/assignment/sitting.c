#include "sitting.h"

#include <stdlib.h>

#define WRITE_BYTES_MAX ((size_t)64 << 20)

struct sitting {
    struct ear_pg_session *session; /* owned */
    struct ear_care_version *care;  /* held */
    struct ear_models *models;
    struct ear_asked asked;
    const struct ear_sitting_ops *ops;
    void *self;
    struct ear_book book;
};

static void end(struct sitting *s, ear_err err, const struct ear_diag *diag)
{
    ear_pg_session_end(&s->session);
    s->ops->done(s->self, err, &s->book, diag);
    ear_book_release(&s->book);
    ear_care_let_go(&s->care);
    free(s);
}

static void on_written(void *self, ear_err err, const struct ear_pg_result *const *results,
                       size_t count, const struct ear_diag *diag)
{
    (void)results, (void)count;
    end(self, err, diag);
}

static void write(struct sitting *s)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(WRITE_BYTES_MAX);
    struct ear_diag diag = {0};
    ear_err err = ear_store_write(batch, &s->book, s->models);
    if (err) {
        ear_pg_batch_free(&batch);
        ear_fail(&diag, err, "the changes are too large to be written");
        end(s, err, &diag);
        return;
    }
    if (s->ops->write) s->ops->write(s->self, batch, &s->book);
    ear_store_write_loads(batch, &s->book);
    ear_pg_session_run(s->session, &batch, true, on_written, s);
}

static void on_facts(void *self, ear_err err, const struct ear_pg_result *const *results,
                     size_t count, const struct ear_diag *diag)
{
    struct sitting *s = self;
    (void)count;
    struct ear_diag none = {0};
    if (err) {
        end(s, err, diag);
        return;
    }
    /* Not before: whoever held the locks may have written until now. */
    s->book.now_us = ear_clock_wall_us();
    const struct ear_pg_result *shifts = ear_store_answer(&s->asked, EAR_FACT_SHIFTS, results);
    if (shifts) ear_care_note_shifts(s->care, shifts);
    ear_store_fill(&s->book, &s->asked, results);
    err = s->ops->decide(s->self, &s->book, results + s->asked.count);
    if (err || (ear_store_is_clean(&s->book) && !s->ops->write))
        end(s, err, &none);
    else
        write(s);
}

void ear_sitting_open(const struct ear_ground *ground, const struct ear_wants *wants,
                      const struct ear_sitting_ops *ops, void *self)
{
    struct sitting *s = ear_alloc(sizeof(*s));
    s->ops = ops;
    s->self = self;
    s->care = ear_care_hold(ground->care);
    s->models = ground->models;
    ear_book_init(&s->book, ear_care_of(s->care), 0, ear_id_new);
    ear_pg_session_new(&s->session, ground->pg);
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    s->asked = ear_store_ask(batch, wants, ear_leases_alone(ground->leases),
                             !ear_care_shifts_are_known(s->care));
    if (ops->ask) ops->ask(self, batch);
    ear_pg_session_run(s->session, &batch, false, on_facts, s);
}
