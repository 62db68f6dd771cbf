/* The other half of commit: what came of a transaction, and what follows it. */
#include "events.h"
#include "intake/commit.h"
#include "store_sql.h"
#include <stdlib.h>

static int compare_id_to_entry(const void *id, const void *entry)
{
    return ear_id_cmp(id, &((const struct ear_entry *)entry)->known->post_id);
}

/* All entries [from, to) of that post id. */
static void set_results(struct ear_commit *commit, size_t from, size_t to, const struct ear_id *id,
                        ear_post_result_kind kind, bool every)
{
    struct ear_entry *entries = commit->entries;
    struct ear_entry *hit =
        bsearch(id, entries + from, to - from, sizeof(*entries), compare_id_to_entry);
    if (!hit) return;
    size_t at = (size_t)(hit - entries);
    while (at > from && ear_id_cmp(&entries[at - 1].known->post_id, id) == 0) at--;
    for (; at < to && ear_id_cmp(&entries[at].known->post_id, id) == 0; at++) {
        if (!entries[at].repeat || every) entries[at].result->kind = kind;
    }
}

static size_t distinct_posts(const struct ear_commit *commit)
{
    size_t count = 0;
    for (size_t i = 0; i < commit->edits_at; i++) count += !commit->entries[i].repeat;
    return count;
}

static void read_stored(struct ear_commit *commit, const struct ear_pg_result *stored)
{
    commit->fresh = ear_pg_rows(stored) > 0;
    commit->repeats = ear_pg_rows(stored) < distinct_posts(commit);
    for (size_t row = 0; row < ear_pg_rows(stored); row++) {
        struct ear_id id = ear_pg_get_id(stored, row, 0);
        set_results(commit, 0, commit->edits_at, &id, EAR_RESULT_STORED, false);
    }
}

static void take_for_stored(struct ear_commit *commit)
{
    commit->fresh = true;
    for (size_t i = 0; i < commit->edits_at; i++) {
        if (!commit->entries[i].repeat) commit->entries[i].result->kind = EAR_RESULT_STORED;
    }
}

static void read_posts(struct ear_commit *commit, const struct ear_pg_result *const *results)
{
    for (size_t i = 0; i < commit->count; i++) {
        commit->entries[i].result->kind = EAR_RESULT_DUPLICATE;
    }
    if (commit->edits_at == 0) return;
    if (commit->looks) {
        read_stored(commit, results[commit->places.posts]);
    } else {
        take_for_stored(commit);
    }
    const struct ear_pg_result *graves = results[commit->places.tombstones];
    for (size_t row = 0; row < ear_pg_rows(graves); row++) {
        struct ear_id ref = ear_pg_get_id(graves, row, 0);
        for (size_t i = 0; i < commit->edits_at; i++) {
            if (ear_id_cmp(&commit->entries[i].known->self_ref, &ref) == 0) {
                commit->entries[i].result->kind = EAR_RESULT_TOMBSTONED;
            }
        }
    }
}

static void read_edits(struct ear_commit *commit, const struct ear_pg_result *const *results)
{
    if (commit->places.revisions >= 0) {
        const struct ear_pg_result *stored = results[commit->places.revisions];
        for (size_t row = 0; row < ear_pg_rows(stored); row++) {
            struct ear_id id = ear_pg_get_id(stored, row, 0);
            set_results(commit, commit->edits_at, commit->deletions_at, &id, EAR_RESULT_STORED,
                        true);
        }
    }
    if (commit->places.deletions < 0) return;
    const struct ear_pg_result *graves = results[commit->places.deletions];
    for (size_t row = 0; row < ear_pg_rows(graves); row++) {
        struct ear_id ref = ear_pg_get_id(graves, row, 0);
        for (size_t i = commit->deletions_at; i < commit->count; i++) {
            if (ear_id_cmp(&commit->entries[i].known->self_ref, &ref) == 0) {
                commit->entries[i].result->kind = EAR_RESULT_STORED;
            }
        }
    }
}

static void take_answer(struct ear_delivery *delivery, const struct ear_pg_result *found,
                        size_t row)
{
    const struct ear_receipt *receipt = delivery->receipt;
    struct ear_str sha = ear_pg_get_str(found, row, 2);
    if (!ear_str_eq(receipt->account, ear_pg_get_str(found, row, 0)) ||
        !ear_str_eq(receipt->webhook_id, ear_pg_get_str(found, row, 1)) ||
        sha.len != EAR_SHA256_BYTES || memcmp(sha.ptr, receipt->body_sha256, sha.len) != 0) {
        return;
    }
    ear_buf_reset(&delivery->answer);
    delivery->answered_before =
        ear_buf_append_str(&delivery->answer, ear_pg_get_str(found, row, 3)) == EAR_OK;
}

static void read_tails(struct ear_commit *commit, const struct ear_pg_result *const *results)
{
    int cursor = commit->cursors_at;
    for (size_t i = 0; i < commit->slice_count; i++) {
        const struct ear_slice *slice = &commit->slices[i];
        if (!slice->tail) continue;
        if (slice->delivery->cursor) {
            slice->delivery->cursor_moved = ear_pg_affected(results[cursor++]) > 0;
        }
        if (!slice->delivery->receipt) continue;
        const struct ear_pg_result *found = results[commit->places.receipts];
        for (size_t row = 0; row < ear_pg_rows(found); row++) {
            take_answer(slice->delivery, found, row);
        }
    }
}

/* Only who was written: who was known may have been forgotten meanwhile, for a reason. */
static void note_authors(const struct ear_commit *commit, struct ear_seen *seen)
{
    for (size_t i = 0; i < commit->edits_at; i++) {
        const struct ear_entry *entry = &commit->entries[i];
        const struct ear_id *id = &entry->known->customer_id;
        if (entry->writes_identity)
            ear_seen_note_identity(seen, id, entry->post, commit->stored_at_us);
        if (entry->writes_reach) ear_seen_note_reach(seen, id, commit->stored_at_us);
    }
}

static void tell_stored(const struct ear_commit *commit)
{
    ear_log_hold();
    for (size_t i = 0; i < commit->edits_at; i++) {
        const struct ear_entry *entry = &commit->entries[i];
        if (entry->result->kind == EAR_RESULT_STORED) {
            ear_log(&EV_INGEST_POST_STORED, kv_id("post", &entry->known->post_id),
                    kv_text("lane", ear_lane_name(commit->lane)), kv_text("trace", commit->trace));
        }
    }
    ear_log_release();
}

void ear_commit_read(struct ear_commit *commit, const struct ear_commit_env *env,
                     const struct ear_pg_result *const *results, size_t count)
{
    EAR_CHECK(count == (size_t)commit->statements);
    read_posts(commit, results);
    read_edits(commit, results);
    read_tails(commit, results);
    commit->told =
        commit->places.mentions >= 0 && ear_pg_affected(results[commit->places.mentions]) > 0;
    note_authors(commit, env->seen);
    tell_stored(commit);
}

/* --- What follows --- */

void ear_commit_offer(const struct ear_commit *commit, struct ear_offer *offer)
{
    struct ear_id *ids = ear_alloc((commit->edits_at + 1) * sizeof(*ids));
    struct ear_str *items = ear_alloc((commit->edits_at + 1) * sizeof(*items));
    size_t count = 0, from = 0;
    for (size_t i = 0; i < commit->edits_at && !commit->unpacked; i++) {
        const struct ear_entry *entry = &commit->entries[i];
        if (entry->repeat) continue;
        ids[count] = entry->known->post_id;
        items[count] = (struct ear_str){commit->packed.data + from, entry->packed_to - from};
        count += entry->result->kind == EAR_RESULT_STORED;
        from = entry->packed_to;
    }
    if (count > 0) {
        const struct ear_fresh fresh = {.intake_id = commit->intake_id,
                                        .lane = commit->lane,
                                        .trace = commit->trace,
                                        .stored_at_us = commit->stored_at_us,
                                        .post_ids = ids,
                                        .items = items,
                                        .count = count};
        ear_offer_fresh(offer, &fresh);
    } else if (commit->fresh) { /* no memory then, or all were removed meanwhile: it is read */
        ear_offer_behind(offer, commit->lane);
    }
    if (commit->told) ear_offer_behind(offer, commit->lane);
    free(items);
    free(ids);
}

static bool is_grave(const struct ear_entry *entry)
{
    return entry->result->kind == EAR_RESULT_TOMBSTONED;
}

static struct ear_pg_batch *erase_tombstoned(const struct ear_commit *commit,
                                             struct ear_pg_batch *batch)
{
    struct ear_pg_array *ids = NULL;
    for (size_t i = 0; i < commit->edits_at; i++) {
        if (!is_grave(&commit->entries[i])) continue;
        if (!batch) batch = ear_commit_batch();
        if (!ids) {
            ear_pg_batch_add(batch, STORE_ERASE_POSTS);
            ids = ear_pg_array(batch, EAR_PG_ID);
        }
        ear_pg_push_id(ids, &commit->entries[i].known->post_id);
    }
    return batch;
}

struct ear_pg_batch *ear_commit_follow_up(struct ear_commit *commit)
{
    struct ear_pg_batch *batch = erase_tombstoned(commit, NULL);
    batch = ear_commit_correct_receipts(commit, batch);
    commit->follows = true;
    return batch;
}
