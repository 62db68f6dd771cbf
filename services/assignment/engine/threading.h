/* threading: Pure. Which case a post belongs to.
 *
 * A customer's post: by the link of what it answers, then of its conversation, then the customer's
 * case on the account, open before closed. A link that leads to another customer's case makes the
 * post related to that case; it never joins it. The firm's own post: by the link of itself (the
 * echo of a reply that Earshot sent), of what it answers, of its conversation. */
#ifndef EAR_ASSIGNMENT_THREADING_H
#define EAR_ASSIGNMENT_THREADING_H

#include "engine/book.h"

struct ear_thread {
    struct ear_case *own;     /* the customer's; NULL: none yet. For the firm's post: any */
    bool linked;              /* the thread says so, not only the customer */
    bool echo;                /* a reply of ours coming back */
    struct ear_case *related; /* another customer's case in the same thread */
};

struct ear_thread ear_thread_of(const struct ear_book *book, const struct ear_heard *heard);
/* The customer's case on the account that is not closed; NULL when there is none. */
struct ear_case *ear_thread_open_case(const struct ear_book *book, const struct ear_id *customer_id,
                                      const char *account, const char *platform);

#endif
