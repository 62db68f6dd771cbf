/* Which part of a mail is its text: the first plain one that is no attachment, else the first HTML
 * one. */
#include "body.h"
#include "html.h"
#include "quote.h"
#include "text/text.h"

#define DEPTH_MAX     32u
#define PARTS_MAX     256u
#define PLAIN_PER_OUT 16u /* HTML and quotes are longer than what is left of them */

struct search {
    GMimeObject *plain; /* borrowed */
    GMimeObject *html;  /* borrowed */
    unsigned parts;
};

static void look_at(struct search *s, GMimeObject *object)
{
    GMimeContentType *type = g_mime_object_get_content_type(object);
    const char *disposition = g_mime_object_get_disposition(object);
    if (disposition && g_ascii_strcasecmp(disposition, "attachment") == 0) return;
    if (!type || !GMIME_IS_PART(object)) return;
    if (!s->plain && g_mime_content_type_is_type(type, "text", "plain")) s->plain = object;
    if (!s->html && g_mime_content_type_is_type(type, "text", "html")) s->html = object;
}

static void search(struct search *s, GMimeObject *object, unsigned depth)
{
    if (!object || s->plain || ++s->parts > PARTS_MAX) return;
    if (!GMIME_IS_MULTIPART(object)) {
        look_at(s, object);
        return;
    }
    GMimeMultipart *multipart = GMIME_MULTIPART(object);
    int count = g_mime_multipart_get_count(multipart);
    for (int i = 0; i < count && depth < DEPTH_MAX; i++)
        search(s, g_mime_multipart_get_part(multipart, i), depth + 1);
}

/* Bytes as they stand in the mail, decoded from their transfer encoding only. */
static char *raw_text(GMimePart *part)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    if (!content) return NULL;
    GMimeStream *stream = g_mime_stream_mem_new();
    char *copy = NULL;
    if (g_mime_data_wrapper_write_to_stream(content, stream) >= 0) {
        const GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
        copy = g_strndup((const char *)bytes->data, bytes->len);
    }
    g_object_unref(stream);
    return copy;
}

static char *decoded(GMimeObject *object)
{
    char *text =
        GMIME_IS_TEXT_PART(object) ? g_mime_text_part_get_text(GMIME_TEXT_PART(object)) : NULL;
    return text ? text : raw_text(GMIME_PART(object));
}

/* The length without a character that was cut in its middle. */
static size_t whole_characters(const char *data, size_t len)
{
    size_t lead = len;
    while (lead > 0 && len - lead < 3 && ((unsigned char)data[lead - 1] & 0xc0) == 0x80) lead--;
    if (!lead) return len;
    unsigned char c = (unsigned char)data[lead - 1];
    size_t wants = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    return len - (lead - 1) < wants ? lead - 1 : len;
}

/* What did not fit any more is cut, which is no failure. */
static ear_err cut(struct ear_buf *out, ear_err err)
{
    if (err != EAR_TOO_LARGE || !out->len) return err == EAR_TOO_LARGE ? EAR_OK : err;
    out->len = whole_characters(out->data, out->len);
    out->data[out->len] = '\0';
    return EAR_OK;
}

static ear_err plain_of(const struct search *s, struct ear_buf *plain)
{
    GMimeObject *object = s->plain ? s->plain : s->html;
    struct ear_buf repaired;
    char *text = decoded(object);
    ear_buf_init(&repaired, plain->max);
    ear_err err = text ? cut(&repaired, ear_text_repair(ear_str_from(text), &repaired)) : EAR_OK;
    if (!err)
        err = cut(plain, s->plain ? ear_buf_append_str(plain, ear_buf_str(&repaired))
                                  : ear_html_text(ear_buf_str(&repaired), plain));
    ear_buf_release(&repaired);
    g_free(text);
    return err;
}

ear_err ear_mime_body(GMimeMessage *message, struct ear_buf *out)
{
    struct search s = {0};
    struct ear_buf plain;
    search(&s, g_mime_message_get_mime_part(message), 0);
    if (!s.plain && !s.html) return EAR_OK;
    ear_buf_init(&plain, out->max * PLAIN_PER_OUT);
    ear_err err = plain_of(&s, &plain);
    if (!err) err = cut(out, ear_quote_cut(ear_buf_str(&plain), out));
    ear_buf_release(&plain);
    return err;
}
