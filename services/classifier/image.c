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

/* What the classifier looks at of a post; borrowed. */
struct letter {
    struct ear_triage_post view;
    struct ear_str post_id, customer_id;
    struct ear_str before_text, after_text; /* the packed post without it; ingest writes one */
    int64_t stored_at_us;
    uint64_t visibility, entry;
};

static void take_field(struct letter *letter, const struct ear_field *field)
{
    struct ear_triage_post *view = &letter->view;
    switch (field->number) {
    case EAR_FIELD_POST_POST_ID:
        letter->post_id = field->bytes;
        break;
    case EAR_FIELD_POST_CUSTOMER_ID:
        letter->customer_id = field->bytes;
        break;
    case EAR_FIELD_POST_ACCOUNT:
        view->account = ear_field_text(field);
        break;
    case EAR_FIELD_POST_TEXT:
        view->text = ear_field_text(field);
        break;
    case EAR_FIELD_POST_LANGUAGE_HINT:
        view->language_hint = ear_field_text(field);
        break;
    case EAR_FIELD_POST_STORED_AT_US:
        letter->stored_at_us = (int64_t)field->value;
        break;
    case EAR_FIELD_POST_REPLY_REF:
        view->reply = field->bytes.len > 0;
        break;
    case EAR_FIELD_POST_VISIBILITY:
        letter->visibility = field->value;
        break;
    case EAR_FIELD_POST_ENTRY:
        letter->entry = field->value;
        break;
    case EAR_FIELD_POST_OWN:
        view->own = field->value != 0;
        break;
    default: /* not looked at, or of a newer ingest */
        break;
    }
}

/* The last of each field counts; false for what is no post. */
static bool read_letter(struct ear_str packed, struct letter *letter)
{
    struct ear_field field;
    struct ear_str post = packed, from = post;
    *letter = (struct letter){.before_text = packed};
    while (ear_field_next(&post, &field)) {
        if (!ear_field_fits(&ear_field_post_kinds, &field)) return false;
        take_field(letter, &field);
        if (field.number == EAR_FIELD_POST_TEXT) {
            letter->before_text.len = (size_t)(from.ptr - packed.ptr);
            letter->after_text = post;
        }
        from = post;
    }
    uint64_t entry = letter->entry;
    letter->view.direct = letter->visibility == EARSHOT__V1__VISIBILITY__VISIBILITY_DIRECT ||
                          entry == EARSHOT__V1__ENTRY__ENTRY_DIRECT ||
                          entry == EARSHOT__V1__ENTRY__ENTRY_MAIL;
    letter->view.reply = letter->view.reply || entry == EARSHOT__V1__ENTRY__ENTRY_REPLY;
    return post.len == 0;
}

static bool id_of(struct ear_str bytes, struct ear_id *id)
{
    if (bytes.len != EAR_ID_BYTES) return false;
    memcpy(id->b, bytes.ptr, EAR_ID_BYTES);
    return true;
}

/* Enough for any triage. */
#define TRIAGE_BYTES                                                                      \
    ((EAR_TRIAGE_WHY * (EAR_TRIAGE_WHY_BYTES + EAR_FIELD_ROOM)) + EAR_TRIAGE_MODEL_SIZE + \
     EAR_MODEL_LANG_BYTES + 20 * EAR_FIELD_ROOM)

static char *put_kinds(char *at, const struct ear_triage *t)
{
    if (*t->language)
        at = ear_field_put_bytes(at, EAR_FIELD_TRIAGE_LANGUAGE, ear_str_from(t->language));
    at = ear_field_put_float(at, EAR_FIELD_TRIAGE_LANGUAGE_P, t->language_p);
    at = ear_field_put_number(at, EAR_FIELD_TRIAGE_ANSWER, t->answer);
    at = ear_field_put_float(at, EAR_FIELD_TRIAGE_ANSWER_P, t->answer_p);
    at = ear_field_put_number(at, EAR_FIELD_TRIAGE_INTENT, t->intent);
    at = ear_field_put_float(at, EAR_FIELD_TRIAGE_INTENT_P, t->intent_p);
    at = ear_field_put_number(at, EAR_FIELD_TRIAGE_SENTIMENT, t->sentiment);
    at = ear_field_put_float(at, EAR_FIELD_TRIAGE_SENTIMENT_P, t->sentiment_p);
    at = ear_field_put_number(at, EAR_FIELD_TRIAGE_TOPIC, t->topic);
    return ear_field_put_float(at, EAR_FIELD_TRIAGE_TOPIC_P, t->topic_p);
}

static char *put_levels(char *at, const struct ear_triage *t)
{
    at = ear_field_put_number(at, EAR_FIELD_TRIAGE_URGENCY, t->urgency);
    at = ear_field_put_float(at, EAR_FIELD_TRIAGE_URGENCY_P, t->urgency_p);
    at = ear_field_put_number(at, EAR_FIELD_TRIAGE_URGENCY_UNSURE, t->urgency_unsure);
    at = ear_field_put_number(at, EAR_FIELD_TRIAGE_SEVERITY, t->severity);
    at = ear_field_put_float(at, EAR_FIELD_TRIAGE_SEVERITY_P, t->severity_p);
    return ear_field_put_number(at, EAR_FIELD_TRIAGE_SEVERITY_UNSURE, t->severity_unsure);
}

/* message Triage; returns how long it is. */
static size_t put_triage(char *to, const struct ear_triage *t, const char *version, int64_t now_us)
{
    char *at = put_levels(put_kinds(to, t), t);
    if (*version) at = ear_field_put_bytes(at, EAR_FIELD_TRIAGE_MODEL, ear_str_from(version));
    for (size_t i = 0; i < t->why_count; i++)
        at = ear_field_put_bytes(at, EAR_FIELD_TRIAGE_WHY, t->why[i]);
    at = ear_field_put_number(at, EAR_FIELD_TRIAGE_TRIAGED_AT_US, (uint64_t)now_us);
    at = ear_field_put_number(at, EAR_FIELD_TRIAGE_SKIPPED, t->skipped);
    return (size_t)(at - to);
}

static ear_err pack(const struct letter *letter, const struct ear_triage *triage,
                    const char *version, int64_t now_us, struct ear_buf *out)
{
    struct ear_str before = letter->before_text, after = letter->after_text;
    char message[TRIAGE_BYTES], head[EAR_FIELD_ROOM], between[EAR_FIELD_ROOM];
    size_t len = put_triage(message, triage, version, now_us);
    char *head_end =
        ear_field_put_length(head, EAR_FIELD_TRIAGED_POST_POST, before.len + after.len);
    char *between_end = ear_field_put_length(between, EAR_FIELD_TRIAGED_POST_TRIAGE, len);
    const struct ear_str parts[] = {{head, (size_t)(head_end - head)},
                                    before,
                                    after,
                                    {between, (size_t)(between_end - between)},
                                    {message, len}};
    size_t all = 0;
    for (size_t i = 0; i < EAR_COUNT(parts); i++) all += parts[i].len;
    ear_err err = ear_buf_reserve(out, all);
    for (size_t i = 0; i < EAR_COUNT(parts) && !err; i++) err = ear_buf_append_str(out, parts[i]);
    return err;
}

ear_err ear_image_make(struct ear_triager *triager, struct ear_str post, int64_t now_us,
                       struct ear_buf *out, struct ear_image_facts *facts)
{
    struct ear_id customer_id;
    struct letter letter;
    if (!read_letter(post, &letter)) return EAR_INVALID;
    if (!id_of(letter.post_id, &facts->post_id) || !id_of(letter.customer_id, &customer_id))
        return EAR_INVALID;
    facts->stored_at_us = letter.stored_at_us;
    (void)ear_fault_on("classifier.text", letter.view.text.ptr, letter.view.text.len);
    ear_triage(triager, &letter.view, &facts->triage);
    return pack(&letter, &facts->triage, ear_triager_version(triager), now_us, out);
}
