/* A mail as bytes. GMime encodes headers and body; what goes into it is one line each. */
#include "private.h"
#include <stdlib.h>

#define ADDRESS_BYTES_MAX 320u
#define LINE_BYTES_MAX    2000u

void ear_mime_start(void)
{
    static bool started;
    if (!started) g_mime_init();
    started = true;
}

static bool is_token(struct ear_str s, const char *forbidden)
{
    size_t ats = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= 0x20 || c >= 0x7f || strchr(forbidden, c)) return false;
        ats += c == '@';
    }
    return ats == 1 && s.ptr[0] != '@' && s.ptr[s.len - 1] != '@';
}

bool ear_mail_id_valid(struct ear_str id)
{
    return id.len && id.len <= EAR_MAIL_ID_BYTES_MAX && is_token(id, "<>");
}

bool ear_mail_address_valid(struct ear_str address)
{
    return address.len && address.len <= ADDRESS_BYTES_MAX && is_token(address, "<>()[]\\\",;:");
}

/* One line of well-formed text; the caller frees. */
static char *one_line(struct ear_str text)
{
    size_t len = text.len < LINE_BYTES_MAX ? text.len : LINE_BYTES_MAX;
    char *line = g_utf8_make_valid(text.ptr ? text.ptr : "", (gssize)len);
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = ' ';
    return line;
}

static void add_person(GMimeMessage *message, GMimeAddressType type, struct ear_str address,
                       struct ear_str name)
{
    char *addr = one_line(address);
    char *shown = one_line(name);
    g_mime_message_add_mailbox(message, type, *shown ? shown : NULL, addr);
    g_free(shown);
    g_free(addr);
}

static void set_ids(GMimeMessage *message, const char *header, const struct ear_str *ids,
                    size_t count)
{
    GString *value = g_string_new(NULL);
    for (size_t i = 0; i < count; i++)
        if (ear_mail_id_valid(ids[i]))
            g_string_append_printf(value, "%s<%.*s>", value->len ? " " : "", EAR_STR_ARG(ids[i]));
    if (value->len) g_mime_object_set_header(GMIME_OBJECT(message), header, value->str, NULL);
    g_string_free(value, TRUE);
}

static void set_headers(GMimeMessage *message, const struct ear_mail_out *mail)
{
    char *subject = one_line(mail->subject);
    char *id = one_line(mail->message_id);
    GDateTime *date = g_date_time_new_from_unix_utc(mail->date_us / EAR_US_PER_S);
    add_person(message, GMIME_ADDRESS_TYPE_FROM, mail->from, mail->from_name);
    add_person(message, GMIME_ADDRESS_TYPE_TO, mail->to, mail->to_name);
    g_mime_message_set_subject(message, subject, "utf-8");
    g_mime_message_set_message_id(message, id);
    if (date) g_mime_message_set_date(message, date);
    set_ids(message, "In-Reply-To", &mail->in_reply_to, 1);
    set_ids(message, "References", mail->references, mail->reference_count);
    if (mail->by_rule)
        g_mime_object_set_header(GMIME_OBJECT(message), "Auto-Submitted", "auto-replied", NULL);
    if (date) g_date_time_unref(date);
    g_free(id);
    g_free(subject);
}

static void set_body(GMimeMessage *message, struct ear_str text)
{
    GMimeTextPart *part = g_mime_text_part_new_with_subtype("plain");
    char *body = g_utf8_make_valid(text.ptr ? text.ptr : "", (gssize)text.len);
    g_mime_text_part_set_charset(part, "utf-8");
    g_mime_text_part_set_text(part, body);
    GMimeContentEncoding best =
        g_mime_part_get_best_content_encoding(GMIME_PART(part), GMIME_ENCODING_CONSTRAINT_7BIT);
    if (best == GMIME_CONTENT_ENCODING_DEFAULT) best = GMIME_CONTENT_ENCODING_7BIT;
    g_mime_part_set_content_encoding(GMIME_PART(part), best);
    g_mime_message_set_mime_part(message, GMIME_OBJECT(part));
    g_free(body);
    g_object_unref(part);
}

/* Line ends as SMTP wants them, whatever they were. */
static ear_err append_crlf(struct ear_buf *out, const char *text)
{
    ear_err err = EAR_OK;
    for (const char *c = text; *c && !err; c++) {
        if (*c == '\r') continue;
        err = *c == '\n' ? ear_buf_append_str(out, EAR_STR("\r\n")) : ear_buf_append_char(out, *c);
    }
    return err;
}

ear_err ear_mime_write(const struct ear_mail_out *mail, struct ear_buf *out, struct ear_diag *diag)
{
    if (!ear_mail_address_valid(mail->from) || !ear_mail_address_valid(mail->to))
        return ear_fail(diag, EAR_INVALID, "sender or recipient is not a mail address");
    if (!ear_mail_id_valid(mail->message_id))
        return ear_fail(diag, EAR_INVALID, "not a Message-ID");
    ear_mime_start();
    GMimeMessage *message = g_mime_message_new(TRUE);
    set_headers(message, mail);
    set_body(message, mail->text);
    char *text = g_mime_object_to_string(GMIME_OBJECT(message), NULL);
    ear_err err = append_crlf(out, text);
    g_free(text);
    g_object_unref(message);
    return err ? ear_fail(diag, err, "the mail is too long") : EAR_OK;
}
