#include "intake/commit.h"
#include "events.h"
#include "store_sql.h"
#include <stdlib.h>

#define MENTIONS_BYTES 4096
#define PACKED_BYTES   (64u << 20)
#define COPY_POSTS     64 /* in a transaction: fewer are sooner written by a statement */

struct ear_commit *ear_commit_new(ear_lane lane, struct ear_slice *slices, size_t count)
{
    struct ear_commit *commit = ear_alloc(sizeof(*commit));
    commit->lane = lane;
    commit->slices = slices;
    commit->slice_count = count;
    return commit;
}

static void free_entries(struct ear_commit *commit)
{
    for (size_t i = 0; i < commit->count; i++) ear_buf_release(&commit->entries[i].mentions);
    EAR_FREE(commit->entries);
    commit->count = 0;
    ear_buf_release(&commit->packed);
}

void ear_commit_free(struct ear_commit **commit)
{
    free_entries(*commit);
    free((*commit)->slices);
    EAR_FREE(*commit);
}

size_t ear_commit_posts(const struct ear_commit *commit)
{
    size_t count = 0;
    for (size_t i = 0; i < commit->slice_count; i++) {
        count += commit->slices[i].to - commit->slices[i].from;
    }
    return count;
}

bool ear_commit_is_vain(const struct ear_commit *commit)
{
    return commit->slice_count == 1 && commit->slices[0].delivery->err != EAR_OK;
}

/* --- Entries --- */

/* An id that is sorted by, beside its entry: to follow pointers to it with every comparison would
 * cost more than the comparing. */
struct key {
    struct ear_id id;
    struct ear_entry *entry;
    uint32_t rank;
};

/* Equal ones keep the order that they were given in. */
static int compare_keys(const void *a, const void *b)
{
    const struct key *one = a, *other = b;
    int order = (one->rank > other->rank) - (one->rank < other->rank);
    if (!order) order = ear_id_cmp(&one->id, &other->id);
    if (!order)
        order = ear_id_cmp(&one->entry->known->customer_id, &other->entry->known->customer_id);
    uint32_t first = one->entry->given, second = other->entry->given;
    return order ? order : (first > second) - (first < second);
}

/* New posts by id, then edits, then deletions; of equal posts the one given first is stored. */
static void sort_entries(struct ear_commit *commit)
{
    struct key *keys = ear_alloc((commit->count + 1) * sizeof(*keys));
    struct ear_entry *sorted = ear_alloc((commit->count + 1) * sizeof(*sorted));
    for (size_t i = 0; i < commit->count; i++) {
        struct ear_entry *entry = &commit->entries[i];
        entry->given = (uint32_t)i;
        keys[i] = (struct key){
            .id = entry->known->post_id, .entry = entry, .rank = (uint32_t)entry->post->kind};
    }
    qsort(keys, commit->count, sizeof(*keys), compare_keys);
    for (size_t i = 0; i < commit->count; i++) sorted[i] = *keys[i].entry;
    free(keys);
    free(commit->entries);
    commit->entries = sorted;
}

static void add_mention(struct ear_entry *first, const struct ear_entry *repeat)
{
    struct ear_str account = repeat->known->account;
    if (account.len == 0 || ear_str_eq(account, first->known->account)) return;
    if (first->mentions.len && ear_buf_append_char(&first->mentions, '\n') != EAR_OK) return;
    (void)!ear_buf_append_str(&first->mentions, account);
}

static void mark_repeats(struct ear_commit *commit)
{
    struct ear_entry *first = NULL;
    commit->twins = false;
    for (size_t i = 0; i < commit->edits_at; i++) {
        struct ear_entry *entry = &commit->entries[i];
        bool same = first && ear_id_cmp(&first->known->post_id, &entry->known->post_id) == 0;
        entry->repeat =
            same && ear_id_cmp(&first->known->customer_id, &entry->known->customer_id) == 0;
        commit->twins |= same && !entry->repeat;
        if (entry->repeat) {
            add_mention(first, entry);
        } else {
            first = entry;
        }
    }
}

static void gather(struct ear_commit *commit)
{
    free_entries(commit);
    commit->entries = ear_alloc((ear_commit_posts(commit) + 1) * sizeof(*commit->entries));
    for (size_t s = 0; s < commit->slice_count; s++) {
        const struct ear_slice *slice = &commit->slices[s];
        for (size_t i = slice->from; i < slice->to; i++) {
            if (slice->delivery->results[i].kind == EAR_RESULT_REFUSED) continue;
            struct ear_entry *entry = &commit->entries[commit->count++];
            entry->post = &slice->delivery->posts[i];
            entry->known = &slice->delivery->known[i];
            entry->result = &slice->delivery->results[i];
            entry->delivery = slice->delivery;
            ear_buf_init(&entry->mentions, MENTIONS_BYTES);
        }
    }
    sort_entries(commit);
    commit->edits_at = commit->deletions_at = 0;
    for (size_t i = 0; i < commit->count; i++) {
        commit->edits_at += commit->entries[i].post->kind == EAR_POST_NEW;
        commit->deletions_at += commit->entries[i].post->kind != EAR_POST_DELETE;
    }
    mark_repeats(commit);
}

/* --- Statements --- */

static int add(struct ear_commit *commit, struct ear_pg_batch *batch, unsigned statement)
{
    ear_pg_batch_add(batch, statement);
    return commit->statements++;
}

static const struct ear_id *id_or_null(const struct ear_id *id)
{
    return ear_id_is_nil(id) ? NULL : id;
}

static struct ear_str text_or_null(struct ear_str text)
{
    return text.len ? text : EAR_STR_NONE;
}

/* SQL NULL is ptr NULL; an empty text that is NOT NULL needs a pointer. */
static struct ear_str text_not_null(struct ear_str text)
{
    return text.len ? text : EAR_STR("");
}

/* In the order of post_row (migration 0009), or of copy_posts, which has two columns as the table
 * has them. */
static void push_post(const struct ear_commit *commit, struct ear_pg_array *to,
                      const struct ear_entry *entry)
{
    const struct ear_post_in *post = entry->post;
    const struct ear_post_known *known = entry->known;
    ear_pg_push_id(to, &known->post_id);
    ear_pg_push_id(to, &known->customer_id);
    ear_pg_push_text(to, post->platform);
    ear_pg_push_text(to, post->external_id);
    ear_pg_push_text(to, text_not_null(known->account));
    ear_pg_push_int(to, post->created_at_us);
    ear_pg_push_int(to, entry->delivery->received_at_us);
    if (commit->copies) ear_pg_push_int(to, commit->stored_at_us);
    ear_pg_push_id(to, &known->self_ref);
    ear_pg_push_id(to, id_or_null(&known->reply_ref));
    ear_pg_push_id(to, id_or_null(&known->conversation_ref));
    ear_pg_push_int(to, post->visibility);
    ear_pg_push_int(to, known->entry);
    ear_pg_push_bool(to, known->own);
    ear_pg_push_bool(to, post->automated);
    ear_pg_push_text(to, text_not_null(post->language));
    ear_pg_push_text(to, text_not_null(post->text));
    ear_pg_push_text(to, text_or_null(post->url));
    ear_pg_push_text(to, text_or_null(post->thread));
    if (commit->copies)
        ear_pg_push_texts(to, ear_buf_str(&entry->mentions), '\n');
    else
        ear_pg_push_text(to, text_not_null(ear_buf_str(&entry->mentions)));
}

/* What goes to classifiers once it is committed. It is made here, where the post is at hand. */
static void pack_post(struct ear_commit *commit, struct ear_entry *entry)
{
    if (commit->unpacked) return;
    commit->unpacked = ear_post_out_fresh(entry->post, entry->known,
                                          entry->delivery->received_at_us, commit->stored_at_us,
                                          ear_buf_str(&entry->mentions), &commit->packed) != EAR_OK;
    entry->packed_to = commit->packed.len;
}

#define ASKED_BYTES 512 /* of a text; what follows is then fetched by itself */

/* Inlined: a function that does nothing else is taken for one that does nothing. */
static inline __attribute__((always_inline)) void ask_for(const void *bytes, size_t len)
{
    for (size_t at = 0; at < len; at += 64) __builtin_prefetch((const char *)bytes + at);
}

/* Posts lie in the order they came in and are written in that of their ids: what is written soon is
 * asked of memory now, so that it is not waited for then. */
static struct ear_entry *entry_at(const struct ear_commit *commit, size_t at)
{
    const size_t posts = at + 8, texts = at + 4;
    if (posts < commit->edits_at) {
        ask_for(commit->entries[posts].post, sizeof(struct ear_post_in));
        ask_for(commit->entries[posts].known, sizeof(struct ear_post_known));
    }
    if (texts < commit->edits_at) {
        const struct ear_post_in *post = commit->entries[texts].post;
        ask_for(post->external_id.ptr, post->external_id.len);
        ask_for(post->text.ptr, post->text.len < ASKED_BYTES ? post->text.len : ASKED_BYTES);
    }
    return &commit->entries[at];
}

static void push_posts(struct ear_commit *commit, struct ear_pg_batch *batch)
{
    static const ear_pg_type row[] = {
        EAR_PG_ID,   EAR_PG_ID,   EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_TIME, EAR_PG_TIME,
        EAR_PG_ID,   EAR_PG_ID,   EAR_PG_ID,   EAR_PG_I16,  EAR_PG_I16,  EAR_PG_BOOL, EAR_PG_BOOL,
        EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_TEXT};
    static const ear_pg_type copied[] = {
        EAR_PG_ID,   EAR_PG_ID,   EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_TIME, EAR_PG_TIME,
        EAR_PG_TIME, EAR_PG_ID,   EAR_PG_ID,   EAR_PG_ID,   EAR_PG_I16,  EAR_PG_I16,  EAR_PG_BOOL,
        EAR_PG_BOOL, EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_TEXTS};
    struct ear_pg_array *to = commit->copies ? ear_pg_copy(batch, copied, EAR_COUNT(copied))
                                             : ear_pg_rows_array(batch, row, EAR_COUNT(row));
    for (size_t i = 0; i < commit->edits_at; i++) {
        struct ear_entry *entry = entry_at(commit, i);
        if (entry->repeat) continue;
        push_post(commit, to, entry);
        pack_post(commit, entry);
    }
}

static void push_intake(const struct ear_commit *commit, struct ear_pg_batch *batch,
                        const struct ear_commit_env *env)
{
    ear_pg_id(batch, &commit->intake_id);
    ear_pg_i16(batch, (int16_t)commit->lane);
    ear_pg_time(batch, commit->stored_at_us);
    ear_pg_id(batch, &env->owner);
    ear_pg_i64(batch, env->epoch);
    ear_pg_text(batch, ear_str_from(commit->trace));
}

static void add_posts(struct ear_commit *commit, struct ear_pg_batch *batch,
                      const struct ear_commit_env *env)
{
    if (commit->looks) {
        commit->places.posts = add(commit, batch, STORE_INSERT_POSTS);
        push_intake(commit, batch, env);
        push_posts(commit, batch);
    } else {
        (void)add(commit, batch, commit->copies ? STORE_COPY_POSTS : STORE_ADD_POSTS);
        if (!commit->copies) ear_pg_time(batch, commit->stored_at_us);
        push_posts(commit, batch);
        (void)add(commit, batch, STORE_ADD_INTAKE);
        push_intake(commit, batch, env);
        struct ear_pg_array *ids = ear_pg_array(batch, EAR_PG_ID);
        for (size_t i = 0; i < commit->edits_at; i++) {
            if (!commit->entries[i].repeat) ear_pg_push_id(ids, &commit->entries[i].known->post_id);
        }
    }
    commit->places.tombstones = add(commit, batch, STORE_TOMBSTONES_OF);
    struct ear_pg_array *refs = ear_pg_array(batch, EAR_PG_ID);
    for (size_t i = 0; i < commit->edits_at; i++) {
        if (!commit->entries[i].repeat) ear_pg_push_id(refs, &commit->entries[i].known->self_ref);
    }
}

/* A post that is known already may be news to the account that heard it now. */
static void add_mentions(struct ear_commit *commit, struct ear_pg_batch *batch,
                         const struct ear_commit_env *env)
{
    struct ear_pg_array *ids = NULL, *authors = NULL, *accounts = NULL;
    for (size_t i = 0; i < commit->edits_at; i++) {
        const struct ear_post_known *known = commit->entries[i].known;
        if (!known->shared) continue;
        if (!ids) {
            commit->places.mentions = add(commit, batch, STORE_NOTE_MENTIONS);
            ids = ear_pg_array(batch, EAR_PG_ID);
            authors = ear_pg_array(batch, EAR_PG_ID);
            accounts = ear_pg_array(batch, EAR_PG_TEXT);
        }
        ear_pg_push_id(ids, &known->post_id);
        ear_pg_push_id(authors, &known->customer_id);
        ear_pg_push_text(accounts, known->account);
    }
    if (!ids) return;
    struct ear_id row_id = ear_id_new(commit->stored_at_us);
    ear_pg_id(batch, &row_id);
    ear_pg_i16(batch, (int16_t)commit->lane);
    ear_pg_time(batch, commit->stored_at_us);
    ear_pg_id(batch, &env->owner);
    ear_pg_i64(batch, env->epoch);
    ear_pg_text(batch, ear_str_from(commit->trace));
}

static void add_revisions(struct ear_commit *commit, struct ear_pg_batch *batch)
{
    if (commit->edits_at == commit->deletions_at) return;
    commit->places.revisions = add(commit, batch, STORE_INSERT_REVISIONS);
    struct ear_pg_array *ids = ear_pg_array(batch, EAR_PG_ID);
    struct ear_pg_array *customers = ear_pg_array(batch, EAR_PG_ID);
    struct ear_pg_array *revised = ear_pg_array(batch, EAR_PG_TIME);
    struct ear_pg_array *received = ear_pg_array(batch, EAR_PG_TIME);
    struct ear_pg_array *bodies = ear_pg_array(batch, EAR_PG_TEXT);
    struct ear_pg_array *refs = ear_pg_array(batch, EAR_PG_ID);
    for (size_t i = commit->edits_at; i < commit->deletions_at; i++) {
        const struct ear_entry *entry = &commit->entries[i];
        ear_pg_push_id(ids, &entry->known->post_id);
        ear_pg_push_id(customers, &entry->known->customer_id);
        ear_pg_push_int(revised, entry->post->created_at_us);
        ear_pg_push_int(received, entry->delivery->received_at_us);
        ear_pg_push_text(bodies, text_not_null(entry->post->text));
        ear_pg_push_id(refs, &entry->known->self_ref);
    }
}

static void erase(struct ear_commit *commit, struct ear_pg_batch *batch, unsigned statement)
{
    (void)add(commit, batch, statement);
    struct ear_pg_array *ids = ear_pg_array(batch, EAR_PG_ID);
    for (size_t i = commit->deletions_at; i < commit->count; i++)
        ear_pg_push_id(ids, &commit->entries[i].known->post_id);
}

static void add_deletions(struct ear_commit *commit, struct ear_pg_batch *batch)
{
    if (commit->deletions_at == commit->count) return;
    commit->places.deletions = add(commit, batch, STORE_INSERT_TOMBSTONES);
    struct ear_pg_array *refs = ear_pg_array(batch, EAR_PG_ID);
    struct ear_pg_array *platforms = ear_pg_array(batch, EAR_PG_TEXT);
    struct ear_pg_array *deleted = ear_pg_array(batch, EAR_PG_TIME);
    struct ear_pg_array *received = ear_pg_array(batch, EAR_PG_TIME);
    struct ear_pg_array *posts = ear_pg_array(batch, EAR_PG_ID);
    for (size_t i = commit->deletions_at; i < commit->count; i++) {
        const struct ear_entry *entry = &commit->entries[i];
        ear_pg_push_id(refs, &entry->known->self_ref);
        ear_pg_push_text(platforms, entry->post->platform);
        ear_pg_push_int(deleted, entry->delivery->received_at_us);
        ear_pg_push_int(received, entry->delivery->received_at_us);
        ear_pg_push_id(posts, &entry->known->post_id);
    }
    erase(commit, batch, STORE_ERASE_POSTS);
    erase(commit, batch, STORE_ERASE_REVISIONS);
}

/* --- Authors --- */

/* The last post of each author in this transaction, by customer id. */
static size_t authors_of(const struct ear_commit *commit, struct ear_entry **authors)
{
    size_t count = commit->edits_at, kept = 0;
    struct key *keys = ear_alloc((count + 1) * sizeof(*keys));
    for (size_t i = 0; i < count; i++) {
        struct ear_entry *entry = &commit->entries[i];
        keys[i] = (struct key){.id = entry->known->customer_id, .entry = entry};
    }
    qsort(keys, count, sizeof(*keys), compare_keys);
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && ear_id_cmp(&keys[i].id, &keys[i + 1].id) == 0) continue;
        authors[kept++] = keys[i].entry;
    }
    free(keys);
    return kept;
}

static void add_identities(struct ear_commit *commit, struct ear_pg_batch *batch,
                           struct ear_entry *const *authors, size_t count)
{
    (void)add(commit, batch, STORE_UPSERT_IDENTITIES);
    ear_pg_time(batch, commit->stored_at_us);
    struct ear_pg_array *ids = ear_pg_array(batch, EAR_PG_ID);
    struct ear_pg_array *platforms = ear_pg_array(batch, EAR_PG_TEXT);
    struct ear_pg_array *authors_ids = ear_pg_array(batch, EAR_PG_TEXT);
    struct ear_pg_array *handles = ear_pg_array(batch, EAR_PG_TEXT);
    struct ear_pg_array *names = ear_pg_array(batch, EAR_PG_TEXT);
    for (size_t i = 0; i < count; i++) {
        const struct ear_post_in *post = authors[i]->post;
        if (!authors[i]->writes_identity) continue;
        ear_pg_push_id(ids, &authors[i]->known->customer_id);
        ear_pg_push_text(platforms, post->platform);
        ear_pg_push_text(authors_ids, post->author_id);
        ear_pg_push_text(handles, text_or_null(post->author_handle));
        ear_pg_push_text(names, text_or_null(post->author_name));
    }
}

static void add_reach(struct ear_commit *commit, struct ear_pg_batch *batch,
                      struct ear_entry *const *authors, size_t count)
{
    (void)add(commit, batch, STORE_INSERT_REACH);
    struct ear_pg_array *ids = ear_pg_array(batch, EAR_PG_ID);
    struct ear_pg_array *followers = ear_pg_array(batch, EAR_PG_I64);
    for (size_t i = 0; i < count; i++) {
        if (!authors[i]->writes_reach) continue;
        ear_pg_push_id(ids, &authors[i]->known->customer_id);
        ear_pg_push_int(followers, authors[i]->post->author_followers);
    }
}

static void add_authors(struct ear_commit *commit, struct ear_pg_batch *batch,
                        const struct ear_commit_env *env)
{
    struct ear_entry **authors = ear_alloc((commit->edits_at + 1) * sizeof(struct ear_entry *));
    size_t count = authors_of(commit, authors), identities = 0, reaches = 0;
    for (size_t i = 0; i < count; i++) {
        struct ear_entry *entry = authors[i];
        const struct ear_id *id = &entry->known->customer_id;
        entry->writes_identity =
            ear_seen_needs_identity(env->seen, id, entry->post, commit->stored_at_us);
        entry->writes_reach =
            ear_seen_needs_reach(env->seen, id, entry->post, commit->stored_at_us);
        identities += entry->writes_identity;
        reaches += entry->writes_reach;
    }
    if (identities) add_identities(commit, batch, authors, count);
    if (reaches) add_reach(commit, batch, authors, count);
    free(authors);
}

/* --- Cursors --- */

static void add_cursors(struct ear_commit *commit, struct ear_pg_batch *batch,
                        const struct ear_commit_env *env)
{
    for (size_t i = 0; i < commit->slice_count; i++) {
        const struct ear_slice *slice = &commit->slices[i];
        if (!slice->tail || !slice->delivery->cursor) continue;
        const struct ear_cursor_move *move = slice->delivery->cursor;
        int place = add(commit, batch, STORE_MOVE_CURSOR);
        if (commit->cursors_at < 0) commit->cursors_at = place;
        ear_pg_text(batch, move->account);
        ear_pg_text(batch, move->stream);
        ear_pg_text(batch, move->position);
        ear_pg_text(batch, move->lease);
        ear_pg_id(batch, &env->owner);
        ear_pg_i64(batch, move->epoch);
    }
}

struct ear_pg_batch *ear_commit_batch(void)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_no_wait(batch);
    return batch;
}

struct ear_pg_batch *ear_commit_build(struct ear_commit *commit, const struct ear_commit_env *env)
{
    gather(commit);
    if (commit->twins) return NULL;
    struct ear_pg_batch *batch = ear_commit_batch();
    ear_buf_init(&commit->packed, PACKED_BYTES);
    commit->unpacked = false;
    commit->places = (struct ear_commit_places){-1, -1, -1, -1, -1, -1};
    commit->cursors_at = -1;
    commit->statements = 0;
    commit->follows = false;
    commit->looks = env->looks;
    commit->copies = !env->looks && commit->edits_at >= COPY_POSTS;
    commit->stored_at_us = env->stored_at_us;
    commit->intake_id = ear_id_new(env->stored_at_us);
    commit->began_ms = ear_clock_mono_ms();
    ear_trace_new(commit->trace);
    if (commit->edits_at > 0) add_posts(commit, batch, env);
    add_revisions(commit, batch);
    add_deletions(commit, batch);
    if (commit->edits_at > 0) {
        add_authors(commit, batch, env);
        add_mentions(commit, batch, env);
    }
    ear_commit_add_receipts(commit, batch);
    add_cursors(commit, batch, env); /* last: its row is what replicas would wait for longest */
    return batch;
}
