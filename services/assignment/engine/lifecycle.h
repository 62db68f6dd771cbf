/* lifecycle: Pure. What may become of a case, and whether a post is one. docs/states.md draws it.
 *
 *   open ⇄ waiting, open → closed, waiting → closed, closed → open
 *
 * Any other step is a bug and aborts. */
#ifndef EAR_ASSIGNMENT_LIFECYCLE_H
#define EAR_ASSIGNMENT_LIFECYCLE_H

#include "engine/book.h"

bool ear_case_may(ear_case_state from, ear_case_state to);

/* Somebody should look at it: all but spam and what surely needs no answer. */
bool ear_post_needs_answer(const struct ear_heard *heard);
/* It surely asks the firm for something. */
bool ear_post_asks(const struct ear_heard *heard);

/* A case of its own for the post, its clock running, given to somebody. */
struct ear_case *ear_case_open(struct ear_book *book, const struct ear_heard *heard,
                               const struct ear_id *follows);
/* The customer's post joins; a waiting case is owed again when the post needs an answer. */
void ear_case_join(struct ear_book *book, struct ear_case *c, const struct ear_heard *heard);
/* The post opens its closed case again. */
void ear_case_reopen(struct ear_book *book, struct ear_case *c, const struct ear_heard *heard);
/* True while a closed case may still be opened again by a post that came at the time. */
bool ear_case_is_warm(const struct ear_book *book, const struct ear_case *c, int64_t at_us);

/* Steps that commands take, inside an entry of theirs. */
void ear_case_await(struct ear_case *c); /* open → waiting */
/* Waiting or closed → open, or still open: a clock runs from since_us where none does. */
void ear_case_owe(struct ear_book *book, struct ear_case *c, struct ear_entry *e, int64_t since_us);
void ear_case_close(struct ear_book *book, struct ear_case *c, struct ear_entry *e,
                    const char *code);

#endif
