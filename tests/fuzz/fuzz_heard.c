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
static const Earshot__V1__Post *post_in(const Earshot__V1__TriagedPost *whole,
                                        struct ear_arena *arena)
{
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

static void compare_id(const struct ear_id *id, const ProtobufCBinaryData *said)
{
    struct ear_id same;
    EAR_CHECK(!ear_wire_id(said, true, &same) && ear_id_cmp(id, &same) == 0);
}

static void compare_posts(const struct ear_heard *heard, const Earshot__V1__Post *post)
{
    compare_id(&heard->post_id, &post->post_id);
    compare_id(&heard->customer_id, &post->customer_id);
    compare_id(&heard->self_ref, &post->self_ref);
    compare_id(&heard->reply_ref, &post->reply_ref);
    compare_id(&heard->conversation_ref, &post->conversation_ref);
    EAR_CHECK(strcmp(heard->account, post->account) == 0);
    EAR_CHECK(strcmp(heard->platform, post->platform) == 0);
    EAR_CHECK(heard->created_at_us == post->created_at_us);
    EAR_CHECK(heard->received_at_us == post->received_at_us);
    EAR_CHECK(heard->own == (post->own != 0));
    EAR_CHECK(heard->direct == (post->visibility == EARSHOT__V1__VISIBILITY__VISIBILITY_DIRECT));
    EAR_CHECK(heard->mention_count == post->n_mentions);
    for (size_t i = 0; i < post->n_mentions; i++)
        EAR_CHECK(strcmp(heard->mentions[i], post->mentions[i]) == 0);
}

/* What is in range is as it was said. */
static bool same_value(unsigned taken, unsigned said, unsigned most, unsigned otherwise)
{
    return taken == (said <= most ? said : otherwise);
}

static bool same_p(float taken, float said)
{
    return taken == (said > 0 ? (said < 1 ? said : 1) : 0);
}

static void compare_triages(const struct ear_triage *t, const Earshot__V1__Triage *said)
{
    const char *language = said->language[0] ? said->language : "und";
    EAR_CHECK(strcmp(t->language, language) == 0 && strcmp(t->model, said->model) == 0);
    EAR_CHECK(same_value(t->answer, said->answer, EARSHOT__V1__ANSWER__ANSWER_NOT_NEEDED, 0));
    EAR_CHECK(same_value(t->intent, said->intent, EARSHOT__V1__INTENT__INTENT_OTHER, 0));
    EAR_CHECK(
        same_value(t->sentiment, said->sentiment, EARSHOT__V1__SENTIMENT__SENTIMENT_POSITIVE, 0));
    EAR_CHECK(same_value(t->topic, said->topic, EARSHOT__V1__TOPIC__TOPIC_OTHER, 0));
    EAR_CHECK(same_value(t->urgency, said->urgency, 2, 2));
    EAR_CHECK(same_value(t->severity, said->severity, 3, 3));
    EAR_CHECK(t->urgency_unsure == (said->urgency_unsure != 0));
    EAR_CHECK(t->severity_unsure == (said->severity_unsure != 0));
    EAR_CHECK(same_p(t->answer_p, said->answer_p) && same_p(t->intent_p, said->intent_p));
    if (said->triaged_at_us > 0 && said->triaged_at_us <= LAST_US)
        EAR_CHECK(t->triaged_at_us == said->triaged_at_us);
}

/* Of several triages one reads the last, protobuf-c all of them into one. */
static size_t triages_in(struct ear_str packed)
{
    struct ear_field field;
    size_t count = 0;
    while (ear_field_next(&packed, &field)) count += field.number == EAR_FIELD_TRIAGED_POST_TRIAGE;
    return count;
}

static void compare(const struct ear_heard *heard, struct ear_str packed, struct ear_arena *arena)
{
    const Earshot__V1__TriagedPost *whole =
        EAR_UNPACK(Earshot__V1__TriagedPost, earshot__v1__triaged_post__descriptor, packed, arena);
    const Earshot__V1__Post *post = whole ? post_in(whole, arena) : NULL;
    if (post) compare_posts(heard, post);
    if (whole && triages_in(packed) == 1) compare_triages(&heard->triage, whole->triage);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ear_arena *arena = ear_arena_new(ARENA_BYTES_MAX);
    struct ear_str packed = {(const char *)data, size};
    struct ear_heard first, again;
    if (ear_heard_read(packed, NULL, arena, &first) == EAR_OK) {
        check(&first);
        compare(&first, packed, arena);
        EAR_CHECK(ear_heard_read(packed, &first, arena, &again) == EAR_OK);
        EAR_CHECK(again.account == first.account && again.triage.model == first.triage.model);
    }
    ear_arena_free(&arena);
    return 0;
}
