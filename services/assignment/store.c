#include "store.h"

#include "columns.h"
#include "engine/history.h"
#include "store_sql.h"

const struct ear_pg_statement *const ear_store_statements = store_statements;
const size_t ear_store_statement_count = STORE_SQL_COUNT;

/* What opened_row and changed_row have in common, in their order. */
static void put_changeable(struct columns *set, const struct ear_case *c)
{
    put_text(set, c->team);
    put_text(set, c->agent);
    put_text(set, c->last_agent);
    put_int(set, c->state);
    put_text(set, c->close_code);
    put_text(set, c->language[0] ? c->language : "und");
    put_int(set, c->intent);
    put_int(set, c->topic);
    put_int(set, c->urgency);
    put_int(set, c->severity);
    put_int(set, c->seq);
    put_int(set, c->posts);
    put_id(set, &c->last_post_id);
    ear_pg_push_int(next_of(set), c->last_post_at_us);
    ear_pg_push_int(next_of(set), c->opened_at_us);
    ear_pg_push_int(next_of(set), c->changed_at_us);
    put_int(set, c->clock_no);
    put_time(set, c->respond_by_us);
    put_time(set, c->first_responded_at_us);
    put_bool(set, c->breached);
    put_time(set, c->closed_at_us);
    put_id(set, &c->tail_post_id);
    end_row(set);
}

#define CHANGEABLE                                                                                \
    EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_I16, EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_I16,      \
        EAR_PG_I16, EAR_PG_I16, EAR_PG_I16, EAR_PG_I32, EAR_PG_I32, EAR_PG_ID, EAR_PG_TIME,       \
        EAR_PG_TIME, EAR_PG_TIME, EAR_PG_I32, EAR_PG_TIME, EAR_PG_TIME, EAR_PG_BOOL, EAR_PG_TIME, \
        EAR_PG_ID

static void open_cases(struct ear_pg_batch *batch, const struct ear_book *book)
{
    static const ear_pg_type types[] = {EAR_PG_ID,   EAR_PG_ID,   EAR_PG_TEXT, EAR_PG_TEXT,
                                        EAR_PG_BOOL, EAR_PG_TIME, EAR_PG_ID,   CHANGEABLE};
    struct columns set;
    size_t count = 0;
    for (const struct ear_case *c = book->cases; c; c = c->next) count += c->is_new;
    if (!count) return;
    open_many(batch, &set, count, STORE_COPY_CASES, STORE_OPEN_CASES, types, EAR_COUNT(types));
    for (const struct ear_case *c = book->cases; c; c = c->next) {
        if (!c->is_new) continue;
        put_id(&set, &c->case_id);
        put_id(&set, &c->customer_id);
        put_text(&set, c->account);
        put_text(&set, c->platform);
        put_bool(&set, c->direct);
        ear_pg_push_int(next_of(&set), c->heard_at_us);
        put_id(&set, &c->follows);
        put_changeable(&set, c);
    }
}

/* Texts that were not touched are where they were; another place counts as a change. */
static bool is_owned_as_before(const struct ear_case *c)
{
    const struct ear_case *was = c->was;
    return c->team == was->team && c->agent == was->agent && c->last_agent == was->last_agent &&
           c->state == was->state && c->close_code == was->close_code;
}

static bool is_judged_as_before(const struct ear_case *c)
{
    const struct ear_case *was = c->was;
    return c->language == was->language && c->intent == was->intent && c->topic == was->topic &&
           c->urgency == was->urgency && c->severity == was->severity;
}

static bool is_due_as_before(const struct ear_case *c)
{
    const struct ear_case *was = c->was;
    return c->opened_at_us == was->opened_at_us && c->clock_no == was->clock_no &&
           c->respond_by_us == was->respond_by_us &&
           c->first_responded_at_us == was->first_responded_at_us && c->breached == was->breached &&
           c->closed_at_us == was->closed_at_us;
}

#define JOINED EAR_PG_I32, EAR_PG_I32, EAR_PG_ID, EAR_PG_TIME, EAR_PG_TIME, EAR_PG_ID

/* Of all that may change only what joined_row has: the other 16 columns are looked at here. */
static bool only_joined(const struct ear_case *c)
{
    static const ear_pg_type all[] = {CHANGEABLE}, joined[] = {JOINED};
    _Static_assert(EAR_COUNT(all) == EAR_COUNT(joined) + 16, "a column that nobody looks at");
    return c->was && is_owned_as_before(c) && is_judged_as_before(c) && is_due_as_before(c);
}

static void put_place(struct columns *set, const struct ear_case *c)
{
    ear_pg_push_text(next_of(set), (struct ear_str){(const char *)c->place, sizeof(c->place)});
    put_id(set, &c->case_id);
}

static void put_joined(struct columns *set, const struct ear_case *c)
{
    put_int(set, c->seq);
    put_int(set, c->posts);
    put_id(set, &c->last_post_id);
    ear_pg_push_int(next_of(set), c->last_post_at_us);
    ear_pg_push_int(next_of(set), c->changed_at_us);
    put_id(set, &c->tail_post_id);
    end_row(set);
}

static void join_cases(struct ear_pg_batch *batch, const struct ear_book *book)
{
    static const ear_pg_type types[] = {EAR_PG_TID, EAR_PG_ID, JOINED};
    struct columns set;
    int32_t count = 0;
    for (const struct ear_case *c = book->cases; c; c = c->next) {
        if (!c->changed || c->is_new || !only_joined(c)) continue;
        if (!count++) open_rows(batch, &set, STORE_JOIN_CASES, types, EAR_COUNT(types));
        put_place(&set, c);
        put_joined(&set, c);
    }
    if (count) ear_pg_i32(batch, count);
}

static void change_cases(struct ear_pg_batch *batch, const struct ear_book *book)
{
    static const ear_pg_type types[] = {EAR_PG_TID, EAR_PG_ID, CHANGEABLE};
    struct columns set;
    int32_t count = 0;
    for (const struct ear_case *c = book->cases; c; c = c->next) {
        if (!c->changed || c->is_new || only_joined(c)) continue;
        if (!count++) open_rows(batch, &set, STORE_CHANGE_CASES, types, EAR_COUNT(types));
        put_place(&set, c);
        put_changeable(&set, c);
    }
    if (count) ear_pg_i32(batch, count);
}

static ear_err put_entry(struct columns *set, const struct ear_entry *e, struct ear_buf *detail)
{
    ear_buf_reset(detail);
    put_id(set, &e->of->case_id);
    put_int(set, e->seq);
    put_id(set, &e->of->customer_id);
    put_time(set, e->at_us);
    put_int(set, e->kinds);
    put_text(set, e->actor);
    put_id(set, &e->post_id);
    put_id(set, &e->reply_id);
    put_text(set, e->code);
    ear_err err = ear_entry_detail(e, detail);
    put_text(set, detail->len ? detail->data : NULL);
    end_row(set);
    return err;
}

static ear_err write_events(struct ear_pg_batch *batch, const struct ear_book *book)
{
    static const ear_pg_type types[] = {EAR_PG_ID,   EAR_PG_I32,  EAR_PG_ID, EAR_PG_TIME,
                                        EAR_PG_I64,  EAR_PG_TEXT, EAR_PG_ID, EAR_PG_ID,
                                        EAR_PG_TEXT, EAR_PG_TEXT};
    struct columns set;
    struct ear_buf detail;
    ear_err err = EAR_OK;
    bool any = false;
    ear_buf_init(&detail, EAR_STORE_DETAIL_BYTES_MAX);
    for (const struct ear_entry *e = book->entries; e && !err; e = e->next) {
        if (e->in_triage) continue;
        if (!any) open_rows(batch, &set, STORE_WRITE_EVENTS, types, EAR_COUNT(types));
        any = true;
        err = put_entry(&set, e, &detail);
    }
    ear_buf_release(&detail);
    return err;
}

static void write_links(struct ear_pg_batch *batch, const struct ear_book *book)
{
    static const ear_pg_type types[] = {EAR_PG_ID, EAR_PG_ID, EAR_PG_ID};
    struct columns set;
    bool any = false;
    for (const struct ear_link *link = book->links; link; link = link->next) {
        if (!link->is_new) continue;
        if (!any) open_columns(batch, &set, STORE_WRITE_LINKS, types, EAR_COUNT(types));
        any = true;
        put_id(&set, &link->ref);
        put_id(&set, &link->customer_id);
        put_id(&set, &link->case_id);
        end_row(&set);
    }
}

static void write_mentions(struct ear_pg_batch *batch, const struct ear_book *book)
{
    static const ear_pg_type types[] = {EAR_PG_ID, EAR_PG_ID, EAR_PG_TEXT};
    struct columns set;
    if (!book->mentions) return;
    open_columns(batch, &set, STORE_WRITE_MENTIONS, types, EAR_COUNT(types));
    for (const struct ear_mention *m = book->mentions; m; m = m->next) {
        put_id(&set, &m->post_id);
        put_id(&set, &m->customer_id);
        put_text(&set, m->account);
        end_row(&set);
    }
}

static void put_due(struct columns *set, const struct ear_due *due)
{
    if (due->change == EAR_DUE_START) put_int(set, ear_due_bucket(&due->case_id));
    if (due->change != EAR_DUE_CLEAR) put_time(set, due->due_at_us);
    put_id(set, &due->case_id);
    if (due->change == EAR_DUE_START) put_id(set, &due->customer_id);
    put_int(set, due->kind);
    put_int(set, due->clock_no);
    if (due->change != EAR_DUE_CLEAR) put_time(set, due->then_us);
    end_row(set);
}

static void write_dues(struct ear_pg_batch *batch, const struct ear_book *book,
                       ear_due_change change)
{
    static const struct {
        unsigned statement;
        size_t count;
        ear_pg_type types[7];
    } how[] = {
        [EAR_DUE_START] = {STORE_START_TIMERS,
                           7,
                           {EAR_PG_I16, EAR_PG_TIME, EAR_PG_ID, EAR_PG_ID, EAR_PG_I16, EAR_PG_I32,
                            EAR_PG_TIME}},
        [EAR_DUE_MOVE] = {STORE_MOVE_TIMERS,
                          5,
                          {EAR_PG_TIME, EAR_PG_ID, EAR_PG_I16, EAR_PG_I32, EAR_PG_TIME}},
        [EAR_DUE_CLEAR] = {STORE_CLEAR_TIMERS, 3, {EAR_PG_ID, EAR_PG_I16, EAR_PG_I32}},
    };
    struct columns set;
    size_t count = 0;
    for (const struct ear_due *due = book->dues; due; due = due->next)
        count += due->change == change;
    if (!count) return;
    if (change == EAR_DUE_START)
        open_many(batch, &set, count, STORE_COPY_TIMERS, how[change].statement, how[change].types,
                  how[change].count);
    else
        open_columns(batch, &set, how[change].statement, how[change].types, how[change].count);
    for (const struct ear_due *due = book->dues; due; due = due->next)
        if (due->change == change) put_due(&set, due);
}

void ear_store_write_loads(struct ear_pg_batch *batch, const struct ear_book *book)
{
    static const ear_pg_type types[] = {EAR_PG_TEXT, EAR_PG_I32, EAR_PG_TIME, EAR_PG_I32};
    struct columns set;
    bool any = false;
    for (const struct ear_seat *seat = book->seats; seat; seat = seat->next) {
        if (!seat->changed) continue;
        if (!any) open_columns(batch, &set, STORE_WRITE_LOADS, types, EAR_COUNT(types));
        any = true;
        put_text(&set, seat->agent->id);
        put_int(&set, seat->given);
        ear_pg_push_int(next_of(&set), seat->idle_since_us);
        put_int(&set, seat->routed ? seat->agent->capacity : INT32_MAX);
        end_row(&set);
    }
}

bool ear_store_is_clean(const struct ear_book *book)
{
    return !book->verdicts && !book->entries && !book->dues && !book->mentions;
}

ear_err ear_store_write(struct ear_pg_batch *batch, struct ear_book *book,
                        struct ear_models *models)
{
    /* First what may go by COPY: several of them take one trip. */
    ear_err err = ear_store_write_verdicts(batch, book, models);
    if (err) return err;
    open_cases(batch, book);
    write_dues(batch, book, EAR_DUE_START);
    join_cases(batch, book);
    change_cases(batch, book);
    err = write_events(batch, book);
    if (err) return err;
    write_links(batch, book);
    write_mentions(batch, book);
    write_dues(batch, book, EAR_DUE_CLEAR);
    write_dues(batch, book, EAR_DUE_MOVE);
    return EAR_OK;
}
