#include "bus/frame.h"

#include "bus/events.h"
#include "bus/metrics.h"

ear_err ear_frame_send(struct ear_socket *socket, struct ear_str to, uint32_t version,
                       Earshot__V1__Frame *frame)
{
    zmq_msg_t parts[2];
    zmq_msg_t *body = to.len ? &parts[1] : &parts[0];
    frame->version = version;
    size_t size = protobuf_c_message_get_packed_size(&frame->base);
    int rc = zmq_msg_init_size(body, size);
    EAR_CHECK(rc == 0);
    protobuf_c_message_pack(&frame->base, zmq_msg_data(body));
    if (to.len) {
        rc = zmq_msg_init_size(&parts[0], to.len);
        EAR_CHECK(rc == 0);
        memcpy(zmq_msg_data(&parts[0]), to.ptr, to.len);
    }
    return ear_socket_send(socket, parts, to.len ? 2 : 1);
}

ear_err ear_frame_send_beat(struct ear_socket *socket, struct ear_str to, uint32_t version)
{
    Earshot__V1__Beat beat = EARSHOT__V1__BEAT__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    beat.sent_at_us = ear_clock_wall_us();
    frame.body_case = EARSHOT__V1__FRAME__BODY_BEAT;
    frame.beat = &beat;
    return ear_frame_send(socket, to, version, &frame);
}

ear_err ear_frame_send_hello(struct ear_bus *bus, struct ear_socket *socket, struct ear_str to)
{
    Earshot__V1__Hello hello = EARSHOT__V1__HELLO__INIT;
    Earshot__V1__Frame frame = EARSHOT__V1__FRAME__INIT;
    hello.instance = ear_wire_bytes(&bus->instance);
    hello.service = bus->service;
    hello.version_min = bus->version_min;
    hello.version_max = bus->version_max;
    frame.body_case = EARSHOT__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    /* The least: whoever has a version in common with us, but reads no newer one, gets it too. */
    return ear_frame_send(socket, to, bus->version_min, &frame);
}

ear_err ear_frame_read(struct ear_bus *bus, zmq_msg_t *part, const Earshot__V1__Frame **out)
{
    struct ear_str packed = {zmq_msg_data(part), zmq_msg_size(part)};
    ear_arena_reset(bus->arena);
    const Earshot__V1__Frame *frame =
        EAR_UNPACK(Earshot__V1__Frame, earshot__v1__frame__descriptor, packed, bus->arena);
    *out = frame;
    if (!frame) return ear_arena_starved(bus->arena) ? EAR_NO_MEMORY : EAR_INVALID;
    bool ours = frame->version >= bus->version_min && frame->version <= bus->version_max;
    return ours || frame->body_case == EARSHOT__V1__FRAME__BODY_HELLO ? EAR_OK : EAR_INVALID;
}

uint32_t ear_frame_version(const struct ear_bus *bus, const Earshot__V1__Hello *hello)
{
    uint32_t least = bus->version_min > hello->version_min ? bus->version_min : hello->version_min;
    uint32_t most = bus->version_max < hello->version_max ? bus->version_max : hello->version_max;
    return least <= most ? most : 0;
}

void ear_frame_refuse(struct ear_bus *bus, const char *reason, const char *peer)
{
    uint64_t suppressed;
    ear_metric_add(&M_BUS_REFUSED_FRAMES, 1, reason);
    if (ear_log_gate_open(&bus->frame_gate, ear_loop_now_ms(bus->loop), EAR_BUS_GATE_MS,
                          &suppressed))
        ear_log(&EV_BUS_FRAME_REFUSED, kv_text("reason", reason), kv_text("peer", peer),
                kv_int("suppressed", suppressed));
}

struct ear_amount ear_frame_amount(const Earshot__V1__Batch *batch)
{
    struct ear_amount amount = {.posts = batch->n_items};
    for (size_t i = 0; i < batch->n_items; i++) amount.bytes += batch->items[i].len;
    return amount;
}

Earshot__V1__Credit ear_frame_credit(ear_lane lane, struct ear_amount amount, bool last)
{
    Earshot__V1__Credit credit = EARSHOT__V1__CREDIT__INIT;
    credit.lane = lane;
    credit.posts = amount.posts;
    credit.bytes = amount.bytes;
    credit.last = last;
    return credit;
}

void ear_frame_handshake_failed(struct ear_bus *bus, const char *address, uint16_t port)
{
    uint64_t suppressed;
    ear_metric_add(&M_BUS_REFUSED_PEERS, 1, "handshake");
    if (ear_log_gate_open(&bus->handshake_gate, ear_loop_now_ms(bus->loop), EAR_BUS_GATE_MS,
                          &suppressed))
        ear_log(&EV_BUS_HANDSHAKE_FAILED, kv_text("address", address), kv_int("port", port),
                kv_int("suppressed", suppressed));
}
