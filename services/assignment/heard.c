#include "heard.h"

#include "wire/wire.h"

#define LAST_US       (INT64_C(253402300799) * EAR_US_PER_S) /* the end of year 9999 */
#define WHY_BYTES_MAX 4096

/* What of a packed post is not a number; borrowed. */
struct letter {
    struct ear_str platform, account, post;
    struct ear_str language, model, triage;
    int64_t stored_at_us;
};

static float probability(uint64_t bits)
{
    uint32_t single = (uint32_t)bits;
    float p;
    memcpy(&p, &single, sizeof(p));
    if (!(p > 0)) return 0; /* also NaN */
    return p < 1 ? p : 1;
}

/* A newer classifier may know more than this build. */
static uint32_t up_to(uint64_t value, uint32_t most, uint32_t otherwise)
{
    return (uint32_t)value <= most ? (uint32_t)value : otherwise;
}

static bool sane(int64_t at_us)
{
    return at_us > 0 && at_us <= LAST_US;
}

static bool take_id(struct ear_str bytes, struct ear_id *id)
{
    *id = (struct ear_id){{0}};
    if (bytes.len == EAR_ID_BYTES) memcpy(id->b, bytes.ptr, EAR_ID_BYTES);
    return bytes.len == EAR_ID_BYTES || bytes.len == 0;
}

/* ---- the post ---- */

static bool take_post(struct ear_heard *heard, struct letter *letter, const struct ear_field *field)
{
    switch (field->number) {
    case EAR_FIELD_POST_POST_ID:
        return take_id(field->bytes, &heard->post_id);
    case EAR_FIELD_POST_CUSTOMER_ID:
        return take_id(field->bytes, &heard->customer_id);
    case EAR_FIELD_POST_SELF_REF:
        return take_id(field->bytes, &heard->self_ref);
    case EAR_FIELD_POST_REPLY_REF:
        return take_id(field->bytes, &heard->reply_ref);
    case EAR_FIELD_POST_CONVERSATION_REF:
        return take_id(field->bytes, &heard->conversation_ref);
    case EAR_FIELD_POST_PLATFORM:
        letter->platform = ear_field_text(field);
        break;
    case EAR_FIELD_POST_ACCOUNT:
        letter->account = ear_field_text(field);
        break;
    case EAR_FIELD_POST_CREATED_AT_US:
        heard->created_at_us = (int64_t)field->value;
        break;
    case EAR_FIELD_POST_RECEIVED_AT_US:
        heard->received_at_us = (int64_t)field->value;
        break;
    case EAR_FIELD_POST_STORED_AT_US:
        letter->stored_at_us = (int64_t)field->value;
        break;
    case EAR_FIELD_POST_VISIBILITY:
        heard->direct = (uint32_t)field->value == EARSHOT__V1__VISIBILITY__VISIBILITY_DIRECT;
        break;
    case EAR_FIELD_POST_OWN:
        heard->own = field->value != 0;
        break;
    case EAR_FIELD_POST_MENTIONS:
        return ++heard->mention_count <= EAR_FIELD_POST_MENTIONS_MAX;
    default: /* nothing that decisions are made on, or of a newer ingest */
        break;
    }
    return true;
}

static bool read_post(struct ear_heard *heard, struct letter *letter)
{
    struct ear_str rest = letter->post;
    struct ear_field field;
    while (ear_field_next(&rest, &field))
        if (!ear_field_fits(&ear_field_post_kinds, &field) || !take_post(heard, letter, &field))
            return false;
    return rest.len == 0 && !ear_id_is_nil(&heard->post_id) &&
           !ear_id_is_nil(&heard->customer_id) && sane(heard->created_at_us) &&
           sane(heard->received_at_us);
}

/* ---- the triage ---- */

static void take_kinds(struct ear_triage *t, const struct ear_field *field)
{
    switch (field->number) {
    case EAR_FIELD_TRIAGE_ANSWER:
        t->answer = up_to(field->value, EARSHOT__V1__ANSWER__ANSWER_NOT_NEEDED,
                          EARSHOT__V1__ANSWER__ANSWER_UNSURE);
        break;
    case EAR_FIELD_TRIAGE_ANSWER_P:
        t->answer_p = probability(field->value);
        break;
    case EAR_FIELD_TRIAGE_INTENT:
        t->intent = up_to(field->value, EARSHOT__V1__INTENT__INTENT_OTHER,
                          EARSHOT__V1__INTENT__INTENT_UNSURE);
        break;
    case EAR_FIELD_TRIAGE_INTENT_P:
        t->intent_p = probability(field->value);
        break;
    case EAR_FIELD_TRIAGE_SENTIMENT:
        t->sentiment = up_to(field->value, EARSHOT__V1__SENTIMENT__SENTIMENT_POSITIVE,
                             EARSHOT__V1__SENTIMENT__SENTIMENT_UNSURE);
        break;
    case EAR_FIELD_TRIAGE_TOPIC:
        t->topic =
            up_to(field->value, EARSHOT__V1__TOPIC__TOPIC_OTHER, EARSHOT__V1__TOPIC__TOPIC_UNSURE);
        break;
    case EAR_FIELD_TRIAGE_URGENCY:
        t->urgency = up_to(field->value, 2, 2);
        break;
    case EAR_FIELD_TRIAGE_URGENCY_UNSURE:
        t->urgency_unsure = field->value != 0;
        break;
    case EAR_FIELD_TRIAGE_SEVERITY:
        t->severity = up_to(field->value, 3, 3);
        break;
    case EAR_FIELD_TRIAGE_SEVERITY_UNSURE:
        t->severity_unsure = field->value != 0;
        break;
    default: /* not looked at, or of a newer classifier */
        break;
    }
}

/* Room for all reasons is taken with the first. More than fit are left out, not refused. */
struct reasons {
    char *text; /* NULL: there are none */
    size_t len, room;
};

static bool add_reason(struct reasons *reasons, struct ear_str reason, size_t behind,
                       struct ear_arena *arena)
{
    bool first = !reasons->text;
    if (first) {
        size_t all = reason.len + behind;
        reasons->room = all < WHY_BYTES_MAX ? all : WHY_BYTES_MAX;
        reasons->text = ear_arena_try(arena, reasons->room + 1);
        if (!reasons->text) return false;
    }
    if (reasons->len + !first + reason.len > reasons->room) {
        reasons->room = reasons->len; /* those that follow neither */
        return true;
    }
    if (!first) reasons->text[reasons->len++] = '\x1f';
    if (reason.len) memcpy(reasons->text + reasons->len, reason.ptr, reason.len);
    reasons->len += reason.len;
    return true;
}

static bool read_triage(struct ear_triage *t, struct letter *letter, struct ear_arena *arena)
{
    struct ear_str rest = letter->triage;
    struct reasons reasons = {0};
    struct ear_field field;
    while (ear_field_next(&rest, &field)) {
        if (!ear_field_fits(&ear_field_triage_kinds, &field)) return false;
        if (field.number == EAR_FIELD_TRIAGE_LANGUAGE)
            letter->language = ear_field_text(&field);
        else if (field.number == EAR_FIELD_TRIAGE_MODEL)
            letter->model = ear_field_text(&field);
        else if (field.number == EAR_FIELD_TRIAGE_TRIAGED_AT_US)
            t->triaged_at_us = (int64_t)field.value;
        else if (field.number != EAR_FIELD_TRIAGE_WHY)
            take_kinds(t, &field);
        else if (!add_reason(&reasons, ear_field_text(&field), rest.len, arena))
            return false;
    }
    t->why = reasons.len ? reasons.text : NULL;
    return rest.len == 0;
}

/* ---- the whole ---- */

static bool open_envelope(struct ear_str packed, struct letter *letter)
{
    struct ear_field field;
    while (ear_field_next(&packed, &field)) {
        if (!ear_field_fits(&ear_field_triaged_post_kinds, &field)) return false;
        if (field.number == EAR_FIELD_TRIAGED_POST_POST) letter->post = field.bytes;
        if (field.number == EAR_FIELD_TRIAGED_POST_TRIAGE) letter->triage = field.bytes;
    }
    return packed.len == 0;
}

static bool keep(const char **to, struct ear_str text, const char *before, struct ear_arena *arena)
{
    bool same = before && ear_str_eq(ear_str_from(before), text);
    *to = same ? before : ear_arena_copy(arena, text);
    return *to != NULL;
}

static bool keep_texts(struct ear_heard *heard, const struct letter *letter,
                       const struct ear_heard *before, struct ear_arena *arena)
{
    static const struct ear_heard none;
    struct ear_str language = letter->language.len ? letter->language : EAR_STR("und");
    if (!before) before = &none;
    return keep(&heard->platform, letter->platform, before->platform, arena) &&
           keep(&heard->account, letter->account, before->account, arena) &&
           keep(&heard->triage.language, language, before->triage.language, arena) &&
           keep(&heard->triage.model, letter->model, before->triage.model, arena);
}

/* Seldom any: the post is read once more for them. */
static bool keep_mentions(struct ear_heard *heard, struct ear_str post, struct ear_arena *arena)
{
    struct ear_field field;
    size_t count = 0;
    if (!heard->mention_count) return true;
    const char **mentions = ear_arena_try(arena, heard->mention_count * sizeof(*mentions));
    if (!mentions) return false;
    while (ear_field_next(&post, &field))
        if (field.number == EAR_FIELD_POST_MENTIONS &&
            !keep(&mentions[count++], ear_field_text(&field), NULL, arena))
            return false;
    heard->mentions = mentions;
    return true;
}

static bool read_whole(struct ear_str packed, const struct ear_heard *before,
                       struct ear_arena *arena, struct ear_heard *heard)
{
    struct letter letter = {.stored_at_us = 0};
    *heard = (struct ear_heard){.own = false};
    if (!open_envelope(packed, &letter) || !read_post(heard, &letter) ||
        !read_triage(&heard->triage, &letter, arena))
        return false;
    int64_t stored_at_us = sane(letter.stored_at_us) ? letter.stored_at_us : heard->received_at_us;
    if (!sane(heard->triage.triaged_at_us)) heard->triage.triaged_at_us = stored_at_us;
    return keep_texts(heard, &letter, before, arena) && keep_mentions(heard, letter.post, arena);
}

ear_err ear_heard_read(struct ear_str packed, const struct ear_heard *before,
                       struct ear_arena *arena, struct ear_heard *heard)
{
    if (read_whole(packed, before, arena, heard)) return EAR_OK;
    return ear_arena_starved(arena) ? EAR_NO_MEMORY : EAR_INVALID;
}
