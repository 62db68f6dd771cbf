#include "letter.h"
#include "mime/mime.h"
#include "json/json.h"

#define TEXT_BYTES_MAX   (60u << 10) /* with the subject within what a post may hold */
#define THREAD_BYTES_MAX (64u << 10)
#define REFERENCES_KEPT  20u
#define DAY_US           (INT64_C(24) * 3600 * EAR_US_PER_S)

static ear_err keep(struct ear_arena *arena, struct ear_str text, struct ear_str *out)
{
    char *copy = ear_arena_copy(arena, text);
    *out = (struct ear_str){copy, copy ? text.len : 0};
    return copy ? EAR_OK : EAR_NO_MEMORY;
}

static ear_err set_name(struct ear_str raw, const struct ear_mail *mail, struct ear_arena *arena,
                        struct ear_post_in *post)
{
    uint8_t hash[EAR_SHA256_BYTES];
    char text[sizeof("sha256.") + 2 * EAR_SHA256_BYTES + sizeof("@mail.invalid")];
    if (mail->message_id.len) return keep(arena, mail->message_id, &post->external_id);
    ear_sha256(raw, hash);
    memcpy(text, "sha256.", 7);
    ear_hex(hash, sizeof(hash), text + 7);
    memcpy(text + 7 + 2 * sizeof(hash), "@mail.invalid", sizeof("@mail.invalid"));
    return keep(arena, ear_str_from(text), &post->external_id);
}

static void set_time(const struct ear_mail *mail, int64_t received_us, struct ear_post_in *post)
{
    bool sane = mail->date_us && mail->date_us > received_us - 7 * DAY_US &&
                mail->date_us < received_us + DAY_US;
    post->trusted_at_us = sane ? mail->date_us : 0;
    post->created_at_us = sane && mail->date_us < received_us ? mail->date_us : received_us;
}

static int set_text_of(json_t *object, const char *key, struct ear_str text)
{
    return json_object_set_new(object, key, json_stringn(text.ptr ? text.ptr : "", text.len));
}

/* What an answer needs: {"message_id","references":[…],"subject","to","name"}. */
static json_t *thread_json(const struct ear_mail *mail, struct ear_str message_id)
{
    ear_json_watch();
    json_t *references = json_array();
    size_t count = mail->reference_count;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && i + REFERENCES_KEPT <= count) continue; /* the first and the newest */
        json_array_append_new(references,
                              json_stringn(mail->references[i].ptr, mail->references[i].len));
    }
    json_t *thread = json_object();
    int bad = set_text_of(thread, "message_id", message_id);
    bad |= json_object_set_new(thread, "references", references);
    bad |= set_text_of(thread, "subject", mail->subject);
    bad |= set_text_of(thread, "to", mail->reply_to);
    bad |= set_text_of(thread, "name", mail->from_name);
    if (!bad && !ear_json_starved()) return thread;
    json_decref(thread);
    return NULL;
}

static ear_err set_thread(const struct ear_mail *mail, struct ear_arena *arena,
                          struct ear_post_in *post)
{
    struct ear_buf text;
    struct ear_str parent = mail->in_reply_to;
    struct ear_str root = post->external_id;
    if (!parent.len && mail->reference_count) parent = mail->references[mail->reference_count - 1];
    if (parent.len) root = parent;
    if (mail->reference_count) root = mail->references[0];
    json_t *thread = thread_json(mail, post->external_id);
    ear_buf_init(&text, THREAD_BYTES_MAX);
    /* Its texts are whole: what is missing is memory. */
    ear_err err = thread ? ear_json_write(thread, &text) : EAR_NO_MEMORY;
    if (!err) err = keep(arena, ear_buf_str(&text), &post->thread);
    if (!err && parent.len) err = keep(arena, parent, &post->in_reply_to);
    if (!err) err = keep(arena, root, &post->conversation);
    json_decref(thread);
    ear_buf_release(&text);
    return err;
}

/* The subject is part of what was said, unless it repeats the subject that is answered. */
static ear_err set_text(const struct ear_mail *mail, struct ear_arena *arena,
                        struct ear_post_in *post)
{
    struct ear_buf text;
    bool titled = mail->subject.len && !post->in_reply_to.len;
    ear_buf_init(&text, TEXT_BYTES_MAX + 2048);
    ear_err err = EAR_OK;
    if (titled || !mail->text.len) err = ear_buf_append_str(&text, mail->subject);
    if (!err && text.len && mail->text.len) err = ear_buf_append_str(&text, EAR_STR("\n\n"));
    if (!err) err = ear_buf_append_str(&text, mail->text);
    if (!err && !text.len) err = ear_buf_append_str(&text, EAR_STR("[no text]"));
    if (!err) err = keep(arena, ear_buf_str(&text), &post->text);
    ear_buf_release(&text);
    return err;
}

static ear_err set_author(const struct ear_mail *mail, struct ear_arena *arena,
                          struct ear_post_in *post)
{
    /* A mail that names nobody is heard all the same; nobody can be answered. */
    struct ear_str from = mail->from.len ? mail->from : EAR_STR("nobody@mail.invalid");
    post->automated = mail->automated || !mail->from.len;
    post->author_followers = -1;
    ear_err err = keep(arena, from, &post->author_id);
    if (!err) err = keep(arena, from, &post->author_handle);
    if (!err) err = keep(arena, mail->from_name, &post->author_name);
    return err ? err : keep(arena, mail->language, &post->language);
}

ear_err ear_letter_post(struct ear_str raw, int64_t received_us,
                        const struct ear_letter_place *place, struct ear_arena *arena,
                        struct ear_post_in *post)
{
    struct ear_mime *mime = NULL;
    ear_err err = ear_mime_read(raw, TEXT_BYTES_MAX, &mime, NULL);
    if (err) return err;
    const struct ear_mail *mail = ear_mime_mail(mime);
    *post = (struct ear_post_in){.kind = EAR_POST_NEW,
                                 .platform = place->platform,
                                 .account = place->account,
                                 .visibility = EARSHOT__V1__VISIBILITY__VISIBILITY_DIRECT,
                                 .entry = EARSHOT__V1__ENTRY__ENTRY_MAIL};
    err = set_author(mail, arena, post);
    if (!err) err = set_name(raw, mail, arena, post);
    if (!err) err = set_thread(mail, arena, post);
    if (!err) err = set_text(mail, arena, post);
    set_time(mail, received_us, post);
    post->own = place->own_address.len && ear_str_eq(post->author_id, place->own_address);
    ear_mime_free(&mime);
    return err;
}
