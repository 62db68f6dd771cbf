/* The part of commit that sees to receipts of webhooks: the answer is stored with the posts, as it
 * will be if all of them are new. Where it turned out otherwise a second transaction corrects it,
 * before anybody is answered. */
#include "intake/commit.h"
#include "store_sql.h"

/* SQL NULL is ptr NULL; an empty text that is NOT NULL needs a pointer. */
static struct ear_str text_not_null(struct ear_str text)
{
    return text.len ? text : EAR_STR("");
}

/* The delivery whose receipt is written with this slice; NULL: none. */
static struct ear_delivery *receipted(const struct ear_slice *slice)
{
    return slice->tail && slice->delivery->receipt ? slice->delivery : NULL;
}

static ear_post_result_kind foreseen_of(const struct ear_entry *entry)
{
    return entry->repeat ? EAR_RESULT_DUPLICATE : EAR_RESULT_STORED;
}

static void set_foreseen(struct ear_commit *commit, bool on)
{
    for (size_t i = 0; i < commit->count; i++) {
        struct ear_entry *entry = &commit->entries[i];
        entry->result->kind = on ? foreseen_of(entry) : EAR_RESULT_NONE;
    }
}

static void write_answer(struct ear_delivery *delivery)
{
    ear_buf_reset(&delivery->answer);
    delivery->write_answer(delivery);
}

static void open_columns(struct ear_pg_batch *batch, struct ear_pg_array **to, size_t count)
{
    for (size_t c = 0; c < count; c++)
        to[c] = ear_pg_array(batch, c == 3 ? EAR_PG_BYTES : EAR_PG_TEXT);
}

static void push_receipt(struct ear_pg_array **to, const struct ear_delivery *delivery)
{
    ear_pg_push_text(to[0], delivery->receipt->account);
    ear_pg_push_text(to[1], delivery->receipt->webhook_id);
    ear_pg_push_text(to[2], text_not_null(ear_buf_str(&delivery->answer)));
}

void ear_commit_add_receipts(struct ear_commit *commit, struct ear_pg_batch *batch)
{
    struct ear_pg_array *looked[2] = {NULL}, *to[4] = {NULL};
    for (size_t i = 0; i < commit->slice_count; i++) {
        const struct ear_delivery *delivery = receipted(&commit->slices[i]);
        if (!delivery) continue;
        if (!looked[0]) {
            ear_pg_batch_add(batch, STORE_RECEIPTS_OF);
            commit->places.receipts = commit->statements++;
            open_columns(batch, looked, 2);
        }
        ear_pg_push_text(looked[0], delivery->receipt->account);
        ear_pg_push_text(looked[1], delivery->receipt->webhook_id);
    }
    if (!looked[0]) return;
    ear_pg_batch_add(batch, STORE_INSERT_RECEIPTS);
    commit->statements++;
    open_columns(batch, to, 4);
    set_foreseen(commit, true);
    for (size_t i = 0; i < commit->slice_count; i++) {
        struct ear_delivery *delivery = receipted(&commit->slices[i]);
        if (!delivery) continue;
        write_answer(delivery);
        push_receipt(to, delivery);
        ear_pg_push_text(to[3], (struct ear_str){(const char *)delivery->receipt->body_sha256,
                                                 EAR_SHA256_BYTES});
    }
    set_foreseen(commit, false);
}

static bool came_as_foreseen(const struct ear_commit *commit)
{
    for (size_t i = 0; i < commit->count; i++) {
        if (commit->entries[i].result->kind != foreseen_of(&commit->entries[i])) return false;
    }
    return true;
}

struct ear_pg_batch *ear_commit_correct_receipts(const struct ear_commit *commit,
                                                 struct ear_pg_batch *batch)
{
    struct ear_pg_array *to[3] = {NULL};
    if (commit->places.receipts < 0 || came_as_foreseen(commit)) return batch;
    for (size_t i = 0; i < commit->slice_count; i++) {
        struct ear_delivery *delivery = receipted(&commit->slices[i]);
        if (!delivery || delivery->answered_before) continue;
        write_answer(delivery);
        if (!batch) batch = ear_commit_batch();
        if (!to[0]) {
            ear_pg_batch_add(batch, STORE_CORRECT_RECEIPTS);
            open_columns(batch, to, 3);
        }
        push_receipt(to, delivery);
    }
    return batch;
}
