/* compose: a reply as Bluesky posts: cutting, facets, records. Pure.
 *
 * A post holds 300 graphemes and 3,000 bytes. A longer reply becomes a few posts that answer one
 * another, each marked " (1/3)". Facets count UTF-8 bytes. Sources: lexicon app.bsky.feed.post,
 * docs.bsky.app "Links, mentions, and rich text". */
#ifndef EAR_RESPONDER_BLUESKY_COMPOSE_H
#define EAR_RESPONDER_BLUESKY_COMPOSE_H

#include "connector.h"

/* EAR_TOO_LARGE with fit->over (graphemes) when parts_max posts do not hold it. */
ear_err ear_bluesky_fit(struct ear_str text, struct ear_str sign_off, size_t parts_max,
                        struct ear_fit *fit, struct ear_diag *diag) EAR_MUST_CHECK;

/* A post's place: what names a record for others. */
struct ear_bluesky_ref {
    struct ear_str uri;
    struct ear_str cid;
};

/* Reads {"uri","cid","root":{"uri","cid"}} as ingest wrote it; EAR_INVALID when it is none. *thread
 * owns what the refs borrow. */
ear_err ear_bluesky_thread(struct ear_str text, json_t **thread, struct ear_bluesky_ref *parent,
                           struct ear_bluesky_ref *root) EAR_MUST_CHECK;

/* The same from a post as app.bsky.feed.getPosts shows it; the refs borrow from it. */
ear_err ear_bluesky_place(const json_t *post, struct ear_bluesky_ref *parent,
                          struct ear_bluesky_ref *root) EAR_MUST_CHECK;

struct ear_bluesky_post {
    struct ear_str text;
    struct ear_bluesky_ref parent, root;
    struct ear_str mention_handle; /* whoever is answered: a "@handle" in the text names them */
    struct ear_str mention_did;
    int64_t at_us;
};
/* The record; owned by the caller, NULL for want of memory, or text that is not UTF-8. */
json_t *ear_bluesky_record(const struct ear_bluesky_post *post);

/* The record key of a part: a TID made of the reply's id alone. */
#define EAR_BLUESKY_RKEY_BYTES 14
void ear_bluesky_key(const struct ear_id *reply_id, char rkey[static EAR_BLUESKY_RKEY_BYTES]);
/* EAR_INVALID when key is no TID. */
ear_err ear_bluesky_part_key(struct ear_str key, size_t part,
                             char rkey[static EAR_BLUESKY_RKEY_BYTES]) EAR_MUST_CHECK;

#endif
