#include "engine/decide.h"

#include "engine/lifecycle.h"
#include "engine/threading.h"
#include <stdlib.h>

static int by_platform_time(const void *a, const void *b)
{
    const struct ear_heard *x = *(const struct ear_heard *const *)a;
    const struct ear_heard *y = *(const struct ear_heard *const *)b;
    if (x->created_at_us != y->created_at_us) return x->created_at_us < y->created_at_us ? -1 : 1;
    return ear_id_cmp(&x->post_id, &y->post_id);
}

static void decide_own(struct ear_book *book, const struct ear_heard *heard)
{
    struct ear_thread thread = ear_thread_of(book, heard);
    if (!thread.own) {
        ear_book_decide(book, heard, NULL, EAR_DECIDED_OWN_ALONE);
        return;
    }
    struct ear_entry *e = ear_book_enter(book, thread.own, "");
    ear_entry_mark(e, EAR_KIND_OWN_POST);
    e->post_id = heard->post_id;
    if (thread.echo) e->code = "echo";
    ear_book_point(book, &heard->self_ref, thread.own);
    ear_book_point(book, &heard->conversation_ref, thread.own);
    ear_book_decide(book, heard, thread.own, EAR_DECIDED_OWN);
}

static void note_related(struct ear_book *book, struct ear_case *c, const struct ear_heard *heard)
{
    struct ear_entry *e = ear_book_enter(book, c, "");
    ear_entry_mark(e, EAR_KIND_CLASSIFIED);
    ear_entry_mark(e, EAR_KIND_RELATED);
    e->post_id = heard->post_id;
    e->other_customer = heard->customer_id;
}

static void open_case(struct ear_book *book, const struct ear_heard *heard,
                      const struct ear_case *earlier)
{
    struct ear_case *c = ear_case_open(book, heard, earlier ? &earlier->case_id : NULL);
    ear_book_decide(book, heard, c, EAR_DECIDED_OPENED);
}

static void join(struct ear_book *book, struct ear_case *c, const struct ear_heard *heard)
{
    ear_case_join(book, c, heard);
    ear_book_decide(book, heard, c, EAR_DECIDED_JOINED);
}

static void reopen(struct ear_book *book, struct ear_case *c, const struct ear_heard *heard)
{
    ear_case_reopen(book, c, heard);
    ear_book_decide(book, heard, c, EAR_DECIDED_REOPENED);
}

/* The closed case of a thread may be of another account of the firm than the one that was
 * addressed. */
static struct ear_case *open_where_addressed(const struct ear_book *book,
                                             const struct ear_heard *heard,
                                             const struct ear_case *of_thread)
{
    if (!of_thread || of_thread->state != EAR_CASE_CLOSED) return NULL;
    return ear_thread_open_case(book, &heard->customer_id, heard->account, heard->platform);
}

/* The rows of the table in docs/states.md, top to bottom. */
static void decide_heard(struct ear_book *book, const struct ear_heard *heard)
{
    struct ear_thread thread = ear_thread_of(book, heard);
    struct ear_case *c = thread.own;
    /* Who only talks along in somebody else's thread is answered when asking the firm. */
    bool wanted = thread.related ? ear_post_asks(heard) : ear_post_needs_answer(heard);
    struct ear_case *open = open_where_addressed(book, heard, c);
    if (thread.related) note_related(book, thread.related, heard);

    if (c && c->state != EAR_CASE_CLOSED)
        join(book, c, heard);
    else if (wanted && c && ear_case_is_warm(book, c, heard->created_at_us))
        reopen(book, c, heard);
    else if (wanted && open)
        join(book, open, heard);
    else if (wanted)
        open_case(book, heard, c);
    else if (c && thread.linked)
        join(book, c, heard);
    else
        ear_book_decide(book, heard, thread.related,
                        thread.related ? EAR_DECIDED_RELATED : EAR_DECIDED_NONE_NEEDED);
    /* Those who joined a case have their mentions in its history already. */
    for (size_t i = 0; i < heard->mention_count; i++)
        (void)ear_book_mention(book, heard, heard->mentions[i]);
}

/* What was decided before stays so; that a further account heard it is noted, once. */
static void hear_again(struct ear_book *book, const struct ear_heard *heard,
                       const struct ear_decided *before)
{
    struct ear_case *c = ear_book_case(book, &before->case_id);
    for (size_t i = 0; i < heard->mention_count; i++) {
        if (!ear_book_mention(book, heard, heard->mentions[i]) || !c) continue;
        struct ear_entry *e = ear_book_enter(book, c, "");
        ear_entry_mark(e, EAR_KIND_MENTIONED);
        e->post_id = heard->post_id;
        e->account = heard->mentions[i];
    }
}

size_t ear_decide(struct ear_book *book, const struct ear_heard **heard, size_t count)
{
    size_t decided = 0;
    if (count) qsort(heard, count, sizeof(*heard), by_platform_time);
    for (size_t i = 0; i < count; i++) {
        const struct ear_decided *before = ear_book_decided(book, heard[i]);
        if (before) {
            hear_again(book, heard[i], before);
            continue;
        }
        if (heard[i]->own)
            decide_own(book, heard[i]);
        else
            decide_heard(book, heard[i]);
        decided++;
    }
    return decided;
}
