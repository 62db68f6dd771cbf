#include "pg/setup.h"

#include "pg/sqlstate.h"

/* Command 0 sets the limits; then two commands a statement. Compiling a plan (jit) takes longer
 * than any of our statements does. */
static const char limits_sql[] = "SELECT set_config('statement_timeout', $1, false),"
                                 " set_config('idle_in_transaction_session_timeout', '60s', false),"
                                 " set_config('enable_seqscan', $2, false),"
                                 " set_config('enable_hashjoin', $2, false),"
                                 " set_config('enable_mergejoin', $2, false),"
                                 " set_config('jit', 'off', false)";

bool ear_pg_setup_send(const struct ear_pg_setup *setup, PGconn *pq)
{
    const struct ear_pg_statements *all = setup->statements;
    const char *values[] = {all->timeout, all->scans};
    bool sent = PQsendQueryParams(pq, limits_sql, 2, NULL, values, NULL, NULL, 0) == 1;
    for (size_t i = 0; i < all->count && sent; i++)
        sent = PQsendPrepare(pq, all->items[i].name, all->items[i].sql, 0, NULL) == 1 &&
               PQsendDescribePrepared(pq, all->items[i].name) == 1;
    return sent;
}

ear_err ear_pg_explain(const PGresult *result, const char *statement, bool *drop,
                       struct ear_diag *diag)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    struct ear_pg_verdict verdict = ear_pg_judge(state);
    *drop = verdict.drop;
    if (!state) return ear_fail(diag, verdict.err, "connection lost at %s", statement);
    return ear_fail(diag, verdict.err, "%s: %s (SQLSTATE %s)", statement, text ? text : "", state);
}

static void keep_shape(struct ear_pg_setup *setup, size_t statement, const PGresult *result)
{
    struct ear_pg_shape *shape = &setup->statements->shapes[statement];
    int count = PQnparams(result);
    if (count > EAR_PG_PARAMETERS_MAX) {
        ear_fail(&setup->diag, EAR_INVALID, "%s has more than %d parameters",
                 setup->statements->items[statement].name, EAR_PG_PARAMETERS_MAX);
        return;
    }
    shape->count = (size_t)count;
    for (int i = 0; i < count; i++) shape->types[i] = PQparamtype(result, i);
}

void ear_pg_setup_result(struct ear_pg_setup *setup, size_t at, PGresult *result)
{
    size_t statement = at ? (at - 1) / 2 : 0;
    bool described = at && (at - 1) % 2 == 1;
    const char *name = at ? setup->statements->items[statement].name : "limits";
    bool drop;
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_FATAL_ERROR && !setup->diag.err)
        ear_pg_explain(result, name, &drop, &setup->diag);
    else if (status == PGRES_COMMAND_OK && described)
        keep_shape(setup, statement, result);
    PQclear(result);
}

static ear_err check_step(const struct ear_pg_statements *statements,
                          const struct ear_pg_batch *batch, const struct ear_pg_step *step,
                          struct ear_diag *diag)
{
    EAR_CHECK(step->statement < statements->count);
    const char *name = statements->items[step->statement].name;
    const struct ear_pg_shape *shape = &statements->shapes[step->statement];
    if (step->count != shape->count)
        return ear_fail(diag, EAR_INVALID, "%s takes %zu parameters, %zu given", name, shape->count,
                        step->count);
    for (size_t i = 0; i < step->count; i++) {
        const struct ear_pg_parameter *p = &batch->parameters[step->first + i];
        if (p->null || ear_pg_fits(p->type, p->array != NULL, shape->types[i])) continue;
        return ear_fail(diag, EAR_INVALID, "%s: parameter %zu has type number %u, %s%s given", name,
                        i + 1, shape->types[i], ear_pg_type_name(p->type), p->array ? "[]" : "");
    }
    return EAR_OK;
}

ear_err ear_pg_setup_check(const struct ear_pg_statements *statements,
                           const struct ear_pg_batch *batch, struct ear_diag *diag)
{
    ear_err err = EAR_OK;
    for (size_t i = 0; i < batch->step_count && !err; i++)
        err = check_step(statements, batch, &batch->steps[i], diag);
    return err;
}
