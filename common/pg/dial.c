#include "pg/dial.h"

#include "pg/sqlstate.h"
#include <stdlib.h>

#define DIAL_TIMEOUT_MS 10000 /* look-ups; an address that is the only or the last one */

struct asked {
    struct ear_pg_dial *dial;
    struct ear_resolve *token; /* while the look-up is under way */
};

struct ear_pg_dial {
    struct ear_loop *loop;
    const struct ear_pg_target *target;
    ear_pg_dial_fn *fn;
    void *self;
    struct asked asked[EAR_PG_HOSTS_MAX];
    struct ear_pg_host_addresses found[EAR_PG_HOSTS_MAX];
    size_t pending;       /* look-ups */
    size_t host, address; /* the one that is tried next */
    struct ear_diag diag; /* what all tried so far said */
    int64_t patience_ms;  /* of the one under way */
    PGconn *pq;           /* owned until handed over */
    struct ear_watch *watch;
    struct ear_timer *timer;
};

void ear_pg_dial_explain(const PGconn *pq, ear_err err, struct ear_diag *diag)
{
    struct ear_str words = ear_str_trim(ear_str_from(pq ? PQerrorMessage(pq) : "out of memory"));
    if (!words.len) words = EAR_STR("connection lost");
    ear_fail(diag, err, "%.*s", EAR_STR_ARG(words));
    char *to = diag->text;
    for (const char *c = diag->text; *c; c++) { /* in one line, with single blanks */
        bool blank = *c == ' ' || *c == '\n' || *c == '\t';
        if (!blank || to == diag->text || to[-1] != ' ') *to++ = blank ? ' ' : *c;
    }
    *to = '\0';
}

/* The owner may free the dial inside fn, so nothing is touched after it. */
static void give_up(struct ear_pg_dial *dial)
{
    struct ear_diag diag = dial->diag;
    if (ear_pg_is_refusal(diag.text)) diag.err = EAR_DENIED;
    ear_timer_stop(dial->timer);
    dial->fn(dial->self, NULL, &diag);
}

static bool is_left(struct ear_pg_dial *dial)
{
    const struct ear_pg_target *target = dial->target;
    if (!target->host_count) return dial->host == 0;
    while (dial->host < target->host_count && dial->address >= dial->found[dial->host].count) {
        dial->host++;
        dial->address = 0;
    }
    return dial->host < target->host_count;
}

static void on_socket(void *self, unsigned events);
static void connect_next(struct ear_pg_dial *dial);

/* On to the next address; what this one said is told if none will do. */
static void fail_address(struct ear_pg_dial *dial, const struct ear_diag *why)
{
    struct ear_diag before = dial->diag;
    ear_watch_free(&dial->watch);
    if (dial->pq) PQfinish(dial->pq);
    dial->pq = NULL;
    ear_fail(&dial->diag, before.err ? before.err : why->err, "%.*s%s%.200s",
             (int)sizeof(before.text) - 210, before.text, before.text[0] ? "; " : "", why->text);
    connect_next(dial);
}

static void fail_connect(struct ear_pg_dial *dial)
{
    struct ear_diag why;
    ear_pg_dial_explain(dial->pq, EAR_UNAVAILABLE, &why);
    bool password =
        PQconnectionNeedsPassword(dial->pq) || strstr(why.text, "password authentication");
    size_t len = strlen(why.text);
    if (password) snprintf(why.text + len, sizeof(why.text) - len, " (see EAR_PG_PASSWORD_FILE)");
    fail_address(dial, &why);
}

/* The socket may be another one after each poll, with the same number even: the watch never
 * outlives a poll. */
static void poll_connect(struct ear_pg_dial *dial, PostgresPollingStatusType status)
{
    PGconn *pq = dial->pq;
    switch (status) {
    case PGRES_POLLING_OK:
        dial->pq = NULL;
        ear_timer_stop(dial->timer);
        dial->fn(dial->self, pq, NULL);
        return;
    case PGRES_POLLING_READING:
    case PGRES_POLLING_WRITING:
        if (ear_watch_new(&dial->watch, dial->loop, PQsocket(pq), on_socket, dial) != EAR_OK) {
            fail_connect(dial);
            return;
        }
        ear_watch_set(dial->watch, status == PGRES_POLLING_READING ? EAR_READABLE : EAR_WRITABLE);
        return;
    case PGRES_POLLING_FAILED:
    default:
        fail_connect(dial);
    }
}

static void on_socket(void *self, unsigned events)
{
    struct ear_pg_dial *dial = self;
    (void)events;
    ear_watch_free(&dial->watch);
    poll_connect(dial, PQconnectPoll(dial->pq));
}

static const char *take_address(struct ear_pg_dial *dial, size_t *host)
{
    *host = dial->host;
    if (!dial->target->host_count) {
        dial->host++;
        return "";
    }
    return dial->found[dial->host].items[dial->address++];
}

/* One that swallows what it is sent must not keep us from the others for longer than its share. */
static void connect_next(struct ear_pg_dial *dial)
{
    size_t host;
    if (!is_left(dial)) {
        give_up(dial);
        return;
    }
    const char *address = take_address(dial, &host);
    dial->patience_ms = is_left(dial) ? ear_pg_target_patience_ms(dial->target) : DIAL_TIMEOUT_MS;
    ear_timer_start(dial->timer, dial->patience_ms, 0);
    dial->pq = ear_pg_target_connect(dial->target, host, address);
    bool bad = !dial->pq || PQstatus(dial->pq) == CONNECTION_BAD;
    poll_connect(dial, bad ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING);
}

static void begin(struct ear_pg_dial *dial)
{
    if (!is_left(dial))
        ear_fail(&dial->diag, EAR_UNAVAILABLE, "host \"%s\"%s cannot be resolved",
                 dial->target->hosts[0], dial->target->host_count > 1 ? " (and the others)" : "");
    connect_next(dial);
}

static void add_address(struct ear_pg_host_addresses *found, const char *address)
{
    if (found->count < EAR_PG_ADDRESSES_MAX) found->items[found->count++] = ear_strdup(address);
}

static void on_resolved(void *self, ear_err err, const char *const *addresses, size_t count)
{
    struct asked *asked = self;
    struct ear_pg_dial *dial = asked->dial;
    size_t host = (size_t)(asked - dial->asked);
    asked->token = NULL;
    for (size_t i = 0; !err && i < count; i++) add_address(&dial->found[host], addresses[i]);
    if (--dial->pending == 0) begin(dial);
}

static void forget_look_ups(struct ear_pg_dial *dial)
{
    for (size_t i = 0; i < dial->target->host_count; i++)
        if (dial->asked[i].token) ear_resolve_forget(&dial->asked[i].token);
    dial->pending = 0;
}

/* Also the way into begin when nothing had to be looked up, so that fn never comes from inside
 * ear_pg_dial_new. */
static void on_timer(void *self)
{
    struct ear_pg_dial *dial = self;
    struct ear_diag why;
    if (dial->pq) {
        const char *host = PQhost(dial->pq), *port = PQport(dial->pq);
        ear_fail(&why, EAR_TIMEOUT, "no connection to \"%s\", port %s within %lld s",
                 host ? host : "", port ? port : "", (long long)dial->patience_ms / 1000);
        fail_address(dial, &why);
        return;
    }
    forget_look_ups(dial); /* what is known by now has to do */
    begin(dial);
}

static void look_up(struct ear_pg_dial *dial, size_t host)
{
    const char *name = dial->target->hosts[host];
    dial->asked[host].dial = dial;
    if (ear_pg_target_is_plain(name)) {
        bool folder = name[0] == '\0' || name[0] == '/' || name[0] == '@';
        add_address(&dial->found[host], folder ? "" : name);
        return;
    }
    dial->pending++;
    ear_resolve_start(&dial->asked[host].token, dial->loop, name, on_resolved, &dial->asked[host]);
}

void ear_pg_dial_new(struct ear_pg_dial **out, struct ear_loop *loop,
                     const struct ear_pg_target *target, ear_pg_dial_fn *fn, void *self)
{
    struct ear_pg_dial *dial = ear_alloc(sizeof(*dial));
    *dial = (struct ear_pg_dial){.loop = loop, .target = target, .fn = fn, .self = self};
    *out = dial;
    ear_timer_new(&dial->timer, loop, on_timer, dial);
    for (size_t i = 0; i < target->host_count; i++) look_up(dial, i);
    ear_timer_start(dial->timer, dial->pending ? DIAL_TIMEOUT_MS : 0, 0);
}

void ear_pg_dial_free(struct ear_pg_dial **ref)
{
    struct ear_pg_dial *dial = *ref;
    if (!dial) return;
    *ref = NULL;
    ear_watch_free(&dial->watch);
    ear_timer_free(&dial->timer);
    forget_look_ups(dial);
    for (size_t i = 0; i < dial->target->host_count; i++)
        for (size_t a = 0; a < dial->found[i].count; a++) free(dial->found[i].items[a]);
    if (dial->pq) PQfinish(dial->pq);
    free(dial);
}
