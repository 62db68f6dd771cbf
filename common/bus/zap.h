/* zap: says which CURVE keys may connect (RFC 27, https://rfc.zeromq.org/spec/27/). The name of the
 * key's service goes with every message as its User-Id, the key itself as
 * EAR_ZAP_KEY. Private to bus. */
#ifndef EAR_BUS_ZAP_H
#define EAR_BUS_ZAP_H

#include "bus/core.h"

/* Property of messages: the public key (Z85) that their sender showed. */
#define EAR_ZAP_KEY "X-Key"

/* Must be there before anything is bound. */
ear_err ear_zap_new(struct ear_zap **out, struct ear_bus *bus,
                    struct ear_diag *diag) EAR_MUST_CHECK;
void ear_zap_free(struct ear_zap **zap);

#endif
