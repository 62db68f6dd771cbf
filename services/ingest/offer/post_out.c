#include "offer/post_out.h"
#include <stdlib.h>

#define MENTIONS_MAX 64

/* protobuf-c wants NUL-terminated text that it does not change. */
struct texts {
    char *all;
    size_t used;
    size_t cap;
};

static char *keep(struct texts *texts, struct ear_str text)
{
    char *copy = texts->all + texts->used;
    EAR_CHECK(texts->used + text.len + 1 <= texts->cap);
    if (text.len) memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    texts->used += text.len + 1;
    return copy;
}

struct draft {
    Earshot__V1__Post message;
    struct ear_str platform, account, text, language, mentions;
    struct ear_id ids[5]; /* post, customer, self, reply, conversation */
};

static ProtobufCBinaryData id_bytes(const struct ear_id *id)
{
    return ear_id_is_nil(id) ? (ProtobufCBinaryData){0, NULL} : ear_wire_bytes(id);
}

static size_t keep_mentions(struct texts *texts, struct ear_str mentions, char **list)
{
    struct ear_str one;
    size_t count = 0;
    while (count < MENTIONS_MAX && mentions.len && ear_str_split(&mentions, '\n', &one)) {
        if (one.len) list[count++] = keep(texts, one);
    }
    return count;
}

static ear_err pack(struct draft *draft, struct ear_buf *out)
{
    char *mentions[MENTIONS_MAX];
    Earshot__V1__Post *message = &draft->message;
    struct texts texts = {.cap = draft->platform.len + draft->account.len + draft->text.len +
                                 draft->language.len + draft->mentions.len + 5 + MENTIONS_MAX};
    texts.all = ear_try_alloc(texts.cap);
    if (!texts.all) return EAR_NO_MEMORY;
    message->post_id = id_bytes(&draft->ids[0]);
    message->customer_id = id_bytes(&draft->ids[1]);
    message->self_ref = id_bytes(&draft->ids[2]);
    message->reply_ref = id_bytes(&draft->ids[3]);
    message->conversation_ref = id_bytes(&draft->ids[4]);
    message->platform = keep(&texts, draft->platform);
    message->account = keep(&texts, draft->account);
    message->text = keep(&texts, draft->text);
    message->language_hint = keep(&texts, draft->language);
    message->n_mentions = keep_mentions(&texts, draft->mentions, mentions);
    message->mentions = mentions;
    ear_err err = ear_wire_pack(&message->base, out);
    free(texts.all);
    return err;
}

ear_err ear_post_out_fresh(const struct ear_post_in *post, const struct ear_post_known *known,
                           int64_t received_at_us, int64_t stored_at_us, struct ear_str mentions,
                           struct ear_buf *out)
{
    struct draft draft = {
        .message = EARSHOT__V1__POST__INIT,
        .platform = post->platform,
        .account = known->account,
        .text = post->text,
        .language = post->language,
        .mentions = mentions,
        .ids = {known->post_id, known->customer_id, known->self_ref, known->reply_ref,
                known->conversation_ref},
    };
    draft.message.created_at_us = post->created_at_us;
    draft.message.received_at_us = received_at_us;
    draft.message.stored_at_us = stored_at_us;
    draft.message.visibility = post->visibility;
    draft.message.entry = known->entry;
    draft.message.own = known->own;
    draft.message.automated = post->automated;
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

static struct ear_id id_or_nil(const struct ear_pg_result *result, size_t row, size_t column)
{
    return ear_pg_is_null(result, row, column) ? (struct ear_id){{0}}
                                               : ear_pg_get_id(result, row, column);
}

size_t ear_post_out_place(const struct ear_pg_result *result, size_t row)
{
    return (size_t)ear_pg_get_i64(result, row, PLACE) - 1;
}

ear_err ear_post_out_row(const struct ear_pg_result *result, size_t row, struct ear_buf *out)
{
    struct draft draft = {
        .message = EARSHOT__V1__POST__INIT,
        .platform = ear_pg_get_str(result, row, PLATFORM),
        .account = ear_pg_get_str(result, row, ACCOUNT),
        .text = ear_pg_get_str(result, row, BODY),
        .language = ear_pg_get_str(result, row, LANGUAGE),
        .mentions = ear_pg_is_null(result, row, MENTIONS) ? EAR_STR_NONE
                                                          : ear_pg_get_str(result, row, MENTIONS),
        .ids = {ear_pg_get_id(result, row, POST_ID), ear_pg_get_id(result, row, CUSTOMER_ID),
                ear_pg_get_id(result, row, SELF_REF), id_or_nil(result, row, REPLY_REF),
                id_or_nil(result, row, CONVERSATION_REF)},
    };
    draft.message.created_at_us = ear_pg_get_time(result, row, CREATED_AT);
    draft.message.received_at_us = ear_pg_get_time(result, row, RECEIVED_AT);
    draft.message.stored_at_us = ear_pg_get_time(result, row, STORED_AT);
    draft.message.visibility = (Earshot__V1__Visibility)ear_pg_get_i64(result, row, VISIBILITY);
    draft.message.entry = (Earshot__V1__Entry)ear_pg_get_i64(result, row, ENTRY);
    draft.message.own = ear_pg_get_bool(result, row, OWN);
    draft.message.automated = ear_pg_get_bool(result, row, AUTOMATED);
    return pack(&draft, out);
}
