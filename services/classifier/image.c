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

/* Fields of proto/post.proto and proto/triage.proto, each as its kind and how it is called here. */
enum { POST_ID = 1, CUSTOMER_ID, ACCOUNT = 4, TEXT, LANGUAGE_HINT, STORED_AT_US = 9 };
enum { REPLY_REF = 11, VISIBILITY = 13, ENTRY, OWN };
enum { TRIAGED_POST = 1, TRIAGED_TRIAGE };

#define V EAR_FIELD_VARINT
#define B EAR_FIELD_BYTES
static const ear_field_kind post_kinds[] = {[1] = B, B, B, B, B, B, V, V, V,
                                            B,       B, B, V, V, V, V, B};
#undef V
#undef B

/* What the classifier looks at of a post; borrowed. */
struct letter {
    struct ear_triage_post view;
    struct ear_str post_id, customer_id;
    int64_t stored_at_us;
    uint64_t visibility, entry;
};

static void take_field(struct letter *letter, const struct ear_field *field)
{
    struct ear_triage_post *view = &letter->view;
    switch (field->number) {
    case POST_ID:
        letter->post_id = field->bytes;
        break;
    case CUSTOMER_ID:
        letter->customer_id = field->bytes;
        break;
    case ACCOUNT:
        view->account = ear_field_text(field);
        break;
    case TEXT:
        view->text = ear_field_text(field);
        break;
    case LANGUAGE_HINT:
        view->language_hint = ear_field_text(field);
        break;
    case STORED_AT_US:
        letter->stored_at_us = (int64_t)field->value;
        break;
    case REPLY_REF:
        view->reply = field->bytes.len > 0;
        break;
    case VISIBILITY:
        letter->visibility = field->value;
        break;
    case ENTRY:
        letter->entry = field->value;
        break;
    case OWN:
        view->own = field->value != 0;
        break;
    default: /* not looked at, or of a newer ingest */
        break;
    }
}

/* The last of each field counts; false for what is no post. */
static bool read_letter(struct ear_str post, struct letter *letter)
{
    struct ear_field field;
    *letter = (struct letter){.stored_at_us = 0};
    while (ear_field_next(&post, &field)) {
        bool known = field.number > 0 && field.number < EAR_COUNT(post_kinds);
        if (known && field.kind != post_kinds[field.number]) return false;
        take_field(letter, &field);
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
    if (*t->language) at = ear_field_put_bytes(at, 1, ear_str_from(t->language));
    at = ear_field_put_float(at, 2, t->language_p);
    at = ear_field_put_number(at, 3, t->answer);
    at = ear_field_put_float(at, 4, t->answer_p);
    at = ear_field_put_number(at, 5, t->intent);
    at = ear_field_put_float(at, 6, t->intent_p);
    at = ear_field_put_number(at, 7, t->sentiment);
    at = ear_field_put_float(at, 8, t->sentiment_p);
    at = ear_field_put_number(at, 9, t->topic);
    return ear_field_put_float(at, 10, t->topic_p);
}

static char *put_levels(char *at, const struct ear_triage *t)
{
    at = ear_field_put_number(at, 11, t->urgency);
    at = ear_field_put_float(at, 12, t->urgency_p);
    at = ear_field_put_number(at, 13, t->urgency_unsure);
    at = ear_field_put_number(at, 14, t->severity);
    at = ear_field_put_float(at, 15, t->severity_p);
    return ear_field_put_number(at, 16, t->severity_unsure);
}

/* message Triage; returns how long it is. */
static size_t put_triage(char *to, const struct ear_triage *t, const char *version, int64_t now_us)
{
    char *at = put_levels(put_kinds(to, t), t);
    if (*version) at = ear_field_put_bytes(at, 17, ear_str_from(version));
    for (size_t i = 0; i < t->why_count; i++) at = ear_field_put_bytes(at, 18, t->why[i]);
    at = ear_field_put_number(at, 19, (uint64_t)now_us);
    at = ear_field_put_number(at, 20, t->skipped);
    return (size_t)(at - to);
}

static ear_err pack(struct ear_str post, const struct ear_triage *triage, const char *version,
                    int64_t now_us, struct ear_buf *out)
{
    char message[TRIAGE_BYTES];
    size_t len = put_triage(message, triage, version, now_us);
    char head[EAR_FIELD_ROOM], between[EAR_FIELD_ROOM];
    size_t head_len = (size_t)(ear_field_put_length(head, TRIAGED_POST, post.len) - head);
    size_t between_len = (size_t)(ear_field_put_length(between, TRIAGED_TRIAGE, len) - between);
    ear_err err = ear_buf_reserve(out, head_len + post.len + between_len + len);
    if (!err) err = ear_buf_append(out, head, head_len);
    if (!err) err = ear_buf_append_str(out, post);
    if (!err) err = ear_buf_append(out, between, between_len);
    return err ? err : ear_buf_append(out, message, len);
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
    return pack(post, &facts->triage, ear_triager_version(triager), now_us, out);
}
