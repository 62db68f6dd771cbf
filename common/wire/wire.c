#include "wire/wire.h"

static void *arena_alloc(void *arena, size_t size_bytes)
{
    return ear_arena_try(arena, size_bytes);
}

/* Everything dies with the arena. */
static void arena_keep(void *arena, void *p)
{
    (void)arena;
    (void)p;
}

void *ear_wire_unpack(const ProtobufCMessageDescriptor *type, struct ear_str packed,
                      struct ear_arena *arena)
{
    ProtobufCAllocator allocator = {arena_alloc, arena_keep, arena};
    const uint8_t *bytes = packed.len ? (const uint8_t *)packed.ptr : (const uint8_t *)"";
    return protobuf_c_message_unpack(type, &allocator, packed.len, bytes);
}

ear_err ear_wire_pack(const ProtobufCMessage *message, struct ear_buf *out)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    ear_err err = ear_buf_reserve(out, len);
    if (err) return err;
    size_t wrote = protobuf_c_message_pack(message, (uint8_t *)out->data + out->len);
    EAR_CHECK(wrote == len);
    out->len += len;
    out->data[out->len] = '\0';
    return EAR_OK;
}

ear_err ear_wire_id(const ProtobufCBinaryData *field, bool optional, struct ear_id *id)
{
    *id = (struct ear_id){{0}};
    if (field->len == 0 && optional) return EAR_OK;
    if (field->len != EAR_ID_BYTES) return EAR_INVALID;
    memcpy(id->b, field->data, EAR_ID_BYTES);
    return EAR_OK;
}

struct ear_wire_versions ear_wire_reads(void)
{
    static struct ear_wire_versions reads; /* a fault point counts its passings: asked once */
    if (reads.greatest) return reads;
    reads = (struct ear_wire_versions){EAR_WIRE_VERSION_MIN, EAR_WIRE_VERSION_MAX};
    if (ear_fault("wire.next")) reads.greatest++;
    if (ear_fault("wire.after_next")) reads.least = ++reads.greatest;
    return reads;
}
