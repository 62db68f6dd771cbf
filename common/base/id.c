#include "base/id.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/num.h"

#define TIME_BYTES   6
#define CHANCE_BYTES (EAR_ID_BYTES - TIME_BYTES)
#define EARLIEST_US  (INT64_C(946684800) * EAR_US_PER_S) /* 2000-01-01T00:00:00Z */
#define AHEAD_US     (INT64_C(86400) * EAR_US_PER_S)
#define LAST_MS      ((INT64_C(1) << (8 * TIME_BYTES)) - 1)

/* Version and variant bits of RFC 9562 over whatever stands there. */
static void stamp(struct ear_id *id, uint8_t version)
{
    id->b[6] = (uint8_t)((id->b[6] & 0x0F) | version << 4);
    id->b[8] = (uint8_t)((id->b[8] & 0x3F) | 0x80);
}

ear_err ear_id_key_init(struct ear_id_key *key, struct ear_str bytes)
{
    if (bytes.len != EAR_ID_KEY_BYTES) return EAR_INVALID;
    ear_hash_key_init(&key->hash, bytes, EAR_ID_BYTES);
    return EAR_OK;
}

/* The kind is hashed too: a post and a reference of one name are different things. */
static struct ear_id hashed(const struct ear_hash_key *key, struct ear_str kind,
                            struct ear_str space, struct ear_str name)
{
    struct ear_id id;
    const struct ear_str parts[] = {kind, space, name};
    ear_hash(key, parts, EAR_COUNT(parts), id.b, sizeof(id.b));
    stamp(&id, 8);
    return id;
}

struct ear_id ear_id_post(const struct ear_id_key *key, struct ear_str platform,
                          struct ear_str external_id, int64_t at_us, int64_t now_us)
{
    struct ear_id id = hashed(&key->hash, EAR_STR("post"), platform, external_id);
    bool sane = at_us >= EARLIEST_US && at_us - AHEAD_US <= now_us;
    int64_t ms = sane ? at_us / EAR_US_PER_S * 1000 : 0;
    ear_put_be(id.b, (uint64_t)(ms <= LAST_MS ? ms : 0), TIME_BYTES);
    return id;
}

struct ear_id ear_id_customer(const struct ear_id_key *key, struct ear_str platform,
                              struct ear_str author_id)
{
    return hashed(&key->hash, EAR_STR("customer"), platform, author_id);
}

struct ear_id ear_id_ref(const struct ear_id_key *key, ear_ref_kind kind, struct ear_str platform,
                         struct ear_str external_id)
{
    struct ear_str word =
        kind == EAR_REF_CONVERSATION ? EAR_STR("ref_conversation") : EAR_STR("ref_post");
    EAR_CHECK(kind == EAR_REF_POST || kind == EAR_REF_CONVERSATION);
    return hashed(&key->hash, word, platform, external_id);
}

/* Chance for many ids at a time, each byte for one of them: a system call costs more than the id.
 * No program of ours forks. */
static void take_chance(uint8_t *to, size_t len)
{
    static _Thread_local uint8_t bytes[64 * CHANCE_BYTES];
    static _Thread_local size_t left;
    if (left < len) {
        ear_random(bytes, sizeof(bytes));
        left = sizeof(bytes);
    }
    left -= len;
    memcpy(to, bytes + left, len);
}

struct ear_id ear_id_new(int64_t now_us)
{
    struct ear_id id;
    int64_t ms = now_us > 0 ? now_us / EAR_US_PER_MS : 0;
    take_chance(id.b + TIME_BYTES, CHANCE_BYTES);
    ear_put_be(id.b, (uint64_t)ms, TIME_BYTES);
    stamp(&id, 7);
    return id;
}

struct ear_id ear_id_named(struct ear_str space, struct ear_str name)
{
    struct ear_hash_key none;
    ear_hash_key_init(&none, EAR_STR_NONE, EAR_ID_BYTES);
    return hashed(&none, EAR_STR("named"), space, name);
}

int64_t ear_id_time_us(const struct ear_id *id)
{
    return (int64_t)ear_get_be(id->b, TIME_BYTES) * EAR_US_PER_MS;
}

bool ear_id_is_nil(const struct ear_id *id)
{
    uint64_t half[2];
    memcpy(half, id->b, sizeof(half));
    return (half[0] | half[1]) == 0;
}

int64_t ear_id_lock_key(const struct ear_id *id)
{
    return (int64_t)ear_get_be(id->b, 8);
}

static bool hyphen_at(size_t at)
{
    return at == 8 || at == 13 || at == 18 || at == 23;
}

void ear_id_format(const struct ear_id *id, char text[static EAR_ID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef"; /* an id is no secret: no need for ear_hex */
    char *to = text;
    for (size_t i = 0; i < EAR_ID_BYTES; i++) {
        if (hyphen_at((size_t)(to - text))) *to++ = '-';
        *to++ = digits[id->b[i] >> 4];
        *to++ = digits[id->b[i] & 15];
    }
    *to = '\0';
}

ear_err ear_id_parse(struct ear_str text, struct ear_id *id)
{
    char hex[2 * EAR_ID_BYTES];
    if (text.len != EAR_ID_TEXT_BYTES - 1) return EAR_INVALID;
    for (size_t at = 0, to = 0; at < text.len; at++) {
        if (!hyphen_at(at))
            hex[to++] = text.ptr[at];
        else if (text.ptr[at] != '-')
            return EAR_INVALID;
    }
    return ear_unhex((struct ear_str){hex, sizeof(hex)}, id->b, EAR_ID_BYTES);
}
