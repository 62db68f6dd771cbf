#include "sign.h"

#define KEY_BYTES_MIN 24u
#define KEY_BYTES_MAX 64u

ear_err ear_webhook_secret(struct ear_str secret, struct ear_buf *key, struct ear_diag *diag)
{
    const struct ear_str prefix = EAR_STR("whsec_");
    secret = ear_str_trim(secret);
    if (ear_str_starts(secret, prefix)) {
        secret.ptr += prefix.len;
        secret.len -= prefix.len;
    }
    if (ear_base64_decode(secret, key) || key->len < KEY_BYTES_MIN || key->len > KEY_BYTES_MAX)
        return ear_fail(diag, EAR_INVALID,
                        "the webhook secret must be whsec_ and the base64 of %u to %u bytes",
                        KEY_BYTES_MIN, KEY_BYTES_MAX);
    return EAR_OK;
}

ear_err ear_webhook_sign(struct ear_str key, struct ear_str id, struct ear_str timestamp,
                         struct ear_str body, struct ear_buf *signature)
{
    const struct ear_str parts[] = {id, EAR_STR("."), timestamp, EAR_STR("."), body};
    uint8_t mac[EAR_HMAC_BYTES];
    ear_hmac_sha256(key, parts, EAR_COUNT(parts), mac);
    ear_err err = ear_buf_append_str(signature, EAR_STR("v1,"));
    return err ? err
               : ear_base64_encode((struct ear_str){(const char *)mac, sizeof(mac)}, signature);
}
