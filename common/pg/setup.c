#include "pg/setup.h"

#include "pg/sqlstate.h"

/* Command 0 sets the limits, 1 asks for the types of rows, 2 who we are and what schema there is,
 * where a role is named; then two commands a statement. Compiling a plan (jit) takes longer than
 * any of our statements does. */
static const char limits_sql[] = "SELECT set_config('statement_timeout', $1, false),"
                                 " set_config('idle_in_transaction_session_timeout', '60s', false),"
                                 " set_config('enable_seqscan', $2, false),"
                                 " set_config('enable_bitmapscan', $2, false),"
                                 " set_config('enable_hashjoin', $2, false),"
                                 " set_config('enable_mergejoin', $2, false),"
                                 " set_config('plan_cache_mode', $3, false),"
                                 " set_config('jit', 'off', false)";

static const char schema_sql[] = "SELECT coalesce(max(version), 0), pg_has_role($1::name, 'USAGE')"
                                 " FROM earshot.migration";

static const char row_types_sql[] = "SELECT t.typarray, t.oid FROM pg_catalog.pg_type t"
                                    " JOIN pg_catalog.pg_class c ON c.oid = t.typrelid"
                                    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                                    " WHERE c.relkind = 'c' AND n.nspname = 'earshot'";

enum { LIMITS, ROW_TYPES, SCHEMA };

static size_t first_prepare(const struct ear_pg_statements *all)
{
    return all->role ? SCHEMA + 1 : ROW_TYPES + 1;
}

bool ear_pg_setup_send(struct ear_pg_setup *setup, PGconn *pq)
{
    const struct ear_pg_statements *all = setup->statements;
    const char *values[] = {all->timeout, all->scans, all->plans};
    setup->user = PQuser(pq);
    bool sent = PQsendQueryParams(pq, limits_sql, 3, NULL, values, NULL, NULL, 0) == 1 &&
                PQsendQueryParams(pq, row_types_sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
    if (all->role && sent)
        sent = PQsendQueryParams(pq, schema_sql, 1, NULL, &all->role, NULL, NULL, 0) == 1;
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

static bool is_one_of(const char *state, const char *const *states, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ear_str_eq(ear_str_from(state), ear_str_from(states[i]))) return true;
    return false;
}

/* Whoever reads it is to know what to do: the server only names what it missed first. */
static void explain_setup(struct ear_pg_setup *setup, const PGresult *result, const char *name)
{
    /* no such table, schema or role; no such column or function: of another schema than ours */
    static const char *const absent[] = {"42P01", "3F000", "42704"};
    static const char *const other[] = {"42703", "42883"};
    const struct ear_pg_statements *all = setup->statements;
    struct ear_diag *diag = &setup->diag;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool drop;
    ear_pg_explain(result, name, &drop, diag);
    if (!state) return;
    const struct ear_diag said = *diag;
    bool none = is_one_of(state, absent, EAR_COUNT(absent));
    if (diag->err == EAR_DENIED)
        ear_fail(diag, EAR_DENIED, "role \"%s\" lacks rights: connect as %s (%.300s)", setup->user,
                 all->role ? all->role : "the role this program is for", said.text);
    else if (none && !setup->schema)
        ear_fail(diag, said.err, "the database has no schema: run earshotctl migrate (%.300s)",
                 said.text);
    else if (none || is_one_of(state, other, EAR_COUNT(other)))
        ear_fail(diag, said.err,
                 "the schema, at migration %lld, does not fit this version: run the earshotctl "
                 "migrate of this version (%.300s)",
                 (long long)setup->schema, said.text);
}

static void take_schema(struct ear_pg_setup *setup, const PGresult *result)
{
    struct ear_pg_statements *all = setup->statements;
    if (PQntuples(result) != 1 ||
        ear_num_i64(ear_str_from(PQgetvalue(result, 0, 0)), 0, INT64_MAX, &setup->schema))
        return;
    all->schema = setup->schema;
    if (PQgetvalue(result, 0, 1)[0] != 't')
        ear_fail(&setup->diag, EAR_DENIED,
                 "role \"%s\" lacks the rights of %s: say user=%s in EAR_PG, or GRANT %s TO it",
                 setup->user, all->role, all->role, all->role);
    else if (setup->schema && setup->schema < all->schema_least)
        ear_fail(&setup->diag, EAR_UNSUPPORTED,
                 "the schema is at migration %lld, this version takes %lld and later: run "
                 "earshotctl migrate",
                 (long long)setup->schema, (long long)all->schema_least);
}

static void take_row_types(struct ear_pg_setup *setup, const PGresult *result)
{
    struct ear_pg_statements *all = setup->statements;
    uint64_t array, row;
    all->row_type_count = 0;
    for (int i = 0; i < PQntuples(result) && all->row_type_count < EAR_PG_ROW_TYPES_MAX; i++)
        if (!ear_num_u64(ear_str_from(PQgetvalue(result, i, 0)), UINT32_MAX, &array) &&
            !ear_num_u64(ear_str_from(PQgetvalue(result, i, 1)), UINT32_MAX, &row))
            all->row_types[all->row_type_count++] = (struct ear_pg_row_type){(Oid)array, (Oid)row};
}

static const char *name_of(const struct ear_pg_statements *all, size_t at)
{
    static const char *const names[] = {"limits", "row types", "schema"};
    size_t first = first_prepare(all), statement = at >= first ? (at - first) / 2 : 0;
    if (at < first) return names[at];
    /* After the last answer PostgreSQL may still say that it is being stopped. */
    return statement < all->count ? all->items[statement].name : "the end";
}

void ear_pg_setup_result(struct ear_pg_setup *setup, size_t at, PGresult *result)
{
    size_t first = first_prepare(setup->statements);
    size_t statement = at >= first ? (at - first) / 2 : 0;
    bool described = at >= first && statement < setup->statements->count && (at - first) % 2 == 1;
    const char *name = name_of(setup->statements, at);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_FATAL_ERROR && !setup->diag.err)
        explain_setup(setup, result, name);
    else if (status == PGRES_TUPLES_OK && at == ROW_TYPES)
        take_row_types(setup, result);
    else if (status == PGRES_TUPLES_OK && at == SCHEMA && at < first && !setup->diag.err)
        take_schema(setup, result);
    else if (status == PGRES_COMMAND_OK && described)
        keep_shape(setup, statement, result);
    PQclear(result);
}

bool ear_pg_copies(const struct ear_pg_statement *statement, struct ear_str *into)
{
    const struct ear_str copy = EAR_STR("COPY "), from = EAR_STR("FROM STDIN");
    struct ear_str sql = ear_str_from(statement->sql);
    size_t end = ear_str_find(sql, from);
    if (!ear_str_starts(sql, copy) || end == SIZE_MAX) return false;
    if (into) *into = (struct ear_str){sql.ptr + copy.len, end - copy.len};
    return true;
}

/* COPY has no plan; an INSERT into the same columns needs the same rights. */
static ear_err plan_copy(struct ear_str into, struct ear_buf *sql)
{
    ear_err err =
        ear_buf_printf(sql, "EXPLAIN INSERT INTO %.*s SELECT NULL", (int)into.len, into.ptr);
    for (size_t i = 0; i < into.len && !err; i++)
        if (into.ptr[i] == ',') err = ear_buf_printf(sql, ",NULL");
    return err;
}

ear_err ear_pg_plan_sql(const struct ear_pg_statements *statements, size_t at, struct ear_buf *sql)
{
    struct ear_str into;
    if (ear_pg_copies(&statements->items[at], &into)) return plan_copy(into, sql);
    ear_err err = ear_buf_printf(sql, "EXPLAIN EXECUTE %s", statements->items[at].name);
    for (size_t i = 0; i < statements->shapes[at].count && !err; i++)
        err = ear_buf_printf(sql, i ? ",NULL" : "(NULL");
    if (!err && statements->shapes[at].count) err = ear_buf_printf(sql, ")");
    return err;
}

static bool fits(const struct ear_pg_statements *statements, const struct ear_pg_parameter *p,
                 Oid type)
{
    if (p->null) return true;
    if (!ear_pg_fits(p->type, p->array != NULL, type)) return false;
    if (p->type != EAR_PG_ROWS) return true;
    for (size_t i = 0; i < statements->row_type_count; i++) {
        if (statements->row_types[i].array != type) continue;
        ear_pg_array_of_rows(p->array, statements->row_types[i].row);
        return true;
    }
    return false;
}

static ear_err check_step(const struct ear_pg_statements *statements,
                          const struct ear_pg_batch *batch, const struct ear_pg_step *step,
                          struct ear_diag *diag)
{
    EAR_CHECK(step->statement < statements->count);
    const char *name = statements->items[step->statement].name;
    const struct ear_pg_shape *shape = &statements->shapes[step->statement];
    bool copies = ear_pg_copies(&statements->items[step->statement], NULL);
    if (copies && step->copies && step->count == 1) return EAR_OK;
    if (copies || step->copies)
        return ear_fail(diag, EAR_INVALID,
                        "%s: rows for COPY belong to COPY, and nothing else does", name);
    if (step->count != shape->count)
        return ear_fail(diag, EAR_INVALID, "%s takes %zu parameters, %zu given", name, shape->count,
                        step->count);
    for (size_t i = 0; i < step->count; i++) {
        const struct ear_pg_parameter *p = &batch->parameters[step->first + i];
        if (fits(statements, p, shape->types[i])) continue;
        return ear_fail(diag, EAR_INVALID, "%s: parameter %zu has type number %u, %s%s given", name,
                        i + 1, shape->types[i], ear_pg_type_name(p->type), p->array ? "[]" : "");
    }
    return EAR_OK;
}

ear_err ear_pg_setup_check(const struct ear_pg_statements *statements, struct ear_pg_batch *batch,
                           struct ear_diag *diag)
{
    ear_err err = EAR_OK;
    for (size_t i = 0; i < batch->step_count && !err; i++)
        err = check_step(statements, batch, &batch->steps[i], diag);
    return err;
}
