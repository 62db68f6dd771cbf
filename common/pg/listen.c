/* listen: NOTIFY, on a connection of its own. */
#include "pg/pool.h"

#include <stdlib.h>

struct channel {
    struct channel *next;
    char *name; /* owned */
    ear_pg_notify_fn *fn;
    void *self;
    bool asked; /* LISTEN went out on this connection */
    bool live;  /* and was answered */
};

struct ear_pg_listener {
    struct ear_pg_conn *conn; /* owned */
    struct channel *channels; /* owned, linked */
    struct ear_diag diag;     /* err: the last LISTEN failed */
};

static void on_result(void *self, size_t at, PGresult *result)
{
    struct ear_pg_listener *listener = self;
    bool drop;
    (void)at;
    if (PQresultStatus(result) == PGRES_FATAL_ERROR)
        ear_pg_explain(result, "LISTEN", &drop, &listener->diag);
    PQclear(result);
}

static void ask(struct ear_pg_listener *listener);

/* From now on nothing is missed; what came before may have been. */
static void on_done(void *self, ear_err err, const struct ear_diag *diag)
{
    struct ear_pg_listener *listener = self;
    (void)diag;
    if (err) return;
    if (listener->diag.err) {
        ear_pg_conn_drop(listener->conn, &listener->diag);
        return;
    }
    if (!ear_pg_conn_is_usable(listener->conn)) ear_pg_conn_usable(listener->conn);
    bool more = false;
    for (struct channel *channel = listener->channels; channel; channel = channel->next) {
        if (!channel->asked) more = true;
        if (!channel->asked || channel->live) continue;
        channel->live = true;
        channel->fn(channel->self, EAR_STR(""));
    }
    if (more && ear_pg_conn_idle(listener->conn)) ask(listener);
}

static bool send_listen(PGconn *pq, const char *name)
{
    struct ear_buf sql;
    char *quoted = PQescapeIdentifier(pq, name, strlen(name));
    ear_buf_init(&sql, 1024);
    bool sent = quoted && ear_buf_printf(&sql, "LISTEN %s", quoted) == EAR_OK &&
                PQsendQueryParams(pq, sql.data, 0, NULL, NULL, NULL, NULL, 1) == 1;
    PQfreemem(quoted);
    ear_buf_release(&sql);
    return sent;
}

static void ask(struct ear_pg_listener *listener)
{
    bool sent = true;
    listener->diag = (struct ear_diag){0};
    for (struct channel *channel = listener->channels; channel && sent; channel = channel->next) {
        if (channel->asked) continue;
        channel->asked = true;
        sent = send_listen(ear_pg_conn_pq(listener->conn), channel->name);
    }
    struct ear_pg_job job = {.result = on_result, .done = on_done, .self = listener};
    ear_pg_conn_run(listener->conn, &job, sent);
}

static void on_setup(void *self, struct ear_pg_conn *conn)
{
    (void)conn;
    ask(self);
}

static void on_down(void *self, struct ear_pg_conn *conn, const struct ear_diag *why)
{
    struct ear_pg_listener *listener = self;
    (void)conn;
    (void)why;
    for (struct channel *channel = listener->channels; channel; channel = channel->next)
        channel->asked = channel->live = false;
}

static void on_notify(void *self, struct ear_str name, struct ear_str payload)
{
    struct ear_pg_listener *listener = self;
    for (struct channel *channel = listener->channels; channel; channel = channel->next)
        if (ear_str_eq(ear_str_from(channel->name), name)) channel->fn(channel->self, payload);
}

ear_err ear_pg_listen(struct ear_pg *pg, const char *channel_name, ear_pg_notify_fn *fn, void *self)
{
    static const struct ear_pg_conn_ops ops = {
        .setup = on_setup, .down = on_down, .notify = on_notify};
    size_t len = strlen(channel_name);
    if (len == 0 || len > 63) return EAR_INVALID;
    if (!pg->listener) pg->listener = ear_alloc(sizeof(*pg->listener));
    struct channel *channel = ear_alloc(sizeof(*channel));
    *channel = (struct channel){
        .next = pg->listener->channels, .name = ear_strdup(channel_name), .fn = fn, .self = self};
    pg->listener->channels = channel;
    if (!pg->listener->conn)
        ear_pg_conn_new(&pg->listener->conn, pg->loop, &pg->target, pg->patience_ms, &ops,
                        pg->listener);
    else if (ear_pg_conn_idle(pg->listener->conn))
        ask(pg->listener);
    return EAR_OK;
}

void ear_pg_listener_free(struct ear_pg_listener **ref)
{
    struct ear_pg_listener *listener = *ref;
    if (!listener) return;
    *ref = NULL;
    ear_pg_conn_free(&listener->conn);
    while (listener->channels) {
        struct channel *channel = listener->channels;
        listener->channels = channel->next;
        free(channel->name);
        free(channel);
    }
    free(listener);
}
