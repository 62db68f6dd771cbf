/* sitting: one decision from lock to commit. In one round trip the customers are locked and the
 * facts about them read; the decision, which is pure, is made on a book of these facts; in a second
 * round trip its changes are written and committed. Everything that changes a case goes this way,
 * so no two decisions about one customer ever run at once, on whichever replica.
 *
 * The locks are advisory, taken in one order, and end with the transaction. Many customers are
 * locked as a whole where there is no other replica, who would have to wait. */
#ifndef EAR_ASSIGNMENT_SITTING_H
#define EAR_ASSIGNMENT_SITTING_H

#include "ground.h"
#include "store.h"

struct ear_sitting_ops {
    /* Adds reads of its own. May be NULL. */
    void (*ask)(void *self, struct ear_pg_batch *batch);
    /* Decides. extra: results of what ask added. Anything but EAR_OK ends the sitting with that
     * error and without a change. */
    ear_err (*decide)(void *self, struct ear_book *book, const struct ear_pg_result *const *extra);
    /* Adds rows of its own, committed with the book's. May be NULL; then a book without changes
     * is not written at all. */
    void (*write)(void *self, struct ear_pg_batch *batch, const struct ear_book *book);
    /* Over; comes exactly once, never from inside ear_sitting_open. err: as of ear_pg_run, or of
     * decide. The book lives for the length of the call. */
    void (*done)(void *self, ear_err err, const struct ear_book *book, const struct ear_diag *diag);
};

/* Care must be loaded. wants is borrowed for the length of the call, ops and self until done. */
void ear_sitting_open(const struct ear_ground *ground, const struct ear_wants *wants,
                      const struct ear_sitting_ops *ops, void *self);

#endif
