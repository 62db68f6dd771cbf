/* post_out: the message about a post that goes to classifiers, from a fresh post or from its row.
 * Reach has no place in it. */
#ifndef EAR_INGEST_POST_OUT_H
#define EAR_INGEST_POST_OUT_H

#include "pg/pg.h"
#include "post_in.h"
#include "wire/wire.h"

/* What intake works out about a post before it is stored. */
struct ear_post_known {
    struct ear_id post_id;
    struct ear_id customer_id;
    struct ear_id self_ref;
    struct ear_id reply_ref;        /* nil: none */
    struct ear_id conversation_ref; /* nil: none */
    struct ear_str account;         /* "" when care.yaml does not have it; borrowed */
    Earshot__V1__Entry entry;
    bool own;
    bool shared; /* other accounts of the firm may hear it too */
};

/* Appends the packed message. mentions: further accounts, one a line. */
ear_err ear_post_out_fresh(const struct ear_post_in *post, const struct ear_post_known *known,
                           int64_t received_at_us, int64_t stored_at_us, struct ear_str mentions,
                           struct ear_buf *out) EAR_MUST_CHECK;
/* From a row of the statement read_posts: which of those asked for it is, and the post. */
size_t ear_post_out_place(const struct ear_pg_result *result, size_t row);
ear_err ear_post_out_row(const struct ear_pg_result *result, size_t row,
                         struct ear_buf *out) EAR_MUST_CHECK;

#endif
