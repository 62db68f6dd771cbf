/* queue: deliveries of a lane that wait for their transaction, in the order they came. Borrows
 * them. Private to intake. */
#ifndef EAR_INGEST_QUEUE_H
#define EAR_INGEST_QUEUE_H

#include "intake/delivery.h"
#include "offer/offer.h"

#define EAR_COMMIT_POSTS 2048 /* of a transaction, at most */

struct ear_queue {
    struct ear_delivery *first, *last;
    size_t deliveries, posts, bytes;
    unsigned under_way; /* transactions */
    size_t coming;      /* posts of these */
    size_t company;     /* deliveries in the last transaction besides the first */
    size_t last_posts;  /* posts in it */
    size_t expected;    /* deliveries that lately shared a transaction */
};

void ear_queue_push(struct ear_queue *queue, struct ear_delivery *delivery);
struct ear_delivery *ear_queue_shift(struct ear_queue *queue); /* not from an empty one */
/* What the transaction made of it has. */
void ear_queue_note(struct ear_queue *queue, size_t deliveries, size_t posts);
/* How long its first delivery still waits for company, so that they share a transaction: hardly
 * where little comes, longer where much does. 0: not any more, or a transaction is full, or of much
 * that comes as many are here as lately came together: senders who wait for their answers send no
 * more before. */
int64_t ear_queue_gathers_ms(const struct ear_queue *queue);
/* True while its first delivery should wait for credit of classifiers: posts that go on from memory
 * need not be read again. Not for long, and only while no more than a few thousand wait; what is
 * more waits in the database. */
bool ear_queue_holds(const struct ear_queue *queue, const struct ear_offer *offer, ear_lane lane);

#endif
