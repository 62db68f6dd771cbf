/* commit: one transaction of intake: slices of deliveries in, results and fresh posts out. Builds
 * the statements and reads what came of them; intake decides when, and what after a failure.
 * Private to intake. */
#ifndef EAR_INGEST_COMMIT_H
#define EAR_INGEST_COMMIT_H

#include "intake/delivery.h"
#include "intake/months.h"
#include "intake/seen.h"
#include "offer/offer.h"

/* Posts [from, to) of a delivery; the tail carries its cursor and receipt. */
struct ear_slice {
    struct ear_delivery *delivery;
    size_t from, to;
    bool tail;
};

/* One post to be written. */
struct ear_entry {
    const struct ear_post_in *post;
    const struct ear_post_known *known;
    struct ear_post_result *result;
    const struct ear_delivery *delivery;
    struct ear_buf mentions; /* other accounts that heard the same post in this transaction */
    size_t packed_to;        /* where its message ends among those of its commit */
    uint32_t given;          /* its place in the order that posts were given in */
    bool repeat;             /* the same post is in this transaction already */
    bool writes_identity;    /* of its author, whose last post here it is */
    bool writes_reach;
};

/* Where the statements are in the batch; -1: not there. */
struct ear_commit_places {
    int posts, tombstones, revisions, deletions, receipts, mentions;
};

struct ear_commit {
    struct ear_commit *next;
    void *home;
    ear_lane lane;
    struct ear_slice *slices;
    size_t slice_count;
    struct ear_entry *entries; /* new posts first, by id; then edits, then deletions */
    size_t count, edits_at, deletions_at;
    struct ear_buf packed; /* messages of new posts that repeat none, in the order of entries */
    struct ear_commit_places places;
    int statements;
    int cursors_at; /* place of the first cursor's statement; -1 */
    struct ear_id intake_id;
    char trace[EAR_TRACE_TEXT_BYTES];
    int64_t stored_at_us;
    int64_t began_ms;
    bool repair;   /* part of a delivery that was refused or too large as a whole */
    bool fresh;    /* some of its posts were new: there is an intake row */
    bool repeats;  /* some of its posts were not */
    bool looks;    /* whether its posts are known already; else all of them are taken for new */
    bool copies;   /* its posts go by COPY */
    bool again;    /* it was refused for its content once, as a whole */
    bool follows;  /* the follow-up is what is under way */
    bool twins;    /* two authors claim one of its posts */
    bool told;     /* posts that were there before were heard for a further account */
    bool unpacked; /* there was no memory for the messages: its posts are read again later */
};

/* Takes over the array of slices. */
struct ear_commit *ear_commit_new(ear_lane lane, struct ear_slice *slices, size_t count);
void ear_commit_free(struct ear_commit **commit);
size_t ear_commit_posts(const struct ear_commit *commit); /* in its slices */
/* A cursor must not pass posts that failed. */
bool ear_commit_is_vain(const struct ear_commit *commit);

struct ear_commit_env {
    struct ear_id owner;
    int64_t epoch;
    struct ear_seen *seen;
    int64_t stored_at_us; /* no other transaction of this process has the same */
    bool looks;           /* some of the posts may be known already */
};

/* For all that a commit sends: who posts is told at once that the database is away, and comes
 * again. */
struct ear_pg_batch *ear_commit_batch(void);
/* (Re)builds entries and statements; ids of the months are asked for before. NULL: two authors
 * claim one post, which have to be stored by a transaction each, so that when and what name one of
 * them. */
struct ear_pg_batch *ear_commit_build(struct ear_commit *commit, const struct ear_commit_env *env);
/* Asks for the partitions that the commit needs and that are not known; NULL when all are. */
struct ear_pg_batch *ear_commit_months(const struct ear_commit *commit,
                                       const struct ear_months *months);
void ear_commit_note_months(const struct ear_commit *commit, struct ear_months *months);
/* Reads earlier answers and writes the receipts, with the answers that are foreseen. */
void ear_commit_add_receipts(struct ear_commit *commit, struct ear_pg_batch *batch);
/* After the results are read: the answers that are others than were foreseen. Adds to the batch,
 * which is made where there is none; NULL: nothing. */
struct ear_pg_batch *ear_commit_correct_receipts(const struct ear_commit *commit,
                                                 struct ear_pg_batch *batch);
/* After EAR_OK: fills the results, cursor_moved and earlier answers; notes authors as seen. */
void ear_commit_read(struct ear_commit *commit, const struct ear_commit_env *env,
                     const struct ear_pg_result *const *results, size_t count);
/* Hands its stored posts on. */
void ear_commit_offer(const struct ear_commit *commit, struct ear_offer *offer);
/* What is to be written after the commit and before the answers: texts of posts that had a
 * tombstone, answers that are others than was foreseen. NULL: nothing. */
struct ear_pg_batch *ear_commit_follow_up(struct ear_commit *commit);

#endif
