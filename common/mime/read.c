/* A mail's headers, and who may be answered by a rule (RFC 3834). */
#include "body.h"
#include "text/text.h"
#include <stdlib.h>

#define SUBJECT_BYTES_MAX 1000u
#define NAME_BYTES_MAX    320u
#define HEADERS_MAX       1000
#define ARENA_BYTES       (512u << 10)

struct ear_mime {
    struct ear_arena *arena; /* holds more than all that is kept of a mail at most */
    struct ear_mail mail;
    bool starved; /* something that stands in the mail could not be kept */
};

/* ---- texts ---- */

static struct ear_str keep(struct ear_mime *mime, struct ear_str text)
{
    char *copy = ear_arena_copy(mime->arena, text);
    mime->starved |= !copy;
    return copy ? (struct ear_str){copy, text.len} : EAR_STR_NONE;
}

/* One line of well-formed text without control characters. */
static struct ear_str keep_line(struct ear_mime *mime, const char *text, size_t max_bytes)
{
    struct ear_buf line;
    ear_buf_init(&line, 64u << 10);
    struct ear_str kept = EAR_STR_NONE;
    ear_err err = ear_text_repair(ear_str_from(text), &line);
    mime->starved |= err == EAR_NO_MEMORY;
    if (text && !err) {
        for (size_t i = 0; i < line.len; i++)
            if (line.data[i] == '\n' || line.data[i] == '\t') line.data[i] = ' ';
        struct ear_str cut = ear_text_cut(ear_str_trim(ear_buf_str(&line)), EAR_TEXT_BYTES,
                                          max_bytes, EAR_TEXT_AT_GRAPHEME);
        kept = keep(mime, ear_str_trim(cut));
    }
    ear_buf_release(&line);
    return kept;
}

/* ---- people ---- */

static struct ear_str keep_address(struct ear_mime *mime, const char *address)
{
    char lower[EAR_MAIL_ID_BYTES_MAX];
    struct ear_str text = ear_str_trim(ear_str_from(address));
    if (!ear_mail_address_valid(text) || !ear_str_copy(lower, sizeof(lower), text))
        return EAR_STR_NONE;
    for (char *c = lower; *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + ('a' - 'A'));
    return keep(mime, ear_str_from(lower));
}

/* The first mailbox of a list; groups are passed over. */
static InternetAddressMailbox *first_mailbox(InternetAddressList *list)
{
    int count = list ? internet_address_list_length(list) : 0;
    for (int i = 0; i < count && i < HEADERS_MAX; i++) {
        InternetAddress *address = internet_address_list_get_address(list, i);
        if (INTERNET_ADDRESS_IS_MAILBOX(address)) return INTERNET_ADDRESS_MAILBOX(address);
    }
    return NULL;
}

static void read_people(struct ear_mime *mime, GMimeMessage *message)
{
    InternetAddressMailbox *from = first_mailbox(g_mime_message_get_from(message));
    InternetAddressMailbox *reply_to = first_mailbox(g_mime_message_get_reply_to(message));
    if (from) {
        mime->mail.from = keep_address(mime, internet_address_mailbox_get_addr(from));
        mime->mail.from_name =
            keep_line(mime, internet_address_get_name(INTERNET_ADDRESS(from)), NAME_BYTES_MAX);
    }
    if (reply_to)
        mime->mail.reply_to = keep_address(mime, internet_address_mailbox_get_addr(reply_to));
    if (!mime->mail.reply_to.len) mime->mail.reply_to = mime->mail.from;
}

/* ---- threads ---- */

/* Cuts the next "<id>" off *rest, whatever stands between ids; false when there is none. */
static bool next_id(struct ear_str *rest, struct ear_str *id)
{
    const char *open = rest->len ? memchr(rest->ptr, '<', rest->len) : NULL;
    if (!open) return false;
    struct ear_str after = {open + 1, rest->len - (size_t)(open + 1 - rest->ptr)};
    const char *close = after.len ? memchr(after.ptr, '>', after.len) : NULL;
    if (!close) return false;
    *id = (struct ear_str){after.ptr, (size_t)(close - after.ptr)};
    *rest = (struct ear_str){close + 1, after.len - id->len - 1};
    return true;
}

static struct ear_str first_id(struct ear_mime *mime, const char *value)
{
    struct ear_str rest = ear_str_from(value);
    struct ear_str id;
    return next_id(&rest, &id) && ear_mail_id_valid(id) ? keep(mime, id) : EAR_STR_NONE;
}

/* Of too many the first, which tells where it began, and the newest are kept. */
static void read_references(struct ear_mime *mime, const char *value)
{
    struct ear_str rest = ear_str_from(value);
    struct ear_str id;
    size_t count = 0;
    for (struct ear_str all = rest; next_id(&all, &id);) count += ear_mail_id_valid(id);
    size_t skipped = count > EAR_MAIL_REFERENCES_MAX ? count - EAR_MAIL_REFERENCES_MAX : 0;
    for (size_t i = 0; next_id(&rest, &id);) {
        if (!ear_mail_id_valid(id)) continue;
        size_t at = i++;
        if (at > 0 && at <= skipped) continue;
        id = keep(mime, id);
        if (id.len) mime->mail.references[mime->mail.reference_count++] = id;
    }
}

static void read_thread(struct ear_mime *mime, GMimeMessage *message)
{
    GMimeObject *object = GMIME_OBJECT(message);
    mime->mail.message_id = first_id(mime, g_mime_object_get_header(object, "Message-ID"));
    mime->mail.in_reply_to = first_id(mime, g_mime_object_get_header(object, "In-Reply-To"));
    read_references(mime, g_mime_object_get_header(object, "References"));
}

/* ---- automated or not ---- */

struct sign {
    const char *header;
    const char *values; /* comma-separated beginnings; NULL: its presence is enough */
};

static const struct sign signs[] = {
    {"Precedence", "bulk,list,junk,auto_reply,auto-reply"},
    {"X-Autoreply", NULL},
    {"X-Autorespond", NULL},
    {"X-Auto-Response-Suppress", NULL},
    {"List-Id", NULL},
    {"List-Unsubscribe", NULL},
    {"List-Post", NULL},
    {"List-Help", NULL},
    {"X-Failed-Recipients", NULL},
};

static bool begins_with_one(struct ear_str value, const char *list)
{
    struct ear_str rest = ear_str_from(list);
    for (struct ear_str one; ear_str_split(&rest, ',', &one);)
        if (value.len >= one.len && ear_str_eq_nocase((struct ear_str){value.ptr, one.len}, one))
            return true;
    return false;
}

static bool header_says_automated(const char *name, struct ear_str value)
{
    value = ear_str_trim(value);
    if (g_ascii_strcasecmp(name, "Auto-Submitted") == 0) return !begins_with_one(value, "no");
    if (g_ascii_strcasecmp(name, "Return-Path") == 0) return ear_str_eq(value, EAR_STR("<>"));
    for (size_t i = 0; i < EAR_COUNT(signs); i++)
        if (g_ascii_strcasecmp(name, signs[i].header) == 0)
            return !signs[i].values || begins_with_one(value, signs[i].values);
    return false;
}

static void judge(struct ear_mime *mime, GMimeMessage *message)
{
    GMimeHeaderList *headers = g_mime_object_get_header_list(GMIME_OBJECT(message));
    GMimeObject *root = g_mime_message_get_mime_part(message);
    GMimeContentType *type = root ? g_mime_object_get_content_type(root) : NULL;
    int count = g_mime_header_list_get_count(headers);
    for (int i = 0; i < count && i < HEADERS_MAX && !mime->mail.automated; i++) {
        GMimeHeader *header = g_mime_header_list_get_header_at(headers, i);
        mime->mail.automated = header_says_automated(g_mime_header_get_name(header),
                                                     ear_str_from(g_mime_header_get_value(header)));
    }
    mime->mail.report = type && g_mime_content_type_is_type(type, "multipart", "report");
    mime->mail.automated |= mime->mail.report ||
                            begins_with_one(mime->mail.from, "mailer-daemon@,postmaster@,noreply@,"
                                                             "no-reply@,do-not-reply@,donotreply@");
}

/* ---- all of it ---- */

static ear_err read_message(struct ear_mime *mime, GMimeMessage *message, size_t text_max_bytes)
{
    struct ear_buf text;
    GDateTime *date = g_mime_message_get_date(message);
    GMimeObject *root = g_mime_message_get_mime_part(message);
    read_people(mime, message);
    read_thread(mime, message);
    judge(mime, message);
    mime->mail.subject = keep_line(mime, g_mime_message_get_subject(message), SUBJECT_BYTES_MAX);
    /* GMime keeps Content-… with the part they describe. */
    if (root)
        mime->mail.language =
            keep_line(mime, g_mime_object_get_header(root, "Content-Language"), 35);
    if (date) mime->mail.date_us = g_date_time_to_unix(date) * EAR_US_PER_S;
    ear_buf_init(&text, text_max_bytes);
    ear_err err = ear_mime_body(message, &text);
    char *copy = err ? NULL : ear_arena_copy(mime->arena, ear_buf_str(&text));
    mime->mail.text = (struct ear_str){copy, copy ? text.len : 0};
    ear_buf_release(&text);
    return err ? err : copy && !mime->starved ? EAR_OK : EAR_NO_MEMORY;
}

ear_err ear_mime_read(struct ear_str raw, size_t text_max_bytes, struct ear_mime **out,
                      struct ear_diag *diag)
{
    *out = NULL;
    ear_mime_start();
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(raw.ptr ? raw.ptr : "", raw.len);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    ear_err err = EAR_OK;
    g_object_unref(parser);
    g_object_unref(stream);
    if (!message) return ear_fail(diag, EAR_INVALID, "not a mail");
    struct ear_mime *mime = ear_alloc(sizeof(*mime));
    mime->arena = ear_arena_new(text_max_bytes + ARENA_BYTES);
    err = read_message(mime, message, text_max_bytes);
    g_object_unref(message);
    if (err) {
        ear_mime_free(&mime);
        return ear_fail(diag, err, "the mail's text cannot be kept");
    }
    *out = mime;
    return EAR_OK;
}

const struct ear_mail *ear_mime_mail(const struct ear_mime *mime)
{
    return &mime->mail;
}

void ear_mime_free(struct ear_mime **mime)
{
    if (!*mime) return;
    ear_arena_free(&(*mime)->arena);
    EAR_FREE(*mime);
}
