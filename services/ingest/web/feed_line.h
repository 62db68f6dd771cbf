/* feed_line: one post in Earshot's own JSON, as webhooks and replayed feeds send it. Pure.
 *
 *   {"platform","external_id","account","author":{"id","handle","name","followers"},"text",
 *    "created_at","in_reply_to","conversation","visibility","language","url","kind","edited_at"}
 *
 * Needed: platform, external_id, author.id, text, created_at. kind is "post" (default), "edit"
 * (needs edited_at; created_at stays the post's) or "delete" (text is not needed; created_at is,
 * since it is part of the post's id). Other members are ignored. */
#ifndef EAR_INGEST_FEED_LINE_H
#define EAR_INGEST_FEED_LINE_H

#include "post_in.h"
#include "json/json.h"

#define EAR_FEED_LINE_BYTES_MAX (256u << 10)

/* Fills post, which borrows from line and, where that has escapes, from room (four times the bytes
 * of line). EAR_INVALID or EAR_TOO_LARGE with a diag that names the member; EAR_NO_MEMORY. */
ear_err ear_feed_line_parse(struct ear_str line, int64_t now_us, struct ear_post_in *post,
                            struct ear_arena *room, struct ear_diag *diag) EAR_MUST_CHECK;

#endif
