#include "bus/bus.h"

#include "bus/events.h"
#include "bus/socket.h"
#include "bus/zap.h"
#include "wire/wire.h"
#include <errno.h>
#include <stdlib.h>

#define BEAT_MS         1000
#define RESOLVE_MS      2000
#define REBIND_MS       20
#define REBINDS_QUIET   50
#define ARENA_BYTES_MAX ((size_t)8 << 20)

const char *ear_lane_name(ear_lane lane)
{
    return lane == EAR_LANE_LIVE ? "live" : "backfill";
}

/* The timer's only work is that the loop does not sleep before the next turn. */
static void kicked(void *self)
{
    (void)self;
}

static ear_err load_keys(struct ear_bus *bus, const struct ear_bus_opts *opts,
                         struct ear_diag *diag)
{
    bool key = opts->key_file && opts->key_file[0], peers = opts->peers_file && opts->peers_file[0];
    if (!key && !peers) return EAR_OK;
    if (!peers)
        return ear_fail(diag, EAR_INVALID,
                        "EAR_BUS_PEERS_FILE: a CURVE key needs a file that says who may connect");
    if (!key)
        return ear_fail(diag, EAR_INVALID,
                        "EAR_BUS_KEY_FILE: must be set where EAR_BUS_PEERS_FILE is");
    bus->key_file = opts->key_file;
    bus->peers_file = opts->peers_file;
    ear_err err =
        ear_keyring_new(&bus->keyring, bus->service, opts->key_file, opts->peers_file, diag);
    return err ? err : ear_zap_new(&bus->zap, bus, diag);
}

static void bind_again(void *self)
{
    struct ear_bus *bus = self;
    if (ear_socket_bind_all(bus)) return;
    if (++bus->rebinds == REBINDS_QUIET) ear_log(&EV_BUS_NOT_BOUND);
    ear_timer_start(bus->rebind, REBIND_MS, 0);
}

ear_err ear_bus_reload(struct ear_bus *bus, struct ear_diag *diag)
{
    struct ear_keyring *fresh;
    if (!bus->keyring) return EAR_OK;
    ear_err err = ear_keyring_new(&fresh, bus->service, bus->key_file, bus->peers_file, diag);
    if (err) return err;
    bool same = ear_str_eq(ear_str_from(ear_keyring_public(fresh)),
                           ear_str_from(ear_keyring_public(bus->keyring)));
    ear_keyring_free(&bus->keyring);
    bus->keyring = fresh;
    ear_log(&EV_BUS_KEYS_READ, kv_int("keys", ear_keyring_count(fresh)),
            kv_text("own", same ? "same" : "changed"));
    if (same) return EAR_OK;
    bus->rebinds = 0;
    ear_socket_unbind_all(bus);
    bind_again(bus);
    return EAR_OK;
}

ear_err ear_bus_new(struct ear_bus **out, struct ear_loop *loop, const struct ear_bus_opts *opts,
                    struct ear_diag *diag)
{
    struct ear_bus *bus = ear_alloc(sizeof(*bus));
    *out = bus;
    bus->loop = loop;
    bus->beat_ms = opts->beat_ms ? opts->beat_ms : BEAT_MS;
    bus->resolve_ms = opts->resolve_ms ? opts->resolve_ms : RESOLVE_MS;
    bus->peer_lines.lines = EAR_BUS_PEER_LINES;
    bus->instance = ear_id_new(ear_clock_wall_us());
    bus->version_min = ear_wire_reads().least;
    bus->version_max = ear_wire_reads().greatest;
    bus->arena = ear_arena_new(ARENA_BYTES_MAX);
    bus->zmq = zmq_ctx_new();
    EAR_CHECK(bus->zmq != NULL);
    ear_hook_new(&bus->hook, loop, ear_socket_turn, bus);
    ear_timer_new(&bus->kick, loop, kicked, bus);
    ear_timer_new(&bus->rebind, loop, bind_again, bus);
    ear_timer_new(&bus->again, loop, ear_socket_again, bus);
    ear_err err = EAR_OK;
    if (!ear_str_copy(bus->service, sizeof(bus->service), ear_str_from(opts->service)))
        err = ear_fail(diag, EAR_INVALID, "the service's name is too long");
    if (!err) err = load_keys(bus, opts, diag);
    if (err) ear_bus_free(out);
    return err;
}

void ear_bus_free(struct ear_bus **bus_ptr)
{
    struct ear_bus *bus = *bus_ptr;
    if (!bus) return;
    ear_zap_free(&bus->zap);
    EAR_CHECK(bus->sockets == NULL);
    ear_hook_free(&bus->hook);
    ear_timer_free(&bus->kick);
    ear_timer_free(&bus->rebind);
    ear_timer_free(&bus->again);
    /* Waits until the sockets have delivered what they linger for. */
    while (zmq_ctx_term(bus->zmq) != 0 && zmq_errno() == EINTR) continue;
    ear_keyring_free(&bus->keyring);
    ear_arena_free(&bus->arena);
    EAR_FREE(*bus_ptr);
}
