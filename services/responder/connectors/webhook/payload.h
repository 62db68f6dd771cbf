/* payload: the JSON body of an outbound webhook, as docs/connectors.md describes it. Pure. */
#ifndef EAR_RESPONDER_WEBHOOK_PAYLOAD_H
#define EAR_RESPONDER_WEBHOOK_PAYLOAD_H

#include "connector.h"

/* Appends; the same bytes for every try of a reply. EAR_NO_MEMORY. */
ear_err ear_webhook_payload(const struct ear_send_job *job, struct ear_buf *out) EAR_MUST_CHECK;

#endif
