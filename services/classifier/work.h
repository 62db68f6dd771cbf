/* work: one batch on its way through the classifier, from the moment it is taken until it is
 * settled. Memory and bookkeeping only. */
#ifndef EAR_CLASSIFIER_WORK_H
#define EAR_CLASSIFIER_WORK_H

#include "bus/bus.h"

typedef enum ear_work_state {
    EAR_WORK_RAW,   /* to be read */
    EAR_WORK_READY, /* read; waits for credit */
    EAR_WORK_AWAY,  /* sent on; no bytes are kept */
    EAR_WORK_STATES
} ear_work_state;

struct ear_work {
    struct ear_work *next; /* of a queue */
    ear_work_state state;
    struct ear_id id;
    ear_lane lane;
    char trace[64];
    size_t count;                       /* items as they came */
    uint8_t fates[EAR_BATCH_POSTS_MAX]; /* of each, as known so far */
    struct ear_buf raw;                 /* owned: the items as they came, one after another */
    size_t raw_ends[EAR_BATCH_POSTS_MAX];
    size_t read;          /* items read so far */
    struct ear_buf image; /* owned: the triaged items */
    size_t image_ends[EAR_BATCH_POSTS_MAX];
    uint16_t origins[EAR_BATCH_POSTS_MAX]; /* which item an item of the image stands for */
    size_t image_count;
    int64_t busy_us; /* time spent on reading it */
    int64_t since_ms;
};

/* A queue of borrowed works, first in, first out. */
struct ear_work_queue {
    struct ear_work *first, *last;
    size_t posts;
};

/* Copies the batch; NULL where there is no memory for it. */
struct ear_work *ear_work_new(const struct ear_batch *batch);
void ear_work_free(struct ear_work **work);
struct ear_str ear_work_item(const struct ear_work *work, size_t at);
/* What was appended to work->image since the last call stands for item `at`. */
void ear_work_add_image(struct ear_work *work, size_t at);
/* The image as a batch; items has room for EAR_BATCH_POSTS_MAX. */
struct ear_batch ear_work_batch(const struct ear_work *work, struct ear_str *items);
/* Drops all bytes: nothing of them is needed once the image was sent. */
void ear_work_slim(struct ear_work *work);
/* Puts the fates of the image's items where they belong. */
void ear_work_set_fates(struct ear_work *work, const uint8_t *fates, size_t count);

void ear_work_push(struct ear_work_queue *queue, struct ear_work *work);
void ear_work_pop(struct ear_work_queue *queue);
void ear_work_remove(struct ear_work_queue *queue, struct ear_work *work);

#endif
