/* wire: the generated protobuf messages, in arenas. Layer 2, stands on base and proto/.
 *
 * Unpacked messages live in an arena and die with it; nothing is freed singly. Unpacking bounds
 * sizes by the arena's ceiling. Ids travel as 16 bytes. */
#ifndef EAR_WIRE_H
#define EAR_WIRE_H

#include "base/base.h"
#include "pb/bus.pb-c.h"
#include "pb/command.pb-c.h"
#include "pb/post.pb-c.h"
#include "pb/reply.pb-c.h"
#include "pb/triage.pb-c.h"

/* What this build writes, and the least and greatest it reads. */
#define EAR_WIRE_VERSION     1
#define EAR_WIRE_VERSION_MIN 1
#define EAR_WIRE_VERSION_MAX 1
struct ear_wire_versions {
    uint32_t least, greatest;
};
/* What this process reads. A test build poses as a later release: with EAR_FAULT=wire.next=fail as
 * one that knows a version more, with wire.after_next=fail as one that has forgotten ours. */
struct ear_wire_versions ear_wire_reads(void);

/* NULL when malformed or larger than the arena allows. */
void *ear_wire_unpack(const ProtobufCMessageDescriptor *type, struct ear_str packed,
                      struct ear_arena *arena);
#define EAR_UNPACK(Type, descriptor, packed, arena) \
    ((Type *)ear_wire_unpack(&(descriptor), (packed), (arena)))

/* Appends the packed message. */
ear_err ear_wire_pack(const ProtobufCMessage *message, struct ear_buf *out) EAR_MUST_CHECK;

/* Ids in messages: exactly 16 bytes, or EAR_INVALID. An empty field gives the nil id when
 * `optional`. */
ear_err ear_wire_id(const ProtobufCBinaryData *field, bool optional,
                    struct ear_id *id) EAR_MUST_CHECK;
/* Borrows the id's bytes. */
static inline ProtobufCBinaryData ear_wire_bytes(const struct ear_id *id)
{
    return (ProtobufCBinaryData){EAR_ID_BYTES, (uint8_t *)(uintptr_t)id->b};
}

/* W3C trace context: a new traceparent ("00-<32 hex>-<16 hex>-01"). */
#define EAR_TRACE_TEXT_BYTES 56
void ear_trace_new(char text[static EAR_TRACE_TEXT_BYTES]);
bool ear_trace_valid(struct ear_str text);

#endif
