/* book: Pure. One decision's working memory: the facts that were read under the customers' locks,
 * found by id, and the changes that the decision makes to them. Drivers fill it from the database,
 * decisions work on it, store writes its changes.
 *
 * The book owns its arena and everything in it and borrows the care. Ids and the time come in from
 * outside. */
#ifndef EAR_ASSIGNMENT_BOOK_H
#define EAR_ASSIGNMENT_BOOK_H

#include "engine/facts.h"

/* A fresh, time-ordered id for something that begins now. */
typedef struct ear_id ear_new_id_fn(int64_t now_us);

struct ear_book {
    struct ear_arena *arena;
    const struct ear_care *care;
    int64_t now_us;
    ear_new_id_fn *new_id;

    struct ear_case *cases;
    struct ear_link *links;
    struct ear_seat *seats;
    struct ear_head *heads;         /* at most one a team */
    struct ear_map *case_by_id;     /* case_id → ear_case */
    struct ear_map *case_by_person; /* customer_id → first ear_case of the customer */
    struct ear_map *link_by_ref;    /* ref → ear_link */
    struct ear_map *decided;        /* post_id, customer_id → ear_decided */

    struct ear_verdict *verdicts;
    struct ear_verdict **verdict_end;
    struct ear_entry *entries;
    struct ear_entry **entry_end;
    struct ear_entry *last_entry;
    struct ear_due *dues;
    struct ear_due **due_end;
    struct ear_mention *mentions;
};

void ear_book_init(struct ear_book *book, const struct ear_care *care, int64_t now_us,
                   ear_new_id_fn *new_id);
void ear_book_release(struct ear_book *book);
/* Zeroed memory that lives as long as the book. What is put into a book is bounded by the size of
 * a batch, so running out is a bug and aborts. */
void *ear_book_alloc(struct ear_book *book, size_t size_bytes);
char *ear_book_copy(struct ear_book *book, struct ear_str text);

/* ---- facts ---- */

/* Takes note of a copy; a case that is there already is left as it is. */
struct ear_case *ear_book_put_case(struct ear_book *book, const struct ear_case *fact);
/* The same for one that may change: it keeps how it was. */
void ear_book_put_read_case(struct ear_book *book, const struct ear_case *fact);
void ear_book_put_link(struct ear_book *book, const struct ear_link *fact);
void ear_book_put_decided(struct ear_book *book, const struct ear_decided *fact);
/* An agent that is at work. */
void ear_book_put_seat(struct ear_book *book, const struct ear_agent *agent, int32_t open_cases,
                       int64_t idle_since_us);

/* Who is first in a team's queue. */
void ear_book_put_head(struct ear_book *book, const struct ear_head *fact);

struct ear_case *ear_book_case(const struct ear_book *book, const struct ear_id *case_id);
/* The customer's first case; more by next_of_customer. */
struct ear_case *ear_book_cases_of(const struct ear_book *book, const struct ear_id *customer_id);
const struct ear_link *ear_book_link(const struct ear_book *book, const struct ear_id *ref);
/* NULL: not decided yet. */
const struct ear_decided *ear_book_decided(const struct ear_book *book,
                                           const struct ear_heard *heard);
/* The seat of an agent, made (absent) when there is none; NULL for an agent care does not know. */
struct ear_seat *ear_book_seat(struct ear_book *book, const char *agent);

/* ---- changes ---- */

/* The next line of the case's history, kept with the case. */
struct ear_entry *ear_book_enter(struct ear_book *book, struct ear_case *c, const char *actor);
static inline void ear_entry_mark(struct ear_entry *e, ear_kind kind)
{
    e->kinds |= INT64_C(1) << kind;
}
static inline bool ear_entry_has(const struct ear_entry *e, ear_kind kind)
{
    return (e->kinds >> kind & 1) != 0;
}
/* The line that was entered last becomes part of the verdict where it is the post's own. */
void ear_book_decide(struct ear_book *book, const struct ear_heard *heard, struct ear_case *c,
                     ear_decision decision);
/* From now on the ref leads to the case. A ref of another customer stays where it is. */
void ear_book_point(struct ear_book *book, const struct ear_id *ref, const struct ear_case *c);
/* The caller may add when its breach is due. */
struct ear_due *ear_book_due(struct ear_book *book, const struct ear_case *c, ear_due_kind kind,
                             int64_t due_at_us, ear_due_change change);
/* False when that is known already. */
bool ear_book_mention(struct ear_book *book, const struct ear_heard *heard, const char *account);

#endif
