/* verify: does a webhook come from who holds the secret? Pure: base only, the time is given.
 *
 * Standard Webhooks (https://www.standardwebhooks.com): HMAC-SHA256 over "id.timestamp.body", key
 * and signature in base64, several signatures separated by spaces while keys are rotated. */
#ifndef EAR_RECEIVER_VERIFY_H
#define EAR_RECEIVER_VERIFY_H

#include "base/base.h"

#define EAR_WEBHOOK_TOLERANCE_S 300

/* As it came; all borrowed. */
struct ear_webhook {
    struct ear_str id;         /* webhook-id */
    struct ear_str timestamp;  /* webhook-timestamp, seconds since 1970 */
    struct ear_str signatures; /* webhook-signature, "v1,<base64> …" */
    struct ear_str body;       /* raw bytes */
};

/* Appends the key's bytes of a secret "whsec_<base64>" (the prefix may be missing). */
ear_err ear_webhook_key(struct ear_str secret, struct ear_buf *key,
                        struct ear_diag *diag) EAR_MUST_CHECK;

/* EAR_INVALID: a header is missing or malformed. EAR_DENIED: signed by somebody else, changed on
 * the way, or too old or too new to be believed. */
ear_err ear_webhook_verify(const struct ear_webhook *webhook, struct ear_str key, int64_t now_s,
                           struct ear_diag *diag) EAR_MUST_CHECK;

#endif
