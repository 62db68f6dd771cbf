/* delivery: what one route hands over at a time: posts, and with them a cursor to move or a
 * webhook's receipt. The route owns it and lends everything in it from ear_intake_take until done
 * is called; done comes once, after the commit, never from inside take. */
#ifndef EAR_INGEST_DELIVERY_H
#define EAR_INGEST_DELIVERY_H

#include "bus/bus.h"
#include "offer/post_out.h"

typedef enum ear_post_result_kind {
    EAR_RESULT_NONE,
    EAR_RESULT_STORED,
    EAR_RESULT_DUPLICATE,
    EAR_RESULT_TOMBSTONED, /* its author had removed it before it came */
    EAR_RESULT_REFUSED,
    EAR_RESULT_KINDS
} ear_post_result_kind;

/* "stored", "duplicate", … */
const char *ear_post_result_name(ear_post_result_kind kind);

struct ear_post_result {
    ear_post_result_kind kind;
    struct ear_id post_id;
    const char *why; /* static; of a refusal */
};

struct ear_cursor_move {
    struct ear_str account, stream, position;
    struct ear_str lease; /* name of the lease it is bound to */
    int64_t epoch;
};

struct ear_receipt {
    struct ear_str account, webhook_id;
    uint8_t body_sha256[EAR_SHA256_BYTES];
};

struct ear_delivery;
typedef void ear_delivery_fn(struct ear_delivery *delivery);

struct ear_delivery {
    /* The route's. */
    ear_lane lane;
    struct ear_str account;   /* for posts that name none; may be empty */
    Earshot__V1__Entry entry; /* for posts that say none */
    const struct ear_post_in *posts;
    size_t count;
    bool checked;                         /* the posts have passed ear_post_in_check */
    const struct ear_cursor_move *cursor; /* NULL: none */
    const struct ear_receipt *receipt;    /* NULL: none */
    /* With a receipt: appends the answer to `answer`, called once the results are there and no
     * earlier answer was. */
    ear_delivery_fn *write_answer;
    ear_delivery_fn *done;
    void *self;

    /* What came of it, valid in write_answer and done. */
    ear_err err; /* EAR_OK: committed. Else nothing or not all is; retryable as ear_err says */
    struct ear_post_result *results; /* one a post; owned by intake */
    bool cursor_moved;
    struct ear_buf answer; /* with a receipt: the first answer to this webhook id */

    /* Intake's. */
    struct ear_delivery *next;
    struct ear_post_known *known;
    int64_t received_at_us;
    size_t bytes;
    unsigned slices; /* parts of it that are not over yet */
    bool answered_before;
};

/* Counts its posts by result, and how late live ones were heard. */
void ear_delivery_measure(const struct ear_delivery *delivery);

#endif
