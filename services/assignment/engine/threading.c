#include "engine/threading.h"

/* A post whose account nobody knows belongs to whatever the customer has on the platform. */
static bool same_account(const struct ear_case *c, const char *account, const char *platform)
{
    if (strcmp(c->account, account) == 0) return true;
    return (!c->account[0] || !account[0]) && strcmp(c->platform, platform) == 0;
}

static struct ear_case *open_among(struct ear_case *first, const char *account,
                                   const char *platform)
{
    struct ear_case *found = NULL;
    for (struct ear_case *c = first; c; c = c->next_of_customer) {
        if (c->state == EAR_CASE_CLOSED || !same_account(c, account, platform)) continue;
        if (strcmp(c->account, account) == 0) return c;
        if (!found) found = c;
    }
    return found;
}

struct ear_case *ear_thread_open_case(const struct ear_book *book, const struct ear_id *customer_id,
                                      const char *account, const char *platform)
{
    return open_among(ear_book_cases_of(book, customer_id), account, platform);
}

static struct ear_case *last_closed(struct ear_case *first, const struct ear_heard *heard)
{
    struct ear_case *last = NULL;
    for (struct ear_case *c = first; c; c = c->next_of_customer) {
        if (c->state != EAR_CASE_CLOSED) continue;
        if (!same_account(c, heard->account, heard->platform)) continue;
        if (!last || c->closed_at_us > last->closed_at_us) last = c;
    }
    return last;
}

static struct ear_case *linked_case(const struct ear_book *book, const struct ear_id *ref)
{
    const struct ear_link *link = ear_book_link(book, ref);
    return link ? ear_book_case(book, &link->case_id) : NULL;
}

static struct ear_thread thread_of_own(const struct ear_book *book, const struct ear_heard *heard)
{
    struct ear_thread thread = {.own = linked_case(book, &heard->self_ref)};
    thread.echo = thread.own != NULL;
    if (!thread.own) thread.own = linked_case(book, &heard->reply_ref);
    if (!thread.own) thread.own = linked_case(book, &heard->conversation_ref);
    thread.linked = thread.own != NULL;
    return thread;
}

static void follow(const struct ear_book *book, const struct ear_heard *heard,
                   const struct ear_id *ref, struct ear_thread *thread)
{
    struct ear_case *c = linked_case(book, ref);
    if (!c) return;
    bool mine = ear_id_cmp(&c->customer_id, &heard->customer_id) == 0;
    if (mine && !thread->own) thread->own = c;
    if (!mine && !thread->related) thread->related = c;
}

struct ear_thread ear_thread_of(const struct ear_book *book, const struct ear_heard *heard)
{
    if (heard->own) return thread_of_own(book, heard);
    struct ear_thread thread = {0};
    follow(book, heard, &heard->reply_ref, &thread);
    follow(book, heard, &heard->conversation_ref, &thread);
    thread.linked = thread.own != NULL;
    if (thread.own && thread.own->state != EAR_CASE_CLOSED) return thread;
    /* One matter at a time: an open case takes what would open another again. */
    const char *account = thread.own ? thread.own->account : heard->account;
    struct ear_case *mine = ear_book_cases_of(book, &heard->customer_id);
    struct ear_case *open = open_among(mine, account, heard->platform);
    if (open) thread.own = open;
    if (!thread.own) thread.own = last_closed(mine, heard);
    return thread;
}
