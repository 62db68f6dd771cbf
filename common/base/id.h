/* id: the identifiers of posts, customers, cases and references.
 *
 * post_id is a UUIDv8: 48 bits of milliseconds, then a keyed BLAKE2b hash of the platform and the
 * platform's global, immutable id, so the same post gets the same id by every route. customer_id
 * and references are hashes alone. Ids made here (cases, commands, replies …) are UUIDv7 (RFC
 * 9562): time first, then random. */
#ifndef EAR_BASE_ID_H
#define EAR_BASE_ID_H

#include "base/crypt.h"
#include "base/err.h"
#include "base/num.h"
#include "base/str.h"
#include <stdint.h>

#define EAR_ID_BYTES      16
#define EAR_ID_TEXT_BYTES 37

struct ear_id {
    uint8_t b[EAR_ID_BYTES];
};

/* The secret that ids are hashed with: one row of the database, made by `earshotctl migrate`. */
#define EAR_ID_KEY_BYTES 32
struct ear_id_key {
    struct ear_hash_key hash;
};
/* EAR_INVALID where these are not that many bytes. */
ear_err ear_id_key_init(struct ear_id_key *key, struct ear_str bytes) EAR_MUST_CHECK;

/* at_us must not be changeable by the author; it is cut to the second. Before 2000, after
 * now_us + one day, or 0: the time part is 0 and the row belongs to the timeless partition. */
struct ear_id ear_id_post(const struct ear_id_key *key, struct ear_str platform,
                          struct ear_str external_id, int64_t at_us, int64_t now_us);
struct ear_id ear_id_customer(const struct ear_id_key *key, struct ear_str platform,
                              struct ear_str author_id);
/* What a reply points at: a post (its external id) or a conversation, by kind. */
typedef enum ear_ref_kind { EAR_REF_POST = 1, EAR_REF_CONVERSATION = 2 } ear_ref_kind;
struct ear_id ear_id_ref(const struct ear_id_key *key, ear_ref_kind kind, struct ear_str platform,
                         struct ear_str external_id);
/* A new UUIDv7. */
struct ear_id ear_id_new(int64_t now_us);
/* A name-based UUIDv8 for things that must get the same id on every try. */
struct ear_id ear_id_named(struct ear_str space, struct ear_str name);

int64_t ear_id_time_us(const struct ear_id *id); /* 0 for timeless ids */
bool ear_id_is_nil(const struct ear_id *id);
static inline int ear_id_cmp(const struct ear_id *a, const struct ear_id *b)
{
    for (size_t at = 0; at < EAR_ID_BYTES; at += 8) {
        uint64_t x = ear_get_be(a->b + at, 8), y = ear_get_be(b->b + at, 8);
        if (x != y) return x < y ? -1 : 1;
    }
    return 0;
}
/* The first 8 bytes of a customer_id (all of it is hash) as a signed, big-endian number: the
 * advisory lock of a customer. */
int64_t ear_id_lock_key(const struct ear_id *id);

void ear_id_format(const struct ear_id *id, char text[static EAR_ID_TEXT_BYTES]);
ear_err ear_id_parse(struct ear_str text, struct ear_id *id) EAR_MUST_CHECK;

#endif
