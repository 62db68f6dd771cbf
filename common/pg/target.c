#include "pg/target.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define OPTIONS_MAX 96
#define PATIENCE_S  5

/* What we want unless the conninfo says otherwise: of several hosts the one that takes writes, a
 * peer that vanished without a word noticed within half a minute, and no Kerberos server asked on
 * the loop. */
static const char *const wanted[][2] = {
    {"client_encoding", "UTF8"},
    {"gssencmode", "disable"},
    {"keepalives_idle", "10"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "25000"},
    {"target_session_attrs", "read-write"},
};

static PQconninfoOption *find(PQconninfoOption *options, const char *keyword)
{
    for (PQconninfoOption *o = options; o->keyword; o++)
        if (strcmp(o->keyword, keyword) == 0) return o;
    return NULL;
}

static const char *value_of(PQconninfoOption *options, const char *keyword)
{
    PQconninfoOption *option = find(options, keyword);
    return option && option->val && *option->val ? option->val : NULL;
}

static ear_err split(const char *list, char **items, size_t *count, struct ear_diag *diag)
{
    struct ear_str rest = ear_str_from(list);
    struct ear_str part;
    while (ear_str_split(&rest, ',', &part)) {
        if (*count == EAR_PG_HOSTS_MAX)
            return ear_fail(diag, EAR_INVALID, "more than %d hosts or ports", EAR_PG_HOSTS_MAX);
        items[(*count)++] = ear_str_dup(part);
    }
    return EAR_OK;
}

static ear_err read_hosts(struct ear_pg_target *target, struct ear_diag *diag)
{
    const char *host = value_of(target->options, "host");
    const char *port = value_of(target->options, "port");
    if (value_of(target->options, "hostaddr")) return EAR_OK;
    if (!host) host = getenv("PGHOST");
    if (!host || !*host) return EAR_OK;
    ear_err err = split(host, target->hosts, &target->host_count, diag);
    if (!err && port) err = split(port, target->ports, &target->port_count, diag);
    if (!err && target->port_count > 1 && target->port_count != target->host_count)
        err = ear_fail(diag, EAR_INVALID, "%zu ports for %zu hosts", target->port_count,
                       target->host_count);
    return err;
}

ear_err ear_pg_target_init(struct ear_pg_target *target, const char *conninfo, const char *password,
                           const char *application, struct ear_diag *diag)
{
    char *why = NULL;
    *target = (struct ear_pg_target){.options = PQconninfoParse(conninfo ? conninfo : "", &why)};
    if (!target->options) {
        /* libpq's words may quote the string, and with it a password. */
        PQfreemem(why);
        return ear_fail(diag, EAR_INVALID,
                        "not a PostgreSQL connection string: write host=… dbname=… user=…, or "
                        "postgresql://user@host/dbname");
    }
    if (password && *password) target->password = ear_strdup(password);
    if (application && *application) target->application = ear_strdup(application);
    ear_err err = read_hosts(target, diag);
    if (err) ear_pg_target_release(target);
    return err;
}

void ear_pg_target_release(struct ear_pg_target *target)
{
    if (target->options) PQconninfoFree(target->options);
    if (target->password) ear_secret_wipe(target->password, strlen(target->password));
    free(target->password);
    free(target->application);
    for (size_t i = 0; i < target->host_count; i++) free(target->hosts[i]);
    for (size_t i = 0; i < target->port_count; i++) free(target->ports[i]);
    *target = (struct ear_pg_target){0};
}

bool ear_pg_target_is_plain(const char *host)
{
    uint8_t binary[16];
    return host[0] == '\0' || host[0] == '/' || host[0] == '@' ||
           inet_pton(AF_INET, host, binary) == 1 || inet_pton(AF_INET6, host, binary) == 1;
}

struct words {
    const char *keywords[OPTIONS_MAX];
    const char *values[OPTIONS_MAX];
    size_t count;
};

static void put(struct words *words, const char *keyword, const char *value)
{
    EAR_CHECK(words->count + 1 < OPTIONS_MAX);
    words->keywords[words->count] = keyword;
    words->values[words->count++] = value;
}

static bool is_ours(const struct ear_pg_target *target, const char *keyword)
{
    if (target->password && strcmp(keyword, "password") == 0) return true;
    if (target->application && strcmp(keyword, "application_name") == 0) return true;
    return target->host_count && (strcmp(keyword, "host") == 0 || strcmp(keyword, "port") == 0);
}

static void put_options(struct words *words, const struct ear_pg_target *target)
{
    for (PQconninfoOption *o = target->options; o->keyword; o++)
        if (o->val && !is_ours(target, o->keyword)) put(words, o->keyword, o->val);
    for (size_t i = 0; i < EAR_COUNT(wanted); i++)
        if (!value_of(target->options, wanted[i][0])) put(words, wanted[i][0], wanted[i][1]);
    if (target->password) put(words, "password", target->password);
    if (target->application) put(words, "application_name", target->application);
}

static void put_host(struct words *words, const struct ear_pg_target *target, size_t host,
                     const char *address)
{
    if (!target->host_count) return;
    put(words, "host", target->hosts[host]);
    if (*address) put(words, "hostaddr", address);
    if (target->port_count) put(words, "port", target->ports[target->port_count > 1 ? host : 0]);
}

PGconn *ear_pg_target_connect(const struct ear_pg_target *target, size_t host, const char *address)
{
    struct words words = {.count = 0};
    put_options(&words, target);
    put_host(&words, target, host, address);
    words.keywords[words.count] = NULL;
    words.values[words.count] = NULL;
    return PQconnectStartParams(words.keywords, words.values, 0);
}

int64_t ear_pg_target_patience_ms(const struct ear_pg_target *target)
{
    const char *text = value_of(target->options, "connect_timeout");
    int64_t seconds;
    if (!text || ear_num_i64(ear_str_from(text), 1, 600, &seconds) != EAR_OK) seconds = PATIENCE_S;
    return seconds * 1000;
}
