#include "wire/wire.h"

#define VARINT_BYTES 10
#define TAG_BYTES    5
#define KIND_BITS    3

#define V EAR_FIELD_VARINT
#define B EAR_FIELD_BYTES
#define F EAR_FIELD_FIXED32
static const ear_field_kind post_kinds[] = {[1] = B, B, B, B, B, B, V, V, V,
                                            B,       B, B, V, V, V, V, B};
static const ear_field_kind triage_kinds[] = {[1] = B, F, V, F, V, F, V, F, V, F,
                                              V,       F, V, V, F, V, B, B, V, V};
static const ear_field_kind triaged_post_kinds[] = {[1] = B, B};
#undef V
#undef B
#undef F

const struct ear_field_kinds ear_field_post_kinds = {post_kinds, EAR_COUNT(post_kinds)};
const struct ear_field_kinds ear_field_triage_kinds = {triage_kinds, EAR_COUNT(triage_kinds)};
const struct ear_field_kinds ear_field_triaged_post_kinds = {triaged_post_kinds,
                                                             EAR_COUNT(triaged_post_kinds)};

bool ear_field_fits(const struct ear_field_kinds *kinds, const struct ear_field *field)
{
    bool known = field->number > 0 && field->number < kinds->count;
    return !known || field->kind == kinds->of[field->number];
}

/* At most max bytes; false where it does not end within them. */
static bool take_varint(struct ear_str *rest, size_t max, uint64_t *value)
{
    size_t len = rest->len < max ? rest->len : max;
    *value = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)rest->ptr[i];
        *value |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte >= 0x80) continue;
        *rest = (struct ear_str){rest->ptr + i + 1, rest->len - i - 1};
        return true;
    }
    return false;
}

static bool take_bytes(struct ear_str *rest, uint64_t len, struct ear_str *bytes)
{
    if (len > rest->len) return false;
    *bytes = (struct ear_str){rest->ptr, (size_t)len};
    *rest = (struct ear_str){rest->ptr + len, rest->len - (size_t)len};
    return true;
}

static bool take_fixed(struct ear_str *rest, size_t len, uint64_t *value)
{
    struct ear_str bytes;
    if (!take_bytes(rest, len, &bytes)) return false;
    for (size_t i = len; i-- > 0;) *value = *value << 8 | (unsigned char)bytes.ptr[i];
    return true;
}

bool ear_field_next(struct ear_str *rest, struct ear_field *out)
{
    struct ear_str left = *rest;
    uint64_t tag, len;
    *out = (struct ear_field){.number = 0};
    if (!take_varint(&left, TAG_BYTES, &tag)) return false;
    out->number = (uint32_t)(tag >> KIND_BITS); /* beyond 32 bits as protobuf-c has it */
    out->kind = (ear_field_kind)(tag & ((1 << KIND_BITS) - 1));
    bool whole = false;
    switch (out->kind) {
    case EAR_FIELD_VARINT:
        whole = take_varint(&left, VARINT_BYTES, &out->value);
        break;
    case EAR_FIELD_BYTES:
        whole = take_varint(&left, TAG_BYTES, &len) && take_bytes(&left, len, &out->bytes);
        break;
    case EAR_FIELD_FIXED64:
        whole = take_fixed(&left, sizeof(uint64_t), &out->value);
        break;
    case EAR_FIELD_FIXED32:
        whole = take_fixed(&left, sizeof(uint32_t), &out->value);
        break;
    }
    if (whole) *rest = left;
    return whole;
}

struct ear_str ear_field_text(const struct ear_field *field)
{
    struct ear_str text = field->bytes;
    const char *end = text.len ? memchr(text.ptr, '\0', text.len) : NULL;
    if (end) text.len = (size_t)(end - text.ptr);
    return text;
}

static char *put_varint(char *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) *at++ = (char)(value | 0x80);
    *at++ = (char)value;
    return at;
}

static char *put_tag(char *at, uint32_t number, ear_field_kind kind)
{
    return put_varint(at, (uint64_t)number << KIND_BITS | (unsigned)kind);
}

char *ear_field_put_number(char *at, uint32_t number, uint64_t value)
{
    return value ? put_varint(put_tag(at, number, EAR_FIELD_VARINT), value) : at;
}

char *ear_field_put_float(char *at, uint32_t number, float value)
{
    uint32_t bits;
    if (value == 0) return at;
    at = put_tag(at, number, EAR_FIELD_FIXED32);
    memcpy(&bits, &value, sizeof(bits));
    for (size_t i = 0; i < sizeof(bits); i++, bits >>= 8) *at++ = (char)bits;
    return at;
}

char *ear_field_put_length(char *at, uint32_t number, size_t len)
{
    return put_varint(put_tag(at, number, EAR_FIELD_BYTES), len);
}

char *ear_field_put_bytes(char *at, uint32_t number, struct ear_str bytes)
{
    at = ear_field_put_length(at, number, bytes.len);
    if (bytes.len) memcpy(at, bytes.ptr, bytes.len);
    return at + bytes.len;
}
