/* crypt: libsodium, and libb2 for BLAKE2b, behind the few words Earshot needs. Nothing here is
 * home-made. */
#ifndef EAR_BASE_CRYPT_H
#define EAR_BASE_CRYPT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include <stdint.h>

/* Call once before anything else of this room; aborts when libsodium cannot start. */
void ear_crypt_start(void);

void ear_random(void *dst, size_t len);
uint64_t ear_random_below(uint64_t bound);                    /* uniform in [0, bound) */
bool ear_secret_eq(const void *a, const void *b, size_t len); /* constant time */
void ear_secret_wipe(void *p, size_t len);

#define EAR_HMAC_BYTES 32
void ear_hmac_sha256(struct ear_str key, const struct ear_str *parts, size_t count,
                     uint8_t mac[static EAR_HMAC_BYTES]);
#define EAR_SHA256_BYTES 32
void ear_sha256(struct ear_str data, uint8_t hash[static EAR_SHA256_BYTES]);

/* What every hash with a key begins with, done once: the key fills a block of its own, which is
 * half the work of a short hash. As secret as the key. */
#define EAR_HASH_STATE_BYTES 360
struct ear_hash_key {
    uint8_t state[EAR_HASH_STATE_BYTES];
};
/* An empty key: hashes without one. */
void ear_hash_key_init(struct ear_hash_key *key, struct ear_str bytes /* up to 64 */,
                       size_t out_bytes /* 16 to 64 */);
/* Keyed BLAKE2b over length-prefixed parts, at least one, so that ("ab","c") and ("a","bc") differ.
 * out_bytes: those that the key was made for. */
void ear_hash(const struct ear_hash_key *key, const struct ear_str *parts, size_t count,
              uint8_t *out, size_t out_bytes);

/* Standard alphabet, padded when written; padding optional when read. */
ear_err ear_base64_encode(struct ear_str data, struct ear_buf *out) EAR_MUST_CHECK;
ear_err ear_base64_decode(struct ear_str text, struct ear_buf *out) EAR_MUST_CHECK;
void ear_hex(const uint8_t *data, size_t len, char *text /* 2 * len + 1 */);
ear_err ear_unhex(struct ear_str text, uint8_t *out, size_t out_bytes) EAR_MUST_CHECK;

#endif
