#include "heard.h"

#include "wire/wire.h"

#define LAST_US (INT64_C(253402300799) * EAR_US_PER_S) /* the end of year 9999 */

static float probability(float p)
{
    if (!(p > 0)) return 0; /* also NaN */
    return p < 1 ? p : 1;
}

/* A newer classifier may know more than this build: what is not known is unsure. */
static void hold(Earshot__V1__Triage *t)
{
    if ((unsigned)t->answer > EARSHOT__V1__ANSWER__ANSWER_NOT_NEEDED)
        t->answer = EARSHOT__V1__ANSWER__ANSWER_UNSURE;
    if ((unsigned)t->intent > EARSHOT__V1__INTENT__INTENT_OTHER)
        t->intent = EARSHOT__V1__INTENT__INTENT_UNSURE;
    if ((unsigned)t->sentiment > EARSHOT__V1__SENTIMENT__SENTIMENT_POSITIVE)
        t->sentiment = EARSHOT__V1__SENTIMENT__SENTIMENT_UNSURE;
    if ((unsigned)t->topic > EARSHOT__V1__TOPIC__TOPIC_OTHER)
        t->topic = EARSHOT__V1__TOPIC__TOPIC_UNSURE;
    if (t->urgency > 2) t->urgency = 2;
    if (t->severity > 3) t->severity = 3;
    t->answer_p = probability(t->answer_p);
    t->intent_p = probability(t->intent_p);
}

static bool sane(int64_t at_us)
{
    return at_us > 0 && at_us <= LAST_US;
}

static ear_err read_ids(const Earshot__V1__Post *post, struct ear_heard *heard)
{
    ear_err err = ear_wire_id(&post->post_id, false, &heard->post_id);
    if (!err) err = ear_wire_id(&post->customer_id, false, &heard->customer_id);
    if (!err) err = ear_wire_id(&post->self_ref, true, &heard->self_ref);
    if (!err) err = ear_wire_id(&post->reply_ref, true, &heard->reply_ref);
    if (!err) err = ear_wire_id(&post->conversation_ref, true, &heard->conversation_ref);
    return err;
}

static ear_err read_whole(struct ear_str packed, struct ear_arena *arena, struct ear_heard *heard)
{
    Earshot__V1__TriagedPost *triaged =
        EAR_UNPACK(Earshot__V1__TriagedPost, earshot__v1__triaged_post__descriptor, packed, arena);
    if (!triaged) return EAR_INVALID;
    struct ear_str inner = {(const char *)triaged->post.data, triaged->post.len};
    Earshot__V1__Post *post =
        EAR_UNPACK(Earshot__V1__Post, earshot__v1__post__descriptor, inner, arena);
    if (!post || !sane(post->created_at_us) || !sane(post->received_at_us)) return EAR_INVALID;
    if (!sane(post->stored_at_us)) post->stored_at_us = post->received_at_us;

    Earshot__V1__Triage *t = triaged->triage;
    if (!t) {
        t = ear_arena_try(arena, sizeof(*t));
        if (!t) return EAR_INVALID;
        earshot__v1__triage__init(t);
    }
    if (!sane(t->triaged_at_us)) t->triaged_at_us = post->stored_at_us;
    hold(t);
    heard->post = post;
    heard->triage = t;
    return read_ids(post, heard);
}

ear_err ear_heard_read(struct ear_str packed, struct ear_arena *arena, struct ear_heard *heard)
{
    ear_err err = read_whole(packed, arena, heard);
    return err && ear_arena_starved(arena) ? EAR_NO_MEMORY : err;
}
