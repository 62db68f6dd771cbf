/* libFuzzer target: what a classifier may send, read as assignment reads it. What is taken is held
 * inside what the schema takes; what protobuf-c makes a whole post of is taken, too, and says the
 * same. */
#include "heard.h"
#include "wire/wire.h"
#include <stdint.h>

#define ARENA_BYTES_MAX ((size_t)8 << 20)
#define LAST_US         (INT64_C(253402300799) * EAR_US_PER_S)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct ear_heard *heard)
{
    const struct ear_triage *t = &heard->triage;
    EAR_CHECK(!ear_id_is_nil(&heard->post_id) && !ear_id_is_nil(&heard->customer_id));
    EAR_CHECK(heard->created_at_us > 0 && heard->received_at_us > 0 && t->triaged_at_us > 0);
    EAR_CHECK(t->answer <= EARSHOT__V1__ANSWER__ANSWER_NOT_NEEDED);
    EAR_CHECK(t->intent <= EARSHOT__V1__INTENT__INTENT_OTHER);
    EAR_CHECK(t->sentiment <= EARSHOT__V1__SENTIMENT__SENTIMENT_POSITIVE);
    EAR_CHECK(t->topic <= EARSHOT__V1__TOPIC__TOPIC_OTHER);
    EAR_CHECK(t->urgency <= 2 && t->severity <= 3 && *t->language);
    EAR_CHECK(t->answer_p >= 0 && t->answer_p <= 1 && t->intent_p >= 0 && t->intent_p <= 1);
    EAR_CHECK(!t->why || strlen(t->why) <= 4096);
    for (size_t i = 0; i < heard->mention_count; i++) EAR_CHECK(heard->mentions[i]);
}

/* As protobuf-c has it; NULL where it has none, or one that nobody would take. */
static const Earshot__V1__Post *unpacked(struct ear_str packed, struct ear_arena *arena)
{
    const Earshot__V1__TriagedPost *whole =
        EAR_UNPACK(Earshot__V1__TriagedPost, earshot__v1__triaged_post__descriptor, packed, arena);
    if (!whole) return NULL;
    struct ear_str inner = {(const char *)whole->post.data, whole->post.len};
    const Earshot__V1__Post *post =
        EAR_UNPACK(Earshot__V1__Post, earshot__v1__post__descriptor, inner, arena);
    struct ear_id id;
    bool sound = post && !ear_wire_id(&post->post_id, false, &id) && !ear_id_is_nil(&id) &&
                 !ear_wire_id(&post->customer_id, false, &id) && !ear_id_is_nil(&id) &&
                 !ear_wire_id(&post->self_ref, true, &id) &&
                 !ear_wire_id(&post->reply_ref, true, &id) &&
                 !ear_wire_id(&post->conversation_ref, true, &id) && post->created_at_us > 0 &&
                 post->created_at_us <= LAST_US && post->received_at_us > 0 &&
                 post->received_at_us <= LAST_US;
    return sound ? post : NULL;
}

static void compare(const struct ear_heard *heard, const Earshot__V1__Post *post)
{
    EAR_CHECK(strcmp(heard->account, post->account) == 0);
    EAR_CHECK(strcmp(heard->platform, post->platform) == 0);
    EAR_CHECK(heard->created_at_us == post->created_at_us && heard->own == (post->own != 0));
    EAR_CHECK(heard->mention_count == post->n_mentions);
    EAR_CHECK(memcmp(heard->post_id.b, post->post_id.data, EAR_ID_BYTES) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ear_arena *arena = ear_arena_new(ARENA_BYTES_MAX);
    struct ear_str packed = {(const char *)data, size};
    struct ear_heard first, again;
    if (ear_heard_read(packed, NULL, arena, &first) == EAR_OK) {
        const Earshot__V1__Post *post = unpacked(packed, arena);
        check(&first);
        if (post) compare(&first, post);
        EAR_CHECK(ear_heard_read(packed, &first, arena, &again) == EAR_OK);
        EAR_CHECK(again.account == first.account && again.triage.model == first.triage.model);
    }
    ear_arena_free(&arena);
    return 0;
}
