#include "letter.h"
#include "mime/mime.h"
#include "json/json.h"

#define THREAD_BYTES_MAX  (64u << 10)
#define SUBJECT_BYTES_MAX 1100u

static bool answers_already(struct ear_str subject)
{
    static const char *const marks[] = {"re:", "aw:", "sv:", "vs:", "odp:", "antw:", "rv:", "rif:"};
    for (size_t i = 0; i < EAR_COUNT(marks); i++) {
        struct ear_str mark = ear_str_from(marks[i]);
        if (subject.len >= mark.len &&
            ear_str_eq_nocase((struct ear_str){subject.ptr, mark.len}, mark))
            return true;
    }
    return false;
}

static ear_err write_subject(struct ear_str subject, struct ear_buf *out)
{
    subject = ear_str_trim(subject);
    if (!subject.len) subject = EAR_STR("your message");
    ear_err err = answers_already(subject) ? EAR_OK : ear_buf_append_str(out, EAR_STR("Re: "));
    return err ? err : ear_buf_append_str(out, subject);
}

/* The mails before, and the one that is answered last. */
static size_t read_references(const json_t *thread, struct ear_str answered,
                              struct ear_str list[static EAR_MAIL_REFERENCES_MAX])
{
    const json_t *references = json_object_get(thread, "references");
    const json_t *one;
    size_t count = 0;
    size_t i;
    json_array_foreach(references, i, one)
    {
        if (!json_is_string(one) || count + 1 == EAR_MAIL_REFERENCES_MAX) continue;
        struct ear_str id = {json_string_value(one), json_string_length(one)};
        if (ear_mail_id_valid(id) && !ear_str_eq(id, answered)) list[count++] = id;
    }
    if (answered.len) list[count++] = answered;
    return count;
}

static ear_err write_mail(const struct ear_send_job *job, const struct ear_letter_from *from,
                          const json_t *thread, const char *to, int64_t now_us, struct ear_buf *raw,
                          struct ear_diag *diag)
{
    struct ear_str references[EAR_MAIL_REFERENCES_MAX];
    struct ear_buf subject;
    struct ear_str answered = ear_json_at(thread, "message_id");
    if (!ear_mail_id_valid(answered)) answered = EAR_STR_NONE;
    struct ear_mail_out mail = {.from = from->address,
                                .from_name = from->name,
                                .to = ear_str_from(to),
                                .to_name = ear_json_at(thread, "name"),
                                .message_id = job->key,
                                .in_reply_to = answered,
                                .references = references,
                                .reference_count = read_references(thread, answered, references),
                                .text = ear_fit_part(job->fit, 0),
                                .date_us = now_us,
                                .by_rule = job->by_rule};
    ear_buf_init(&subject, SUBJECT_BYTES_MAX);
    ear_err err = write_subject(ear_json_at(thread, "subject"), &subject);
    mail.subject = ear_buf_str(&subject);
    err = err ? ear_fail(diag, err, "the subject is too long") : ear_mime_write(&mail, raw, diag);
    ear_buf_release(&subject);
    return err;
}

ear_err ear_letter_write(const struct ear_send_job *job, const struct ear_letter_from *from,
                         int64_t now_us, struct ear_buf *raw, char to[static EAR_LETTER_TO_BYTES],
                         struct ear_diag *diag)
{
    json_t *thread = NULL;
    ear_err read =
        job->thread.len ? ear_json_parse(job->thread, THREAD_BYTES_MAX, &thread, NULL) : EAR_OK;
    if (read)
        return ear_fail(diag, ear_err_retryable(read) ? read : EAR_INVALID,
                        "the answered mail's thread cannot be read");
    struct ear_str address = ear_json_at(thread, "to");
    if (!address.len) address = job->recipient_id;
    ear_err err = EAR_OK;
    if (!ear_mail_address_valid(address) || !ear_str_copy(to, EAR_LETTER_TO_BYTES, address))
        err =
            ear_fail(diag, EAR_INVALID, "the customer has no mail address that can be written to");
    if (!err) err = write_mail(job, from, thread, to, now_us, raw, diag);
    json_decref(thread);
    return err;
}

ear_err ear_letter_key(const struct ear_id *reply_id, struct ear_str address, struct ear_buf *key)
{
    char id[EAR_ID_TEXT_BYTES];
    size_t at = ear_str_find(address, EAR_STR("@"));
    struct ear_str domain =
        at == SIZE_MAX ? address : (struct ear_str){address.ptr + at + 1, address.len - at - 1};
    ear_id_format(reply_id, id);
    return ear_buf_printf(key, "earshot.%s@%.*s", id, EAR_STR_ARG(domain));
}
