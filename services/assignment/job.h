/* job: triaged posts while they are here: the batches they came in, what they say, what became of
 * each, and which part of them is being tried. Private to work. */
#ifndef EAR_ASSIGNMENT_JOB_H
#define EAR_ASSIGNMENT_JOB_H

#include "bus/bus.h"
#include "engine/facts.h"
#include "store.h"
#include <sys/queue.h>

#define EAR_JOB_POSTS_MAX 2048 /* in one transaction; four times what a batch may have */
#define EAR_JOB_PARTS_MAX 16   /* halving leaves at most twelve */

/* Items [from, to), tried so often. */
struct ear_part {
    size_t from;
    size_t to;
    unsigned tries;
};

/* Items [from, from + count) came together and are settled together. */
struct ear_origin {
    struct ear_id batch_id;
    const char *trace;
    size_t from;
    size_t count;
};

/* Items that take no part in what follows. */
struct ear_job_unread {
    size_t malformed; /* have failed */
    size_t starved;   /* for want of memory: are handed back */
};

struct ear_job {
    TAILQ_ENTRY(ear_job) link;
    void *owner; /* whose work it is; borrowed */
    ear_lane lane;
    int64_t since_ms;        /* of the batch that came first */
    struct ear_arena *arena; /* owned: everything below */
    struct ear_origin own;
    struct ear_job_unread unread; /* of its own */
    TAILQ_HEAD(, ear_job)
    joined;                     /* owned: jobs that became part of it; what they heard is theirs */
    struct ear_origin *origins; /* of all */
    size_t origin_count;
    const struct ear_heard **heard; /* of all items; NULL where one could not be read */
    uint8_t *fates;
    size_t count;
    struct ear_part parts[EAR_JOB_PARTS_MAX];
    size_t part_count;
    bool looks; /* which of its posts are decided already; else the primary key tells */

    /* Of the part being tried: */
    const struct ear_heard **posts;
    size_t post_count;
    struct ear_link *links; /* as read before the locks */
    size_t link_count;
    struct ear_id *people; /* customers to lock, sorted, each once */
    size_t people_count;
    struct ear_timer *pause; /* owned; NULL until used */
};

/* Reads the batch, of which nothing is borrowed. */
struct ear_job *ear_job_new(const struct ear_batch *batch, void *owner);
void ear_job_free(struct ear_job **job);
/* The other's batch becomes part of this job, if that makes it no larger than `room` posts: one
 * transaction costs less than two. Before either begins. Takes the other, or leaves it and is
 * false. */
bool ear_job_join(struct ear_job *job, struct ear_job *other, size_t room);

/* Nobody joins it from now on; its one part is all of it. */
void ear_job_begin(struct ear_job *job);
/* The part to be tried next; NULL when all is over. Gathers its posts. */
struct ear_part *ear_job_part(struct ear_job *job);
/* The part being tried is over: all its posts have this fate. */
void ear_job_settle_part(struct ear_job *job, ear_fate fate);
/* Whether to look which posts are decided already: when one of them may be, since it was tried
 * before or comes again to be heard by a further account. */
bool ear_job_looks(const struct ear_job *job);
/* It is tried as two parts from now on. */
void ear_job_halve(struct ear_job *job);
/* Where no item knows about another post, nothing need be read before the locks. */
bool ear_job_has_refs(const struct ear_job *job);

/* refs: room for 3 a post; returns how many. */
size_t ear_job_refs(const struct ear_job *job, struct ear_id *refs);
/* Takes the links down and works out whom to lock. */
void ear_job_note_links(struct ear_job *job, const struct ear_link *links, size_t count);
bool ear_job_locks(const struct ear_job *job, const struct ear_id *customer_id);

#endif
