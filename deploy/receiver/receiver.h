/* receiver: the routes of the sample receiver.
 *
 *   POST /replies   a signed webhook: 200 {"repeat":false} once it is in the ledger, the same with
 *                   true for an id that was there; 400 malformed, 401 not signed by us, 503 try
 * again GET  /replies   {"received":N,"repeats":N,"refused":N} */
#ifndef EAR_RECEIVER_H
#define EAR_RECEIVER_H

#include "httpd/httpd.h"

struct ear_receiver;

/* Copies secret and ledger path, adds its routes to httpd (borrowed, freed after the receiver). */
ear_err ear_receiver_new(struct ear_receiver **out, struct ear_httpd *httpd, const char *secret,
                         const char *ledger_path, struct ear_diag *diag) EAR_MUST_CHECK;
void ear_receiver_free(struct ear_receiver **receiver);

#endif
