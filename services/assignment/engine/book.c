#include "engine/book.h"

/* Far above what a full batch and its cases take (a few MiB). */
#define BOOK_BYTES_MAX ((size_t)256 << 20)

static struct ear_str id_key(const struct ear_id *id)
{
    return (struct ear_str){(const char *)id->b, EAR_ID_BYTES};
}

static struct ear_str decided_key(const struct ear_id key[2])
{
    return (struct ear_str){(const char *)key[0].b, 2 * EAR_ID_BYTES};
}

void ear_book_init(struct ear_book *book, const struct ear_care *care, int64_t now_us,
                   ear_new_id_fn *new_id)
{
    struct ear_arena *arena = ear_arena_new(BOOK_BYTES_MAX);
    *book = (struct ear_book){.arena = arena,
                              .care = care,
                              .now_us = now_us,
                              .new_id = new_id,
                              .case_by_id = ear_map_new_of_ids(arena),
                              .case_by_person = ear_map_new_of_ids(arena),
                              .link_by_ref = ear_map_new_of_ids(arena),
                              .decided = ear_map_new_of_ids(arena)};
    book->verdict_end = &book->verdicts;
    book->entry_end = &book->entries;
    book->due_end = &book->dues;
}

void ear_book_release(struct ear_book *book)
{
    if (!book->arena) return;
    ear_map_free(&book->case_by_id, NULL);
    ear_map_free(&book->case_by_person, NULL);
    ear_map_free(&book->link_by_ref, NULL);
    ear_map_free(&book->decided, NULL);
    ear_arena_free(&book->arena);
}

void *ear_book_alloc(struct ear_book *book, size_t size_bytes)
{
    void *p = ear_arena_try(book->arena, size_bytes);
    EAR_CHECK(p);
    return p;
}

char *ear_book_copy(struct ear_book *book, struct ear_str text)
{
    char *copy = ear_arena_copy(book->arena, text);
    EAR_CHECK(copy);
    return copy;
}

struct ear_case *ear_book_put_case(struct ear_book *book, const struct ear_case *fact)
{
    struct ear_case *c = ear_book_alloc(book, sizeof(*c));
    *c = *fact;
    struct ear_case *known = ear_map_put(book->case_by_id, id_key(&c->case_id), c);
    if (known) {
        ear_map_put(book->case_by_id, id_key(&known->case_id), known);
        return known;
    }
    c->next = book->cases;
    book->cases = c;
    c->next_of_customer = ear_map_put(book->case_by_person, id_key(&c->customer_id), c);
    return c;
}

void ear_book_put_read_case(struct ear_book *book, const struct ear_case *fact)
{
    struct ear_case *c = ear_book_put_case(book, fact);
    if (c->was) return;
    struct ear_case *was = ear_book_alloc(book, sizeof(*was));
    *was = *fact;
    c->was = was;
}

void ear_book_put_link(struct ear_book *book, const struct ear_link *fact)
{
    struct ear_link *link = ear_book_alloc(book, sizeof(*link));
    *link = *fact;
    link->next = book->links;
    book->links = link;
    ear_map_put(book->link_by_ref, id_key(&link->ref), link);
}

void ear_book_put_decided(struct ear_book *book, const struct ear_decided *fact)
{
    struct ear_decided *decided = ear_book_alloc(book, sizeof(*decided));
    *decided = *fact;
    ear_map_put(book->decided, decided_key(decided->key), decided);
}

static struct ear_seat *add_seat(struct ear_book *book, const struct ear_agent *agent)
{
    struct ear_seat *seat = ear_book_alloc(book, sizeof(*seat));
    seat->agent = agent;
    seat->next = book->seats;
    book->seats = seat;
    return seat;
}

void ear_book_put_seat(struct ear_book *book, const struct ear_agent *agent, int32_t open_cases,
                       int64_t idle_since_us)
{
    struct ear_seat *seat = add_seat(book, agent);
    seat->present = true;
    seat->open_cases = open_cases;
    seat->idle_since_us = idle_since_us;
}

void ear_book_put_head(struct ear_book *book, const struct ear_head *fact)
{
    struct ear_head *head = ear_book_alloc(book, sizeof(*head));
    *head = *fact;
    head->next = book->heads;
    book->heads = head;
}

struct ear_case *ear_book_case(const struct ear_book *book, const struct ear_id *case_id)
{
    return ear_map_get(book->case_by_id, id_key(case_id));
}

struct ear_case *ear_book_cases_of(const struct ear_book *book, const struct ear_id *customer_id)
{
    return ear_map_get(book->case_by_person, id_key(customer_id));
}

const struct ear_link *ear_book_link(const struct ear_book *book, const struct ear_id *ref)
{
    return ear_id_is_nil(ref) ? NULL : ear_map_get(book->link_by_ref, id_key(ref));
}

const struct ear_decided *ear_book_decided(const struct ear_book *book,
                                           const struct ear_heard *heard)
{
    const struct ear_id key[2] = {heard->post_id, heard->customer_id};
    return ear_map_get(book->decided, decided_key(key));
}

struct ear_seat *ear_book_seat(struct ear_book *book, const char *agent)
{
    const struct ear_agent *known = ear_care_agent(book->care, agent);
    if (!known) return NULL;
    for (struct ear_seat *seat = book->seats; seat; seat = seat->next)
        if (seat->agent == known) return seat;
    return add_seat(book, known);
}

struct ear_entry *ear_book_enter(struct ear_book *book, struct ear_case *c, const char *actor)
{
    struct ear_entry *e = ear_book_alloc(book, sizeof(*e));
    e->of = c;
    e->seq = ++c->seq;
    e->at_us = book->now_us;
    e->actor = actor;
    c->changed = true;
    /* Never back, though the clock of a host may be put back. */
    if (c->changed_at_us < book->now_us) c->changed_at_us = book->now_us;
    *book->entry_end = book->last_entry = e;
    book->entry_end = &e->next;
    return e;
}

/* A post that opens, joins or reopens a case of its own customer. */
static bool is_line_of(const struct ear_entry *e, const struct ear_heard *heard,
                       const struct ear_case *c)
{
    return e && c && e->of == c && ear_id_cmp(&c->customer_id, &heard->customer_id) == 0 &&
           !e->in_triage && ear_entry_has(e, EAR_KIND_CLASSIFIED) &&
           !ear_entry_has(e, EAR_KIND_RELATED) && ear_id_cmp(&e->post_id, &heard->post_id) == 0;
}

void ear_book_decide(struct ear_book *book, const struct ear_heard *heard, struct ear_case *c,
                     ear_decision decision)
{
    struct ear_verdict *v = ear_book_alloc(book, sizeof(*v));
    *v = (struct ear_verdict){.heard = heard, .of = c, .decision = decision};
    if (is_line_of(book->last_entry, heard, c)) {
        v->line = book->last_entry;
        v->before = c->tail_post_id;
        c->tail_post_id = heard->post_id;
        book->last_entry->in_triage = true;
    }
    *book->verdict_end = v;
    book->verdict_end = &v->next;
    struct ear_decided decided = {.key = {heard->post_id, heard->customer_id}};
    if (c) decided.case_id = c->case_id;
    ear_book_put_decided(book, &decided);
}

void ear_book_point(struct ear_book *book, const struct ear_id *ref, const struct ear_case *c)
{
    if (ear_id_is_nil(ref)) return;
    struct ear_link *link = ear_map_get(book->link_by_ref, id_key(ref));
    if (!link) {
        struct ear_link fresh = {
            .ref = *ref, .customer_id = c->customer_id, .case_id = c->case_id, .is_new = true};
        ear_book_put_link(book, &fresh);
        return;
    }
    if (ear_id_cmp(&link->customer_id, &c->customer_id) != 0) return;
    if (ear_id_cmp(&link->case_id, &c->case_id) == 0) return;
    link->case_id = c->case_id;
    link->is_new = true;
}

struct ear_due *ear_book_due(struct ear_book *book, const struct ear_case *c, ear_due_kind kind,
                             int64_t due_at_us, ear_due_change change)
{
    struct ear_due *due = ear_book_alloc(book, sizeof(*due));
    *due = (struct ear_due){.case_id = c->case_id,
                            .customer_id = c->customer_id,
                            .kind = kind,
                            .clock_no = c->clock_no,
                            .due_at_us = due_at_us,
                            .change = change};
    *book->due_end = due;
    book->due_end = &due->next;
    return due;
}

static bool is_mentioned(const struct ear_book *book, const struct ear_heard *heard,
                         const char *account)
{
    const struct ear_decided *decided = ear_book_decided(book, heard);
    struct ear_str rest = decided ? decided->heard : EAR_STR_NONE, one;
    while (rest.len && ear_str_split(&rest, '\n', &one))
        if (ear_str_eq(one, ear_str_from(account))) return true;
    for (const struct ear_mention *m = book->mentions; m; m = m->next)
        if (ear_id_cmp(&m->post_id, &heard->post_id) == 0 &&
            ear_id_cmp(&m->customer_id, &heard->customer_id) == 0 &&
            strcmp(m->account, account) == 0)
            return true;
    return false;
}

bool ear_book_mention(struct ear_book *book, const struct ear_heard *heard, const char *account)
{
    if (strcmp(heard->account, account) == 0 || is_mentioned(book, heard, account)) return false;
    struct ear_mention *m = ear_book_alloc(book, sizeof(*m));
    *m = (struct ear_mention){
        .post_id = heard->post_id, .customer_id = heard->customer_id, .account = account};
    m->next = book->mentions;
    book->mentions = m;
    return true;
}
