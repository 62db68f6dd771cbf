/* known: what is worked out about a post before it is stored: ids, references, whose account heard
 * it, whether the firm itself wrote it. */
#ifndef EAR_INGEST_KNOWN_H
#define EAR_INGEST_KNOWN_H

#include "hear/care.h"
#include "intake/delivery.h"

/* account borrows from the post or the delivery. Logs accounts that care.yaml does not have. */
struct ear_post_known ear_post_known_of(const struct ear_id_key *key, struct ear_care *care,
                                        const struct ear_delivery *delivery,
                                        const struct ear_post_in *post);

#endif
