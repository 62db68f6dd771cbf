/* webhook: is this request really from who holds the key? The Standard Webhooks scheme over the
 * raw bytes (https://github.com/standard-webhooks/standard-webhooks, spec 1.0: symmetric
 * signatures "v1"). Pure: time comes in as an argument. */
#ifndef EAR_INGEST_WEBHOOK_H
#define EAR_INGEST_WEBHOOK_H

#include "base/base.h"

#define EAR_WEBHOOK_KEY_MIN 16
#define EAR_WEBHOOK_KEY_MAX 128
#define EAR_WEBHOOK_ID_MAX  256

/* One signing key; an account may have several while they are being rotated. */
struct ear_webhook_key {
    uint8_t bytes[EAR_WEBHOOK_KEY_MAX];
    size_t len;
};

/* "whsec_" and base64, or base64 alone. EAR_INVALID when it is neither or of another length. */
ear_err ear_webhook_key_parse(struct ear_str text, struct ear_webhook_key *key,
                              struct ear_diag *diag) EAR_MUST_CHECK;

/* The three headers as they came; absent ones have len 0. */
struct ear_webhook_head {
    struct ear_str id;
    struct ear_str timestamp;
    struct ear_str signatures;
};

/* EAR_OK; EAR_INVALID: headers are missing or malformed; EAR_TIMEOUT: outside of the window around
 * now; EAR_DENIED: no signature fits any key. Compares in constant time. */
ear_err ear_webhook_verify(const struct ear_webhook_key *keys, size_t count,
                           const struct ear_webhook_head *head, struct ear_str body, int64_t now_us,
                           int64_t window_ms, struct ear_diag *diag) EAR_MUST_CHECK;

#endif
