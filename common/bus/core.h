/* core: what all rooms of the bus share in one process. Private to bus. */
#ifndef EAR_BUS_CORE_H
#define EAR_BUS_CORE_H

#include "bus/bus.h"
#include "bus/keyring.h"
#include "log/log.h"

struct ear_socket;
struct ear_zap;

#define EAR_ROUTING_ID_BYTES 256 /* what libzmq calls a peer of a ROUTER; it takes one less */

#define EAR_BUS_SILENT_BEATS 3
/* Who said nothing for so long beats at this tick: a tick a little late, and the next one in time,
 * are less than a beat apart. */
#define EAR_BUS_QUIET_MS(bus) ((bus)->beat_ms * 3 / 4)
#define EAR_BUS_GATE_MS       30000
#define EAR_BUS_PEER_LINES    200 /* a rolling restart of many replicas is all seen */

struct ear_bus {
    struct ear_loop *loop;             /* borrowed */
    void *zmq;                         /* owned context */
    struct ear_keyring *keyring;       /* owned; NULL without CURVE */
    struct ear_zap *zap;               /* owned; NULL without CURVE */
    struct ear_socket *sockets;        /* list of all; each belongs to its room */
    struct ear_hook *hook;             /* owned */
    struct ear_timer *kick;            /* owned: keeps the loop from sleeping after a send */
    struct ear_timer *rebind;          /* owned: until what was unbound is bound again */
    struct ear_timer *again;           /* owned: what there was no memory to read is read again */
    unsigned rebinds;                  /* tries of that */
    const char *key_file, *peers_file; /* borrowed; NULL without CURVE */
    struct ear_arena *arena;           /* owned: the one message that is being read */
    char service[EAR_SERVICE_BYTES];
    struct ear_id instance;            /* random per process start */
    uint32_t version_min, version_max; /* of frames: what we read */
    int64_t beat_ms;
    int64_t resolve_ms;
    uint64_t monitors; /* names made so far */
    bool turning;      /* inside the hook */
    struct ear_log_gate frame_gate, handshake_gate, key_gate, denied_gate, memory_gate;
    struct ear_log_budget peer_lines, refused_lines;
};

/* When a peer was last heard, as seen by a tick. One that comes late says that we slept, not that
 * the others are silent, and what they said meanwhile may lie unread: it counts as half a beat. Not
 * as nothing, or a process that is late again and again would never notice who vanished. */
static inline int64_t ear_bus_heard_ms(const struct ear_bus *bus, int64_t heard_ms, int64_t last_ms,
                                       int64_t now_ms)
{
    int64_t slept_ms = now_ms - last_ms;
    if (slept_ms <= 2 * bus->beat_ms) return heard_ms;
    heard_ms += slept_ms - bus->beat_ms / 2;
    return heard_ms < now_ms ? heard_ms : now_ms;
}

#endif
