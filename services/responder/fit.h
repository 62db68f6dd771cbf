/* fit: a reply's text cut into the parts that a platform takes. Data only; connectors cut. Owned by
 * the caller (init, release). */
#ifndef EAR_RESPONDER_FIT_H
#define EAR_RESPONDER_FIT_H

#include "base/base.h"

#define EAR_REPLY_PARTS_MAX 8

struct ear_fit {
    struct ear_buf text; /* all parts, one behind the other */
    size_t ends[EAR_REPLY_PARTS_MAX];
    size_t count;
    size_t over; /* by how many of the platform's units it is too long; 0 when it fits */
};

void ear_fit_init(struct ear_fit *fit);
void ear_fit_release(struct ear_fit *fit);
struct ear_str ear_fit_part(const struct ear_fit *fit, size_t part);
/* Appends a part. EAR_TOO_LARGE when there are EAR_REPLY_PARTS_MAX already, or at 256 KiB. */
ear_err ear_fit_add(struct ear_fit *fit, struct ear_str part) EAR_MUST_CHECK;

#endif
