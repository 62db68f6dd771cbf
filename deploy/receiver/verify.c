#include "verify.h"

ear_err ear_webhook_key(struct ear_str secret, struct ear_buf *key, struct ear_diag *diag)
{
    struct ear_str prefix = EAR_STR("whsec_");
    secret = ear_str_trim(secret);
    if (ear_str_starts(secret, prefix)) {
        secret.ptr += prefix.len;
        secret.len -= prefix.len;
    }
    if (ear_base64_decode(secret, key) != EAR_OK || key->len < 16)
        return ear_fail(diag, EAR_INVALID,
                        "a secret is \"whsec_\" and at least 16 bytes in base64");
    return EAR_OK;
}

static bool signature_matches(struct ear_str entry, const uint8_t mac[static EAR_HMAC_BYTES])
{
    struct ear_str version = EAR_STR("v1,");
    if (!ear_str_starts(entry, version)) return false;
    struct ear_buf given;
    ear_buf_init(&given, EAR_HMAC_BYTES);
    struct ear_str text = {entry.ptr + version.len, entry.len - version.len};
    bool same = ear_base64_decode(text, &given) == EAR_OK && given.len == EAR_HMAC_BYTES &&
                ear_secret_eq(given.data, mac, EAR_HMAC_BYTES);
    ear_buf_release(&given);
    return same;
}

static bool any_signature_matches(const struct ear_webhook *webhook, struct ear_str key)
{
    const struct ear_str parts[] = {webhook->id, EAR_STR("."), webhook->timestamp, EAR_STR("."),
                                    webhook->body};
    uint8_t mac[EAR_HMAC_BYTES];
    ear_hmac_sha256(key, parts, EAR_COUNT(parts), mac);
    struct ear_str rest = webhook->signatures, entry;
    while (ear_str_split(&rest, ' ', &entry)) {
        if (signature_matches(entry, mac)) return true;
    }
    return false;
}

ear_err ear_webhook_verify(const struct ear_webhook *webhook, struct ear_str key, int64_t now_s,
                           struct ear_diag *diag)
{
    int64_t sent_s;
    if (webhook->id.len == 0 || webhook->signatures.len == 0)
        return ear_fail(diag, EAR_INVALID, "webhook-id or webhook-signature is missing");
    if (ear_num_i64(webhook->timestamp, 0, INT64_MAX / 2, &sent_s) != EAR_OK)
        return ear_fail(diag, EAR_INVALID, "webhook-timestamp is not a number of seconds");
    if (!any_signature_matches(webhook, key))
        return ear_fail(diag, EAR_DENIED, "no signature is by the shared secret");
    if (sent_s < now_s - EAR_WEBHOOK_TOLERANCE_S || sent_s > now_s + EAR_WEBHOOK_TOLERANCE_S)
        return ear_fail(diag, EAR_DENIED, "signed %lld seconds away from now",
                        (long long)(sent_s - now_s));
    return EAR_OK;
}
