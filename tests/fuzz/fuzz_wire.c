/* Packed messages of any content: refused or unpacked, within the arena's ceiling; what was
 * unpacked can be packed. The first byte picks the message. */
#include "wire/wire.h"

#define ARENA_BYTES_MAX ((size_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *const types[] = {
    &earshot__v1__frame__descriptor,        &earshot__v1__post__descriptor,
    &earshot__v1__triaged_post__descriptor, &earshot__v1__reply__descriptor,
    &earshot__v1__command__descriptor,      &earshot__v1__command_result__descriptor,
};

static void pack_again(const ProtobufCMessage *message)
{
    struct ear_buf packed;
    ear_buf_init(&packed, ARENA_BYTES_MAX);
    EAR_CHECK(ear_wire_pack(message, &packed) == EAR_OK);
    ear_buf_release(&packed);
}

/* What protobuf-c reads has fields from end to end, as short as they can be written again. */
static bool is_fields(struct ear_str packed)
{
    struct ear_field field;
    while (ear_field_next(&packed, &field)) {
        struct ear_str text = ear_field_text(&field);
        EAR_CHECK(text.len <= field.bytes.len);
        char at[EAR_FIELD_ROOM];
        EAR_CHECK(ear_field_put_length(at, field.number, field.bytes.len) <= at + sizeof(at));
        EAR_CHECK(ear_field_put_number(at, field.number, field.value) <= at + sizeof(at));
    }
    return packed.len == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    struct ear_arena *arena = ear_arena_new(ARENA_BYTES_MAX);
    struct ear_str packed = {(const char *)data + 1, size - 1};
    const ProtobufCMessageDescriptor *type = types[data[0] % EAR_COUNT(types)];
    const ProtobufCMessage *message = ear_wire_unpack(type, packed, arena);
    if (message) pack_again(message);
    EAR_CHECK(is_fields(packed) || !message);
    EAR_CHECK(ear_arena_used(arena) <= ARENA_BYTES_MAX);
    (void)ear_trace_valid(packed);
    ear_arena_free(&arena);
    return 0;
}
