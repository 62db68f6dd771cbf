#include "offer/post_out.h"

struct draft {
    struct ear_id post_id, customer_id, self_ref, reply_ref, conversation_ref;
    struct ear_str platform, account, text, language, mentions;
    int64_t created_at_us, received_at_us, stored_at_us;
    Earshot__V1__Visibility visibility;
    Earshot__V1__Entry entry;
    bool own, automated;
};

static char *put_id(char *at, enum ear_field_post field, const struct ear_id *id)
{
    if (ear_id_is_nil(id)) return at;
    return ear_field_put_bytes(at, field, (struct ear_str){(const char *)id->b, EAR_ID_BYTES});
}

static char *put_text(char *at, enum ear_field_post field, struct ear_str text)
{
    return text.len ? ear_field_put_bytes(at, field, text) : at;
}

static char *put_mentions(char *at, struct ear_str mentions)
{
    struct ear_str one;
    size_t count = 0;
    while (count < EAR_FIELD_POST_MENTIONS_MAX && mentions.len &&
           ear_str_split(&mentions, '\n', &one)) {
        if (!one.len) continue;
        at = ear_field_put_bytes(at, EAR_FIELD_POST_MENTIONS, one);
        count++;
    }
    return at;
}

static char *put_draft(char *at, const struct draft *draft)
{
    at = put_id(at, EAR_FIELD_POST_POST_ID, &draft->post_id);
    at = put_id(at, EAR_FIELD_POST_CUSTOMER_ID, &draft->customer_id);
    at = put_text(at, EAR_FIELD_POST_PLATFORM, draft->platform);
    at = put_text(at, EAR_FIELD_POST_ACCOUNT, draft->account);
    at = put_text(at, EAR_FIELD_POST_TEXT, draft->text);
    at = put_text(at, EAR_FIELD_POST_LANGUAGE_HINT, draft->language);
    at = ear_field_put_number(at, EAR_FIELD_POST_CREATED_AT_US, (uint64_t)draft->created_at_us);
    at = ear_field_put_number(at, EAR_FIELD_POST_RECEIVED_AT_US, (uint64_t)draft->received_at_us);
    at = ear_field_put_number(at, EAR_FIELD_POST_STORED_AT_US, (uint64_t)draft->stored_at_us);
    at = put_id(at, EAR_FIELD_POST_SELF_REF, &draft->self_ref);
    at = put_id(at, EAR_FIELD_POST_REPLY_REF, &draft->reply_ref);
    at = put_id(at, EAR_FIELD_POST_CONVERSATION_REF, &draft->conversation_ref);
    at = ear_field_put_number(at, EAR_FIELD_POST_VISIBILITY, draft->visibility);
    at = ear_field_put_number(at, EAR_FIELD_POST_ENTRY, draft->entry);
    at = ear_field_put_number(at, EAR_FIELD_POST_OWN, draft->own);
    at = ear_field_put_number(at, EAR_FIELD_POST_AUTOMATED, draft->automated);
    return put_mentions(at, draft->mentions);
}

static ear_err pack(const struct draft *draft, struct ear_buf *out)
{
    size_t room = draft->platform.len + draft->account.len + draft->text.len + draft->language.len +
                  draft->mentions.len + 5 * EAR_ID_BYTES +
                  (EAR_FIELD_POST_MENTIONS + EAR_FIELD_POST_MENTIONS_MAX) * EAR_FIELD_ROOM;
    ear_err err = ear_buf_reserve(out, room);
    if (err) return err;
    char *end = put_draft(out->data + out->len, draft);
    *end = '\0';
    out->len = (size_t)(end - out->data);
    return EAR_OK;
}

ear_err ear_post_out_fresh(const struct ear_post_in *post, const struct ear_post_known *known,
                           int64_t received_at_us, int64_t stored_at_us, struct ear_str mentions,
                           struct ear_buf *out)
{
    const struct draft draft = {
        .post_id = known->post_id,
        .customer_id = known->customer_id,
        .self_ref = known->self_ref,
        .reply_ref = known->reply_ref,
        .conversation_ref = known->conversation_ref,
        .platform = post->platform,
        .account = known->account,
        .text = post->text,
        .language = post->language,
        .mentions = mentions,
        .created_at_us = post->created_at_us,
        .received_at_us = received_at_us,
        .stored_at_us = stored_at_us,
        .visibility = post->visibility,
        .entry = known->entry,
        .own = known->own,
        .automated = post->automated,
    };
    return pack(&draft, out);
}

enum column {
    POST_ID,
    CUSTOMER_ID,
    PLATFORM,
    ACCOUNT,
    BODY,
    LANGUAGE,
    CREATED_AT,
    RECEIVED_AT,
    STORED_AT,
    SELF_REF,
    REPLY_REF,
    CONVERSATION_REF,
    VISIBILITY,
    ENTRY,
    OWN,
    AUTOMATED,
    MENTIONS,
    PLACE,
};

size_t ear_post_out_place(const struct ear_pg_result *result, size_t row)
{
    return (size_t)ear_pg_get_i64(result, row, PLACE) - 1;
}

ear_err ear_post_out_row(const struct ear_pg_result *result, size_t row, struct ear_buf *out)
{
    const struct draft draft = {
        .post_id = ear_pg_get_id(result, row, POST_ID),
        .customer_id = ear_pg_get_id(result, row, CUSTOMER_ID),
        .self_ref = ear_pg_get_id(result, row, SELF_REF),
        .reply_ref = ear_pg_get_id(result, row, REPLY_REF),
        .conversation_ref = ear_pg_get_id(result, row, CONVERSATION_REF),
        .platform = ear_pg_get_str(result, row, PLATFORM),
        .account = ear_pg_get_str(result, row, ACCOUNT),
        .text = ear_pg_get_str(result, row, BODY),
        .language = ear_pg_get_str(result, row, LANGUAGE),
        .mentions = ear_pg_is_null(result, row, MENTIONS) ? EAR_STR_NONE
                                                          : ear_pg_get_str(result, row, MENTIONS),
        .created_at_us = ear_pg_get_time(result, row, CREATED_AT),
        .received_at_us = ear_pg_get_time(result, row, RECEIVED_AT),
        .stored_at_us = ear_pg_get_time(result, row, STORED_AT),
        .visibility = (Earshot__V1__Visibility)ear_pg_get_i64(result, row, VISIBILITY),
        .entry = (Earshot__V1__Entry)ear_pg_get_i64(result, row, ENTRY),
        .own = ear_pg_get_bool(result, row, OWN),
        .automated = ear_pg_get_bool(result, row, AUTOMATED),
    };
    return pack(&draft, out);
}
