/* The other half of store: facts out of PostgreSQL into a book. */
#include "store.h"

#include "store_sql.h"
#include <stdlib.h>

/* So many are locked as a whole, which costs as much as one: an advisory lock is 1.1 µs. */
#define WHOLE_FROM 512

/* ---- asking ---- */

static int by_id(const void *a, const void *b)
{
    return ear_id_cmp(a, b);
}

/* Each customer once, sorted: a double would give each of its closed cases twice. Owned by the
 * caller. */
static struct ear_id *people_of(const struct ear_wants *wants, size_t *count)
{
    struct ear_id *ids = ear_alloc((wants->customer_count + 1) * sizeof(*ids));
    size_t all = wants->customer_count, kept = 0;
    bool sorted = true;
    if (all) memcpy(ids, wants->customers, all * sizeof(*ids));
    for (size_t i = 1; i < all && sorted; i++) sorted = ear_id_cmp(&ids[i - 1], &ids[i]) < 0;
    if (!sorted) qsort(ids, all, sizeof(*ids), by_id);
    for (size_t i = 0; i < all; i++)
        if (sorted || i == 0 || ear_id_cmp(&ids[i], &ids[kept - 1]) != 0) ids[kept++] = ids[i];
    *count = kept;
    return ids;
}

/* In one order everywhere, so that two sittings never wait for one another in a ring: that of the
 * keys as numbers with a sign, so the upper half of the ids comes first. */
static void push_keys(struct ear_pg_batch *batch, const struct ear_id *people, size_t count)
{
    size_t upper = 0;
    int64_t last = 0;
    while (upper < count && ear_id_lock_key(&people[upper]) >= 0) upper++;
    struct ear_pg_array *array = ear_pg_array(batch, EAR_PG_I64);
    for (size_t i = 0; i < count; i++) {
        int64_t key = ear_id_lock_key(&people[(upper + i) % count]);
        if (i == 0 || key != last) ear_pg_push_int(array, key);
        last = key;
    }
}

static void ask_ids(struct ear_pg_batch *batch, const struct ear_id *ids, size_t count)
{
    struct ear_pg_array *array = ear_pg_array(batch, EAR_PG_ID);
    for (size_t i = 0; i < count; i++) ear_pg_push_id(array, &ids[i]);
}

static void ask(struct ear_pg_batch *batch, struct ear_asked *asked, ear_fact fact,
                unsigned statement)
{
    ear_pg_batch_add(batch, statement);
    asked->at[fact] = asked->count++;
}

static void lock(struct ear_pg_batch *batch, struct ear_asked *asked, const struct ear_id *people,
                 size_t count, bool alone)
{
    if (alone && count >= WHOLE_FROM) {
        ask(batch, asked, EAR_FACT_TURN, STORE_LOCK_WHOLE);
        return;
    }
    ask(batch, asked, EAR_FACT_TURN, STORE_LOCK_INTENT);
    ask(batch, asked, EAR_FACT_LOCKS, STORE_LOCK_CUSTOMERS);
    push_keys(batch, people, count);
}

struct ear_asked ear_store_ask(struct ear_pg_batch *batch, const struct ear_wants *wants,
                               bool alone, bool shifts)
{
    struct ear_asked asked = {0};
    size_t count;
    struct ear_id *people = people_of(wants, &count);
    lock(batch, &asked, people, count, alone);
    if (wants->post_count) {
        ask(batch, &asked, EAR_FACT_DECIDED, STORE_READ_DECIDED);
        ask_ids(batch, wants->posts, wants->post_count);
        ask_ids(batch, wants->post_owners, wants->post_count);
    }
    if (wants->ref_count) {
        ask(batch, &asked, EAR_FACT_LINKS, STORE_READ_LINKS);
        ask_ids(batch, wants->refs, wants->ref_count);
    }
    ask(batch, &asked, EAR_FACT_CASES, STORE_READ_CASES);
    ask_ids(batch, people, count);
    ask_ids(batch, wants->cases, wants->case_count);
    ask(batch, &asked, EAR_FACT_LOADS, STORE_READ_LOADS);
    ask(batch, &asked, EAR_FACT_HEADS, STORE_READ_HEADS);
    if (shifts) ask(batch, &asked, EAR_FACT_SHIFTS, STORE_READ_SHIFTS);
    free(people);
    return asked;
}

/* ---- facts ---- */

char *ear_store_text(struct ear_book *book, const struct ear_pg_result *result, size_t row,
                     size_t column)
{
    struct ear_str text = ear_pg_get_str(result, row, column);
    return text.ptr ? ear_book_copy(book, text) : NULL;
}

static int32_t get_int(const struct ear_pg_result *result, size_t row, size_t column)
{
    return (int32_t)ear_pg_get_i64(result, row, column);
}

static void fill_case(struct ear_book *book, const struct ear_pg_result *r, size_t row)
{
    struct ear_id case_id = ear_pg_get_id(r, row, 0);
    struct ear_str place = ear_pg_get_str(r, row, 27);
    struct ear_case fact = {.case_id = case_id,
                            .customer_id = ear_pg_get_id(r, row, 1),
                            .account = ear_store_text(book, r, row, 2),
                            .platform = ear_store_text(book, r, row, 3),
                            .team = ear_store_text(book, r, row, 4),
                            .agent = ear_store_text(book, r, row, 5),
                            .last_agent = ear_store_text(book, r, row, 6),
                            .state = (ear_case_state)get_int(r, row, 7),
                            .close_code = ear_store_text(book, r, row, 8),
                            .direct = ear_pg_get_bool(r, row, 9),
                            .language = ear_store_text(book, r, row, 10),
                            .intent = get_int(r, row, 11),
                            .topic = get_int(r, row, 12),
                            .urgency = (uint32_t)get_int(r, row, 13),
                            .severity = (uint32_t)get_int(r, row, 14),
                            .seq = get_int(r, row, 15),
                            .posts = get_int(r, row, 16),
                            .last_post_id = ear_pg_get_id(r, row, 17),
                            .last_post_at_us = ear_pg_get_time(r, row, 18),
                            .opened_at_us = ear_pg_get_time(r, row, 19),
                            .changed_at_us = ear_pg_get_time(r, row, 20),
                            .clock_no = get_int(r, row, 21),
                            .respond_by_us = ear_pg_get_time(r, row, 22),
                            .first_responded_at_us = ear_pg_get_time(r, row, 23),
                            .breached = ear_pg_get_bool(r, row, 24),
                            .closed_at_us = ear_pg_get_time(r, row, 25),
                            .tail_post_id = ear_pg_get_id(r, row, 26)};
    EAR_CHECK(place.len == sizeof(fact.place));
    memcpy(fact.place, place.ptr, sizeof(fact.place));
    ear_book_put_read_case(book, &fact);
}

struct place {
    int32_t open_cases;
    int64_t idle_since_us;
    bool said, present;
};

/* Who is at work: by his own word, else by his shift. */
static void fill_seats(struct ear_book *book, const struct ear_pg_result *r)
{
    const struct ear_care *care = book->care;
    struct place *places = ear_alloc((care->agent_count + 1) * sizeof(*places));
    for (size_t row = 0; row < ear_pg_rows(r); row++) {
        const struct ear_agent *agent = ear_care_agent(care, ear_store_text(book, r, row, 0));
        if (!agent) continue;
        struct place *place = &places[agent - care->agents];
        if (ear_pg_is_null(r, row, 3)) {
            place->open_cases = get_int(r, row, 1);
            place->idle_since_us = ear_pg_get_time(r, row, 2);
        } else {
            place->said = true;
            place->present = ear_pg_get_bool(r, row, 3);
        }
    }
    for (size_t i = 0; i < care->agent_count; i++) {
        const struct ear_agent *agent = &care->agents[i];
        const struct place *place = &places[i];
        if (agent->active && (place->said ? place->present : agent->on_shift))
            ear_book_put_seat(book, agent, place->open_cases, place->idle_since_us);
    }
    free(places);
}

static void fill_heads(struct ear_book *book, const struct ear_pg_result *r)
{
    for (size_t row = 0; row < ear_pg_rows(r); row++) {
        struct ear_head head = {.team = ear_store_text(book, r, row, 0),
                                .respond_by_us = ear_pg_get_time(r, row, 1),
                                .case_id = ear_pg_get_id(r, row, 2)};
        ear_book_put_head(book, &head);
    }
}

static void fill_decided(struct ear_book *book, const struct ear_pg_result *r)
{
    for (size_t row = 0; row < ear_pg_rows(r); row++) {
        const char *heard = ear_store_text(book, r, row, 2);
        struct ear_decided fact = {.key = {ear_pg_get_id(r, row, 0), ear_pg_get_id(r, row, 3)},
                                   .case_id = ear_pg_get_id(r, row, 1),
                                   .heard = ear_str_from(heard)};
        ear_book_put_decided(book, &fact);
    }
}

static void fill_links(struct ear_book *book, const struct ear_pg_result *r)
{
    for (size_t row = 0; row < ear_pg_rows(r); row++) {
        struct ear_link link = {.ref = ear_pg_get_id(r, row, 0),
                                .customer_id = ear_pg_get_id(r, row, 1),
                                .case_id = ear_pg_get_id(r, row, 2)};
        ear_book_put_link(book, &link);
    }
}

static void fill_cases(struct ear_book *book, const struct ear_pg_result *r)
{
    for (size_t row = 0; row < ear_pg_rows(r); row++) fill_case(book, r, row);
}

void ear_store_fill(struct ear_book *book, const struct ear_asked *asked,
                    const struct ear_pg_result *const *results)
{
    static const struct {
        ear_fact fact;
        void (*fill)(struct ear_book *book, const struct ear_pg_result *r);
    } how[] = {{EAR_FACT_DECIDED, fill_decided},
               {EAR_FACT_LINKS, fill_links},
               {EAR_FACT_CASES, fill_cases},
               {EAR_FACT_LOADS, fill_seats},
               {EAR_FACT_HEADS, fill_heads}};
    for (size_t i = 0; i < EAR_COUNT(how); i++) {
        const struct ear_pg_result *r = ear_store_answer(asked, how[i].fact, results);
        if (r) how[i].fill(book, r);
    }
}
