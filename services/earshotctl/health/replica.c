#include "health/replica.h"

#include <stdio.h>

#define WHY_BYTES_MAX (1u << 20) /* as much as an answer has */

static bool cut_port(struct ear_str *host, uint16_t *port)
{
    int64_t number;
    const char *colon = NULL;
    for (size_t i = 0; i < host->len; i++)
        if (host->ptr[i] == ':') colon = host->ptr + i;
    if (!colon) return false;
    struct ear_str digits = {colon + 1, (size_t)(host->ptr + host->len - colon - 1)};
    if (ear_num_i64(digits, 1, 65535, &number)) return false;
    *port = (uint16_t)number;
    host->len = (size_t)(colon - host->ptr);
    if (host->len > 2 && host->ptr[0] == '[' && host->ptr[host->len - 1] == ']') {
        host->ptr++;
        host->len -= 2;
    }
    return host->len > 0;
}

bool ear_replica_next(struct ear_str *list, struct ear_replica_place *place, ear_err *err,
                      struct ear_diag *diag)
{
    struct ear_str item, service;
    *err = EAR_OK;
    do
        if (!ear_str_split(list, ',', &item)) return false;
    while (ear_str_trim(item).len == 0);
    struct ear_str host = ear_str_trim(item);
    bool good = ear_str_split(&host, '=', &service) && host.ptr && service.len > 0 &&
                cut_port(&host, &place->port) &&
                ear_str_copy(place->service, sizeof(place->service), service) &&
                ear_str_copy(place->host, sizeof(place->host), host);
    if (!good)
        *err = ear_fail(diag, EAR_INVALID, "'%.*s' is not service=host:port", EAR_STR_ARG(item));
    return true;
}

static bool is_v6(const char *address)
{
    return strchr(address, ':') != NULL;
}

void ear_replica_url(const char *address, uint16_t port, char *text, size_t size_bytes)
{
    bool v6 = is_v6(address);
    snprintf(text, size_bytes, "http://%s%s%s:%u/readyz", v6 ? "[" : "", address, v6 ? "]" : "",
             port);
}

/* --- Rows ---------------------------------------------------------------------------------------
 */

/* Services say lag in seconds or milliseconds, whole or a lane; the worst lane counts. */
static double worst_of(const json_t *value)
{
    double worst = -1;
    const char *lane;
    json_t *part;
    if (json_is_number(value)) return json_number_value(value);
    json_object_foreach((json_t *)(uintptr_t)value, lane,
                        part) if (json_is_number(part) && json_number_value(part) > worst) worst =
        json_number_value(part);
    return worst;
}

static json_t *lag_of(const json_t *answer)
{
    static const struct {
        const char *key;
        double in_ms;
    } names[] = {{"lag_ms", 1}, {"lag_s", 1000}, {"oldest_unsettled_s", 1000}};
    for (size_t i = 0; i < EAR_COUNT(names); i++) {
        double lag_ms = worst_of(json_object_get(answer, names[i].key)) * names[i].in_ms;
        if (lag_ms >= 0 && lag_ms < 1e15) return json_integer((json_int_t)lag_ms);
    }
    return json_null();
}

/* What services say of accounts in trouble. */
static const struct failing {
    const char *named, *counted; /* members of the answer */
    const char *what;
} failings[] = {
    {"unheard", "unheard_accounts", "cannot be heard"},
    {"unanswered", "unanswered_accounts", "cannot answer"},
};

static json_t *member_or_null(const json_t *answer, const char *key)
{
    json_t *value = json_object_get(answer, key);
    return value ? json_incref(value) : json_null();
}

json_t *ear_replica_row(const char *service, const char *address, uint16_t port,
                        const json_t *answer, const char *why_not)
{
    char replica[EAR_REPLICA_HOST_BYTES + 16];
    bool v6 = is_v6(address);
    snprintf(replica, sizeof(replica), "%s%s%s:%u", v6 ? "[" : "", address, v6 ? "]" : "", port);
    json_t *row = json_object();
    json_object_set_new(row, "service", json_string(service));
    json_object_set_new(row, "replica", json_string(*address ? replica : "none"));
    json_object_set_new(row, "ready", json_boolean(json_is_true(json_object_get(answer, "ready"))));
    json_object_set_new(row, "version", member_or_null(answer, "version"));
    json_object_set_new(row, "lag_ms", lag_of(answer));
    json_object_set_new(row, "backlog", member_or_null(answer, "backlog"));
    json_object_set_new(row, "credit", member_or_null(answer, "credit"));
    json_object_set_new(row, "why", answer ? member_or_null(answer, "why") : json_string(why_not));
    for (size_t i = 0; i < EAR_COUNT(failings); i++)
        json_object_set_new(row, failings[i].named, member_or_null(answer, failings[i].named));
    json_object_set_new(row, "answer", answer ? json_deep_copy(answer) : json_null());
    return row;
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

/* "@shop cannot be heard since 2026-03-04 05:06 (mail): login refused" */
static ear_err tell_one(const json_t *account, const char *what, struct ear_buf *why)
{
    const char *since = text_of(account, "since");
    size_t len = strlen(since);
    return ear_buf_printf(why, "%s%s %s since %.10s %.5s (%s): %s", why->len ? "; " : "",
                          text_of(account, "account"), what, since, len > 11 ? since + 11 : "",
                          text_of(account, "connector"), text_of(account, "why"));
}

static ear_err tell_failing(const json_t *row, const struct failing *failing, struct ear_buf *why)
{
    size_t i;
    ear_err err = EAR_OK;
    const json_t *account, *named = json_object_get(row, failing->named);
    json_int_t all =
        json_integer_value(json_object_get(json_object_get(row, "answer"), failing->counted));
    json_int_t more = all - (json_int_t)json_array_size(named);
    json_array_foreach(named, i, account) if (!err) err = tell_one(account, failing->what, why);
    if (!err && json_array_size(named) > 0 && more > 0)
        err = ear_buf_printf(why, "; so with %" JSON_INTEGER_FORMAT " more accounts", more);
    return err;
}

void ear_replica_tell_failing(json_t *row)
{
    struct ear_buf why;
    ear_buf_init(&why, WHY_BYTES_MAX);
    ear_err err = ear_buf_append_str(&why, ear_str_from(text_of(row, "why")));
    for (size_t i = 0; i < EAR_COUNT(failings) && !err; i++)
        err = tell_failing(row, &failings[i], &why);
    if (!err && why.len) json_object_set_new(row, "why", json_stringn(why.data, why.len));
    ear_buf_release(&why);
}

/* --- One process, several addresses -------------------------------------------------------------
 */

static const char *instance_of(const json_t *row)
{
    return text_of(json_object_get(row, "answer"), "instance");
}

static bool answered(const json_t *row)
{
    return json_is_object(json_object_get(row, "answer"));
}

static bool starts(const json_t *row, const char *address)
{
    return strncmp(text_of(row, "replica"), address, strlen(address)) == 0;
}

static bool bracketed(const json_t *row)
{
    return starts(row, "[");
}

static bool same_service_and_port(const json_t *a, const json_t *b)
{
    const char *port_a = strrchr(text_of(a, "replica"), ':');
    const char *port_b = strrchr(text_of(b, "replica"), ':');
    return strcmp(text_of(a, "service"), text_of(b, "service")) == 0 && port_a && port_b &&
           strcmp(port_a, port_b) == 0;
}

static bool is_superfluous(const json_t *rows, size_t at)
{
    const json_t *row = json_array_get(rows, at);
    bool own_answers = false, other_answers = false, named_by_v4 = false;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *other = json_array_get(rows, i);
        bool same_instance = *instance_of(row) && strcmp(instance_of(row), instance_of(other)) == 0;
        if (i < at && same_instance) return true;
        if (!same_service_and_port(row, other)) continue;
        bool own_family = bracketed(other) == bracketed(row);
        named_by_v4 |= starts(row, "[::1]:") && starts(other, "127.0.0.1:");
        if (answered(other)) *(own_family ? &own_answers : &other_answers) = true;
    }
    if (answered(row) || own_answers) return false;
    return other_answers || named_by_v4;
}

void ear_replica_unify(json_t *rows)
{
    for (size_t i = json_array_size(rows); i-- > 0;)
        if (is_superfluous(rows, i)) json_array_remove(rows, i);
}
