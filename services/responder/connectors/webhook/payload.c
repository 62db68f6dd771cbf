#include "payload.h"
#include "json/json.h"

static int set_text(json_t *object, const char *key, struct ear_str text)
{
    return json_object_set_new(object, key, json_stringn(text.ptr ? text.ptr : "", text.len));
}

static int set_id(json_t *object, const char *key, const struct ear_id *id)
{
    char text[EAR_ID_TEXT_BYTES];
    ear_id_format(id, text);
    return json_object_set_new(object, key, json_string(text));
}

/* What the reply answers. */
static json_t *answered(const struct ear_send_job *job)
{
    json_t *post = json_object();
    int bad = set_text(post, "external_id", job->post_id);
    bad |= set_text(post, "author_id", job->recipient_id);
    bad |= set_text(post, "author_name", job->recipient_name);
    if (!bad) return post;
    json_decref(post);
    return NULL;
}

static json_t *reply_data(const struct ear_send_job *job, const char *created_at)
{
    json_t *data = json_object();
    int bad = set_id(data, "reply_id", &job->reply_id);
    bad |= set_id(data, "case_id", &job->case_id);
    bad |= set_text(data, "account", job->account);
    bad |= set_text(data, "platform", job->platform);
    bad |= set_text(data, "text", ear_fit_part(job->fit, 0));
    bad |= set_text(data, "body", job->text);
    bad |= set_text(data, "sign_off", job->sign_off);
    bad |= set_text(data, "agent", job->agent);
    bad |= json_object_set_new(data, "by_rule", json_boolean(job->by_rule));
    bad |= json_object_set_new(data, "direct", json_boolean(job->direct));
    bad |= json_object_set_new(data, "created_at", json_string(created_at));
    bad |= json_object_set_new(data, "in_reply_to", answered(job));
    if (!bad) return data;
    json_decref(data);
    return NULL;
}

ear_err ear_webhook_payload(const struct ear_send_job *job, struct ear_buf *out)
{
    char created_at[EAR_TIME_TEXT_BYTES];
    ear_time_format(job->created_at_us, created_at);
    json_t *event = json_object();
    int bad = json_object_set_new(event, "type", json_string("reply.created"));
    bad |= json_object_set_new(event, "timestamp", json_string(created_at));
    bad |= json_object_set_new(event, "data", reply_data(job, created_at));
    /* Texts come from PostgreSQL and are whole: what is missing is memory. */
    ear_err err = bad ? EAR_NO_MEMORY : ear_json_write(event, out);
    json_decref(event);
    return err;
}
