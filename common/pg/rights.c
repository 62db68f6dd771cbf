#include "pg/rights.h"

#define LOOK_MS   3000
#define AT_ONCE   8
#define SQL_BYTES 16384

/* A plan for any parameters, or those of nothing but NULL would count among those that PostgreSQL
 * weighs when it decides how to plan the real ones. */
static const char any_plan_sql[] =
    "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)";

void ear_pg_rights_missing(struct ear_pg *pg, size_t statement, const struct ear_diag *why)
{
    pg->rights.missing = *why;
    pg->rights.at = statement;
}

static void on_plan(void *self, size_t at, PGresult *result)
{
    struct ear_pg *pg = ((struct ear_pg_slot *)self)->pg;
    struct ear_pg_rights *rights = &pg->rights;
    bool drop;
    if (PQresultStatus(result) == PGRES_FATAL_ERROR && at > 0 && rights->refused == rights->count) {
        rights->refused = at - 1;
        const char *name = pg->statements.items[rights->from + at - 1].name;
        ear_pg_explain(result, name, &drop, &rights->why);
    }
    PQclear(result);
}

static void on_planned(void *self, ear_err err, const struct ear_diag *diag)
{
    struct ear_pg_slot *slot = self;
    struct ear_pg_rights *rights = &slot->pg->rights;
    (void)diag;
    rights->looking = false;
    if (err) return;
    size_t refused = rights->from + rights->refused;
    bool all = rights->refused == rights->count;
    if (!all && rights->why.err == EAR_DENIED) {
        ear_pg_rights_missing(slot->pg, refused, &rights->why);
    } else if (!rights->missing.err || rights->at == rights->from) {
        /* Not where somebody was refused another one meanwhile. */
        rights->missing = (struct ear_diag){0};
        rights->at = all ? refused : refused + 1;
    }
    ear_pg_release_slot(slot);
}

static bool send_plan(PGconn *pq, const struct ear_pg_statements *all, size_t at)
{
    struct ear_buf sql;
    ear_buf_init(&sql, SQL_BYTES);
    bool sent = ear_pg_plan_sql(all, at, &sql) == EAR_OK &&
                PQsendQueryParams(pq, sql.data, 0, NULL, NULL, NULL, NULL, 0) == 1;
    ear_buf_release(&sql);
    return sent;
}

static struct ear_pg_slot *idle_slot(struct ear_pg *pg)
{
    for (size_t i = 0; i < pg->slot_count; i++)
        if (!pg->slots[i].session && ear_pg_conn_idle(pg->slots[i].conn)) return &pg->slots[i];
    return NULL;
}

/* The one that is missing again and again, otherwise the next ones. */
static void look(void *self)
{
    struct ear_pg *pg = self;
    struct ear_pg_rights *rights = &pg->rights;
    struct ear_pg_slot *slot = idle_slot(pg);
    if (!slot || !pg->statements.count || rights->looking)
        return; /* whoever works learns of it by that */
    if (rights->at >= pg->statements.count) rights->at = 0;
    size_t left = pg->statements.count - rights->at;
    rights->looking = true;
    rights->from = rights->at;
    rights->count = rights->missing.err ? 1 : left < AT_ONCE ? left : AT_ONCE;
    rights->refused = rights->count;
    PGconn *pq = ear_pg_conn_pq(slot->conn);
    bool sent = PQsendQueryParams(pq, any_plan_sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
    for (size_t i = 0; i < rights->count && sent; i++)
        sent = send_plan(pq, &pg->statements, rights->from + i);
    struct ear_pg_job job = {.result = on_plan, .done = on_planned, .self = slot};
    ear_pg_conn_run(slot->conn, &job, sent);
}

void ear_pg_rights_watch(struct ear_pg *pg)
{
    ear_timer_new(&pg->rights.timer, pg->loop, look, pg);
    ear_timer_start(pg->rights.timer, LOOK_MS, LOOK_MS);
}

bool ear_pg_works(const struct ear_pg *pg, struct ear_diag *why)
{
    const struct ear_diag *missing = &pg->rights.missing;
    if (!ear_pg_is_up(pg))
        ear_fail(why, EAR_UNAVAILABLE, "PostgreSQL: %s", ear_pg_why_down(pg));
    else if (missing->err)
        ear_fail(why, EAR_DENIED, "PostgreSQL: %s", missing->text);
    return ear_pg_is_up(pg) && !missing->err;
}
