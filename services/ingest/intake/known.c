#include "intake/known.h"

static struct ear_str account_of(const struct ear_delivery *delivery,
                                 const struct ear_post_in *post)
{
    return post->account.len ? post->account : delivery->account;
}

/* What the id itself says comes first: it is the same by every route. */
static int64_t time_of(const struct ear_post_in *post)
{
    const struct ear_connector_in *connector = ear_connector_in_find(post->platform, NULL);
    int64_t at_us =
        connector && connector->id_time_us ? connector->id_time_us(post->external_id) : 0;
    return at_us ? at_us : post->trusted_at_us;
}

static void add_references(struct ear_post_known *known, const struct ear_id_key *key,
                           const struct ear_post_in *post)
{
    known->self_ref = ear_id_ref(key, EAR_REF_POST, post->platform, post->external_id);
    if (post->in_reply_to.len) {
        known->reply_ref = ear_id_ref(key, EAR_REF_POST, post->platform, post->in_reply_to);
    }
    if (post->conversation.len) {
        known->conversation_ref =
            ear_id_ref(key, EAR_REF_CONVERSATION, post->platform, post->conversation);
    }
}

struct ear_post_known ear_post_known_of(const struct ear_id_key *key, struct ear_care *care,
                                        const struct ear_delivery *delivery,
                                        const struct ear_post_in *post)
{
    struct ear_post_known known = {.account = EAR_STR("")};
    struct ear_str account = account_of(delivery, post);
    bool said = post->entry != EARSHOT__V1__ENTRY__ENTRY_UNSPECIFIED;
    known.post_id = ear_id_post(key, post->platform, post->external_id, time_of(post),
                                delivery->received_at_us);
    known.customer_id = ear_id_customer(key, post->platform, post->author_id);
    add_references(&known, key, post);
    const struct ear_account *heard = ear_care_find(care, account);
    if (heard) {
        known.account = account;
        known.shared = ear_care_has_others(care, heard);
    } else {
        ear_care_warn_unknown(care, account);
    }
    known.entry = said ? post->entry : delivery->entry;
    known.own = post->own || ear_care_is_own(care, post->platform, post->author_id);
    return known;
}
