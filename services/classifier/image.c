#include "image.h"

/* The values are handed over as numbers. */
_Static_assert((int)EAR_ANSWER_NOT_NEEDED == (int)EARSHOT__V1__ANSWER__ANSWER_NOT_NEEDED, "answer");
_Static_assert((int)EAR_INTENT_OTHER == (int)EARSHOT__V1__INTENT__INTENT_OTHER, "intent");
_Static_assert((int)EAR_SENTIMENT_POSITIVE == (int)EARSHOT__V1__SENTIMENT__SENTIMENT_POSITIVE,
               "sentiment");
_Static_assert((int)EAR_TOPIC_OTHER == (int)EARSHOT__V1__TOPIC__TOPIC_OTHER, "topic");

const char *ear_answer_name(ear_answer answer)
{
    static const char *const names[] = {"unsure", "needed", "not_needed"};
    return names[answer];
}

const char *ear_intent_name(ear_intent intent)
{
    static const char *const names[] = {"unsure",     "complaint", "question", "request", "praise",
                                        "suggestion", "vent",      "spam",     "other"};
    return names[intent];
}

static struct ear_triage_post view_of(const Earshot__V1__Post *post)
{
    bool mail = post->entry == EARSHOT__V1__ENTRY__ENTRY_MAIL;
    bool direct = post->visibility == EARSHOT__V1__VISIBILITY__VISIBILITY_DIRECT ||
                  post->entry == EARSHOT__V1__ENTRY__ENTRY_DIRECT;
    return (struct ear_triage_post){
        .text = ear_str_from(post->text),
        .language_hint = ear_str_from(post->language_hint),
        .account = ear_str_from(post->account),
        .direct = direct || mail,
        .reply = post->reply_ref.len > 0 || post->entry == EARSHOT__V1__ENTRY__ENTRY_REPLY,
        .own = post->own,
    };
}

static void fill(Earshot__V1__Triage *out, struct ear_triage *triage, const char *version,
                 int64_t now_us)
{
    earshot__v1__triage__init(out);
    out->language = triage->language;
    out->language_p = triage->language_p;
    out->answer = (Earshot__V1__Answer)triage->answer;
    out->answer_p = triage->answer_p;
    out->intent = (Earshot__V1__Intent)triage->intent;
    out->intent_p = triage->intent_p;
    out->sentiment = (Earshot__V1__Sentiment)triage->sentiment;
    out->sentiment_p = triage->sentiment_p;
    out->topic = (Earshot__V1__Topic)triage->topic;
    out->topic_p = triage->topic_p;
    out->urgency = triage->urgency;
    out->urgency_p = triage->urgency_p;
    out->urgency_unsure = triage->urgency_unsure;
    out->severity = triage->severity;
    out->severity_p = triage->severity_p;
    out->severity_unsure = triage->severity_unsure;
    out->model = (char *)(uintptr_t)version;
    out->triaged_at_us = now_us;
    out->skipped = triage->skipped;
}

static ear_err pack(struct ear_str post, struct ear_triage *triage, const char *version,
                    int64_t now_us, struct ear_buf *out)
{
    Earshot__V1__TriagedPost triaged = EARSHOT__V1__TRIAGED_POST__INIT;
    Earshot__V1__Triage message;
    char *why[EAR_TRIAGE_WHY];
    fill(&message, triage, version, now_us);
    for (size_t i = 0; i < triage->why_count; i++) why[i] = (char *)(uintptr_t)triage->why[i].ptr;
    message.n_why = triage->why_count;
    message.why = why;
    triaged.post = (ProtobufCBinaryData){post.len, (uint8_t *)(uintptr_t)post.ptr};
    triaged.triage = &message;
    return ear_wire_pack(&triaged.base, out);
}

ear_err ear_image_make(struct ear_triager *triager, struct ear_str post, int64_t now_us,
                       struct ear_arena *arena, struct ear_buf *out, struct ear_image_facts *facts)
{
    struct ear_id customer_id;
    ear_arena_reset(arena);
    const Earshot__V1__Post *message =
        EAR_UNPACK(Earshot__V1__Post, earshot__v1__post__descriptor, post, arena);
    if (!message || ear_wire_id(&message->post_id, false, &facts->post_id) ||
        ear_wire_id(&message->customer_id, false, &customer_id))
        return EAR_INVALID;
    struct ear_triage_post view = view_of(message);
    facts->stored_at_us = message->stored_at_us;
    (void)ear_fault_on("classifier.text", view.text.ptr, view.text.len);
    ear_triage(triager, &view, &facts->triage);
    return pack(post, &facts->triage, ear_triager_version(triager), now_us, out);
}
