/* webhook: the responder half of the generic channel: each reply is one signed POST to an address
 * of the firm's own, which shows it wherever it likes. */
#ifndef EAR_RESPONDER_WEBHOOK_H
#define EAR_RESPONDER_WEBHOOK_H

#include "connector.h"

extern const struct ear_connector_out ear_webhook_out;

#endif
