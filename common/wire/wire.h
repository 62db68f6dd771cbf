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

/* NULL when malformed or larger than the arena allows; or for want of memory (ear_arena_starved).
 */
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

/* --- Field by field ---
 *
 * For the few messages of which every post has one: read without a copy, written in one pass.
 * https://protobuf.dev/programming-guides/encoding/; groups, which proto3 does not have, are
 * refused. What is written is what protobuf-c writes: zeroes left out. */
typedef enum ear_field_kind {
    EAR_FIELD_VARINT = 0,
    EAR_FIELD_FIXED64 = 1,
    EAR_FIELD_BYTES = 2,
    EAR_FIELD_FIXED32 = 5
} ear_field_kind;

struct ear_field {
    uint32_t number;
    ear_field_kind kind;
    uint64_t value;       /* of all kinds but bytes */
    struct ear_str bytes; /* borrowed */
};

/* Fields of proto/post.proto and proto/triage.proto, in the order of their numbers. */
enum ear_field_post {
    EAR_FIELD_POST_POST_ID = 1,
    EAR_FIELD_POST_CUSTOMER_ID,
    EAR_FIELD_POST_PLATFORM,
    EAR_FIELD_POST_ACCOUNT,
    EAR_FIELD_POST_TEXT,
    EAR_FIELD_POST_LANGUAGE_HINT,
    EAR_FIELD_POST_CREATED_AT_US,
    EAR_FIELD_POST_RECEIVED_AT_US,
    EAR_FIELD_POST_STORED_AT_US,
    EAR_FIELD_POST_SELF_REF,
    EAR_FIELD_POST_REPLY_REF,
    EAR_FIELD_POST_CONVERSATION_REF,
    EAR_FIELD_POST_VISIBILITY,
    EAR_FIELD_POST_ENTRY,
    EAR_FIELD_POST_OWN,
    EAR_FIELD_POST_AUTOMATED,
    EAR_FIELD_POST_MENTIONS
};
enum ear_field_triage {
    EAR_FIELD_TRIAGE_LANGUAGE = 1,
    EAR_FIELD_TRIAGE_LANGUAGE_P,
    EAR_FIELD_TRIAGE_ANSWER,
    EAR_FIELD_TRIAGE_ANSWER_P,
    EAR_FIELD_TRIAGE_INTENT,
    EAR_FIELD_TRIAGE_INTENT_P,
    EAR_FIELD_TRIAGE_SENTIMENT,
    EAR_FIELD_TRIAGE_SENTIMENT_P,
    EAR_FIELD_TRIAGE_TOPIC,
    EAR_FIELD_TRIAGE_TOPIC_P,
    EAR_FIELD_TRIAGE_URGENCY,
    EAR_FIELD_TRIAGE_URGENCY_P,
    EAR_FIELD_TRIAGE_URGENCY_UNSURE,
    EAR_FIELD_TRIAGE_SEVERITY,
    EAR_FIELD_TRIAGE_SEVERITY_P,
    EAR_FIELD_TRIAGE_SEVERITY_UNSURE,
    EAR_FIELD_TRIAGE_MODEL,
    EAR_FIELD_TRIAGE_WHY,
    EAR_FIELD_TRIAGE_TRIAGED_AT_US,
    EAR_FIELD_TRIAGE_SKIPPED
};
enum ear_field_triaged_post { EAR_FIELD_TRIAGED_POST_POST = 1, EAR_FIELD_TRIAGED_POST_TRIAGE };

/* Accounts that a post names: ingest writes no more, and who reads takes no more. */
#define EAR_FIELD_POST_MENTIONS_MAX 64

/* The kind that each field of a message has to be of, by number. */
struct ear_field_kinds {
    const ear_field_kind *of;
    size_t count;
};
extern const struct ear_field_kinds ear_field_post_kinds, ear_field_triage_kinds,
    ear_field_triaged_post_kinds;
/* Of a number that this build does not know any kind will do. */
bool ear_field_fits(const struct ear_field_kinds *kinds, const struct ear_field *field);

/* Takes the next field off rest. False at the end, and where there is no whole field: then
 * something of rest is left. */
bool ear_field_next(struct ear_str *rest, struct ear_field *out);
/* A string, which to protobuf-c ends at a NUL. */
struct ear_str ear_field_text(const struct ear_field *field);

/* Each writes at `at`, where there has to be room for EAR_FIELD_ROOM and the bytes, and returns
 * what is behind it. */
#define EAR_FIELD_ROOM 16
char *ear_field_put_number(char *at, uint32_t number, uint64_t value);
char *ear_field_put_float(char *at, uint32_t number, float value);
/* Empty ones too: what is optional is up to the caller. */
char *ear_field_put_bytes(char *at, uint32_t number, struct ear_str bytes);
/* Its head alone; the bytes have to follow. */
char *ear_field_put_length(char *at, uint32_t number, size_t len);

/* W3C trace context: a new traceparent ("00-<32 hex>-<16 hex>-01"). */
#define EAR_TRACE_TEXT_BYTES 56
void ear_trace_new(char text[static EAR_TRACE_TEXT_BYTES]);
bool ear_trace_valid(struct ear_str text);

#endif
