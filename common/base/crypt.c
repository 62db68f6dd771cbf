#include "base/crypt.h"

#include "base/check.h"
#include "base/num.h"
#include <blake2.h>
#include <sodium.h>

void ear_crypt_start(void)
{
    EAR_CHECK(sodium_init() >= 0);
}

void ear_random(void *dst, size_t len)
{
    randombytes_buf(dst, len);
}

uint64_t ear_random_below(uint64_t bound)
{
    EAR_CHECK(bound > 0);
    /* Numbers below 2^64 mod bound would make small results likelier. */
    uint64_t skip = (0 - bound) % bound;
    uint64_t value;
    do ear_random(&value, sizeof(value));
    while (value < skip);
    return value % bound;
}

bool ear_secret_eq(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

void ear_secret_wipe(void *p, size_t len)
{
    sodium_memzero(p, len);
}

static const unsigned char *bytes_of(struct ear_str s)
{
    return (const unsigned char *)(s.ptr ? s.ptr : "");
}

void ear_hmac_sha256(struct ear_str key, const struct ear_str *parts, size_t count,
                     uint8_t mac[static EAR_HMAC_BYTES])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, bytes_of(key), key.len);
    for (size_t i = 0; i < count; i++)
        crypto_auth_hmacsha256_update(&state, bytes_of(parts[i]), parts[i].len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof(state));
}

void ear_sha256(struct ear_str data, uint8_t hash[static EAR_SHA256_BYTES])
{
    crypto_hash_sha256(hash, bytes_of(data), data.len);
}

_Static_assert(sizeof(blake2b_state) <= EAR_HASH_STATE_BYTES, "a key holds the state");

/* libb2 keeps a block back until it is not the last one, and has room for two: one byte more than
 * another block makes it take in the key's. What was behind that is then taken out again. */
void ear_hash_key_init(struct ear_hash_key *key, struct ear_str bytes, size_t out_bytes)
{
    static const uint8_t more[BLAKE2B_BLOCKBYTES + 1];
    blake2b_state state;
    EAR_CHECK(out_bytes >= 16 && out_bytes <= BLAKE2B_OUTBYTES);
    EAR_CHECK(bytes.len <= BLAKE2B_KEYBYTES);
    if (bytes.len) {
        EAR_CHECK(blake2b_init_key(&state, out_bytes, bytes.ptr, bytes.len) == 0);
        blake2b_update(&state, more, sizeof(more));
        EAR_CHECK(state.t[0] == BLAKE2B_BLOCKBYTES);
        state.buflen = 0;
    } else {
        EAR_CHECK(blake2b_init(&state, out_bytes) == 0);
    }
    memcpy(key->state, &state, sizeof(state));
    sodium_memzero(&state, sizeof(state));
}

void ear_hash(const struct ear_hash_key *key, const struct ear_str *parts, size_t count,
              uint8_t *out, size_t out_bytes)
{
    blake2b_state state;
    EAR_CHECK(count > 0); /* the key's block is not the last one */
    memcpy(&state, key->state, sizeof(state));
    for (size_t i = 0; i < count; i++) {
        uint8_t len[8];
        ear_put_be(len, parts[i].len, sizeof(len));
        blake2b_update(&state, len, sizeof(len));
        blake2b_update(&state, bytes_of(parts[i]), parts[i].len);
    }
    EAR_CHECK(blake2b_final(&state, out, out_bytes) == 0);
    sodium_memzero(&state, sizeof(state));
}

ear_err ear_base64_encode(struct ear_str data, struct ear_buf *out)
{
    if (data.len > SIZE_MAX / 4 * 3 - 8) return EAR_TOO_LARGE;
    size_t len = sodium_base64_ENCODED_LEN(data.len, sodium_base64_VARIANT_ORIGINAL) - 1;
    ear_err err = ear_buf_reserve(out, len);
    if (err) return err;
    sodium_bin2base64(out->data + out->len, len + 1, bytes_of(data), data.len,
                      sodium_base64_VARIANT_ORIGINAL);
    out->len += len;
    return EAR_OK;
}

/* libsodium 1.0.18 reads bytes above 0x7F as if they were letters. */
static bool is_ascii(struct ear_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] >= 0x80) return false;
    return true;
}

ear_err ear_base64_decode(struct ear_str text, struct ear_buf *out)
{
    if (!is_ascii(text)) return EAR_INVALID;
    bool padded = text.len > 0 && text.ptr[text.len - 1] == '=';
    size_t marks = padded ? 1U + (text.len > 1 && text.ptr[text.len - 2] == '=') : 0;
    size_t len = (text.len - marks) / 4 * 3 + (text.len - marks) % 4 * 3 / 4;
    ear_err err = ear_buf_reserve(out, len);
    if (err) return err;
    size_t wrote = 0;
    int bad = sodium_base642bin(
        (unsigned char *)out->data + out->len, len, text.ptr, text.len, NULL, &wrote, NULL,
        padded ? sodium_base64_VARIANT_ORIGINAL : sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    if (!bad) out->len += wrote;
    out->data[out->len] = '\0';
    return bad ? EAR_INVALID : EAR_OK;
}

void ear_hex(const uint8_t *data, size_t len, char *text)
{
    sodium_bin2hex(text, 2 * len + 1, data, len);
}

ear_err ear_unhex(struct ear_str text, uint8_t *out, size_t out_bytes)
{
    if (text.len % 2 || text.len / 2 != out_bytes) return EAR_INVALID;
    int bad = sodium_hex2bin(out, out_bytes, text.ptr, text.len, NULL, NULL, NULL);
    return bad ? EAR_INVALID : EAR_OK;
}
