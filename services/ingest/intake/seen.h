/* seen: which authors were written lately, so that a busy author costs one row and not one a post.
 * A fixed table; forgetting an author costs a write that changes nothing. What it knows it forgets
 * after ten minutes: others write identities too, and what is erased must come back with a new
 * post.
 */
#ifndef EAR_INGEST_SEEN_H
#define EAR_INGEST_SEEN_H

#include "post_in.h"

struct ear_seen;

struct ear_seen *ear_seen_new(void);
void ear_seen_free(struct ear_seen **seen);

/* True where the author's identity is not known to be stored as it is in this post. */
bool ear_seen_needs_identity(const struct ear_seen *seen, const struct ear_id *customer_id,
                             const struct ear_post_in *post, int64_t now_us);
/* True where reach was said and none is known to be stored for this day. */
bool ear_seen_needs_reach(const struct ear_seen *seen, const struct ear_id *customer_id,
                          const struct ear_post_in *post, int64_t now_us);
/* Call once what was needed is committed. */
void ear_seen_note_identity(struct ear_seen *seen, const struct ear_id *customer_id,
                            const struct ear_post_in *post, int64_t now_us);
/* Of an author whose identity is known; else nothing is noted. */
void ear_seen_note_reach(struct ear_seen *seen, const struct ear_id *customer_id, int64_t now_us);
/* All of it: a database that was away may come back as a copy that lacks what was written last. */
void ear_seen_forget(struct ear_seen *seen);

#endif
