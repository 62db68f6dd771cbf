/* seen: which authors were written lately, so that a busy author costs one row and not one a post.
 * A fixed table; forgetting an author costs a write that changes nothing. */
#ifndef EAR_INGEST_SEEN_H
#define EAR_INGEST_SEEN_H

#include "post_in.h"

struct ear_seen;

struct ear_seen *ear_seen_new(void);
void ear_seen_free(struct ear_seen **seen);

/* True where the author's identity is not known to be stored as it is in this post. */
bool ear_seen_needs_identity(const struct ear_seen *seen, const struct ear_id *customer_id,
                             const struct ear_post_in *post);
/* True where reach was said and none is known to be stored for this day (days since 1970). */
bool ear_seen_needs_reach(const struct ear_seen *seen, const struct ear_id *customer_id,
                          const struct ear_post_in *post, int32_t day);
/* Call once it is committed. */
void ear_seen_note(struct ear_seen *seen, const struct ear_id *customer_id,
                   const struct ear_post_in *post, int32_t day);

#endif
