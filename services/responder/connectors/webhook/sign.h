/* sign: the signature of Standard Webhooks 1.0.0: HMAC-SHA256 over "id.timestamp.body", shown as
 * "v1,<base64>". Pure. */
#ifndef EAR_RESPONDER_WEBHOOK_SIGN_H
#define EAR_RESPONDER_WEBHOOK_SIGN_H

#include "base/base.h"

/* Appends the key bytes of a secret written "whsec_<base64>" (the prefix may be missing), 24 to 64
 * bytes; EAR_INVALID otherwise, with a diag that does not show the secret. */
ear_err ear_webhook_secret(struct ear_str secret, struct ear_buf *key,
                           struct ear_diag *diag) EAR_MUST_CHECK;
/* Appends the value of webhook-signature. */
ear_err ear_webhook_sign(struct ear_str key, struct ear_str id, struct ear_str timestamp,
                         struct ear_str body, struct ear_buf *signature) EAR_MUST_CHECK;

#endif
