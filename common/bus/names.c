#include "bus/names.h"

#include "bus/events.h"
#include <stdlib.h>

#define TARGETS_MAX     16
#define LINKS_MAX       256
#define MISSING_ANSWERS 3
#define UNKNOWN_LOG_MS  (INT64_C(600) * 1000)

struct target {
    struct ear_names *names; /* back */
    struct ear_endpoint endpoint;
    struct ear_resolve *look_up; /* NULL: none under way */
    bool unknown;                /* the last answer: there is no such name */
    struct ear_log_gate gate;
};

struct ear_names {
    struct ear_bus *bus;
    char service[EAR_SERVICE_BYTES];
    const struct ear_bus_link_ops *ops;
    void *self;
    struct target targets[TARGETS_MAX];
    size_t target_count;
    struct ear_bus_link *links; /* owned list */
    size_t link_count;
    struct ear_timer *timer; /* owned */
};

static struct ear_bus_link *find(const struct ear_names *names, const char *host, uint16_t port)
{
    struct ear_bus_link *link = names->links;
    while (link &&
           (link->port != port || !ear_str_eq(ear_str_from(link->host), ear_str_from(host))))
        link = link->next;
    return link;
}

static void add(struct target *target, const char *host)
{
    struct ear_names *names = target->names;
    struct ear_bus_link *link;
    if (names->link_count == LINKS_MAX) return;
    ear_bus_link_new(&link, names->bus, host, target->endpoint.port, names->service, names->ops,
                     names->self);
    link->origin = target;
    link->next = names->links;
    names->links = link;
    names->link_count++;
    ear_log(&EV_BUS_ADDRESS_FOUND, kv_text("name", target->endpoint.host), kv_text("address", host),
            kv_int("port", target->endpoint.port));
}

static bool listed(const char *host, const char *const *addresses, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ear_str_eq(ear_str_from(addresses[i]), ear_str_from(host))) return true;
    return false;
}

static bool outlived(struct ear_names *names, struct ear_bus_link *link)
{
    return ++link->missing >= MISSING_ANSWERS && !names->ops->busy(names->self, link);
}

/* One answer may be short for a moment while a replica restarts. */
static void drop_missing(struct target *target, const char *const *addresses, size_t count)
{
    struct ear_names *names = target->names;
    for (struct ear_bus_link **at = &names->links; *at;) {
        struct ear_bus_link *link = *at;
        bool here = listed(link->host, addresses, count);
        if (here) link->missing = 0;
        if (here || link->origin != target || !outlived(names, link)) {
            at = &link->next;
            continue;
        }
        *at = link->next;
        names->link_count--;
        ear_log(&EV_BUS_ADDRESS_DROPPED, kv_text("name", target->endpoint.host),
                kv_text("address", link->host), kv_int("port", link->port));
        ear_bus_link_free(&link, 0);
    }
}

/* A misspelt name, or a service that nobody has started: said at once, then rarely. */
static void note_answer(struct target *target, ear_err err, size_t count)
{
    uint64_t suppressed;
    int64_t now_ms = ear_loop_now_ms(target->names->bus->loop);
    target->unknown = err != EAR_OK || count == 0;
    if (!target->unknown) target->gate = (struct ear_log_gate){0};
    if (target->unknown && ear_log_gate_open(&target->gate, now_ms, UNKNOWN_LOG_MS, &suppressed))
        ear_log(&EV_BUS_NAME_UNKNOWN, kv_text("name", target->endpoint.host),
                kv_int("port", target->endpoint.port), kv_text("service", target->names->service),
                kv_err(err ? err : EAR_NOT_FOUND), kv_int("suppressed", suppressed));
}

static void resolved(void *self, ear_err err, const char *const *addresses, size_t count)
{
    struct target *target = self;
    target->look_up = NULL;
    note_answer(target, err, count);
    if (err && err != EAR_NOT_FOUND) return; /* no answer is not an answer without it */
    for (size_t i = 0; i < count; i++)
        if (!find(target->names, addresses[i], target->endpoint.port)) add(target, addresses[i]);
    drop_missing(target, addresses, count);
}

static void resolve_all(void *self)
{
    struct ear_names *names = self;
    for (size_t i = 0; i < names->target_count; i++) {
        struct target *target = &names->targets[i];
        if (!target->look_up)
            ear_resolve_start(&target->look_up, names->bus->loop, target->endpoint.host, resolved,
                              target);
    }
}

static ear_err parse(struct ear_names *names, const char *text, struct ear_diag *diag)
{
    struct ear_str rest = ear_str_from(text), part;
    while (ear_str_split(&rest, ',', &part)) {
        if (names->target_count == TARGETS_MAX)
            return ear_fail(diag, EAR_TOO_LARGE, "more than %d names: %s", TARGETS_MAX, text);
        struct target *target = &names->targets[names->target_count];
        ear_err err = ear_endpoint_parse(part, false, &target->endpoint, diag);
        if (err) return err;
        target->names = names;
        names->target_count++;
    }
    return EAR_OK;
}

ear_err ear_names_new(struct ear_names **out, struct ear_bus *bus, const char *text,
                      const char *service, const struct ear_bus_link_ops *ops, void *self,
                      struct ear_diag *diag)
{
    struct ear_names *names = ear_alloc(sizeof(*names));
    *names = (struct ear_names){.bus = bus, .ops = ops, .self = self};
    *out = names;
    ear_timer_new(&names->timer, bus->loop, resolve_all, names);
    ear_err err = parse(names, text, diag);
    if (!err && !ear_str_copy(names->service, sizeof(names->service), ear_str_from(service)))
        err = ear_fail(diag, EAR_INVALID, "service name too long");
    if (!err && bus->keyring && !ear_keyring_of(bus->keyring, service, 0))
        err = ear_fail(diag, EAR_NOT_FOUND, "the peers file has no key of \"%s\"", service);
    if (err)
        ear_names_free(out, 0);
    else
        ear_timer_start(names->timer, 0, bus->resolve_ms);
    return err;
}

void ear_names_free(struct ear_names **names_ptr, int linger_ms)
{
    struct ear_names *names = *names_ptr;
    if (!names) return;
    for (size_t i = 0; i < names->target_count; i++) ear_resolve_forget(&names->targets[i].look_up);
    while (names->links) {
        struct ear_bus_link *link = names->links;
        names->links = link->next;
        ear_bus_link_free(&link, linger_ms);
    }
    ear_timer_free(&names->timer);
    EAR_FREE(*names_ptr);
}

struct ear_bus_link *ear_names_first(const struct ear_names *names)
{
    return names->links;
}

static const char *trouble_of(const struct target *target)
{
    const char *trouble = target->unknown ? "stands for no address" : NULL;
    for (const struct ear_bus_link *link = target->names->links; link && !trouble;
         link = link->next)
        if (link->origin == target) trouble = ear_bus_link_trouble(link);
    return trouble;
}

bool ear_names_reach(const struct ear_names *names, struct ear_diag *why)
{
    for (const struct ear_bus_link *link = names->links; link; link = link->next)
        if (link->state == EAR_BUS_LINK_LIVE) return true;
    const struct target *first = &names->targets[0];
    const char *trouble = NULL;
    for (size_t i = 0; i < names->target_count && !trouble; i++) {
        trouble = trouble_of(&names->targets[i]);
        if (trouble) first = &names->targets[i];
    }
    ear_fail(why, EAR_UNAVAILABLE, "no %s can be reached: \"%s:%u\" %s", names->service,
             first->endpoint.host, (unsigned)first->endpoint.port,
             trouble ? trouble : "does not answer");
    return false;
}
