/* wait: pg for tools and tests, that have nothing else to do than to wait for the answer. */
#include "pg/pool.h"

#include <stdlib.h>

#define CONNECT_WAIT_MS 30000
#define TURN_MS         100

struct waiting {
    bool over;
    ear_err err;
    struct ear_diag *diag;
};

static void on_answer(void *self, ear_err err, const struct ear_pg_result *const *results,
                      size_t count, const struct ear_diag *diag)
{
    struct waiting *waiting = self;
    (void)results;
    (void)count;
    waiting->over = true;
    waiting->err = err;
    if (err) ear_fail(waiting->diag, err, "%s", diag->text);
}

/* Until a connection can be used, at most half a minute; not at all when we are refused. */
static ear_err wait_up(struct ear_pg *pg, struct ear_diag *diag)
{
    int64_t until_ms = ear_clock_mono_ms() + CONNECT_WAIT_MS;
    while (!pg->usable) {
        bool refused = pg->why.err == EAR_DENIED || pg->why.err == EAR_INVALID;
        if (refused || ear_clock_mono_ms() >= until_ms)
            return ear_fail(diag, pg->why.err ? pg->why.err : EAR_UNAVAILABLE, "%s", pg->why.text);
        ear_loop_turn(pg->loop, TURN_MS);
    }
    return EAR_OK;
}

ear_err ear_pg_wait(struct ear_pg *pg, struct ear_pg_batch **batch, struct ear_pg_results *out,
                    struct ear_diag *diag)
{
    struct waiting waiting = {.diag = diag};
    struct ear_pg_set *set = NULL;
    *out = (struct ear_pg_results){0};
    ear_err err = wait_up(pg, diag);
    if (err) {
        ear_pg_batch_free(batch);
        return err;
    }
    struct ear_pg_flight *flight = ear_pg_enqueue(pg, batch, on_answer, &waiting);
    flight->opens = flight->commits = true;
    flight->keep = &set;
    ear_pg_kick(pg);
    while (!waiting.over) ear_loop_turn(pg->loop, TURN_MS);
    if (waiting.err) return waiting.err;
    *out = (struct ear_pg_results){.items = set->shown, .count = set->count, .owned = set};
    return EAR_OK;
}

void ear_pg_results_release(struct ear_pg_results *results)
{
    struct ear_pg_set *set = results->owned;
    ear_pg_set_free(&set);
    *results = (struct ear_pg_results){0};
}

/* EXPLAIN plans with the rights of the role that is connected, and changes nothing. */
static ear_err explain_text(struct ear_buf *sql, struct ear_pg *pg, size_t at)
{
    const struct ear_pg_statement *statement = &pg->statements.items[at];
    if (ear_pg_copies(statement, NULL)) return ear_pg_plan_sql(&pg->statements, at, sql);
    ear_err err = ear_buf_printf(sql, "PREPARE %s AS %s;\n", statement->name, statement->sql);
    if (!err) err = ear_pg_plan_sql(&pg->statements, at, sql);
    return err ? err : ear_buf_printf(sql, ";\nDEALLOCATE %s", statement->name);
}

static ear_err check_statement(struct ear_pg *pg, size_t at, struct ear_diag *diag)
{
    struct ear_buf sql;
    ear_buf_init(&sql, (size_t)1 << 20);
    ear_err err = explain_text(&sql, pg, at);
    if (err)
        ear_fail(diag, err, "too large");
    else
        err = ear_pg_script(pg, ear_buf_str(&sql), diag);
    ear_buf_release(&sql);
    return err ? ear_fail_in(diag, err, pg->statements.items[at].name) : EAR_OK;
}

ear_err ear_pg_check_statements(struct ear_pg *pg, struct ear_diag *diag)
{
    ear_err err = wait_up(pg, diag);
    for (size_t i = 0; i < pg->statements.count && !err; i++) err = check_statement(pg, i, diag);
    return err;
}
