#include "web/webhook.h"

#define SIGNATURES_MAX 16 /* more in one header are not looked at */

ear_err ear_webhook_key_parse(struct ear_str text, struct ear_webhook_key *key,
                              struct ear_diag *diag)
{
    static const struct ear_str prefix = {"whsec_", 6};
    struct ear_buf bytes;
    text = ear_str_trim(text);
    if (ear_str_starts(text, prefix)) {
        text = (struct ear_str){text.ptr + prefix.len, text.len - prefix.len};
    }
    ear_buf_init(&bytes, EAR_WEBHOOK_KEY_MAX);
    ear_err err = ear_base64_decode(text, &bytes);
    if (err == EAR_OK && bytes.len >= EAR_WEBHOOK_KEY_MIN) {
        memcpy(key->bytes, bytes.data, bytes.len);
        key->len = bytes.len;
    } else {
        err =
            ear_fail(diag, EAR_INVALID, "a webhook key is \"whsec_\" and %d to %d bytes in base64",
                     EAR_WEBHOOK_KEY_MIN, EAR_WEBHOOK_KEY_MAX);
    }
    if (bytes.data) ear_secret_wipe(bytes.data, bytes.cap);
    ear_buf_release(&bytes);
    return err;
}

/* The id goes into a database key and into logs: what is not plain ASCII is not an id. */
static bool plain(struct ear_str id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] < 0x21 || id.ptr[i] > 0x7e) return false;
    }
    return id.len > 0 && id.len <= EAR_WEBHOOK_ID_MAX;
}

static ear_err check_time(struct ear_str timestamp, int64_t now_us, int64_t window_ms,
                          struct ear_diag *diag)
{
    int64_t at_s = 0;
    if (ear_num_i64(timestamp, 0, INT64_MAX / EAR_US_PER_S, &at_s) != EAR_OK) {
        return ear_fail(diag, EAR_INVALID, "webhook-timestamp must be seconds since 1970");
    }
    int64_t off_us = at_s * EAR_US_PER_S - now_us;
    if (off_us < 0) off_us = -off_us;
    if (off_us > window_ms * EAR_US_PER_MS) {
        return ear_fail(diag, EAR_TIMEOUT,
                        "webhook-timestamp is too far from now: check the clock, sign anew");
    }
    return EAR_OK;
}

/* True where the base64 text is the MAC of one of the keys. All keys are tried whatever the first
 * ones give. */
static bool fits(struct ear_str text, const uint8_t (*macs)[EAR_HMAC_BYTES], size_t count)
{
    struct ear_buf given;
    bool found = false;
    ear_buf_init(&given, EAR_HMAC_BYTES);
    if (ear_base64_decode(text, &given) == EAR_OK && given.len == EAR_HMAC_BYTES) {
        for (size_t i = 0; i < count; i++) {
            found |= ear_secret_eq(given.data, macs[i], EAR_HMAC_BYTES);
        }
    }
    ear_buf_release(&given);
    return found;
}

static bool any_fits(struct ear_str signatures, const uint8_t (*macs)[EAR_HMAC_BYTES], size_t count)
{
    struct ear_str one;
    bool found = false;
    for (int i = 0; i < SIGNATURES_MAX && ear_str_split(&signatures, ' ', &one); i++) {
        if (!ear_str_starts(one, EAR_STR("v1,"))) continue;
        found |= fits((struct ear_str){one.ptr + 3, one.len - 3}, macs, count);
    }
    return found;
}

#define KEYS_MAX 16

ear_err ear_webhook_verify(const struct ear_webhook_key *keys, size_t count,
                           const struct ear_webhook_head *head, struct ear_str body, int64_t now_us,
                           int64_t window_ms, struct ear_diag *diag)
{
    uint8_t macs[KEYS_MAX][EAR_HMAC_BYTES];
    const struct ear_str parts[] = {head->id, EAR_STR("."), head->timestamp, EAR_STR("."), body};
    if (!plain(head->id) || head->signatures.len == 0) {
        return ear_fail(diag, EAR_INVALID,
                        "webhook-id, webhook-timestamp and webhook-signature are needed");
    }
    ear_err err = check_time(head->timestamp, now_us, window_ms, diag);
    if (err != EAR_OK) return err;
    if (count > KEYS_MAX) count = KEYS_MAX;
    for (size_t i = 0; i < count; i++) {
        struct ear_str key = {(const char *)keys[i].bytes, keys[i].len};
        ear_hmac_sha256(key, parts, EAR_COUNT(parts), macs[i]);
    }
    if (!any_fits(head->signatures, (const uint8_t(*)[EAR_HMAC_BYTES])macs, count)) {
        return ear_fail(diag, EAR_DENIED, "no signature fits a key of this account");
    }
    return EAR_OK;
}
